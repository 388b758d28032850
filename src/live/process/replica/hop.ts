// One request inside a replica, from its arrival to its answer.

import type { ServerResponse } from "node:http";
import type { Micros } from "../../../kernel/units.js";
import type { EndpointSpec } from "../../../world/spec.js";
import type { Caller, Identity } from "../shared/identity.js";
import { hintTouched } from "../shared/hint.js";

export type HopState = "queued" | "in-slot" | "done";

export class Hop {
  state: HopState = "queued";
  /** Releases that changed its time; of a failure, those that caused it. */
  slow = 0;
  blame = 0;
  fails = false;

  constructor(
    readonly identity: Identity,
    readonly caller: Caller,
    readonly endpoint: EndpointSpec,
    /** Place of the endpoint in its service. */
    readonly slot: number,
    readonly startedAt: Micros,
    /** Loads of this page before; -1 when it is no page of a client. */
    readonly reload: number,
    readonly response: ServerResponse,
  ) {}

  /** Tells the caller before the answer that these releases slow it: it may give up before the answer comes. */
  hintSlow(): void {
    hintTouched(this.response, this.slow);
  }
}

// A client's page: who asks for what, and what is known of it so far.

import type { Micros } from "../../../kernel/units.js";
import type { EndpointModel } from "../../../world/model.js";

export class Page {
  /** Loads before this one. */
  attempt = 0;
  /** When it was meant to be sent; its latency counts from there, sent late or not. */
  intendedAt: Micros = 0;
  /** Releases that are known to slow it. */
  slow = 0;
  /** The client waits no more. */
  over = false;

  constructor(
    readonly stream: number, readonly number: number, readonly user: number,
    readonly endpoint: EndpointModel, readonly segment: number,
  ) {}
}

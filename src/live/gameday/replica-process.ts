// One replica of a fleet: the same name through all its lives, each a process of its own.

import type { VersionModel, ServiceModel } from "../../world/model.js";
import { replicaName, zoneOf } from "../../world/replicas.js";
import type { Child } from "./child.js";
import type { ReplicaLife } from "./live-books.js";

/** `down` between two lives; `gone` for good. */
export type ReplicaState = "down" | "starting" | "ready" | "draining" | "gone";

export class ReplicaProcess {
  readonly name: string;
  readonly zone: number;
  state: ReplicaState = "down";
  child: Child | null = null;
  /** Where it listens, or listened in its last life: the balancer goes on asking there until its health checks have failed. 0 before its first. */
  port = 0;
  /** Lives begun so far. */
  starts = 0;
  /** Why its present start will fail; null when it won't. */
  startFailure: { readonly mask: number; readonly retryAfter: number } | null = null;
  /** Releases whose defects keep it down; 0 while it serves. */
  downMask = 0;
  /** Liveness probes in a row without an answer. */
  unanswered = 0;
  /** Nobody restarts it although it does not answer: its whole zone is gone. */
  unwatched = false;

  constructor(readonly service: ServiceModel, readonly version: VersionModel, readonly number: number) {
    this.name = replicaName(service.spec.name, version.name, number);
    this.zone = zoneOf(number, service.spec.zones);
  }

  /** A new life, for the books. */
  newLife(): ReplicaLife {
    return { service: this.service.spec.name, version: this.version.name };
  }

  get serving(): boolean {
    return this.state === "ready" || this.state === "draining";
  }
}

// One replica as the cohort world follows it: when it is up, admitted, warm, and how much memory it has taken.

import type { Micros } from "../../kernel/units.js";
import { replicaName, zoneOf } from "../replicas.js";
import type { ServiceModel, VersionModel } from "../model.js";
import type { ServiceTarget } from "./service-target.js";

/** Long before the run: the initial replicas are warm and their caches full. */
export const LONG_AGO: Micros = -1e12;

export type ReplicaPhase = "starting" | "ready" | "draining" | "gone";

export class Replica {
  readonly name: string;
  readonly zone: number;
  phase: ReplicaPhase = "starting";
  /** The balancer sends it requests; a dead one stays admitted until enough probes failed. */
  admitted = false;
  /** Does not answer: an outage effect is on. */
  silent = false;
  /** Shown by a scrape target of its own from its next start on. */
  singled = false;
  /** Sees its version's flag on. */
  flagOn = true;
  /** Since when it does not answer probes; NaN while it does. */
  badSince: Micros = NaN;
  /** Since when its liveness probes, which its own host makes, fail by outages; NaN while they don't. */
  lifelessSince: Micros = NaN;
  starts = 0;
  /** Raised with every change of phase, so that a timer of an earlier life is not obeyed. */
  life = 0;
  startedAt: Micros = 0;
  readyAt: Micros = LONG_AGO;
  cacheSince: Micros = LONG_AGO;
  /** Release whose effect emptied the cache or took the replica down. */
  cacheMask = 0;
  downMask = 0;
  /** Releases that had it killed and started again: but for them it would be warm, and its cache full. */
  coldMask = 0;
  /** Grown memory in bytes up to `grownAt`, all and by release (index 1 + r). */
  readonly grown: Float64Array;
  grownAt: Micros = 0;
  /** The scrape target that shows it: its version's, or one of its own once it is singled out. */
  target: ServiceTarget | null = null;

  constructor(readonly service: ServiceModel, readonly version: VersionModel, readonly number: number, releases: number) {
    this.name = replicaName(service.spec.name, version.name, number);
    this.zone = zoneOf(number, service.spec.zones);
    this.grown = new Float64Array(1 + releases);
  }

  get serving(): boolean {
    return this.phase === "ready" && !this.silent;
  }
}

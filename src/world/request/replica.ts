// One replica of a version: its slots, queue, health, and what effects currently do to it.

import type { Micros } from "../../kernel/units.js";
import type { ServiceSchema } from "../../telemetry/schema.js";
import type { Target } from "../../telemetry/store.js";
import { replicaName, zoneOf } from "../replicas.js";
import type { ServiceModel, VersionModel } from "../model.js";
import { SlowCounts } from "./slow-counts.js";

export const ReplicaState = {
  /** Boots; requests that reach it are refused. */
  starting: 0,
  ready: 1,
  /** Left the balancer; finishes what it has. */
  draining: 2,
  gone: 3,
} as const;
export type ReplicaState = (typeof ReplicaState)[keyof typeof ReplicaState];

/** Long before the run: the initial replicas are warm and their caches full. */
export const LONG_AGO: Micros = -1e12;

export class Replica {
  readonly name: string;
  readonly zone: number;
  state: ReplicaState = ReplicaState.starting;
  /** Counts starts; the index of its start's draws. */
  starts = 0;
  /** Raised whenever its state changes, so that a timer of an earlier life is not obeyed. */
  life = 0;
  startedAt: Micros = 0;
  readyAt: Micros = 0;
  /** Admitted by the balancer's health check, after this many good or bad probes in a row. */
  admitted = false;
  goodProbes = 0;
  badProbes = 0;
  /** Bit per flag, as this replica sees it; and the newest change of each that reached it. */
  flags = 0;
  readonly flagChange: Int32Array;

  /** The service's figures, at hand where each request needs them. */
  readonly cpuIdle: number;
  readonly cpuPerWork: number;
  readonly warmUpFor: Micros;

  slots: number;
  busy = 0;
  queueHead = -1;
  queueTail = -1;
  queued = 0;
  inFlight = 0;
  /** Releases that slowed whoever holds a slot: those who wait inherit them. */
  readonly slowInSlots: SlowCounts;

  /** Set by effects: no answers; CPU demand, in all and by release (index 1 + r; 0 is faults); capacity's releases. */
  out = false;
  outMask = 0;
  /** Since when its liveness probe gets no answer; NaN while it does, or while nobody would restart it. */
  silentSince: Micros = NaN;
  cpuAdd = 0;
  readonly cpuAddBy: Float64Array;
  capacityMask = 0;
  /** Why it is not up, as a mask of releases. */
  downMask = 0;
  /** Releases that had it killed and started again: but for them it would be warm, and its cache full. */
  coldMask = 0;
  cacheSince: Micros = LONG_AGO;
  cacheMask = 0;
  /** Memory grown so far and per microsecond, in all [0] and by release [1 + r]. */
  readonly grown: Float64Array;
  readonly growth: Float64Array;
  grownAt: Micros = 0;
  /** Which effects act on the replica as such, by effect. */
  readonly acting: Uint8Array;

  target: Target<ServiceSchema> | null = null;
  live: readonly Float64Array[] = [];
  offset: Micros = 0;
  /**
   * Work in progress, by telemetry lane, and the sum of its ends minus the sum of its starts: with the count times now
   * that is its integral over time, at one addition per start and end.
   */
  readonly workingBy: Int32Array;
  readonly #endsLessStarts: Float64Array;
  /** The integral at the last scrape. */
  readonly workBefore: Float64Array;
  gaugedAt: Micros = 0;
  /** The same for the autoscaler, whose rounds are its own. */
  workScaled = 0;
  scaledAt: Micros = 0;

  constructor(
    readonly id: number,
    readonly service: ServiceModel,
    readonly version: VersionModel,
    readonly number: number,
    sizes: { readonly releases: number; readonly flags: number; readonly effects: number },
  ) {
    this.name = replicaName(service.spec.name, version.name, number);
    this.zone = zoneOf(number, service.spec.zones);
    this.slots = service.spec.slots;
    this.flagChange = new Int32Array(sizes.flags);
    this.slowInSlots = new SlowCounts(sizes.releases);
    this.cpuAddBy = new Float64Array(1 + sizes.releases);
    this.grown = new Float64Array(1 + sizes.releases);
    this.growth = new Float64Array(1 + sizes.releases);
    this.acting = new Uint8Array(sizes.effects);
    this.#endsLessStarts = new Float64Array(1 + sizes.releases);
    this.workBefore = new Float64Array(1 + sizes.releases);
    this.workingBy = new Int32Array(1 + sizes.releases);
    const { cpu, warmUp } = service.spec;
    this.cpuIdle = cpu.idle;
    this.cpuPerWork = cpu.busy / service.spec.slots;
    this.warmUpFor = warmUp.for;
  }

  /** Whether it answers requests. */
  get serving(): boolean {
    return this.state === ReplicaState.ready || this.state === ReplicaState.draining;
  }

  /** Releases whose effects show in what one waits for here. */
  get blame(): number {
    return this.slowInSlots.mask | this.capacityMask;
  }

  /** Releases that add CPU demand here. */
  cpuMask(): number {
    let mask = 0;
    for (let i = 1; i < this.cpuAddBy.length; i++) if (this.cpuAddBy[i] > 0) mask |= 1 << (i - 1);
    return mask;
  }

  /** Own work begins at `time[0]` for a frame that carries `slow`. */
  beginWork(time: Float64Array, slow: number): void {
    for (let lane = 0; lane < this.workingBy.length; lane++) {
      if (lane > 0 && (slow & (1 << (lane - 1))) !== 0) continue;
      this.workingBy[lane] += 1;
      this.#endsLessStarts[lane] -= time[0];
    }
  }

  /** It ends; `slow` is what it was at the beginning. */
  endWork(time: Float64Array, slow: number): void {
    for (let lane = 0; lane < this.workingBy.length; lane++) {
      if (lane > 0 && (slow & (1 << (lane - 1))) !== 0) continue;
      this.workingBy[lane] -= 1;
      this.#endsLessStarts[lane] += time[0];
    }
  }

  /** All work ends at once: the replica was killed. */
  dropWork(now: Micros): void {
    for (let lane = 0; lane < this.workingBy.length; lane++) {
      this.#endsLessStarts[lane] += this.workingBy[lane] * now;
      this.workingBy[lane] = 0;
    }
  }

  /** Work in progress integrated over time, in microseconds x slots. */
  workUntil(now: Micros, lane: number): number {
    return this.#endsLessStarts[lane] + this.workingBy[lane] * now;
  }

  /** Brings grown memory up to `now`. */
  accrueMemory(now: Micros): void {
    const elapsed = now - this.grownAt;
    this.grownAt = now;
    for (let i = 0; i < this.grown.length; i++) this.grown[i] += this.growth[i] * elapsed;
  }
}

// Replicas of one version that are in the same state, as one queue; and its cells, one per endpoint and user class.

import type { StreamKey } from "../../kernel/draws.js";
import type { Micros } from "../../kernel/units.js";
import type { EffectModel } from "../active-effects.js";
import { Breath } from "./breathing.js";
import { LOADS, nearestLoad } from "./load-grid.js";
import { INSTANT, type Law, type Wait } from "./law.js";
import { queueModel, type QueueModel } from "./queue-model.js";
import type { Replica } from "./replica.js";
import { NO_WAIT } from "./wait.js";
import type { ServiceTarget } from "./service-target.js";
import { WaitingLine } from "./waiting-line.js";

/** What a pool does with requests: works on them, refuses them at once (dead), or never answers (outage). */
export type PoolKind = "serving" | "refusing" | "silent";

/** An effect on own work, and the share of the requests that it acts on. */
export interface Acting {
  readonly effect: EffectModel;
  readonly share: number;
}

/** An endpoint's requests of one user class at one pool. Rates are per second. */
export class Cell {
  /** Arrivals, and those of them that come from clients outside. */
  rate = 0;
  outside = 0;
  own: Law = INSTANT;
  /** Own work and calls: how long a slot is held. */
  hold: Law = INSTANT;
  /** What an admitted request gets: wait, then hold. */
  answer: Law = INSTANT;
  /** What those get that leave the pool's waiting line now; null when requests are booked as they arrive. */
  leaving: Law | null = null;
  /** Per call of the endpoint: how many attempts an admitted request makes on average. */
  readonly attempts: Float64Array;
  /** What `own` was worked out from; the effects among it last. */
  factor = NaN;
  factorMask = -1;
  miss = NaN;
  cacheMask = -1;
  acting: readonly Acting[] = [];
  /** Requests that `answer` stands for but that are not spread over buckets yet: all, and clients' pages. */
  answered = 0;
  answeredPages = 0;
  refused = 0;
  refusedPages = 0;
  /** Since when and until when they came. */
  since: Micros = 0;
  until: Micros = 0;

  constructor(readonly endpoint: number, readonly slot: number, readonly userClass: number, calls: number) {
    this.attempts = new Float64Array(calls);
  }
}

export class Pool {
  readonly queue: QueueModel;
  /** Index into LOADS of the load that the queue behaves like now. */
  load = 0;
  /** Mean number in the system per replica, carried from step to step; and what it was when the step began. */
  inSystem = 0;
  inSystemBefore = 0;
  /** Share of arrivals refused. */
  refused = 0;
  /** Service mean of the slot, in seconds; and how much of it is own work. */
  serviceSeconds = 0;
  ownSeconds = 0;
  /** Releases that a waiting request inherits, and with what chance; and those that a refused one blames. */
  waitMask = 0;
  waitShare = 0;
  blame = 0;
  capacityMask = 0;
  /** Slots doing own work over slots. */
  working = 0;
  /** Share of own work on requests that carry a release, and which releases those are. */
  slowedShare = 0;
  slowedMask = 0;
  /** CPU demand now, all and by release (index 1 + r leaves r out). */
  readonly cpu: Float64Array;
  /** Still moving towards its steady state. */
  moving = false;
  /** Who waits in a long queue. */
  readonly line = new WaitingLine();
  /** The slow fluctuation of its waits. */
  readonly breath = new Breath();
  arrivals = 0;
  /** The wait, and what it was worked out for. */
  wait: Wait = NO_WAIT;
  waitFor = -1;
  waitMean = 0;
  waitVariation = 0;
  /** Conditions of own work that do not depend on the cell. */
  factor = 0;
  factorMask = -1;
  miss = 0;
  cacheMask = 0;

  constructor(
    readonly name: string,
    readonly kind: PoolKind,
    readonly replicas: readonly Replica[],
    readonly target: ServiceTarget | null,
    readonly cells: readonly Cell[],
    readonly slots: number,
    places: number,
    choices: number,
    inTurn: boolean,
    releases: number,
    /** Key of its fluctuations. */
    readonly key: StreamKey,
  ) {
    this.queue = queueModel({ choices, inTurn, replicas: replicas.length, slots, places });
    this.cpu = new Float64Array(1 + releases);
  }

  /** Requests that wait for a slot, over all replicas. */
  get waiting(): number {
    return Math.max(0, this.inSystem - this.queue.shape.slots) * this.replicas.length;
  }

  /** The same before the stretch that was solved last. */
  get waitingBefore(): number {
    return Math.max(0, this.inSystemBefore - this.queue.shape.slots) * this.replicas.length;
  }

  /** How long its slots would take to serve all that wait. */
  get drainSeconds(): number {
    return (this.waiting * this.serviceSeconds) / (this.queue.shape.slots * this.replicas.length);
  }

  /** Slots doing own work over slots, without requests that the release slowed. */
  workingWithout(release: number): number {
    return (this.slowedMask & (1 << release)) === 0 ? this.working : this.working * (1 - this.slowedShare);
  }

  /**
   * Moves the number in the system towards where arrivals lead, by the pointwise stationary fluid-flow approximation: the
   * queue behaves at each moment like the steady one with the same mean number. Rates per second, time in seconds.
   */
  settle(arrivals: number, serviceSeconds: number, seconds: number): void {
    const { queue } = this;
    const perReplica = arrivals / this.replicas.length;
    const offered = (perReplica * serviceSeconds) / queue.shape.slots;
    const aim = nearestLoad(offered);
    const end = queue.point(aim).inSystem;
    let x = this.inSystemBefore;
    if (seconds <= 0 || serviceSeconds <= 0 || Math.abs(x - end) <= NEAR * (end + 1)) {
      this.#rest(aim, seconds <= 0 ? x : end);
      return;
    }
    const rising = x < end;
    let i = this.#loadAt(x);
    let sum = 0;
    let refused = 0;
    const steps = Math.min(STEPS_MAX, Math.max(4, Math.ceil(seconds / (4 * serviceSeconds))));
    const h = seconds / steps;
    for (let step = 0; step < steps; step += 1) {
      const point = queue.point(i);
      refused += point.refused;
      const drift = perReplica * (1 - point.refused) - point.busy / serviceSeconds;
      x += drift * h;
      // The steady point of the same mean number never lies beyond the aim.
      if (rising ? x >= end || drift <= 0 : x <= end || drift >= 0) x = end;
      x = Math.max(0, x);
      i = this.#loadAt(x);
      sum += x;
    }
    this.inSystem = x;
    this.moving = Math.abs(x - end) > NEAR * (end + 1);
    this.load = this.moving ? this.#loadAt(sum / steps) : aim;
    // A queue that fills up refuses late: the mean of refusals, not what is refused at the mean.
    this.refused = refused / steps;
  }

  #rest(load: number, inSystem: number): void {
    this.load = load;
    this.inSystem = inSystem;
    this.moving = false;
    this.refused = this.queue.point(load).refused;
  }

  /** The load whose steady mean number is x. */
  #loadAt(x: number): number {
    let low = 0;
    let high = LOADS.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.queue.point(middle).inSystem >= x) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const NEAR = 0.01;
const STEPS_MAX = 200;

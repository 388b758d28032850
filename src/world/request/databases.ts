// Databases: connections shared by all replicas, a queue of queries that wait for one, locks and outages.

import { uniform } from "../../kernel/draws.js";
import { MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import type { EffectModel } from "../active-effects.js";
import type { CallModel, DatabaseModel } from "../model.js";
import type { Core } from "./core.js";
import type { EffectList } from "./effects-at-work.js";
import { EventKind } from "./event-kinds.js";
import { FrameState } from "./frames.js";
import { drawIndex, Purpose } from "./hop-draws.js";
import { ReplicaState, type Replica } from "./replica.js";
import { SlowCounts } from "./slow-counts.js";
import { TimeoutLane } from "./timeout-lane.js";

/** How often a query that got no answer looks whether the database is back. */
const OUTAGE_POLL: Micros = MICROS_PER_SECOND;

/** The state of one database. */
class Pool {
  inUse = 0;
  /** Connections that effects took, in all and by release [1 + r]. */
  taken = 0;
  readonly takenBy: Float64Array;
  takenMask = 0;
  head = -1;
  tail = -1;
  waiting = 0;
  lockedUntil: Micros = 0;
  lockMask = 0;
  readonly slow: SlowCounts;
  /** Effects of this database that have begun to act: a lock is taken once. */
  readonly locksTaken = new Set<number>();

  constructor(readonly model: DatabaseModel, releases: number, readonly lane: TimeoutLane) {
    this.takenBy = new Float64Array(1 + releases);
    this.slow = new SlowCounts(releases);
  }

  get capacity(): number {
    return Math.max(0, this.model.spec.pool - this.taken);
  }

  /** Releases whose effects show in what a waiting query waits for. */
  get blame(): number {
    return this.slow.mask | this.takenMask;
  }
}

export class Databases {
  readonly pools: readonly Pool[];
  readonly #core: Core;
  readonly #versionCount: number;

  constructor(core: Core) {
    this.#core = core;
    this.#versionCount = core.model.versions.length;
    this.pools = core.model.databases.map((database) =>
      new Pool(database, core.model.releases,
        new TimeoutLane(core.queue, core.frames, database.spec.wait, EventKind.poolTimeout, database.index)));
  }

  /** A hop asks the database something: it takes a connection or waits for one. */
  query(parent: number, call: CallModel, base: number, caller: Replica, slowLink: number): void {
    const core = this.#core;
    const { frames, effects } = core;
    const pool = this.pools[call.database];
    const rated = effects.ratedQuery[call.database * this.#versionCount + caller.version.index];
    if (rated !== null) effects.countArrival(rated, core.time[0]);
    core.hops += 1;
    const frame = frames.take();
    frames.parent[frame] = parent;
    frames.parentToken[frame] = frames.token[parent];
    frames.stream[frame] = frames.stream[parent];
    frames.entity[frame] = frames.entity[parent];
    frames.base[frame] = base;
    frames.user[frame] = frames.user[parent];
    frames.segment[frame] = frames.segment[parent];
    frames.target[frame] = call.database;
    frames.version[frame] = caller.version.index;
    frames.callerReplica[frame] = caller.id;
    frames.startedAt[frame] = core.time[0];
    frames.slow[frame] = 0;
    frames.fails[frame] = 0;
    frames.blame[frame] = 0;
    frames.slowLink[frame] = slowLink;
    if (pool.inUse < pool.capacity) {
      pool.inUse += 1;
      this.#run(frame, pool);
      return;
    }
    frames.state[frame] = FrameState.waiting;
    frames.next[frame] = -1;
    if (pool.waiting === 0) pool.head = frame;
    else frames.next[pool.tail] = frame;
    pool.tail = frame;
    pool.waiting += 1;
    if (pool.blame !== 0) core.taint.addSlow(frame, pool.blame);
    pool.lane.push(frame, core.time);
  }

  /** A connection is the query's: draws its time and whether it fails. */
  #run(frame: number, pool: Pool): void {
    const core = this.#core;
    const { frames, effects } = core;
    const now = core.time[0];
    const key = core.model.traffic[frames.stream[frame]].pageKey;
    const entity = frames.entity[frame];
    const base = frames.base[frame];
    const { errors } = pool.model.spec;
    frames.state[frame] = FrameState.querying;
    let time = pool.model.time.from(uniform(key, entity, drawIndex(base, Purpose.demand)));
    let add = 0;
    let slow = 0;
    if (errors > 0 && uniform(key, entity, drawIndex(base, Purpose.baseError)) < errors) frames.fails[frame] = 1;
    const list = this.#effectsOn(frame, pool);
    if (list !== null) {
      const caller = core.replicas[frames.callerReplica[frame]];
      for (let i = 0; i < list.length; i++) {
        const effect = list[i];
        if (!effects.actsOnCall(effect, caller, frames.user[frame], now)) continue;
        const { what } = effect.effect;
        if (what.kind === "latency") {
          time *= what.factor;
          add += what.add;
          slow |= effect.bit;
        } else if (what.kind === "errors" && frames.fails[frame] === 0 &&
          uniform(effects.errorKeys[effect.index], entity, base) < what.ratio) {
          frames.fails[frame] = 1;
          frames.blame[frame] = effect.bit;
        }
      }
    }
    time += add;
    if (pool.lockedUntil > now) {
      time += pool.lockedUntil - now;
      slow |= pool.lockMask;
    }
    if (frames.slow[frame] !== 0) pool.slow.add(frames.slow[frame]);
    if (slow !== 0) core.taint.addSlow(frame, slow);
    core.after(time, EventKind.queryDone, frame);
  }

  /** Event: the query is done, unless the database does not answer just now. */
  queryDone(frame: number): void {
    const core = this.#core;
    const { frames } = core;
    const pool = this.pools[frames.target[frame]];
    const outage = this.#outageOf(frame, pool);
    if (outage !== null) {
      if (outage.bit !== 0) core.taint.addSlow(frame, outage.bit);
      core.after(Math.min(OUTAGE_POLL, Math.max(1, outage.to - core.time[0])), EventKind.queryDone, frame);
      return;
    }
    const failed = frames.fails[frame] === 1;
    const blame = frames.blame[frame];
    const target = core.meter.databases[pool.model.index];
    core.meter.count(target, target.schema.queriesIndex, frames.slow[frame] | blame);
    pool.slow.remove(frames.slow[frame]);
    pool.inUse -= 1;
    this.#handBack(frame, pool, failed, blame);
    this.serveWaiting(pool);
  }

  #handBack(frame: number, pool: Pool, failed: boolean, blame: number): void {
    const { frames, walk, calls, effects, replicas } = this.#core;
    const parent = frames.parent[frame];
    const token = frames.parentToken[frame];
    if (frames.slowLink[frame] === 1 && frames.token[parent] === token) {
      const caller = replicas[frames.callerReplica[frame]];
      const callee = this.#core.model.services.length + pool.model.index;
      walk.deliverLate(frame, caller, effects.onLink[caller.version.index * effects.callees + callee], failed, blame);
      return;
    }
    frames.release(frame);
    calls.answer(parent, token, failed, blame);
  }

  /** Event: the queries that waited longest may have waited as long as they may. */
  poolTimeouts(database: number): void {
    const pool = this.pools[database];
    const { time } = this.#core;
    for (let frame = pool.lane.takeDue(time); frame >= 0; frame = pool.lane.takeDue(time)) this.#poolTimeout(frame, pool);
  }

  #poolTimeout(frame: number, pool: Pool): void {
    const core = this.#core;
    const { frames } = core;
    // All wait equally long, so the one whose time is up is the first in the queue.
    pool.head = frames.next[frame];
    pool.waiting -= 1;
    const blame = frames.slow[frame] | pool.blame;
    const target = core.meter.databases[pool.model.index];
    core.meter.count(target, target.schema.poolTimeoutsIndex, blame);
    this.#handBack(frame, pool, true, blame);
  }

  /** Gives free connections to waiting queries. */
  serveWaiting(pool: Pool): void {
    const { frames, taint } = this.#core;
    while (pool.waiting > 0 && pool.inUse < pool.capacity) {
      const frame = pool.head;
      pool.head = frames.next[frame];
      pool.waiting -= 1;
      // The timeout of its wait finds another token.
      frames.token[frame] += 1;
      if (pool.blame !== 0) taint.addSlow(frame, pool.blame);
      pool.inUse += 1;
      this.#run(frame, pool);
    }
  }

  /** A query that holds a connection carries these releases more. */
  slowed(database: number, mask: number): void {
    this.pools[database].slow.add(mask);
  }

  /** The caller of a query gave up. */
  countQueryTimeout(database: number, blame: number): void {
    const target = this.#core.meter.databases[database];
    this.#core.meter.count(target, target.schema.queryTimeoutsIndex, blame);
  }

  /** Looks again at what effects do to pools and locks; called when effects, flags or ready replicas change. */
  refresh(): void {
    for (const pool of this.pools) {
      const list = this.#core.effects.onDatabase[pool.model.index];
      if (list === null) continue;
      pool.taken = 0;
      pool.takenMask = 0;
      pool.takenBy.fill(0);
      for (const effect of list) if (this.#acts(effect)) this.#apply(effect, pool);
      this.serveWaiting(pool);
    }
  }

  #apply(effect: EffectModel, pool: Pool): void {
    const { what } = effect.effect;
    if (what.kind === "pool") {
      pool.taken += what.taken;
      pool.takenBy[1 + effect.release] += what.taken;
      pool.takenMask |= effect.bit;
    } else if (what.kind === "lock" && !pool.locksTaken.has(effect.index)) {
      pool.locksTaken.add(effect.index);
      const until = this.#core.now + what.hold;
      pool.lockMask = pool.lockedUntil > this.#core.now ? pool.lockMask | effect.bit : effect.bit;
      pool.lockedUntil = Math.max(pool.lockedUntil, until);
    }
  }

  /** A defect acts on the database itself as long as a ready replica carries it. */
  #acts(effect: EffectModel): boolean {
    const { effects, replicas, time } = this.#core;
    if (effects.armed[effect.index] === 0) return false;
    if (effect.carrierVersion < 0) return true;
    return replicas.some((replica) => replica.state === ReplicaState.ready &&
      replica.version.index === effect.carrierVersion && effects.actsOnReplica(effect, replica, time[0]));
  }

  #outageOf(frame: number, pool: Pool): EffectModel | null {
    const list = this.#effectsOn(frame, pool);
    if (list === null) return null;
    const { effects, frames, replicas, time } = this.#core;
    const caller = replicas[frames.callerReplica[frame]];
    for (const effect of list) {
      if (effect.kind === "outage" && effects.actsOnCall(effect, caller, frames.user[frame], time[0])) return effect;
    }
    return null;
  }

  #effectsOn(frame: number, pool: Pool): EffectList {
    return this.#core.effects.onQuery[pool.model.index * this.#versionCount + this.#core.frames.version[frame]];
  }
}

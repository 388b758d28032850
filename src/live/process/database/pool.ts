// A database's connections: who holds one, who waits for one, and what locks, effects and time limits make of it.

import { uniform } from "../../../kernel/draws.js";
import type { Micros } from "../../../kernel/units.js";
import { durationSampler } from "../../../world/durations.js";
import { drawIndex, Purpose } from "../../../world/request/hop-draws.js";
import { SlowCounts } from "../../../world/request/slow-counts.js";
import type { DatabaseSetup } from "../protocol.js";
import { PageKeys, type Caller, type Identity } from "../shared/identity.js";
import type { RunClock } from "../shared/run-clock.js";
import { Waiting } from "../shared/waiting.js";
import type { EffectsOnDatabase } from "./effects-on-database.js";

/** How often a query that got no answer looks whether the database is back. */
const OUTAGE_POLL: Micros = 100_000;

export type QueryEnd = "ok" | "error" | "pool-timeout";

export class Query {
  slow = 0;
  blame = 0;
  state: "waiting" | "running" | "done" = "waiting";
  patience: NodeJS.Timeout | null = null;

  constructor(
    readonly identity: Identity, readonly caller: Caller,
    /** These releases slow it, told as soon as that is known. */
    readonly slowed: (mask: number) => void,
    readonly ended: (end: QueryEnd) => void,
  ) {}
}

export class Pool {
  inUse = 0;
  readonly waiting: Query[] = [];
  readonly running = new Set<Query>();
  readonly #keys: PageKeys;
  readonly #waits = new Waiting();
  readonly #slow: SlowCounts;

  constructor(readonly setup: DatabaseSetup, readonly effects: EffectsOnDatabase, readonly clock: RunClock) {
    this.#keys = new PageKeys(setup.seed);
    this.#slow = new SlowCounts(setup.releases);
  }

  /** Takes a connection or waits for one. */
  enter(query: Query): void {
    this.effects.countArrival(query.caller, this.clock.now());
    if (this.inUse < this.#capacity) {
      this.#run(query);
      return;
    }
    this.waiting.push(query);
    this.#taint(query, this.#blame);
    query.patience = setTimeout(() => this.#poolTimeout(query), this.setup.database.wait / 1000);
  }

  /** Gives free connections to waiting queries. */
  serveWaiting(): void {
    while (this.waiting.length > 0 && this.inUse < this.#capacity) {
      const query = this.waiting.shift()!;
      if (query.patience !== null) clearTimeout(query.patience);
      this.#taint(query, this.#blame);
      this.#run(query);
    }
  }

  get #capacity(): number {
    return Math.max(0, this.setup.database.pool - this.effects.taken);
  }

  /** Releases whose effects show in what a waiting query waits for. */
  get #blame(): number {
    return this.#slow.mask | this.effects.takenMask;
  }

  /** A connection is the query's: it waits as long as the query takes. */
  #run(query: Query): void {
    this.inUse += 1;
    query.state = "running";
    this.running.add(query);
    const now = this.clock.now();
    const { entity, base, stream, user } = query.identity;
    const key = this.#keys.of(stream);
    const { time: spec, errors } = this.setup.database;
    let time = durationSampler(spec).from(uniform(key, entity, drawIndex(base, Purpose.demand)));
    let fails = errors > 0 && uniform(key, entity, drawIndex(base, Purpose.baseError)) < errors;
    let [add, slow] = [0, 0];
    for (const state of this.effects.onQuery) {
      if (!this.effects.actsOnQuery(state, query.caller, user, now)) continue;
      const { what } = state.effect;
      if (what.kind === "latency") {
        time *= what.factor;
        add += what.add;
        slow |= state.bit;
      } else if (what.kind === "errors" && !fails && uniform(state.errorKey, entity, base) < what.ratio) {
        fails = true;
        query.blame = state.bit;
      }
    }
    time += add;
    if (this.effects.lockedUntil > now) {
      time += this.effects.lockedUntil - now;
      slow |= this.effects.lockMask;
    }
    this.#slow.add(query.slow);
    this.#taint(query, slow);
    this.#waits.after(time, () => this.#done(query, fails));
  }

  /** The query is done, unless the database does not answer just now. */
  #done(query: Query, fails: boolean): void {
    const now = this.clock.now();
    const outage = this.effects.onQuery.find((state) =>
      state.effect.what.kind === "outage" && this.effects.actsOnQuery(state, query.caller, query.identity.user, now));
    if (outage !== undefined) {
      this.#taint(query, outage.bit);
      this.#waits.after(OUTAGE_POLL, () => this.#done(query, fails));
      return;
    }
    this.#slow.remove(query.slow);
    query.state = "done";
    this.running.delete(query);
    this.inUse -= 1;
    query.ended(fails ? "error" : "ok");
    this.serveWaiting();
  }

  #poolTimeout(query: Query): void {
    if (query.state !== "waiting") return;
    this.waiting.splice(this.waiting.indexOf(query), 1);
    query.state = "done";
    query.blame = query.slow | this.#blame;
    query.ended("pool-timeout");
  }

  #taint(query: Query, mask: number): void {
    const more = mask & ~query.slow;
    if (more === 0) return;
    query.slow |= more;
    if (query.state === "running") this.#slow.add(more);
    query.slowed(query.slow);
  }
}

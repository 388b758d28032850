// Calls from this replica to services and databases: timeouts, retries with their budget, breakers, slow and broken links.

import { uniform } from "../../../kernel/draws.js";
import type { Micros } from "../../../kernel/units.js";
import { Breaker } from "../../../world/request/breaker.js";
import { childBase, drawIndex, Purpose } from "../../../world/request/hop-draws.js";
import { RetryBudget } from "../../../world/request/retry-budget.js";
import type { CallSpec } from "../../../world/spec.js";
import { Header, type ReplicaSetup } from "../protocol.js";
import { carrierHeader, identityHeader, PageKeys } from "../shared/identity.js";
import { formatReleases, parseReleases } from "../shared/releases.js";
import { processMicros, type RunClock } from "../shared/run-clock.js";
import type { Waiting } from "../shared/waiting.js";
import { requestHeaders, Wire } from "../shared/wire.js";
import { calleeOf, type EffectsHere } from "./effects-here.js";
import type { Hop } from "./hop.js";

/** Calls that were given up go on at the callee and keep their connection, so there is room for many. */
const CONNECTIONS = 1024;
/** Statuses by which a failed call shows in the caller's own answer. */
const BAD_GATEWAY = 502;
const GATEWAY_TIMEOUT = 504;
const UNAVAILABLE = 503;

/** What calls ask of whoever makes them. */
export interface CallsOwner {
  /** These releases slowed the hop. */
  taint(hop: Hop, mask: number): void;
  /** All its calls are made, or one failed for good. */
  finish(hop: Hop, status: number, blame: number): void;
}

export class Calls {
  readonly #keys: PageKeys;
  readonly #wires = new Map<string, Wire>();
  readonly #budgets = new Map<CallSpec, RetryBudget>();
  readonly #breakers = new Map<string, Breaker>();

  constructor(
    readonly setup: ReplicaSetup, readonly effects: EffectsHere, readonly clock: RunClock, readonly waiting: Waiting,
    readonly owner: CallsOwner,
  ) {
    this.#keys = new PageKeys(setup.seed);
    for (const { calls } of setup.service.endpoints) {
      for (const call of calls) {
        const callee = calleeOf(call);
        const port = call.to.kind === "database" ? setup.databasePorts[callee] : setup.servicePorts[callee];
        if (port === undefined) throw new Error(`${setup.replica} calls ${callee}, whose port it was not told`);
        if (!this.#wires.has(callee)) this.#wires.set(callee, new Wire(port, CONNECTIONS));
        if (call.retries.max > 0) this.#budgets.set(call, new RetryBudget(call.retries.budget));
        if (call.breaker !== null && !this.#breakers.has(callee)) this.#breakers.set(callee, new Breaker(call.breaker));
      }
    }
  }

  /** Makes the next call that this request makes, or answers when there is none left. */
  next(hop: Hop, from: number): void {
    const { calls } = hop.endpoint;
    const { stream, entity, base } = hop.identity;
    for (let position = from; position < calls.length; position++) {
      const { share } = calls[position];
      if (share < 1) {
        const draw = uniform(this.#keys.of(stream), entity, drawIndex(childBase(base, position, 0), Purpose.share));
        if (draw >= share) continue;
      }
      this.#budgets.get(calls[position])?.countTry(processMicros());
      this.#try(hop, position, 0);
      return;
    }
    this.owner.finish(hop, 200, 0);
  }

  /** One try of a call: exactly one of answer, timeout and refusal ends it. */
  #try(hop: Hop, position: number, attempt: number): void {
    const call = hop.endpoint.calls[position];
    const callee = calleeOf(call);
    const breaker = this.#breakers.get(callee);
    if (breaker !== undefined && !breaker.admits(processMicros())) {
      this.#failed(hop, position, UNAVAILABLE, breaker.blame);
      return;
    }
    const { stream, entity, base: callerBase, user } = hop.identity;
    const base = childBase(callerBase, position, attempt);
    const startedAt = processMicros();
    let over = false;
    const end = (status: number, blame: number): void => {
      if (over) return;
      over = true;
      clearTimeout(patience);
      this.#ended(hop, position, attempt, status, blame);
    };
    const patience = setTimeout(() => {
      if (over) return;
      if (call.to.kind === "database") this.#tellGaveUp(callee, hop.slow);
      end(GATEWAY_TIMEOUT, hop.slow);
    }, call.timeout / 1000);
    const link = this.#linkFor(hop, callee, base);
    if (link.silent) {
      this.owner.taint(hop, link.mask);
      return;
    }
    if (link.fails) {
      // An answer of the next turn, so that the caller's state is settled when it comes.
      setImmediate(() => end(BAD_GATEWAY, link.mask));
      return;
    }
    const path = call.to.kind === "database" ? "/query" : `/${call.to.endpoint}`;
    const { service, version, flagOn } = this.effects.self;
    const headers = requestHeaders(user, identityHeader(stream, entity, base), service, carrierHeader(version, flagOn, this.setup.replica));
    this.#wires.get(callee)!.ask(path, headers, (answer) => {
      const touched = parseReleases(answer.header(Header.touched));
      const blame = parseReleases(answer.header(Header.blamed));
      const status = !answer.failed ? 200 : answer.status === 0 ? BAD_GATEWAY : answer.status;
      const arrive = (): void => {
        if (over) return;
        if (touched !== 0) this.owner.taint(hop, touched);
        end(status, blame);
      };
      const extra = link.extra(processMicros() - startedAt);
      if (extra <= 0) {
        arrive();
        return;
      }
      if (!over) this.owner.taint(hop, link.mask);
      this.waiting.after(extra, arrive);
    }, (hint) => {
      if (!over) this.owner.taint(hop, parseReleases(hint.header(Header.touched)));
    });
  }

  /** What effects do to the link for this call. */
  #linkFor(hop: Hop, callee: string, base: number): LinkEffects {
    const now = this.clock.now();
    const link = new LinkEffects();
    for (const state of this.effects.onLink(callee)) {
      state.countArrival(now);
      if (!this.effects.actsOnCall(state, hop.identity.user, now)) continue;
      const { what } = state.effect;
      if (what.kind === "outage") {
        link.silent = true;
        link.mask = state.bit;
        return link;
      }
      if (what.kind === "latency") {
        link.factor += what.factor - 1;
        link.add += what.add;
        link.mask |= state.bit;
      } else if (what.kind === "errors" && uniform(state.errorKey, hop.identity.entity, base) < what.ratio) {
        link.fails = true;
        link.mask = state.bit;
        return link;
      }
    }
    return link;
  }

  /** A try ended: the breaker hears of it, then the call goes on, is tried again, or fails. */
  #ended(hop: Hop, position: number, attempt: number, status: number, blame: number): void {
    const call = hop.endpoint.calls[position];
    const failed = status !== 200;
    const now = processMicros();
    this.#breakers.get(calleeOf(call))?.record(now, failed, blame);
    if (!failed) {
      this.next(hop, position + 1);
      return;
    }
    const budget = this.#budgets.get(call);
    if (budget === undefined || attempt >= call.retries.max || !budget.takeRetry(now)) {
      this.#failed(hop, position, status, blame);
      return;
    }
    this.owner.taint(hop, blame);
    this.waiting.after(call.retries.backoff, () => this.#try(hop, position, attempt + 1));
  }

  /** No more tries: an optional call is passed over, another fails the request. */
  #failed(hop: Hop, position: number, status: number, blame: number): void {
    if (!hop.endpoint.calls[position].optional) {
      this.owner.finish(hop, status, blame);
      return;
    }
    this.owner.taint(hop, blame);
    this.next(hop, position + 1);
  }

  /** The database counts queries whose callers gave up; it cannot see that by itself. */
  #tellGaveUp(database: string, blame: number): void {
    const { service, version, flagOn } = this.effects.self;
    const headers = [
      ...requestHeaders(0, identityHeader(0, 0, 0), service, carrierHeader(version, flagOn, this.setup.replica)),
      Header.blamed, formatReleases(blame),
    ];
    this.#wires.get(database)!.ask("/gave-up", headers, () => undefined);
  }

  /** Whether the breaker to this callee is open. */
  breakerOpen(callee: string): boolean {
    return this.#breakers.get(callee)?.isOpen ?? false;
  }

  destroy(): void {
    for (const wire of this.#wires.values()) wire.destroy();
  }
}

/** What a link does to one call. */
class LinkEffects {
  silent = false;
  fails = false;
  mask = 0;
  add: Micros = 0;
  /** Sum of (factor - 1) over latency effects. */
  factor = 0;

  extra(took: Micros): Micros {
    return this.factor * took + this.add;
  }
}

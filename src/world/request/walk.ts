// A request's way: balancer, replica, queue, own work, calls with timeouts and retries, answer.

import { EventClass } from "../../kernel/clock.js";
import { uniform } from "../../kernel/draws.js";
import { exactExp } from "../../kernel/exact.js";
import type { Micros } from "../../kernel/units.js";
import type { EffectModel } from "../active-effects.js";
import type { CallModel, EndpointModel } from "../model.js";
import { Breaker } from "./breaker.js";
import type { Core } from "./core.js";
import type { EffectList } from "./effects-at-work.js";
import { EventKind } from "./event-kinds.js";
import { FrameState } from "./frames.js";
import { childBase, drawIndex, Purpose } from "./hop-draws.js";
import { ReplicaState, type Replica } from "./replica.js";
import { RetryBudget } from "./retry-budget.js";
import { TimeoutLane } from "./timeout-lane.js";

/** After this many fill times a cache is full for all purposes (e^-20). */
const CACHE_FULL_AFTER = 20;

export class Walk {
  /** Per service, for Little's law: requests inside, their integral over time, arrivals and summed latency. */
  readonly inside: Int32Array;
  readonly insideSince: Float64Array;
  readonly insideIntegral: Float64Array;
  readonly arrivals: Float64Array;
  readonly latency: Float64Array;
  readonly #core: Core;
  /** One lane per distinct timeout; and the lane of each call. */
  readonly #lanes: readonly TimeoutLane[];
  readonly #laneOf: readonly TimeoutLane[];
  /** By version x calls + call; null where the call has no retries. */
  readonly #budgets: readonly (RetryBudget | null)[];
  /** By version x callees + callee. */
  readonly #breakers: readonly (Breaker | null)[];
  /** Own work being drawn: what is multiplied, and what is added. An array, so that no double is boxed. */
  readonly #own = new Float64Array(2);
  readonly #endpointCount: number;
  readonly #callCount: number;

  constructor(core: Core) {
    this.#core = core;
    const { model } = core;
    const { services, calls, versions } = model;
    this.inside = new Int32Array(services.length);
    this.insideSince = new Float64Array(services.length);
    this.insideIntegral = new Float64Array(services.length);
    this.arrivals = new Float64Array(services.length);
    this.latency = new Float64Array(services.length);
    this.#endpointCount = model.endpoints.length;
    this.#callCount = calls.length;
    const timeouts = [...new Set(calls.map(({ timeout }) => timeout))];
    this.#lanes = timeouts.map((timeout, i) => new TimeoutLane(core.queue, core.frames, timeout, EventKind.callTimeout, i));
    this.#laneOf = calls.map(({ timeout }) => this.#lanes[timeouts.indexOf(timeout)]);
    this.#budgets = versions.flatMap((version) => calls.map((call) =>
      call.callerService === version.service && call.retries.max > 0 ? new RetryBudget(call.retries.budget) : null));
    this.#breakers = versions.flatMap((version) => Array.from({ length: core.effects.callees }, (_, callee) => {
      const call = calls.find((c) => c.callerService === version.service && c.callee === callee && c.breaker !== null);
      return call === undefined ? null : new Breaker(call.breaker!);
    }));
  }

  /** Sends a hop to a service on behalf of `parent` (a page or a hop), which waits for the answer. */
  send(parent: number, endpointIndex: number, base: number, caller: Replica | null, slowLink: number): void {
    const core = this.#core;
    const { frames } = core;
    const endpoint = core.model.endpoints[endpointIndex];
    const balancer = core.balancers[endpoint.service];
    const stream = frames.stream[parent];
    const entity = frames.entity[parent];
    const user = frames.user[parent];
    const place = balancer.versionFor(user);
    const version = balancer.service.versions[place];
    if (caller === null) frames.version[parent] = version;
    core.hops += 1;
    const replica = balancer.pick(place, core.model.traffic[stream].pageKey, entity, base);
    if (replica === null || !replica.serving) {
      // Nobody listens there: refused at once, seen by the caller only.
      const blame = core.lifecycle.lossMask(version);
      this.answer(parent, frames.token[parent], true, blame);
      return;
    }
    if (replica.out) {
      this.addSlow(parent, replica.outMask);
      return;
    }
    if (caller === null) frames.replica[parent] = replica.id;
    const frame = frames.take();
    frames.parent[frame] = parent;
    frames.parentToken[frame] = frames.token[parent];
    frames.stream[frame] = stream;
    frames.entity[frame] = entity;
    frames.base[frame] = base;
    frames.user[frame] = user;
    frames.segment[frame] = frames.segment[parent];
    frames.target[frame] = endpointIndex;
    frames.version[frame] = version;
    frames.replica[frame] = replica.id;
    frames.callerReplica[frame] = caller === null ? -1 : caller.id;
    frames.startedAt[frame] = core.time[0];
    frames.slow[frame] = 0;
    frames.fails[frame] = 0;
    frames.blame[frame] = 0;
    frames.slowLink[frame] = slowLink;
    this.#enter(frame, replica, endpoint);
  }

  /** The hop reaches its replica: a slot, the queue, or a refusal. */
  #enter(frame: number, replica: Replica, endpoint: EndpointModel): void {
    const core = this.#core;
    const { frames, effects } = core;
    const service = endpoint.service;
    const rated = effects.ratedWork[replica.version.index * this.#endpointCount + endpoint.index];
    if (rated !== null) effects.countArrival(rated, core.time[0]);
    if (replica.busy < replica.slots) {
      this.#countInside(service, 1);
      replica.inFlight += 1;
      replica.busy += 1;
      this.#work(frame, replica, endpoint);
      return;
    }
    const blame = replica.blame | core.lifecycle.lossMask(replica.version.index);
    if (replica.queued < replica.service.spec.queue) {
      this.#countInside(service, 1);
      replica.inFlight += 1;
      frames.state[frame] = FrameState.queued;
      frames.next[frame] = -1;
      if (replica.queued === 0) replica.queueHead = frame;
      else frames.next[replica.queueTail] = frame;
      replica.queueTail = frame;
      replica.queued += 1;
      if (blame !== 0) this.addSlow(frame, blame);
      return;
    }
    core.meter.answered(replica, endpoint, true, 0, blame, frames.segment[frame]);
    this.#handBack(frame, true, blame);
  }

  /** A slot is the frame's: draws its own work and what goes wrong in it. */
  #work(frame: number, replica: Replica, endpoint: EndpointModel): void {
    const core = this.#core;
    const { frames, time } = core;
    frames.state[frame] = FrameState.working;
    const own = this.#own;
    own[0] = this.#demand(frame, endpoint);
    own[1] = 0;
    let slow = 0;
    const life = time[0] - replica.readyAt;
    if (life < replica.warmUpFor) {
      const { factor } = replica.service.spec.warmUp;
      own[0] *= factor + ((1 - factor) * life) / replica.warmUpFor;
    }
    const list = core.effects.onWork[replica.version.index * this.#endpointCount + endpoint.index];
    if (list !== null) slow = this.#sufferEffects(frame, replica, list);
    const cpu = replica.cpuIdle + replica.cpuPerWork * (replica.workingBy[0] + 1) + replica.cpuAdd;
    if (cpu > 1) {
      own[0] *= cpu;
      if (replica.cpuAdd > 0) slow |= replica.cpuMask();
    }
    if (replica.service.cacheMiss !== null) slow |= this.#useCache(frame, replica);
    if (slow !== 0) this.addSlow(frame, slow);
    replica.beginWork(time, frames.slow[frame]);
    core.queue.time[0] = time[0] + Math.round(own[0] + own[1]);
    core.queue.push(EventClass.world, EventKind.workDone, frame);
  }

  /** The service time that the request brings along, and whether it is one of the endpoint's base errors. */
  #demand(frame: number, endpoint: EndpointModel): Micros {
    const { frames, model, probe } = this.#core;
    const key = model.traffic[frames.stream[frame]].pageKey;
    const entity = frames.entity[frame];
    const base = frames.base[frame];
    const demand = endpoint.time.from(uniform(key, entity, drawIndex(base, Purpose.demand)));
    const { errors } = endpoint.spec;
    let errorDraw = NaN;
    if (errors > 0) {
      errorDraw = uniform(key, entity, drawIndex(base, Purpose.baseError));
      if (errorDraw < errors) frames.fails[frame] = 1;
    }
    if (probe !== null) probe.hop(frames.stream[frame], entity, base, demand, errorDraw);
    return demand;
  }

  /** Errors and latency of effects, into `fails`, `blame` and `#own`; returns the releases that changed its time. */
  #sufferEffects(frame: number, replica: Replica, list: readonly EffectModel[]): number {
    const { frames, effects, replicas, time } = this.#core;
    const callerId = frames.callerReplica[frame];
    const caller = callerId < 0 ? null : replicas[callerId];
    let slow = 0;
    for (let i = 0; i < list.length; i++) {
      const effect = list[i];
      if (!effects.actsOnWork(effect, replica, caller, frames.user[frame], time[0])) continue;
      const { what } = effect.effect;
      if (what.kind === "latency") {
        this.#own[0] *= what.factor;
        this.#own[1] += what.add;
        slow |= effect.bit;
      } else if (what.kind === "errors" && frames.fails[frame] === 0 &&
        uniform(effects.errorKeys[effect.index], frames.entity[frame], frames.base[frame]) < what.ratio) {
        frames.fails[frame] = 1;
        frames.blame[frame] = effect.bit;
      }
    }
    return slow;
  }

  /** Adds the time of a cache miss; returns the releases to blame for it. */
  #useCache(frame: number, replica: Replica): number {
    const { frames, model, time } = this.#core;
    const cold = this.#missesCache(frame, replica, time[0]);
    if (cold < 0) return 0;
    const key = model.traffic[frames.stream[frame]].pageKey;
    const draw = uniform(key, frames.entity[frame], drawIndex(frames.base[frame], Purpose.cacheMiss));
    this.#own[1] += replica.service.cacheMiss!.from(draw);
    return cold;
  }

  /** -1 for a hit; for a miss the releases that emptied the cache, as far as a full one would have hit. */
  #missesCache(frame: number, replica: Replica, now: Micros): number {
    const { frames, model } = this.#core;
    const cache = replica.service.spec.cache!;
    const draw = uniform(model.traffic[frames.stream[frame]].pageKey, frames.entity[frame], drawIndex(frames.base[frame], Purpose.cacheHit));
    const age = now - replica.cacheSince;
    const filled = age > CACHE_FULL_AFTER * cache.fill ? 1 : 1 - exactExp(-age / cache.fill);
    if (draw < cache.hit * filled) return -1;
    return draw < cache.hit ? replica.cacheMask : 0;
  }

  /** Event: own work is done. */
  workDone(frame: number): void {
    const core = this.#core;
    const { frames } = core;
    if (frames.state[frame] === FrameState.dead) {
      frames.release(frame);
      return;
    }
    const replica = core.replicas[frames.replica[frame]];
    replica.endWork(core.time, frames.slow[frame]);
    if (frames.fails[frame] === 1) this.#finish(frame, true, frames.blame[frame]);
    else this.#nextCall(frame, 0);
  }

  /** Makes the next call that this request makes, or answers when there is none left. */
  #nextCall(frame: number, from: number): void {
    const core = this.#core;
    const { frames, model } = core;
    const { calls } = model.endpoints[frames.target[frame]];
    for (let position = from; position < calls.length; position++) {
      const { share } = calls[position];
      if (share < 1) {
        const base = childBase(frames.base[frame], position, 0);
        const draw = uniform(model.traffic[frames.stream[frame]].pageKey, frames.entity[frame], drawIndex(base, Purpose.share));
        if (draw >= share) continue;
      }
      frames.call[frame] = position;
      frames.attempt[frame] = 0;
      this.#try(frame, calls[position]);
      return;
    }
    this.#finish(frame, false, 0);
  }

  /** One try of the frame's current call. */
  #try(frame: number, call: CallModel): void {
    const core = this.#core;
    const { frames, effects } = core;
    const now = core.time[0];
    const caller = core.replicas[frames.replica[frame]];
    const version = caller.version.index;
    frames.state[frame] = FrameState.calling;
    if (frames.attempt[frame] === 0) this.#budgets[version * this.#callCount + call.index]?.countTry(now);
    const breaker = this.#breakers[version * effects.callees + call.callee];
    if (breaker !== null && !breaker.admits(now)) {
      this.#callFailed(frame, call, breaker.blame);
      return;
    }
    const linkAt = version * effects.callees + call.callee;
    const rated = effects.ratedLink[linkAt];
    if (rated !== null) effects.countArrival(rated, now);
    this.#laneOf[call.index].push(frame, core.time);
    const attempt = frames.attempt[frame];
    const base = childBase(frames.base[frame], call.position, attempt);
    let slowLink = 0;
    const links = effects.onLink[linkAt];
    if (links !== null) {
      for (let i = 0; i < links.length; i++) {
        const effect = links[i];
        if (!effects.actsOnCall(effect, caller, frames.user[frame], now)) continue;
        const { what } = effect.effect;
        if (what.kind === "outage") {
          // Nothing comes back: the caller's timeout ends it.
          this.addSlow(frame, effect.bit);
          return;
        }
        if (what.kind === "latency") slowLink = 1;
        else if (what.kind === "errors" && uniform(effects.errorKeys[effect.index], frames.entity[frame], base) < what.ratio) {
          this.answer(frame, frames.token[frame], true, effect.bit);
          return;
        }
      }
    }
    if (call.database >= 0) core.databases.query(frame, call, base, caller, slowLink);
    else this.send(frame, call.endpoint, base, caller, slowLink);
  }

  /** Event: the patience of callers in this lane may be over. */
  timeouts(index: number): void {
    const lane = this.#lanes[index];
    for (let frame = lane.takeDue(this.#core.time); frame >= 0; frame = lane.takeDue(this.#core.time)) this.#timeout(frame);
  }

  #timeout(frame: number): void {
    const core = this.#core;
    const { frames } = core;
    const call = this.#currentCall(frame);
    if (call.database >= 0) core.databases.countQueryTimeout(call.database, frames.slow[frame]);
    frames.token[frame] += 1;
    this.#callEnded(frame, call, true, frames.slow[frame]);
  }

  /** An answer for `parent`, if it still waits for it. */
  answer(parent: number, token: number, failed: boolean, blame: number): void {
    const { frames, pages } = this.#core;
    if (frames.token[parent] !== token) return;
    if (frames.state[parent] === FrameState.page) {
      pages.answered(parent, failed, blame);
      return;
    }
    const call = this.#currentCall(parent);
    frames.token[parent] += 1;
    this.#callEnded(parent, call, failed, blame);
  }

  #currentCall(frame: number): CallModel {
    const { frames, model } = this.#core;
    return model.endpoints[frames.target[frame]].calls[frames.call[frame]];
  }

  /** A try ended: the breaker hears of it, then the call goes on, is tried again, or fails. */
  #callEnded(frame: number, call: CallModel, failed: boolean, blame: number): void {
    const core = this.#core;
    const { frames, effects } = core;
    const now = core.time[0];
    const version = frames.version[frame];
    const breaker = this.#breakers[version * effects.callees + call.callee];
    if (breaker !== null) {
      const change = breaker.record(now, failed, blame);
      if (change !== 0) this.#noteBreaker(version, call, change > 0);
    }
    if (!failed) {
      this.#nextCall(frame, call.position + 1);
      return;
    }
    const budget = this.#budgets[version * this.#callCount + call.index];
    if (budget === null || frames.attempt[frame] >= call.retries.max || !budget.takeRetry(now)) {
      this.#callFailed(frame, call, blame);
      return;
    }
    frames.attempt[frame] += 1;
    if (blame !== 0) this.addSlow(frame, blame);
    frames.state[frame] = FrameState.backingOff;
    core.after(call.retries.backoff, EventKind.retry, frame);
  }

  /** No more tries: an optional call is passed over, another fails the request. */
  #callFailed(frame: number, call: CallModel, blame: number): void {
    if (!call.optional) {
      this.#finish(frame, true, blame);
      return;
    }
    if (blame !== 0) this.addSlow(frame, blame);
    this.#nextCall(frame, call.position + 1);
  }

  /** Event: the backoff is over. */
  retry(frame: number): void {
    const { frames } = this.#core;
    if (frames.state[frame] === FrameState.dead) frames.release(frame);
    else this.#try(frame, this.#currentCall(frame));
  }

  /** The hop is answered: books, slot, the next in the queue, then the caller. */
  #finish(frame: number, failed: boolean, blame: number): void {
    const core = this.#core;
    const { frames } = core;
    const replica = core.replicas[frames.replica[frame]];
    const endpoint = core.model.endpoints[frames.target[frame]];
    const latency = core.time[0] - frames.startedAt[frame];
    const slow = frames.slow[frame];
    this.#countInside(endpoint.service, -1);
    this.latency[endpoint.service] += latency;
    replica.slowInSlots.remove(slow);
    replica.busy -= 1;
    replica.inFlight -= 1;
    const silent = replica.out;
    if (silent) {
      if (replica.outMask !== 0) this.addSlow(frames.parent[frame], replica.outMask, frames.parentToken[frame]);
    } else {
      core.meter.answered(replica, endpoint, failed, latency, failed ? slow | blame : slow, frames.segment[frame]);
    }
    if (replica.queued > 0) this.serveQueue(replica);
    else if (replica.inFlight === 0 && replica.state === ReplicaState.draining) core.lifecycle.drained(replica);
    if (silent) frames.release(frame);
    else this.#handBack(frame, failed, blame);
  }

  /** Gives the answer to the caller, over the link if that is slow, and the row back. */
  #handBack(frame: number, failed: boolean, blame: number): void {
    const { frames, effects, replicas, model } = this.#core;
    const parent = frames.parent[frame];
    const token = frames.parentToken[frame];
    if (frames.slowLink[frame] === 1 && frames.token[parent] === token) {
      const caller = replicas[frames.callerReplica[frame]];
      const links = effects.onLink[caller.version.index * effects.callees + model.endpoints[frames.target[frame]].service];
      this.deliverLate(frame, caller, links, failed, blame);
      return;
    }
    frames.release(frame);
    this.answer(parent, token, failed, blame);
  }

  /** The answer of a hop or query crosses a link that adds time. */
  deliverLate(frame: number, caller: Replica, links: EffectList, failed: boolean, blame: number): void {
    const core = this.#core;
    const { frames, effects } = core;
    const now = core.time[0];
    const took = now - frames.startedAt[frame];
    let delay = 0;
    let slow = 0;
    for (const effect of links ?? []) {
      const { what } = effect.effect;
      if (what.kind !== "latency" || !effects.actsOnCall(effect, caller, frames.user[frame], now)) continue;
      delay += (what.factor - 1) * took + what.add;
      slow |= effect.bit;
    }
    // It holds neither slot nor connection any more, so only the caller is slowed.
    if (slow !== 0) this.addSlow(frames.parent[frame], slow, frames.parentToken[frame]);
    frames.state[frame] = FrameState.delivering;
    frames.fails[frame] = failed ? 1 : 0;
    frames.blame[frame] = blame;
    core.after(Math.max(0, delay), EventKind.delivered, frame);
  }

  /** Event: a late answer arrives. */
  delivered(frame: number): void {
    const { frames } = this.#core;
    const parent = frames.parent[frame];
    const token = frames.parentToken[frame];
    const failed = frames.fails[frame] === 1;
    const blame = frames.blame[frame];
    frames.release(frame);
    this.answer(parent, token, failed, blame);
  }

  /** Lets waiting requests into free slots. */
  serveQueue(replica: Replica): void {
    const { frames, model } = this.#core;
    while (replica.queued > 0 && replica.busy < replica.slots) {
      const frame = replica.queueHead;
      replica.queueHead = frames.next[frame];
      replica.queued -= 1;
      const blame = replica.blame;
      if (blame !== 0) this.addSlow(frame, blame);
      replica.busy += 1;
      const slow = frames.slow[frame];
      frames.state[frame] = FrameState.working;
      replica.slowInSlots.add(slow);
      this.#work(frame, replica, model.endpoints[frames.target[frame]]);
    }
  }

  /**
   * The frame's time was changed by these releases; whoever waits for it is slowed by them, too, and so is whoever
   * waits for a slot or connection that one of them holds. With a token given, only if the frame still has it.
   */
  addSlow(start: number, mask: number, startToken?: number): void {
    const { frames, replicas, databases } = this.#core;
    let token = startToken ?? (start < 0 ? 0 : frames.token[start]);
    for (let frame = start; frame >= 0 && frames.token[frame] === token; ) {
      const more = mask & ~frames.slow[frame];
      if (more === 0) return;
      frames.slow[frame] |= more;
      const state = frames.state[frame];
      if (state === FrameState.working || state === FrameState.calling || state === FrameState.backingOff) {
        replicas[frames.replica[frame]].slowInSlots.add(more);
      } else if (state === FrameState.querying) {
        databases.slowed(frames.target[frame], more);
      }
      if (state === FrameState.page || state === FrameState.reloading) return;
      token = frames.parentToken[frame];
      frame = frames.parent[frame];
    }
  }

  /** Takes a frame off a killed replica: its caller hears of a failure, its own calls go on without it. */
  kill(frame: number, blame: number): void {
    const { frames, time } = this.#core;
    const state = frames.state[frame];
    const service = this.#core.model.endpoints[frames.target[frame]].service;
    this.#countInside(service, -1);
    this.latency[service] += time[0] - frames.startedAt[frame];
    const parent = frames.parent[frame];
    const token = frames.parentToken[frame];
    if (state === FrameState.working || state === FrameState.backingOff) {
      // Its event is still to come and gives the row back.
      frames.state[frame] = FrameState.dead;
      frames.token[frame] += 1;
    } else {
      if (state === FrameState.calling) {
        const call = this.#currentCall(frame);
        this.#breakers[frames.version[frame] * this.#core.effects.callees + call.callee]?.abandon();
      }
      frames.release(frame);
    }
    this.answer(parent, token, true, blame);
  }

  #countInside(service: number, step: 1 | -1): void {
    const now = this.#core.time[0];
    this.insideIntegral[service] += this.inside[service] * (now - this.insideSince[service]);
    this.insideSince[service] = now;
    this.inside[service] += step;
    if (step === 1) this.arrivals[service] += 1;
  }

  #noteBreaker(version: number, call: CallModel, opened: boolean): void {
    const { model } = this.#core;
    const from = model.versions[version];
    const service = model.services[from.service].spec.name;
    const to = call.database >= 0 ? model.databases[call.database].spec.name : model.services[call.service].spec.name;
    this.#core.note(opened ? "breaker-opened" : "breaker-closed", service, from.name,
      `${service} ${from.name} ${opened ? "stopped calling" : "calls"} ${to}${opened ? "" : " again"}`);
  }
}


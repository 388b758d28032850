// A hop's way through a service: balancer, replica, slot or queue, own work, calls, answer.

import type { EndpointModel } from "../model.js";
import type { Core } from "./core.js";
import type { EffectList } from "./effects-at-work.js";
import { EventKind } from "./event-kinds.js";
import { FrameState } from "./frames.js";
import { ReplicaState, type Replica } from "./replica.js";

export class Walk {
  /** Per service, for Little's law: requests inside, their integral over time, arrivals and summed latency. */
  readonly inside: Int32Array;
  readonly insideSince: Float64Array;
  readonly insideIntegral: Float64Array;
  readonly arrivals: Float64Array;
  readonly latency: Float64Array;
  readonly #core: Core;
  readonly #endpointCount: number;

  constructor(core: Core) {
    this.#core = core;
    const services = core.model.services.length;
    this.inside = new Int32Array(services);
    this.insideSince = new Float64Array(services);
    this.insideIntegral = new Float64Array(services);
    this.arrivals = new Float64Array(services);
    this.latency = new Float64Array(services);
    this.#endpointCount = core.model.endpoints.length;
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
      core.calls.answer(parent, frames.token[parent], true, blame);
      return;
    }
    if (replica.out) {
      core.taint.addSlow(parent, replica.outMask);
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
      core.ownWork.begin(frame, replica, endpoint);
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
      if (blame !== 0) core.taint.addSlow(frame, blame);
      return;
    }
    core.meter.answered(replica, endpoint, true, 0, blame, frames.segment[frame]);
    this.#handBack(frame, true, blame);
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
    if (frames.fails[frame] === 1) this.finish(frame, true, frames.blame[frame]);
    else core.calls.next(frame, 0);
  }

  /** The hop is answered: books, slot, the next in the queue, then the caller. */
  finish(frame: number, failed: boolean, blame: number): void {
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
      if (replica.outMask !== 0) core.taint.addSlow(frames.parent[frame], replica.outMask, frames.parentToken[frame]);
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
    this.#core.calls.answer(parent, token, failed, blame);
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
    if (slow !== 0) core.taint.addSlow(frames.parent[frame], slow, frames.parentToken[frame]);
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
    this.#core.calls.answer(parent, token, failed, blame);
  }

  /** Lets waiting requests into free slots. */
  serveQueue(replica: Replica): void {
    const { frames, model } = this.#core;
    while (replica.queued > 0 && replica.busy < replica.slots) {
      const frame = replica.queueHead;
      replica.queueHead = frames.next[frame];
      replica.queued -= 1;
      const blame = replica.blame;
      if (blame !== 0) this.#core.taint.addSlow(frame, blame);
      replica.busy += 1;
      const slow = frames.slow[frame];
      frames.state[frame] = FrameState.working;
      replica.slowInSlots.add(slow);
      this.#core.ownWork.begin(frame, replica, model.endpoints[frames.target[frame]]);
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
      if (state === FrameState.calling) this.#core.calls.abandon(frame);
      frames.release(frame);
    }
    this.#core.calls.answer(parent, token, true, blame);
  }

  #countInside(service: number, step: 1 | -1): void {
    const now = this.#core.time[0];
    this.insideIntegral[service] += this.inside[service] * (now - this.insideSince[service]);
    this.insideSince[service] = now;
    this.inside[service] += step;
    if (step === 1) this.arrivals[service] += 1;
  }
}

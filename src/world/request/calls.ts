// Calls from one service to another or to a database: timeouts, retries with their budget, breakers, slow links.

import { uniform } from "../../kernel/draws.js";
import type { CallModel } from "../model.js";
import { Breaker } from "./breaker.js";
import type { Core } from "./core.js";
import { EventKind } from "./event-kinds.js";
import { FrameState } from "./frames.js";
import { childBase, drawIndex, Purpose } from "./hop-draws.js";
import { RetryBudget } from "./retry-budget.js";
import { TimeoutLane } from "./timeout-lane.js";

export class Calls {
  readonly #core: Core;
  /** One lane per distinct timeout; and the lane of each call. */
  readonly #lanes: readonly TimeoutLane[];
  readonly #laneOf: readonly TimeoutLane[];
  /** By version x calls + call; null where the call has no retries. */
  readonly #budgets: readonly (RetryBudget | null)[];
  /** By version x callees + callee. */
  readonly #breakers: readonly (Breaker | null)[];
  readonly #callCount: number;

  constructor(core: Core) {
    this.#core = core;
    const { calls, versions } = core.model;
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

  /** Makes the next call that this request makes, or answers when there is none left. */
  next(frame: number, from: number): void {
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
    core.walk.finish(frame, false, 0);
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
          core.taint.addSlow(frame, effect.bit);
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
    else core.walk.send(frame, call.endpoint, base, caller, slowLink);
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
      this.next(frame, call.position + 1);
      return;
    }
    const budget = this.#budgets[version * this.#callCount + call.index];
    if (budget === null || frames.attempt[frame] >= call.retries.max || !budget.takeRetry(now)) {
      this.#callFailed(frame, call, blame);
      return;
    }
    frames.attempt[frame] += 1;
    if (blame !== 0) core.taint.addSlow(frame, blame);
    frames.state[frame] = FrameState.backingOff;
    core.after(call.retries.backoff, EventKind.retry, frame);
  }

  /** No more tries: an optional call is passed over, another fails the request. */
  #callFailed(frame: number, call: CallModel, blame: number): void {
    if (!call.optional) {
      this.#core.walk.finish(frame, true, blame);
      return;
    }
    if (blame !== 0) this.#core.taint.addSlow(frame, blame);
    this.next(frame, call.position + 1);
  }

  /** Event: the backoff is over. */
  retry(frame: number): void {
    const { frames } = this.#core;
    if (frames.state[frame] === FrameState.dead) frames.release(frame);
    else this.#try(frame, this.#currentCall(frame));
  }

  #noteBreaker(version: number, call: CallModel, opened: boolean): void {
    const { model } = this.#core;
    const from = model.versions[version];
    const service = model.services[from.service].spec.name;
    const to = call.database >= 0 ? model.databases[call.database].spec.name : model.services[call.service].spec.name;
    this.#core.note(opened ? "breaker-opened" : "breaker-closed", service, from.name,
      `${service} ${from.name} ${opened ? "stopped calling" : "calls"} ${to}${opened ? "" : " again"}`);
  }

  /** The caller of a call under way was killed. */
  abandon(frame: number): void {
    const { frames, effects } = this.#core;
    this.#breakers[frames.version[frame] * effects.callees + this.#currentCall(frame).callee]?.abandon();
  }
}

// Clients: pages arrive, wait for an answer, give up, load again, and sometimes buy.

import { EventClass } from "../../kernel/clock.js";
import { uniform } from "../../kernel/draws.js";
import { exponentialFrom } from "../../kernel/distributions/exponential.js";
import { MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import type { EffectModel } from "../active-effects.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../ledger.js";
import { endpointAt, isTargeted, userOf, type EndpointModel } from "../model.js";
import { rateCurve, type RateCurve } from "../traffic.js";
import type { Core } from "./core.js";
import { EventKind } from "./event-kinds.js";
import { FrameState } from "./frames.js";
import { childBase, drawIndex, pageBase, Purpose } from "./hop-draws.js";
import { TimeoutLane } from "./timeout-lane.js";

/** How a page ended, for the digest. */
const Outcome = { ok: 0, failed: 1, timedOut: 2 } as const;

/** Where one traffic stream stands. */
class Stream {
  /** Number of the next arrival, the sum of its unit exponentials, and the piece of the curve where it lies. */
  number = 0;
  reached = 0;
  piece = 0;
  constructor(readonly curve: RateCurve) {}
}

export class Pages {
  readonly #core: Core;
  readonly #streams: readonly Stream[];
  readonly #patience: TimeoutLane;
  readonly #slowAfter: Micros;

  constructor(core: Core) {
    this.#core = core;
    const { model, input } = core;
    this.#slowAfter = input.slowAfterSeconds === null ? Infinity : input.slowAfterSeconds * MICROS_PER_SECOND;
    this.#patience = new TimeoutLane(core.queue, core.frames, model.spec.clients.timeout, EventKind.pageTimeout, 0);
    this.#streams = model.traffic.map((traffic) => new Stream(rateCurve(model, traffic, input.horizon, false)));
  }

  /** Schedules the first arrival of every stream. */
  start(): void {
    for (let stream = 0; stream < this.#streams.length; stream++) this.#scheduleNext(stream);
  }

  /** Arrival n lies where the cumulated rate reaches the sum of n + 1 unit exponentials. */
  #scheduleNext(index: number): void {
    const stream = this.#streams[index];
    const { queue, model } = this.#core;
    stream.reached += exponentialFrom(uniform(model.traffic[index].gapKey, stream.number, 0), 1);
    stream.piece = stream.curve.pieceReaching(stream.reached, stream.piece);
    const at = stream.curve.timeReaching(stream.reached, stream.piece);
    if (at === Infinity) return;
    queue.time[0] = Math.ceil(at);
    queue.push(EventClass.world, EventKind.arrival, index);
  }

  /** Event: a page arrives. */
  arrival(index: number): void {
    const core = this.#core;
    const { frames, model } = core;
    const traffic = model.traffic[index];
    const number = this.#streams[index].number;
    this.#streams[index].number = number + 1;
    this.#scheduleNext(index);
    const user = userOf(uniform(traffic.pageKey, number, Purpose.user), model.spec.users);
    const endpoint = endpointAt(model.services[traffic.service], uniform(traffic.pageKey, number, Purpose.endpoint));
    if (core.probe !== null) core.probe.arrival(index, number, core.time[0], user, endpoint.index);
    const frame = frames.take();
    frames.parent[frame] = -1;
    frames.stream[frame] = index;
    frames.entity[frame] = number;
    frames.user[frame] = user;
    frames.segment[frame] = model.segmented && isTargeted(model, user) ? 1 : 0;
    frames.target[frame] = endpoint.index;
    frames.attempt[frame] = 0;
    this.#load(frame);
  }

  /** The client asks for its page. */
  #load(frame: number): void {
    const core = this.#core;
    const { frames } = core;
    const base = pageBase(frames.attempt[frame]);
    frames.state[frame] = FrameState.page;
    frames.base[frame] = base;
    frames.version[frame] = -1;
    frames.replica[frame] = -1;
    frames.startedAt[frame] = core.time[0];
    frames.slow[frame] = 0;
    this.#patience.push(frame, core.time);
    core.walk.send(frame, frames.target[frame], childBase(base, 0, 0), null, 0);
  }

  /** Event: the patience of clients may be over. */
  timeouts(): void {
    const { frames, time } = this.#core;
    for (let frame = this.#patience.takeDue(time); frame >= 0; frame = this.#patience.takeDue(time)) {
      frames.token[frame] += 1;
      this.#ended(frame, Outcome.timedOut, frames.slow[frame]);
    }
  }

  /** The answer is there. */
  answered(frame: number, failed: boolean, blame: number): void {
    const { frames } = this.#core;
    frames.token[frame] += 1;
    this.#ended(frame, failed ? Outcome.failed : Outcome.ok, blame);
  }

  #ended(frame: number, outcome: number, blame: number): void {
    const core = this.#core;
    const { frames, ledger, model, digest } = core;
    const now = core.time[0];
    const endpoint = model.endpoints[frames.target[frame]];
    const latency = now - frames.startedAt[frame];
    const failed = outcome !== Outcome.ok;
    const slow = latency > this.#slowAfter;
    digest.add(now);
    digest.add(frames.entity[frame]);
    digest.add(4 * frames.stream[frame] + outcome);
    const cell = ledger.edgeCell(frames.version[frame], endpoint.slot, frames.segment[frame]);
    ledger.observe(cell, latency, failed, slow);
    const harm = failed ? blame : slow ? frames.slow[frame] : 0;
    if (harm !== 0) {
      ledger.countHarmed(cell, failed, slow);
      ledger.harm(harm, failed ? "failed" : "slow", now);
    }
    if (!failed) this.#maybeConvert(frame, endpoint, cell);
    else if (this.#reloads(frame)) return;
    else ledger.loseOrders(blame, endpoint.spec.conversion * endpoint.spec.orderValue);
    frames.release(frame);
  }

  /** A failed page may be loaded again after a while. */
  #reloads(frame: number): boolean {
    const { frames, model } = this.#core;
    const { share, after, max } = model.spec.clients.reload;
    if (share === 0 || frames.attempt[frame] >= max) return false;
    const key = model.traffic[frames.stream[frame]].pageKey;
    if (uniform(key, frames.entity[frame], drawIndex(frames.base[frame], Purpose.reload)) >= share) return false;
    frames.state[frame] = FrameState.reloading;
    this.#core.after(after, EventKind.reload, frame);
    return true;
  }

  /** Event: the client loads its failed page again, as a new page with draws of its own. */
  reload(frame: number): void {
    this.#core.frames.attempt[frame] += 1;
    this.#load(frame);
  }

  /** One draw decides in every lane: an order that a conversion effect took away is still there in its release's lane. */
  #maybeConvert(frame: number, endpoint: EndpointModel, cell: number): void {
    const { conversion, orderValue } = endpoint.spec;
    if (conversion === 0) return;
    const core = this.#core;
    const { frames, effects, ledger, model, meter } = core;
    const replica = core.replicas[frames.replica[frame]];
    const key = model.traffic[frames.stream[frame]].pageKey;
    const draw = uniform(key, frames.entity[frame], drawIndex(frames.base[frame], Purpose.conversion));
    const list = effects.onConversion[replica.version.index * model.endpoints.length + endpoint.index];
    const row = cell * LEDGER_COLUMNS;
    let kept = 1;
    let keptByFaults = 1;
    let lanes = draw < conversion ? (1 << model.lanes) - 1 : 0;
    if (list !== null) {
      let mask = 0;
      for (const effect of list) {
        const { what } = effect.effect;
        if (what.kind !== "conversion" || !effects.actsOnWork(effect, replica, null, frames.user[frame], core.time[0])) continue;
        kept *= 1 - what.drop;
        if (effect.bit === 0) keptByFaults *= 1 - what.drop;
        mask |= effect.bit;
      }
      if (kept < 1) {
        ledger.loseOrders(mask, (keptByFaults - kept) * conversion * orderValue);
        if (lanes !== 0) lanes = this.#lanesThatConvert(frame, list, draw / conversion);
        if (mask !== 0 && draw < conversion && (lanes & 1) === 0) ledger.harm(mask, "order", core.time[0]);
      }
    }
    if (lanes === 0) return;
    if ((lanes & 1) !== 0) {
      ledger.totals[row + LedgerColumn.conversions] += 1;
      ledger.totals[row + LedgerColumn.orderEuro] += orderValue;
    }
    meter.converted(replica, endpoint, lanes);
  }

  /** In lane 1 + r the effects of release r do not count; `draw` is uniform among pages that would convert. */
  #lanesThatConvert(frame: number, list: readonly EffectModel[], draw: number): number {
    const core = this.#core;
    const replica = core.replicas[core.frames.replica[frame]];
    let lanes = 0;
    for (let lane = 0; lane < core.model.lanes; lane++) {
      let kept = 1;
      for (const effect of list) {
        const { what } = effect.effect;
        if (what.kind !== "conversion" || (lane > 0 && effect.release === lane - 1)) continue;
        if (core.effects.actsOnWork(effect, replica, null, core.frames.user[frame], core.time[0])) kept *= 1 - what.drop;
      }
      if (draw < kept) lanes |= 1 << lane;
    }
    return lanes;
  }
}

// When pages arrive: the simulator's own arrivals of one traffic stream for this seed, with surges as they are ordered.

import { uniform } from "../../../kernel/draws.js";
import { exponentialFrom } from "../../../kernel/distributions/exponential.js";
import type { Micros, Rps } from "../../../kernel/units.js";
import type { Effect } from "../../../world/effect.js";
import { compileModel, type Model, type TrafficModel } from "../../../world/model.js";
import { rateCurve, type RateCurve } from "../../../world/traffic.js";
import type { LoadSetup } from "../protocol.js";

/** The world as the simulator compiles it; surges come by order, so those of the script are left out. */
export function loadModel(setup: LoadSetup, surges: readonly Effect[]): Model {
  return compileModel({
    spec: setup.world, versions: setup.versions, seed: setup.seed, horizon: setup.duration,
    effects: [...setup.effects.filter(({ what }) => what.kind !== "surge"), ...surges],
    slowAfterSeconds: setup.slowAfterSeconds, noiseFree: false, detail: "full",
  });
}

/** A surge that main ordered, in the grammar of effects. */
export const orderedSurge = (id: string, factor: number, from: Micros, to: Micros): Effect => ({
  id, target: { on: "traffic" }, what: { kind: "surge", factor }, users: 1,
  when: { from, to, rpsAbove: null, afterWarmLife: 0 }, carrier: { with: "script" }, release: null,
});

/** The same surge, over by `at` at the latest. */
export const endedAt = (surge: Effect, at: Micros): Effect => ({ ...surge, when: { ...surge.when, to: Math.min(surge.when.to, at) } });

/** Arrival n lies where the cumulated rate reaches the sum of n + 1 unit exponentials. */
export class Arrivals {
  /** Number of the next arrival, and its run time. */
  number = 0;
  at: Micros = 0;
  #reached = 0;
  #curve: RateCurve;
  #horizon: Micros;

  constructor(readonly traffic: TrafficModel, model: Model, horizon: Micros) {
    this.#horizon = horizon;
    this.#curve = rateCurve(model, traffic, horizon, false);
    this.#draw();
  }

  /** Goes on to the next arrival. */
  advance(): void {
    this.number += 1;
    this.#draw();
  }

  /** The rate from here on is that of another model; what was before it is the same in both. */
  follow(model: Model): void {
    this.#curve = rateCurve(model, this.traffic, this.#horizon, false);
    this.#place();
  }

  rate(at: Micros): Rps {
    return this.#curve.rate(at);
  }

  #draw(): void {
    this.#reached += exponentialFrom(uniform(this.traffic.gapKey, this.number, 0), 1);
    this.#place();
  }

  #place(): void {
    const piece = this.#curve.pieceReaching(this.#reached, 0);
    const at = this.#curve.timeReaching(this.#reached, piece);
    this.at = at === Infinity ? Infinity : Math.ceil(at);
  }
}

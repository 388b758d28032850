// A service's load balancer: the sticky split over versions, then a replica by policy among those that it admits.

import { uniform, type StreamKey } from "../../kernel/draws.js";
import type { Ratio } from "../../kernel/units.js";
import { stickyHash, type ServiceModel } from "../model.js";
import type { BalancingPolicy } from "../spec.js";
import { drawIndex, Purpose } from "./hop-draws.js";
import type { Replica } from "./replica.js";

const ROUND_ROBIN = 0;
const RANDOM = 1;
const LEAST_REQUEST = 2;
const POWER_OF_TWO = 3;

const POLICIES: Record<BalancingPolicy, number> = {
  "round-robin": ROUND_ROBIN,
  random: RANDOM,
  "least-request": LEAST_REQUEST,
  "power-of-two": POWER_OF_TWO,
};

export class Balancer {
  /** By place in `service.versions`. */
  readonly weights: Float64Array;
  /** Admitted replicas, by place in `service.versions`. */
  readonly admitted: Replica[][];
  readonly #policy: number;
  readonly #turn: Int32Array;
  /** Place of the version that has all traffic, -1 when it is split: then no hash is needed. */
  #only = 0;

  constructor(readonly service: ServiceModel) {
    this.weights = new Float64Array(service.versions.length);
    this.weights[0] = 1;
    this.admitted = service.versions.map(() => []);
    this.#turn = new Int32Array(service.versions.length);
    this.#policy = POLICIES[service.spec.balancing];
  }

  setWeights(weights: readonly Ratio[]): void {
    this.weights.set(weights);
    this.#only = weights.findIndex((weight) => weight >= 1);
  }

  /**
   * Place of the version that serves the user: the newest version takes the lowest hashes, so a rising weight only
   * ever moves users to it. Rounding leaves the rest to the oldest version with weight.
   */
  versionFor(user: number): number {
    if (this.#only >= 0) return this.#only;
    const h = stickyHash(this.service, user);
    let below = 0;
    let last = 0;
    for (let place = this.weights.length - 1; place >= 0; place--) {
      const weight = this.weights[place];
      if (weight === 0) continue;
      below += weight;
      last = place;
      if (h < below) return place;
    }
    return last;
  }

  /** A replica of the version by the policy; null when the health check admits none. */
  pick(place: number, key: StreamKey, entity: number, base: number): Replica | null {
    const replicas = this.admitted[place];
    const count = replicas.length;
    if (count < 2) return count === 0 ? null : replicas[0];
    switch (this.#policy) {
      case ROUND_ROBIN: {
        const turn = this.#turn[place] % count;
        this.#turn[place] = turn + 1;
        return replicas[turn];
      }
      case RANDOM:
        return replicas[(uniform(key, entity, drawIndex(base, Purpose.balancing)) * count) | 0];
      case POWER_OF_TWO: {
        // One draw gives both choices: its whole part the first, its fraction the second.
        const x = uniform(key, entity, drawIndex(base, Purpose.balancing)) * count;
        const i = x | 0;
        let j = ((x - i) * (count - 1)) | 0;
        if (j >= i) j += 1;
        return replicas[j].inFlight < replicas[i].inFlight ? replicas[j] : replicas[i];
      }
      case LEAST_REQUEST:
      default:
        return this.#leastRequest(replicas, place);
    }
  }

  /** Ties go to the next in turn, so that idle replicas share the work. */
  #leastRequest(replicas: readonly Replica[], place: number): Replica {
    const count = replicas.length;
    const start = this.#turn[place] % count;
    let best = start;
    for (let k = 1; k < count; k++) {
      const i = start + k < count ? start + k : start + k - count;
      if (replicas[i].inFlight < replicas[best].inFlight) best = i;
    }
    this.#turn[place] = best + 1;
    return replicas[best];
  }
}

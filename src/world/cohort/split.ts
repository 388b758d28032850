// The sticky split: which share of the users each version really has at given weights.

import type { Ratio } from "../../kernel/units.js";
import { stickyHash, type ServiceModel } from "../model.js";

/** Up to this many users are counted by their hash, exactly as a request would be routed; beyond, weights are shares. */
const USERS_COUNTED_MAX = 400_000;

/** Shares of users by place among the service's versions; the newest version takes the lowest hashes. */
export function userShares(service: ServiceModel, weights: readonly Ratio[], users: number, noiseFree: boolean): number[] {
  const only = weights.some((weight) => weight >= 1);
  if (noiseFree || only || users > USERS_COUNTED_MAX) return weights.map((weight) => (only ? (weight >= 1 ? 1 : 0) : weight));
  const { ends, places } = thresholdsOf(weights);
  const counts = new Float64Array(weights.length);
  for (let user = 0; user < users; user += 1) {
    const hash = stickyHash(service, user);
    let at = 0;
    while (at < ends.length - 1 && hash >= ends[at]) at += 1;
    counts[places[at]] += 1;
  }
  return Array.from(counts, (count) => count / users);
}

/** Where each place's stretch of hashes ends, newest version first; places without a weight have none. */
function thresholdsOf(weights: readonly Ratio[]): { readonly ends: Float64Array; readonly places: Int32Array } {
  const places = weights.map((_, place) => place).filter((place) => weights[place] !== 0).reverse();
  const ends = new Float64Array(places.length);
  let below = 0;
  places.forEach((place, index) => {
    below += weights[place];
    ends[index] = below;
  });
  return { ends, places: Int32Array.from(places) };
}

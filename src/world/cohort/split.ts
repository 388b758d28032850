// The sticky split: which share of the users each version really has at given weights.

import type { Ratio } from "../../kernel/units.js";
import { stickyHash, type ServiceModel } from "../model.js";

/** Up to this many users are counted by their hash, exactly as a request would be routed; beyond, weights are shares. */
const USERS_COUNTED_MAX = 400_000;

/** Shares of users by place among the service's versions; the newest version takes the lowest hashes. */
export function userShares(service: ServiceModel, weights: readonly Ratio[], users: number, noiseFree: boolean): number[] {
  const only = weights.some((weight) => weight >= 1);
  if (noiseFree || only || users > USERS_COUNTED_MAX) return weights.map((weight) => (only ? (weight >= 1 ? 1 : 0) : weight));
  const shares = weights.map(() => 0);
  for (let user = 0; user < users; user += 1) shares[placeOf(stickyHash(service, user), weights)] += 1;
  return shares.map((count) => count / users);
}

function placeOf(hash: number, weights: readonly Ratio[]): number {
  let below = 0;
  let last = 0;
  for (let place = weights.length - 1; place >= 0; place -= 1) {
    if (weights[place] === 0) continue;
    below += weights[place];
    last = place;
    if (hash < below) return place;
  }
  return last;
}

// How many replicas a canary needs for its share of the traffic.

import type { Ratio } from "../kernel/units.js";

/** A weight times a count may land a hair above a whole number; that hair is not a replica. */
const ROUNDING = 1e-9;

/** How many of these replicas a share of their traffic needs. */
export const replicasOfShare = (share: Ratio, replicas: number): number => Math.max(0, Math.ceil(share * replicas - ROUNDING));

/**
 * Replicas for `weight`: its share of stable's, or a fixed number, plus the surge; at full exposure as many as
 * stable runs.
 */
export function replicasFor(weight: Ratio, stableReplicas: number, canaryReplicas: "weight" | number, surge: number): number {
  if (weight >= 1) return stableReplicas;
  const wanted = canaryReplicas === "weight" ? replicasOfShare(weight, stableReplicas) : canaryReplicas;
  return Math.max(1, wanted) + surge;
}

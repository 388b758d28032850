// How warm a replica is: just-in-time compilation after its start, and its cache.

import { toSeconds, type Micros } from "../../kernel/units.js";
import { LONG_AGO, type Replica } from "./replica.js";

/** How much slower the replica works than a warm one. */
export function warmUp(replica: Replica, now: Micros): number {
  const { factor, for: lasts } = replica.service.spec.warmUp;
  if (factor === 1 || lasts <= 0) return 1;
  const life = now - replica.readyAt;
  return life >= lasts ? 1 : factor + (1 - factor) * (Math.max(0, life) / lasts);
}

/** Seconds that the replica's cache has been filling. */
export function cacheLife(replica: Replica, now: Micros): number {
  return replica.cacheSince === LONG_AGO ? Infinity : toSeconds(now - replica.cacheSince);
}

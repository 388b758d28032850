// How a version's balancer shares its requests out over pools, dead replicas among them.

import { exactExp } from "../../kernel/exact.js";
import type { VersionState } from "./service-state.js";

/**
 * Share of the version's requests that each pool gets. A balancer that compares requests in flight finds a dead
 * replica idle and sends it all that it compares with a busy one.
 */
export function balance(version: VersionState): void {
  const { pools, poolShares } = version;
  let [all, dead, inSystem] = [0, 0, 0];
  for (const pool of pools) {
    all += pool.replicas.length;
    if (pool.kind !== "serving") dead += pool.replicas.length;
    else inSystem += pool.inSystem * pool.replicas.length;
  }
  const alive = all - dead;
  let toDead = all > 0 ? dead / all : 0;
  if (dead > 0 && alive > 0) {
    const { balancing } = version.fleet.service.spec;
    const idle = exactExp(-inSystem / alive);
    if (balancing === "power-of-two") toDead = (dead * (dead - 1) + 2 * dead * alive * (1 - idle / 2)) / (all * (all - 1));
    else if (balancing === "least-request") toDead = dead / (dead + alive * idle);
  }
  for (let p = 0; p < pools.length; p += 1) {
    const { kind, replicas } = pools[p];
    poolShares[p] = kind === "serving" ? ((1 - toDead) * replicas.length) / alive : (toDead * replicas.length) / dead;
  }
}

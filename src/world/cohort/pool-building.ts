// Groups a version's replicas into pools of equal state; a new pool goes on where the one before it stood.

import { alike } from "../../kernel/alike.js";
import { streamKey } from "../../kernel/draws.js";
import { inWindow } from "../active-effects.js";
import { slotsLeft } from "../replicas.js";
import type { Fleet } from "./fleet.js";
import { Cell, Pool, type PoolKind } from "./pool.js";
import type { Replica } from "./replica.js";
import type { VersionState } from "./service-state.js";
import type { Stage } from "./stage.js";

/** The version's admitted replicas as pools, one per kind and scrape target. */
export function buildPools(stage: Stage, version: VersionState): void {
  version.stale = false;
  const old = version.pools;
  const { fleet } = version;
  const groups = new Map<string, Replica[]>();
  for (const replica of fleet.replicas) {
    if (!replica.admitted) continue;
    const kind: PoolKind = replica.phase !== "ready" ? "refusing" : replica.silent ? "silent" : "serving";
    const name = `${kind} ${replica.target?.target.id ?? ""}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [replica]);
    else group.push(replica);
  }
  version.pools = alike([...groups].map(([name, replicas]) => poolOf(stage, fleet, name, alike(replicas), old)));
  // Pages not booked yet belong to whoever was to blame when they came, too.
  version.silentMask |= silentMaskOf(version);
  version.lossMask |= fleet.lossMask;
}

/** Releases that silence replicas now. */
export const silentMaskOf = ({ pools }: VersionState): number => pools.reduce((mask, pool) => (pool.kind === "silent" ? mask | pool.blame : mask), 0);

function poolOf(stage: Stage, fleet: Fleet, name: string, replicas: readonly Replica[], old: readonly Pool[]): Pool {
  const { model } = stage;
  const { spec } = fleet.service;
  const kind = name.slice(0, name.indexOf(" ")) as PoolKind;
  const { slots, capacityMask } = capacityOf(stage, fleet, replicas);
  const choices = spec.balancing === "power-of-two" ? 2 : spec.balancing === "least-request" ? replicas.length : 1;
  const pool = new Pool(name, kind, replicas, kind === "serving" ? replicas[0].target : null, cellsOf(stage, fleet), slots, spec.queue, choices,
    spec.balancing === "round-robin", model.releases,
    old.find((one) => one.name === name)?.key ?? streamKey(model.seed, `cohort/pool/${spec.name}/${fleet.version.name}/${name}`));
  pool.capacityMask = capacityMask;
  if (kind !== "serving") for (const replica of replicas) pool.blame |= replica.downMask;
  const before = predecessorOf(pool, old);
  if (before !== undefined) goOn(pool, before);
  return pool;
}

/** The old pool where a new one goes on. */
export const predecessorOf = ({ name, kind }: Pool, old: readonly Pool[]): Pool | undefined =>
  old.find((one) => one.name === name) ?? old.find((one) => one.kind === kind);

function cellsOf(stage: Stage, fleet: Fleet): Cell[] {
  const cells: Cell[] = [];
  for (const endpoint of fleet.service.endpoints) {
    for (let k = 0; k < stage.classes.count; k += 1) cells.push(new Cell(endpoint.index, endpoint.slot, k, endpoint.calls.length));
  }
  return alike(cells);
}

/** Slots per replica that effects on capacity leave, and the releases that took the others. */
function capacityOf(stage: Stage, fleet: Fleet, replicas: readonly Replica[]): { readonly slots: number; readonly capacityMask: number } {
  const kept = replicas.map(() => 1);
  let capacityMask = 0;
  for (const effect of fleet.effects) {
    const { what } = effect.effect;
    if (what.kind !== "capacity" || !inWindow(effect, stage.now())) continue;
    replicas.forEach((replica, i) => {
      if (!fleet.acts(effect, replica)) return;
      kept[i] *= 1 - what.loss;
      capacityMask |= effect.bit;
    });
  }
  const slots = kept.reduce((sum, share) => sum + slotsLeft(fleet.service.spec.slots, share), 0) / replicas.length;
  return { slots: Math.round(slots), capacityMask };
}

function goOn(pool: Pool, before: Pool): void {
  pool.inSystem = before.inSystem * Math.min(1, before.replicas.length / pool.replicas.length);
  pool.working = before.working;
  pool.breath.follow(before.breath);
  pool.refused = before.refused;
  pool.cells.forEach((cell, i) => cell.attempts.set(before.cells[i].attempts));
}

// Defects that kill replicas are blamed for the same harm in both fidelities: as much of it, from when to when.

import { describe, expect, it } from "vitest";
import { seconds, type Micros } from "../../../src/kernel/units.js";
import type { Fidelity } from "../../../src/world/world.js";
import { fault, FIDELITIES, play, release } from "../support/preset-stage.js";

const SEEDS = [1, 2, 3, 4, 5, 6];

interface Harm {
  readonly pages: number;
  readonly first: Micros;
  readonly last: Micros;
}

/** Harm charged to the release over all seeds. */
function harmOf(fidelity: Fidelity, script: string): Harm {
  const runs = SEEDS.map((seed) => {
    const { world } = play(fidelity, { script, held: 0.5, seed });
    world.settle();
    const { harmBy: [pages], firstHarmAt: [first], lastHarmAt: [last] } = world.ledger;
    return { pages, first, last };
  });
  const mean = (of: (run: Harm) => number): number => runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  return { pages: runs.reduce((sum, { pages }) => sum + pages, 0), first: mean(({ first }) => first), last: mean(({ last }) => last) };
}

describe("harm of a defect that kills replicas", () => {
  it.each([
    ["one replica, once", release("pod-kill", "on: shop, kill: 1, when: { from: 2m, to: 3m }")],
    ["two replicas, once", release("pod-kill", "on: shop, kill: 2, when: { from: 2m, to: 3m }")],
    ["every replica after 20 s of life", release("crash-loop", "on: shop, restart-loop: 20s")],
    ["every replica after 60 s of life", release("crash-loop", "on: shop, restart-loop: 60s")],
  ])("is the same in both fidelities: %s", (_, script) => {
    const [request, cohort] = FIDELITIES.map((fidelity) => harmOf(fidelity, script));
    // Measured: within 2.5 %; beside that four standard errors of two counts.
    expect(Math.abs(cohort.pages - request.pages)).toBeLessThan(0.03 * request.pages + 4 * Math.sqrt(cohort.pages + request.pages));
    expect(request.pages).toBeGreaterThan(400);
    expect(Math.abs(cohort.first - request.first)).toBeLessThan(seconds(2));
    expect(Math.abs(cohort.last - request.last)).toBeLessThan(seconds(2));
  });

  it.each(FIDELITIES)("is not a release's when a fault kills them, in %s", (fidelity) => {
    expect(harmOf(fidelity, `${release("errors", "on: shop/order, errors: +0%")}\n${fault("pod-kill", "on: shop, kill: 2")}`).pages).toBe(0);
  });
});

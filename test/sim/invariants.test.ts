// Each invariant holds on a real run and breaks on a doctored one: none of them is vacuous.

import { describe, expect, it } from "vitest";
import type { ActionEntry, ReleaseJournal } from "../../src/sim/journal.js";
import { checkInvariants } from "../../src/sim/invariants.js";
import type { RecordRow } from "../../src/sim/recording.js";
import { simulate, type Simulation } from "../../src/sim/simulate.js";
import { LEDGER_COLUMNS, LedgerColumn } from "../../src/world/ledger.js";
import type { Decision } from "../../src/engines/decision.js";
import { loadScenario } from "../../src/scenario/load.js";
import type { Fidelity } from "../../src/world/world.js";
import { memoryFiles } from "../scenario/fixtures.js";
import { cornerShop, release } from "./support/corner-shop.js";

const FAULT = "  - { at: 0s, fault: { rollback-fails: {}, for: 30m } }";
const run = (defects: string, fault = ""): Simulation => {
  const scenario = cornerShop({ script: `${fault}\n${release(defects)}`, lasts: "20m" });
  return simulate({ scenario, seed: 3, fidelity: "cohort", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
};
/** Every rollback fails, so that traffic is shifted away from a version that has some six hundred requests queued: found by `fuzz`. */
const shiftedAway = (fidelity: Fidelity): Simulation => {
  const loaded = loadScenario("/p/shifted.yaml", memoryFiles({ "/p/shifted.yaml": `shakedown: 1
kind: scenario
for: 5m
world:
  services: { payments: { endpoints: { create: { constant: 10ms } }, slots: 2 } }
  traffic: { enters: payments, rate: 20rps }
strategy: { steps: [{ weight: 100%, bake: 1m }] }
script:
  - { at: 0s, release: { service: payments, version: v2, defects: [{ preset: dependency-latency }] } }
  - { at: 0s, release: { service: payments, version: v3, defects: [{ preset: rollback-fails, action-fails: 20 }] } }
` }));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  return simulate({ scenario: loaded.value, seed: 0, fidelity, noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
};
/** Rolled back, after the first try failed; and promoted. */
const taken = run("{ with: version, on: shop/order, errors: +30% }", FAULT);
const promoted = run("");

const check = (simulation: Simulation, name: string) => {
  const found = checkInvariants(simulation).find((invariant) => invariant.name === name);
  if (found === undefined) throw new Error(`there is no invariant ${name}`);
  return found;
};
const withJournal = (simulation: Simulation, change: Partial<ReleaseJournal>): Simulation => ({ ...simulation, journals: [{ ...simulation.journals[0], ...change }] });
const withRows = (simulation: Simulation, change: (row: RecordRow, index: number) => RecordRow): Simulation => {
  const recorder = Object.create(simulation.recorder, { rows: { value: simulation.recorder.rows.map(change) }, cells: { value: simulation.recorder.cells }, ledger: { value: simulation.recorder.ledger } }) as Simulation["recorder"];
  return { ...simulation, recorder };
};
const withDecision = (simulation: Simulation, which: (decision: Decision) => boolean, change: (decision: Decision) => Partial<Decision>): Simulation =>
  withJournal(simulation, { decisions: simulation.journals[0].decisions.map((decision) => (which(decision) ? { ...decision, ...change(decision) } : decision)) });

describe("a real run", () => {
  it("keeps every invariant, and gave each something to check", () => {
    expect(taken.journals[0].result?.kind).toBe("rolled-back");
    expect(promoted.journals[0].result?.kind).toBe("promoted");
    for (const simulation of [taken, promoted]) expect(checkInvariants(simulation).filter(({ held }) => !held)).toEqual([]);
    const checked = new Map(checkInvariants(taken).map((each, k) => [each.name, each.checked + checkInvariants(promoted)[k].checked]));
    expect([...checked.values()].every((times) => times > 0)).toBe(true);
  });
});

describe("weights sum to 100%", () => {
  it("breaks on a row in which a tenth of the traffic goes nowhere", () => {
    const leaking = withRows(taken, (row, index) => (index === 20 ? { ...row, versions: row.versions.map((version) => ({ ...version, weight: version.weight * 0.9 })) } : row));
    expect(check(leaking, "weights sum to 100%")).toMatchObject({ held: false, reason: expect.stringContaining("sum to 0.9") });
  });
});

describe("no request reaches a version taken back", () => {
  const name = "no request reaches a version taken back";
  const bad = taken.recorder.cells.findIndex(({ scope, version }) => scope === "service" && version === "v2");

  it("breaks on a single request at the end of the run", () => {
    const last = taken.recorder.rows.length - 1;
    const haunted = withRows(taken, (row, index) => {
      const totals = row.totals.slice();
      if (index === last) totals[bad * LEDGER_COLUMNS + LedgerColumn.requests] += 1;
      return { ...row, totals };
    });
    expect(check(haunted, name)).toMatchObject({ held: false, reason: expect.stringContaining("v2 still answered 1 request") });
  });

  it.each(["request", "cohort"] as const)("lets a version from which traffic was shifted away answer what it had inside, and nothing beyond, in %s", (fidelity) => {
    const shifted = shiftedAway(fidelity);
    expect(shifted.journals[0].actions.at(-1)?.text).toBe("shift all traffic of payments away from v2");
    const ofV2 = shifted.recorder.cells.findIndex(({ scope, version }) => scope === "service" && version === "v2");
    const answered = (row: RecordRow): number => row.totals[ofV2 * LEDGER_COLUMNS + LedgerColumn.requests];
    const { rows } = shifted.recorder;
    expect(answered(rows[rows.length - 1]) - answered(rows[rows.length - 4])).toBeGreaterThan(0);
    expect(check(shifted, name)).toMatchObject({ held: true, checked: 1 });
    // Cohort tells of a scrape later, and draws.
    const surplus = fidelity === "request" ? 1 : 100;
    const haunted = withRows(shifted, (row, index) => {
      const totals = row.totals.slice();
      if (index === rows.length - 1) totals[ofV2 * LEDGER_COLUMNS + LedgerColumn.requests] += surplus;
      return { ...row, totals };
    });
    expect(check(haunted, name)).toMatchObject({ held: false, reason: expect.stringMatching(/still answered .* inside by/) });
  });

  it("does not count a version as checked when the run ends too early to tell", () => {
    const { actions } = taken.journals[0];
    const end = taken.input.scenario.duration;
    const late = withJournal(taken, { actions: actions.map((action) => (action.event?.type === "action.done" && action.command.kind === "roll-back" ? { ...action, at: end } : action)) });
    expect(check(late, name)).toMatchObject({ held: true, checked: 0, reason: expect.stringContaining("too late") });
  });
});

describe("no promotion while a required metric lacks data", () => {
  const name = "no promotion while a required metric lacks data";
  const isPromotion = ({ actions }: Decision) => actions.includes("promote");

  it("breaks when the gate's data is missing, and when the gate was not looked at", () => {
    const blind = withDecision(promoted, isPromotion, ({ checks }) => ({ checks: checks.map((each) => ({ ...each, status: "missing" as const })) }));
    const unasked = withDecision(promoted, isPromotion, () => ({ checks: [] }));
    expect([check(blind, name).held, check(unasked, name).held]).toEqual([false, false]);
  });

  it("leaves a person free to promote blindly", () => {
    const told = withDecision(promoted, isPromotion, () => ({ checks: [], by: "person" as const }));
    expect(check(told, name).held).toBe(true);
  });
});

describe("a failed action leads to a next one or a page", () => {
  const name = "a failed action leads to a next one or a page";
  const { actions } = taken.journals[0];
  const failedAt = actions.findIndex(({ event }) => event?.type === "action.failed");

  it("was put to the test by the rollback that failed", () => {
    expect(failedAt).toBeGreaterThan(0);
    expect(check(taken, name)).toMatchObject({ held: true, checked: 1 });
  });

  it("breaks when nothing follows the failure", () => {
    const silent = withJournal(taken, { actions: actions.slice(0, failedAt + 1), pages: [] });
    expect(check(silent, name)).toMatchObject({ held: false, reason: expect.stringContaining("failed at") });
  });

  it("breaks when a command never ends and nothing follows", () => {
    const hanging: ActionEntry[] = actions.slice(0, failedAt);
    expect(check(withJournal(taken, { actions: hanging, pages: [] }), name)).toMatchObject({ held: false, reason: expect.stringContaining("never ended") });
  });

  it("asks nothing more of a command that a rollback broke off", () => {
    const scale: ActionEntry = { at: 60e6, text: "scale", command: { kind: "scale", service: "shop", version: "v2", replicas: 4 }, event: null };
    const timedOut: ActionEntry = { ...scale, at: 400e6, event: { type: "action.timed-out", id: 1, at: 400e6, after: 300e6 } };
    const back: ActionEntry = { at: 90e6, text: "roll back", command: { kind: "roll-back", service: "shop", version: "v2", to: "v1" }, event: null };
    const done: ActionEntry = { ...back, at: 100e6, event: { type: "action.done", id: 2, at: 100e6, effectiveAt: 100e6 } };
    expect(check(withJournal(taken, { actions: [scale, back, done, timedOut], pages: [] }), name).held).toBe(true);
    expect(check(withJournal(taken, { actions: [scale, timedOut], pages: [] }), name).held).toBe(false);
  });
});

describe("every decision has evidence", () => {
  const name = "every decision has evidence";
  const isTrigger = ({ rule }: Decision) => rule === "trigger";

  it("breaks without a reason, without the deciding check, and without its figures", () => {
    const doctored = [
      withDecision(taken, isTrigger, () => ({ reason: "" })),
      withDecision(taken, isTrigger, () => ({ decidingCheck: null })),
      withDecision(taken, isTrigger, () => ({ checks: [] })),
      withDecision(taken, isTrigger, ({ checks }) => ({ checks: checks.map((each) => ({ ...each, observed: null })) })),
      withDecision(promoted, ({ rule }) => rule === "schedule", () => ({ checks: [] })),
    ];
    expect(taken.journals[0].decisions.some(isTrigger)).toBe(true);
    expect(doctored.map((simulation) => check(simulation, name).held)).toEqual(doctored.map(() => false));
  });
});

describe("Little's law", () => {
  it("breaks when a tenth of the number inside is lost", () => {
    const world = Object.create(taken.world, {
      littlesLaw: { value: (service: string) => ({ ...taken.world.littlesLaw(service), inFlightSeconds: 0.9 * taken.world.littlesLaw(service).inFlightSeconds }) },
    }) as Simulation["world"];
    expect(check(taken, "Little's law")).toMatchObject({ held: true, checked: 1 });
    expect(check({ ...taken, world }, "Little's law")).toMatchObject({ held: false, reason: expect.stringContaining("shop") });
  });
});

describe("a fired trigger is acted on at once", () => {
  const name = "a fired trigger is acted on at once";

  it("breaks when a trigger fires and the next decision is of another kind, or none comes", () => {
    const [breach] = taken.journals[0].breaches;
    const acted = taken.journals[0].decisions[breach.decisions];
    expect(acted).toMatchObject({ at: breach.at, rule: "trigger" });
    const ignored = withDecision(taken, ({ id }) => id === acted.id, () => ({ rule: "schedule" }));
    expect(check(ignored, name)).toMatchObject({ held: false, reason: expect.stringContaining("fired at") });
    const silent = withJournal(taken, { decisions: taken.journals[0].decisions.slice(0, breach.decisions) });
    expect(check(silent, name).held).toBe(false);
  });

  it("has nothing to say of a release whose triggers never fire", () => {
    expect(check(promoted, name)).toMatchObject({ held: true, checked: 0, reason: "none fired" });
  });
});

describe("a run in which nothing is released", () => {
  const idle = simulate({ scenario: cornerShop({ script: "  - { at: 1m, fault: { zone-outage: {}, for: 1m } }", lasts: "5m" }), seed: 3, fidelity: "cohort", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });

  it("says of every invariant that was checked nowhere what there was not to check", () => {
    const unchecked = checkInvariants(idle).filter(({ checked }) => checked === 0);
    expect(unchecked.map(({ reason }) => reason)).toEqual(["no weight was set: nothing was released", "no version was taken back", "nothing was promoted", "no action failed", "none fired", "nothing was decided"]);
  });
});

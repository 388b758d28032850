// The table's cells: one canary release in one small world, at four loads with and without a defect, and under three kinds of stress.

import { millis, minutes, seconds, type Micros, type Ratio } from "../../kernel/units.js";
import type { CanaryStrategy } from "../../delivery/strategy.js";
import type { CheckSpec } from "../../engines/evidence.js";
import type { Scenario, ScriptItem, SourceRange } from "../../scenario/compiled.js";
import { BARE_GAME_DAY } from "../../scenario/game-day-compile.js";
import { worldInputOf } from "../../sim/simulate.js";
import { cohortRefusals, type Refusal } from "../../world/cohort/refusals.js";
import type { Effect, EffectKind, EffectTarget } from "../../world/effect.js";
import { agreementWorld, CANARY, LEDGER_DB, PAYMENTS, SETTLED_AT, SHOP, type WorldChanges } from "./world.js";

/** Width of the windows that the engines look through, and the distance of those that are compared. */
export const WINDOW: Micros = minutes(2);

export interface Cell {
  readonly name: string;
  readonly about: string;
  readonly scenario: Scenario;
  /** Whether the release has a defect: then acting on it is a detection, otherwise a false rollback. */
  readonly defect: boolean;
  /** The stretch that figures are taken from: whole windows. */
  readonly from: Micros;
  readonly to: Micros;
}

interface CellPlan {
  readonly name: string;
  readonly about: string;
  readonly load: Ratio;
  /** The canary's p95 over stable's at which the engines take fright: chosen so that they err, or are late, often enough to compare. */
  readonly fright: number;
  readonly defect?: boolean;
  readonly fault?: { readonly text: string; readonly target: EffectTarget; readonly what: EffectKind };
  readonly changes?: WorldChanges;
}

/** A pool of two replicas queues more than one of six, so that the ratio of their p95 grows with the load by itself. */
const LOADS = [
  { load: 0.3, fright: 1.05, frightWithDefect: 1.1 },
  { load: 0.5, fright: 1.05, frightWithDefect: 1.1 },
  { load: 0.7, fright: 1.1, frightWithDefect: 1.15 },
  { load: 0.85, fright: 1.25, frightWithDefect: 1.5 },
] as const;
const STEADY_FOR: Micros = minutes(24);
/** A fault starts here and lasts this long; the run goes on until long after. */
const FAULT_AT: Micros = minutes(8);
const FAULT_FOR: Micros = minutes(3);
const STRESS_FOR: Micros = minutes(18);

const steady = (load: Ratio, fright: number, defect: boolean): CellPlan => ({
  name: `load ${Math.round(load * 100)}%${defect ? " defect" : ""}`,
  about: `${Math.round(load * 100)} % of the shop's slots busy, ${defect ? "v2 fails and is slow a little more often" : "v2 is as good as v1"}`,
  load,
  fright,
  defect,
});

const PLANS: readonly CellPlan[] = [
  ...LOADS.map(({ load, fright }) => steady(load, fright, false)),
  ...LOADS.map(({ load, frightWithDefect }) => steady(load, frightWithDefect, true)),
  {
    name: "surge",
    about: "from 50 % to 150 % of what the shop can do, for 3 minutes",
    load: 0.5,
    fright: 1.05,
    fault: { text: "traffic x3", target: { on: "traffic" }, what: { kind: "surge", factor: 3 } },
  },
  {
    name: "retry storm",
    about: "payments are eight times slower for 3 minutes; the shop gives up after 300 ms and tries every call again",
    load: 0.3,
    fright: 1.05,
    fault: { text: "payments latency x8", target: { on: "service", service: PAYMENTS }, what: { kind: "latency", factor: 8, add: 0 } },
    changes: { charge: { timeout: millis(300), retries: { max: 1, backoff: millis(50), budget: 1 } } },
  },
  {
    name: "pool exhaustion",
    about: "11 of the database's 12 connections are taken for 3 minutes",
    load: 0.3,
    fright: 1.05,
    fault: { text: "11 connections taken", target: { on: "database", database: LEDGER_DB }, what: { kind: "pool", taken: 11 } },
  },
];

function cellOf(plan: CellPlan): Cell {
  const to = plan.fault === undefined ? STEADY_FOR : STRESS_FOR;
  return { name: plan.name, about: plan.about, scenario: scenarioOf(plan, to), defect: plan.defect === true, from: SETTLED_AT, to };
}

const SOURCE: SourceRange = { file: "agreement", line: 1, column: 1 };

function scenarioOf(plan: CellPlan, duration: Micros): Scenario {
  const defects = plan.defect === true ? defectsUntil(duration) : [];
  const faults = faultsOf(plan);
  return {
    name: plan.name,
    about: plan.about,
    file: "agreement",
    worldFile: "agreement",
    strategyFile: "agreement",
    seed: 1,
    duration,
    fidelity: "cohort",
    world: agreementWorld(plan.load, plan.changes),
    strategy: strategy(plan, duration),
    objectives: [{ metric: "error-rate", limit: 0.006 }, { metric: "p95", limitSeconds: 0.5 }],
    cost: { failedRequest: 0, slowRequest: 0, lostOrder: 0, delayPerHour: 0, rollback: 0, page: 0 },
    script: [
      {
        kind: "release", at: 0, index: 0, defects: defects.map(({ id }) => id), source: SOURCE,
        release: { service: SHOP, version: CANARY, lines: 100, flag: null, schema: [] },
      },
      ...faults.map((fault): ScriptItem => ({ kind: "fault", at: fault.when.from, until: fault.when.to, text: fault.id, effects: [fault.id], source: SOURCE })),
    ],
    effects: [...defects, ...faults],
    person: { answersAfter: null, answer: "hold" },
    expectIn: 1,
    expectations: [],
    gameDay: BARE_GAME_DAY,
  };
}

function faultsOf({ fault }: CellPlan): readonly Effect[] {
  if (fault === undefined) return [];
  const when = { from: FAULT_AT, to: FAULT_AT + FAULT_FOR, rpsAbove: null, afterWarmLife: 0 };
  return [{ id: `fault: ${fault.text}`, target: fault.target, what: fault.what, users: 1, when, carrier: { with: "script" }, release: null }];
}

/** Small enough that noticing it takes luck and time: the delay has a distribution worth comparing. */
function defectsUntil(duration: Micros): readonly Effect[] {
  const common = {
    users: 1,
    when: { from: 0, to: duration, rpsAbove: null, afterWarmLife: 0 },
    carrier: { with: "version", service: SHOP, version: CANARY },
    release: 0,
  } as const;
  return [
    { ...common, id: "v2: errors", target: { on: "service", service: SHOP }, what: { kind: "errors", ratio: 0.004 } },
    { ...common, id: "v2: slow orders", target: { on: "service", service: SHOP, endpoint: "order" }, what: { kind: "latency", factor: 1.15, add: 0 } },
  ];
}

/** Easily frightened, so that it errs often enough to be compared, and never done: the canary stays a canary. */
function strategy({ fright, fault }: CellPlan, duration: Micros): CanaryStrategy {
  const step = { maxHold: duration, minRequests: 50, onInconclusive: "hold" } as const;
  return {
    kind: "canary",
    name: "easily frightened",
    steps: [{ ...step, weight: 0.25, bake: duration }, { ...step, weight: 1, bake: minutes(5) }],
    every: seconds(30),
    window: WINDOW,
    gates: [],
    triggers: [
      // Under stress a fixed limit would fire in every run at once, and compare nothing.
      ...(fault === undefined ? [trigger({ id: "trigger error-rate above 0.7%", metric: "error-rate", compare: { kind: "above", value: 0.007 } })] : []),
      trigger({ id: `trigger p95 above ${fright}x baseline`, metric: "p95", compare: { kind: "times-baseline", factor: fright }, baseline: "stable" }),
    ],
    onGateFail: "hold",
    canaryReplicas: "weight",
    surge: 0,
    rollback: { prefer: "full", stableKeptFor: 0, flagShare: 0.8, flagWatch: seconds(60), attempts: 2 },
    actionTimeout: minutes(10),
    askTimeout: minutes(15),
    onNoAnswer: "hold",
  };
}

function trigger(check: Pick<CheckSpec, "id" | "metric" | "compare" | "baseline">): CheckSpec {
  return { ...check, role: "trigger", persistence: { need: 3, of: 5 }, required: false };
}

/** All cells, in the table's order. */
export const CELLS: readonly Cell[] = PLANS.map(cellOf);

/** The cell of that name, if there is one. */
export const cellNamed = (name: string): Cell | undefined => CELLS.find((cell) => cell.name === name);

/** A cell that is not compared, and what of it cohort refuses. */
export interface RefusedCell {
  readonly cell: string;
  readonly refusals: readonly Refusal[];
}

/** What cohort refuses of a cell, as `validate` would name it; empty for a cell that is compared. */
export function refusalsOf({ scenario }: Cell): readonly Refusal[] {
  return cohortRefusals(worldInputOf({
    scenario, seed: scenario.seed, fidelity: "cohort", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" },
  }));
}

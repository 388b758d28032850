// The shape of a canary strategy as users write it: steps, gates, triggers, thin data, rollback, with the default figures.

import { z } from "zod";

import { advice, choice, count, duration, fields, list, name, oneOrMany, onOff, percent, persistence, text } from "./fields.js";
import { LIMITS } from "./limits.js";
import { headerShape, kind } from "./world-schema.js";

const inconclusive = (about: string) => choice(about, ["hold", "ask", "roll-back", "promote"]);

const step = fields("One step: a share of the traffic, for a time.", {
  weight: percent("Share of the service's traffic that the new version gets.", "5%", { positive: true }),
  bake: duration("How long the step is watched before the next.", "15m", { positive: true, atMost: LIMITS.duration, atMostText: "30d" }),
  "max-hold": duration("Longest hold after the bake while a gate fails or data is thin; one bake when left out.", "15m").optional(),
  "min-requests": count("Requests in the window below which data is thin.", { min: 0, max: 1_000_000_000 }).optional(),
  "on-inconclusive": inconclusive("What to do when the data stays thin.").optional(),
}, "step");

/** A limit: with a unit (`1%`, `500ms`), or a bare number for counts; its metric says which. */
const limit = (about: string) =>
  z
    .union([z.string(), z.number()], { error: (issue) => advice(issue.input === undefined ? "is missing" : "should be a limit", "write it like 1%, 500ms or 5") })
    .meta({ description: about, examples: ["1%", "500ms"] });

const common = {
  for: persistence("How many of the last checks must breach.", "3 of 5").optional(),
  window: duration("The check's own window; the strategy's when left out.", "10m", { positive: true }).optional(),
  endpoint: name("Only this endpoint of the service.", "create-order").optional(),
  baseline: choice("What a relative comparison holds against: stable in the same window, or the past. At 100%, and for what belongs to no version (pool, query timeouts, flag service), it is the past.", ["stable", "past"]).optional(),
} as const;

const comparisons = {
  below: limit("Healthy below this; conversion is unhealthy below it.").optional(),
  above: limit("Unhealthy above this; conversion is healthy above it.").optional(),
  within: percent("Healthy within this much of what is expected, up or down.", "10%", { positive: true, max: 10 }).optional(),
  drops: percent("Unhealthy when it drops by more than this against the baseline.", "20%", { positive: true }).optional(),
  "times-baseline": z
    .number({ error: (issue) => (issue.input === undefined ? advice("is missing", "write it like 1.5") : advice("should be a number", "write it like 1.5")) })
    .positive({ error: () => advice("should be above 0", "write it like 1.5") })
    .max(LIMITS.factor, { error: () => advice(`is over ${LIMITS.factor}`, "write it like 1.5") })
    .meta({ description: "Unhealthy above this many times the baseline." })
    .optional(),
} as const;

const gate = fields("What is healthy: one comparison.", {
  ...comparisons,
  ...common,
  required: onOff("No promotion without data for this check.").prefault(true),
}, "gate");

const trigger = fields("What causes a rollback: one comparison.", {
  ...comparisons,
  ...common,
  hard: choice("Acts without the decision matrix, for this reason.", ["infrastructure", "security", "startup"]).optional(),
}, "trigger");

export const CHECK_METRICS = ["error-rate", "p50", "p95", "p99", "throughput", "conversion", "cpu", "memory", "restarts", "pool", "query-timeouts", "startup-failures", "flag-service"] as const;

function perMetric<V extends z.core.SomeType>(about: string, value: V) {
  const check = oneOrMany("One comparison, or a list of them.", value, LIMITS.checks);
  const shape = Object.fromEntries(CHECK_METRICS.map((metric) => [metric, check.optional()]));
  return fields(about, shape as Record<(typeof CHECK_METRICS)[number], z.ZodOptional<typeof check>>);
}

const strategyShape = {
  name: text("The strategy's name.", "canary", LIMITS.nameLength).optional(),
  about: text("What it is for, in a sentence.", "Three steps, watched by error rate and latency.").optional(),
  preset: choice("`seed`: a failing gate rolls back at once.", ["seed"]).optional(),
  steps: list("The steps; weights rise, and the last is 100%.", step, LIMITS.steps).prefault([
    { weight: "5%", bake: "15m" },
    { weight: "25%", bake: "30m" },
    { weight: "100%", bake: "10m" },
  ]),
  every: duration("Time between two evaluations.", "30s", { repeats: true }).prefault("30s"),
  window: duration("How far each evaluation looks back.", "2m", { positive: true }).prefault("2m"),
  gates: perMetric("Decide promotion: what is healthy.", gate).prefault({
    "error-rate": { below: "1%" },
    p95: { below: "500ms" },
    throughput: { within: "10%" },
    memory: { below: "85%" },
  }),
  triggers: perMetric("Cause a rollback: what is not healthy.", trigger).prefault({
    "error-rate": { above: "1%", for: "3 of 5" },
    p95: { "times-baseline": 1.5, for: "3 of 5" },
  }),
  "on-gate-fail": choice("`hold`: hold the step, roll back after bake plus max-hold. `roll-back`: at once.", ["hold", "roll-back"]).optional(),
  "thin-data": fields("What holds for steps that don't say otherwise.", {
    "min-requests": count("Requests in the window below which data is thin.", { min: 0, max: 1_000_000_000 }).prefault(50),
    "max-hold": duration("Longest hold after the bake; one bake when left out.", "15m").optional(),
    "on-inconclusive": inconclusive("What to do when the data stays thin.").prefault("hold"),
  }).prefault({}),
  "canary-replicas": z
    .union([z.literal("weight"), count("A fixed number of replicas.", { min: 1, max: LIMITS.replicas })])
    .meta({ description: "Replicas of the new version: by weight, or a fixed number." })
    .prefault("weight"),
  surge: count("Replicas of the new version on top.", { min: 0, max: LIMITS.replicas }).prefault(0),
  rollback: fields("How to go back.", {
    prefer: choice("Try the flag first where it is enough, or always go back in full.", ["flag-or-full", "full"]).prefault("flag-or-full"),
    "stable-kept-for": duration("How long stable keeps its replicas after full exposure; 0s: scaled down with the weight.", "10m").prefault("10m"),
    "flag-share": percent("Share of the excess that must come from the flag's endpoints.", "80%", { positive: true }).prefault("80%"),
    "flag-watch": duration("Watch after a flag switch.", "60s").prefault("60s"),
    attempts: count("Tries of one platform action before the next level.", { min: 1, max: 10 }).prefault(2),
    "hard-triggers": onOff("The usual hard triggers: CPU, memory, restarts, pool, startup failures.").prefault(true),
  }).prefault({}),
  "action-timeout": duration("Longest wait for a platform action.", "5m", { positive: true }).prefault("5m"),
  "ask-timeout": duration("Longest wait for a person's answer.", "15m", { positive: true }).prefault("15m"),
  "on-no-answer": choice("What to do when nobody answers.", ["hold", "roll-back", "promote"]).prefault("roll-back"),
} as const;

/** A strategy written inside a scenario. */
export const inlineStrategySchema = fields("The delivery strategy.", strategyShape);
/** A strategy in a file of its own. */
export const strategyFileSchema = fields("A canary strategy: steps, gates, triggers and rollback.", { ...headerShape, kind: kind("strategy"), ...strategyShape });

export type WrittenStrategy = z.output<typeof inlineStrategySchema>;
export type WrittenCheck = z.output<typeof gate> & Partial<Pick<z.output<typeof trigger>, "hard">>;

// The shape of a scenario as users write it: a world, a strategy, a script of releases and faults, and what is expected.

import { z } from "zod";

import type { Micros } from "../kernel/units.js";
import { effectCommonShape, effectKindShape, effectsSchema } from "./effect-schema.js";
import { choice, count, custom, duration, euro, factor, fields, list, name, percent, text } from "./fields.js";
import { LIMITS } from "./limits.js";
import { PRESETS, PRESET_NAMES, presetKinds, type PresetName } from "./presets.js";
import { inlineStrategySchema } from "./strategy-schema.js";
import { parseDuration, type Parsed } from "./units.js";
import { headerShape, inlineWorldSchema, kind } from "./world-schema.js";

const defect = fields("A defect: an effect that travels with the version or its flag.", {
  with: choice("Active wherever the version runs, or only where its flag is on.", ["version", "flag"]).prefault("version"),
  preset: choice("A named fault whose figures to start from.", PRESET_NAMES as readonly [PresetName, ...PresetName[]]).optional(),
  ...effectCommonShape,
  ...effectKindShape,
});

const release = fields("A release: what its team declares, and the defects that nobody knows of.", {
  service: name("The service that gets a new version.", "checkout"),
  version: name("The new version.", "v2"),
  lines: count("Changed lines: the size of the batch.", { min: 0, max: LIMITS.lines, example: 180 }).prefault(100),
  flag: fields("The feature flag that the version carries.", {
    name: name("The flag's name.", "new-checkout"),
    endpoints: list("Endpoints that the flagged feature serves.", text("An endpoint.", "checkout/create-order", 2 * LIMITS.nameLength), LIMITS.endpointsPerService),
  }).optional(),
  schema: list("Schema changes that come with the release.", fields("A schema change.", {
    database: name("The database.", "orders-db"),
    kind: choice("additive: runs beside the old version. contracting: takes away what the old one reads.", ["additive", "contracting"]).prefault("additive"),
    about: text("What changes.", "add column orders.gift").prefault("schema change"),
  }), 20).prefault([]),
  defects: list("What is wrong with it; engines never see this.", defect, LIMITS.defects).prefault([]),
});

const faultFor = duration("How long the fault lasts; to the scenario's end when left out.", "2m", { positive: true });

/** Parameters of a preset: its own kinds, and what every effect may say. */
function presetFields(preset: PresetName) {
  const kinds = Object.fromEntries(presetKinds(preset).map((key) => [key, effectKindShape[key]]));
  const { about, needsTarget, example } = PRESETS[preset];
  const { "retry-after": retryAfter, "fails-after": failsAfter, ...common } = effectCommonShape;
  const extra = { ...("startup-failure" in kinds ? { "retry-after": retryAfter } : {}), ...("action-fails" in kinds ? { "fails-after": failsAfter } : {}) };
  const shape = { for: faultFor.optional(), ...common, ...extra, ...kinds } as typeof effectCommonShape & typeof effectKindShape & { for: z.ZodOptional<typeof faultFor> };
  return z.union([z.null(), fields(`${about}${needsTarget ? ` Needs \`on\`, like ${example}.` : ""}`, shape)]).meta({ description: about });
}

const presetShape = Object.fromEntries(PRESET_NAMES.map((preset) => [preset, presetFields(preset).optional()])) as Record<PresetName, z.ZodOptional<ReturnType<typeof presetFields>>>;

const fault = fields("A fault: one named preset, or an effect in full.", {
  for: faultFor.optional(),
  effect: effectsSchema.optional(),
  ...presetShape,
});

const scriptItem = fields("Something that happens at a time.", {
  at: duration("When, from the start of the run.", "10m"),
  release: release.optional(),
  fault: fault.optional(),
  answer: choice("What a person answers when asked.", ["roll-back", "promote", "hold"]).optional(),
});

const within = (about: string) => duration(about, "3m").optional();
const rule = text("series(version or service) op value, perhaps `while` and another comparison.", "weight(v2) > 25% while error-rate(v2) > 5%");

const expectation = fields("What must be true of the outcome: of a release, or a rule over time.", {
  release: name("The release, by its version.", "v2").optional(),
  classification: choice("How the run ended for the release.", ["caught", "late", "missed", "false-rollback", "clean", "undecided", "unscored"]).optional(),
  truth: choice("What the release really was.", ["harmful", "harmless", "borderline", "interaction", "strategy-harm", "unjudged"]).optional(),
  result: choice("What became of it.", ["promoted", "flag-off", "rolled-back", "held", "rejected", "invalidated"]).optional(),
  action: choice("What was done.", ["none", "disable-flag", "roll-back", "shift-traffic"]).optional(),
  cause: choice("Why it was acted on.", ["release", "luck"]).optional(),
  by: choice("Who acted.", ["engine", "person"]).optional(),
  "detected-within": within("From the first harm to the first decision to act."),
  "mitigated-within": within("From the first harm until users are no longer hurt."),
  "restored-within": within("From the first harm to stable at full capacity."),
  "cost-below": euro("Total cost.", "500EUR").optional(),
  never: rule.optional(),
  always: rule.optional(),
  "eventually-within": text("A time, then a rule: it must come true in time, from the start or from when `while` first holds.", "5m weight(v2) == 0% while error-rate(v2) > 5%").optional(),
});

/** `never` is nobody: null. */
function parseAnswersAfter(written: string): Parsed<Micros | null> {
  return written.trim() === "never" ? { ok: true, value: null } : parseDuration(written);
}

const answersAfter = custom("How long the on-call person takes to answer; `never` for nobody.", "10m", parseAnswersAfter);

const conversionLimit = percent("Largest loss of conversion against the world without the release.", "-5%", { min: -1, max: 0 });
const latencyLimit = (about: string) => duration(about, "500ms", { positive: true }).optional();

const reference = (about: string, example: string) => text(about, example, 500);

const steadyTime = (about: string, example: string) => duration(about, example, { positive: true, atMost: LIMITS.steadyState, atMostText: "10m" }).prefault(example);

const gameDay = fields("How the scenario runs as a game day, on real processes.", {
  speed: factor("Divides steps, windows, scrapes and the times of the script; never service times or rates.", "x30", { min: 1, max: LIMITS.speed }).prefault(1),
  "stop-if": list("What ends the game day at once, as its telemetry shows it.", text("series(version or service) op value, perhaps `while` and another comparison.", "error-rate(checkout) > 50%"), LIMITS.stopIf).prefault([]),
  "steady-state": fields("What must hold before the first fault, with every replica up.", {
    "error-rate": percent("Largest share of failed pages; the objective's when left out.", "1%").optional(),
    p95: latencyLimit("Largest 95th percentile; the objective's when left out."),
    for: steadyTime("How long it must hold without a break, in real time.", "5s"),
    within: steadyTime("How long to wait for it, in real time.", "1m"),
  }).prefault({}),
});

const scenarioShape = {
  name: text("The scenario's name.", "slow-new-checkout", LIMITS.nameLength).optional(),
  about: text("What it teaches, in a sentence.", "The new checkout is slow under load; switching its flag off is enough.").prefault("(no description)"),
  seed: count("The default seed of the random draws.", { min: 0, max: LIMITS.seed, example: 7 }).prefault(1),
  for: duration("Length of the run.", "2h", { positive: true, atMost: LIMITS.duration, atMostText: "30d" }),
  fidelity: choice("cohort: fast counts per tick. request: every request walks.", ["cohort", "request"]).prefault("cohort"),
  world: z.union([reference("A world file.", "worlds/shop.yaml"), inlineWorldSchema]).meta({ description: "The world: a file, or written here." }),
  strategy: z.union([reference("A strategy file.", "strategies/canary.yaml"), inlineStrategySchema]).meta({ description: "The strategy: a file, or written here." }),
  objectives: fields("What users must get; judges truth, and no engine sees it.", {
    "error-rate": percent("Largest share of failed pages.", "0.5%").optional(),
    p50: latencyLimit("Largest median."),
    p95: latencyLimit("Largest 95th percentile."),
    p99: latencyLimit("Largest 99th percentile."),
    conversion: conversionLimit.optional(),
  }).prefault({ "error-rate": "0.5%", p95: "500ms", conversion: "-5%" }),
  cost: fields("What things cost.", {
    "failed-request": euro("A failed page.", "0.02EUR").prefault("0.02EUR"),
    "slow-request": euro("A page slower than the objective.", "0.002EUR").prefault("0.002EUR"),
    "lost-order": percent("Share of a lost order's value that is a loss.", "30%").prefault("30%"),
    "delay-per-hour": euro("An hour's delay of a good release.", "20EUR").prefault("20EUR"),
    rollback: euro("A rollback.", "100EUR").prefault("100EUR"),
    page: euro("Waking a person.", "50EUR").prefault("50EUR"),
  }).prefault({}),
  script: list("What happens, in order of time.", scriptItem, LIMITS.script).prefault([]),
  person: fields("The simulated person on call.", {
    "answers-after": answersAfter.prefault("10m"),
    answer: choice("What the person answers.", ["roll-back", "promote", "hold"]).prefault("roll-back"),
  }).prefault({}),
  "expect-in": percent("Share of seeds in which the expectations must hold.", "95%", { positive: true }).prefault("95%"),
  expect: list("What must be true of the outcome.", expectation, LIMITS.expectations).prefault([]),
  "expect-overall": list("What must be true of many runs together; `shakedown test` judges it.", text("A share of runs, or a quantile of a time or the cost; a release's version may stand before it.", "caught in at least 99% of runs"), LIMITS.expectations).prefault([]),
  "game-day": gameDay.prefault({}),
} as const;

export const scenarioSchema = fields("A scenario: a strategy meets a world, a script and expectations.", { ...headerShape, kind: kind("scenario"), ...scenarioShape });

export type WrittenScenario = z.output<typeof scenarioSchema>;
export type WrittenScriptItem = z.output<typeof scriptItem>;
export type WrittenRelease = z.output<typeof release>;
export type WrittenDefect = z.output<typeof defect>;
export type WrittenFault = z.output<typeof fault>;
export type WrittenExpectation = z.output<typeof expectation>;

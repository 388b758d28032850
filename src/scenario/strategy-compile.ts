// Turns a written strategy into the statechart's data, with each check's limit in its metric's own unit.

import type { CanaryStrategy } from "../delivery/strategy.js";
import type { CheckMetric, CheckSpec, Comparison, Persistence } from "../engines/evidence.js";
import { toSeconds, type Micros } from "../kernel/units.js";
import { blindFlagWatch, blindWindow, type Sight } from "./decidable.js";
import type { Place } from "./findings.js";
import { adviseName } from "./nearest.js";
import { CHECK_METRICS, type WrittenCheck, type WrittenStrategy } from "./strategy-schema.js";
import { formatPercent, parseDuration, parsePercent, parseRate, percentAdvice, type Parsed } from "./units.js";

/** What compiling a strategy needs to know from outside its text. */
export interface StrategyContext {
  readonly defaultName: string;
  /** Added unless the strategy switches them off. */
  readonly hardTriggers: readonly CheckSpec[];
  /** Endpoints that a check may name; null when the services are not known. */
  readonly endpoints: readonly string[] | null;
  /** How the world is seen; null when it is not known. */
  readonly sight: Sight | null;
  /** Whether a release has a flag that may be switched off. */
  readonly flagged: boolean;
}

/** Compiles a strategy; every problem is reported at its place. */
export function compileStrategy(written: WrittenStrategy, place: Place, context: StrategyContext): CanaryStrategy {
  const { rollback } = written;
  const steps = compileSteps(written, place.in("steps"));
  const decides = (spec: CheckSpec, here: Place): void => checkWindow(spec, here, written.window, place, context.sight);
  const gates = compileChecks("gate", written.gates, place.in("gates"), context, decides);
  const triggers = compileChecks("trigger", written.triggers, place.in("triggers"), context, decides);
  const known = new Set(triggers.map(({ id }) => id));
  const hard = rollback["hard-triggers"] ? context.hardTriggers.filter(({ id }) => !known.has(id)) : [];
  const strategy: CanaryStrategy = {
    kind: "canary",
    name: written.name ?? context.defaultName,
    steps,
    every: written.every,
    window: written.window,
    gates,
    triggers: [...triggers, ...hard],
    onGateFail: written["on-gate-fail"] ?? (written.preset === "seed" ? "roll-back" : "hold"),
    canaryReplicas: written["canary-replicas"],
    surge: written.surge,
    rollback: {
      prefer: rollback.prefer,
      stableKeptFor: rollback["stable-kept-for"],
      flagShare: rollback["flag-share"],
      flagWatch: rollback["flag-watch"],
      attempts: rollback.attempts,
    },
    actionTimeout: written["action-timeout"],
    askTimeout: written["ask-timeout"],
    onNoAnswer: written["on-no-answer"],
  };
  const blind = context.flagged && context.sight !== null ? blindFlagWatch(strategy, context.sight) : null;
  if (blind !== null) place.in("rollback", "flag-watch").wrong(blind.message, blind.instead);
  return strategy;
}

/** Says where a check's window is written that can never decide anything. */
function checkWindow(spec: CheckSpec, here: Place, common: Micros, strategy: Place, sight: Sight | null): void {
  const window = spec.window ?? common;
  const wrong = sight === null ? null : blindWindow(spec, window, sight);
  if (wrong !== null) (spec.window === undefined ? strategy : here).in("window").wrong(wrong.message, wrong.instead);
}

function compileSteps(written: WrittenStrategy, place: Place): CanaryStrategy["steps"] {
  const { steps } = written;
  const thin = written["thin-data"];
  if (steps.length === 0) place.wrong("`steps` is empty", "write [{ weight: 5%, bake: 15m }, { weight: 100%, bake: 10m }]", "key");
  for (let i = 1; i < steps.length; i += 1) {
    if (steps[i].weight <= steps[i - 1].weight) {
      place.in(i, "weight").wrong(`the weight does not rise: ${formatPercent(steps[i].weight)} after ${formatPercent(steps[i - 1].weight)}`, "write steps of rising weight");
    }
  }
  const last = steps.length - 1;
  if (last >= 0 && steps[last].weight < 1) {
    place.in(last, "weight").wrong(`the last step is ${formatPercent(steps[last].weight)}: the release would never be everywhere`, "add { weight: 100%, bake: 10m }");
  }
  return steps.map((step) => ({
    weight: step.weight,
    bake: step.bake,
    maxHold: step["max-hold"] ?? thin["max-hold"] ?? step.bake,
    minRequests: step["min-requests"] ?? thin["min-requests"],
    onInconclusive: step["on-inconclusive"] ?? thin["on-inconclusive"],
  }));
}

type Role = CheckSpec["role"];
const DEFAULT_PERSISTENCE: Readonly<Record<Role, Persistence>> = { gate: { need: 1, of: 1 }, trigger: { need: 3, of: 5 } };

function compileChecks(role: Role, written: WrittenStrategy["gates"] | WrittenStrategy["triggers"], place: Place, { endpoints }: StrategyContext, decides: (spec: CheckSpec, here: Place) => void): CheckSpec[] {
  const taken = new Set<string>();
  return CHECK_METRICS.flatMap((metric) =>
    (written[metric] ?? []).flatMap((check: WrittenCheck | Omit<WrittenCheck, "required">, index) => {
      const at = place.in(metric);
      const here = Array.isArray(at.written) ? at.in(index) : at;
      const spec = compileCheck(role, metric, check, here);
      if (spec === null) return [];
      if (spec.endpoint !== undefined && endpoints !== null && !endpoints.includes(spec.endpoint)) {
        here.in("endpoint").wrong(`no released service has an endpoint \`${spec.endpoint}\``, adviseName(spec.endpoint, endpoints, "endpoints"));
      }
      if (taken.has(spec.id)) here.wrong(`this check is written twice: ${spec.id}`, "keep one of the two");
      taken.add(spec.id);
      decides(spec, here);
      return [spec];
    }),
  );
}

const COMPARISONS = ["below", "above", "within", "drops", "times-baseline"] as const;
type ComparisonKey = (typeof COMPARISONS)[number];

/** A comparison that the metric takes. */
function exampleOf(role: Role, metric: CheckMetric): string {
  if (metric === "throughput") return role === "gate" ? "within: 10%" : "drops: 10%";
  if (metric === "conversion") return role === "gate" ? "above: 1%" : "drops: 20%";
  return role === "gate" ? "below: 1%" : "above: 1%";
}

function compileCheck(role: Role, metric: CheckMetric, written: Partial<WrittenCheck>, place: Place): CheckSpec | null {
  const keys = COMPARISONS.filter((key) => written[key] !== undefined);
  if (keys.length !== 1) {
    if (keys.length === 0) place.wrong("the comparison is missing", `write it like { ${exampleOf(role, metric)}${role === "trigger" ? ", for: 3 of 5" : ""} }`, "key");
    else place.in(keys[1]).wrong("one check has one comparison", "write a list of checks", "key");
    return null;
  }
  const [key] = keys;
  if (!fitsRole(role, metric, key, place.in(key))) return null;
  const compare = comparison(metric, key, written, place.in(key));
  if (compare === null) return null;
  const limit = limitText(key, written);
  const { endpoint, baseline, window, hard } = written;
  return {
    id: `${role} ${metric} ${limit}${endpoint === undefined ? "" : ` on ${endpoint}`}${baseline === "past" ? " of the past" : ""}`,
    role,
    metric,
    compare,
    persistence: written.for ?? DEFAULT_PERSISTENCE[role],
    required: role === "gate" && (written.required ?? true),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(baseline === undefined ? {} : { baseline }),
    ...(window === undefined ? {} : { window }),
    ...(hard === undefined ? {} : { hard }),
  };
}

/** A gate says what is healthy, a trigger what is not. A share of requests is healthy near its weight, and nowhere else. */
function fitsRole(role: Role, metric: CheckMetric, key: ComparisonKey, place: Place): boolean {
  if (metric === "throughput" && key !== "within" && key !== "drops") {
    place.wrong("`throughput`, the share of requests, is held against the version's weight, not against a limit", "write within: 10% (up or down), or drops: 10%", "key");
    return false;
  }
  if (metric === "conversion") return fitsConversion(role, key, place);
  if (role === "gate" && key === "above") {
    place.wrong("a gate says what is healthy, and `above` says what is not", "write below, or move it to triggers", "key");
    return false;
  }
  if (role === "trigger" && key === "below") {
    place.wrong("a trigger says what is not healthy, and `below` says what is", "write above, or move it to gates", "key");
    return false;
  }
  return true;
}

/** Conversion should be high: a gate keeps it above a limit, a trigger fires below one. */
function fitsConversion(role: Role, key: ComparisonKey, place: Place): boolean {
  const says = role === "gate" ? "a gate says what is healthy, and of conversion that is" : "a trigger says what is not healthy, and of conversion that is";
  if (role === "gate" && key === "below") place.wrong(`${says} not \`below\``, "write above, or move it to triggers", "key");
  else if (role === "trigger" && key === "above") place.wrong(`${says} not \`above\``, "write below, or move it to gates", "key");
  else if (key === "times-baseline") place.wrong(`${says} not more than a multiple of the baseline`, "write drops: 20%", "key");
  else return true;
  return false;
}

function comparison(metric: CheckMetric, key: ComparisonKey, written: Partial<WrittenCheck>, place: Place): Comparison | null {
  if (key === "times-baseline") return { kind: key, factor: written[key] ?? 1 };
  if (key === "within" || key === "drops") return { kind: key, ratio: written[key] ?? 0 };
  const parsed = parseLimit(metric, written[key] ?? "");
  if (parsed.ok) return { kind: metric === "conversion" ? "at-least" : key, value: parsed.value };
  place.wrong(parsed.message, parsed.instead);
  return null;
}

function limitText(key: ComparisonKey, written: Partial<WrittenCheck>): string {
  const value = written[key];
  if (key === "times-baseline") return `above ${String(value)}x baseline`;
  return `${key} ${key === "within" || key === "drops" ? formatPercent(Number(value)) : String(value).trim()}`;
}

/** A limit in the unit of its metric: a ratio, seconds, or a count. */
function parseLimit(metric: CheckMetric, written: string | number): Parsed<number> {
  switch (metric) {
    case "error-rate":
    case "conversion":
    case "cpu":
    case "memory":
    case "pool": {
      if (typeof written === "number") return { ok: false, message: `\`${written}\` has no unit`, instead: percentAdvice(written) };
      const parsed = parsePercent(written);
      if (!parsed.ok) return parsed;
      if (parsed.value > 1) return { ok: false, message: `\`${written}\` is over 100%`, instead: "write at most 100%" };
      return parsed.value < 0 ? { ok: false, message: `a limit can't be negative: \`${written}\``, instead: "write it like 1%" } : parsed;
    }
    case "p50":
    case "p95":
    case "p99": {
      if (typeof written === "number") return { ok: false, message: `\`${written}\` has no unit`, instead: `write ${written}ms, not ${written}` };
      const parsed = parseDuration(written);
      return parsed.ok ? { ok: true, value: toSeconds(parsed.value) } : parsed;
    }
    default:
      return parseCount(metric, written);
  }
}

function parseCount(metric: CheckMetric, written: string | number): Parsed<number> {
  const perMinute = metric === "restarts" || metric === "query-timeouts";
  if (typeof written === "number") return written >= 0 ? { ok: true, value: written } : { ok: false, message: `a limit can't be negative: \`${written}\``, instead: "write it like 5" };
  const rate = perMinute ? parseRate(written) : null;
  if (rate !== null && rate.ok) return { ok: true, value: rate.value * 60 };
  return { ok: false, message: `\`${written}\` is no limit for ${metric}`, instead: perMinute ? "write it like 5/min" : "write a number, like 2" };
}

// Says what a check saw in one plain sentence.

import { count, percent } from "../../kernel/format.js";
import type { CheckResult, CheckSpec } from "../evidence.js";
import { counted, during, figure, metricWords, sentence } from "../wording.js";
import { shareAllowance } from "./chance.js";
import type { BaselineIs } from "./judge.js";
import type { HealthScope } from "./queries.js";

/** `error rate of checkout v2`, `p95 of checkout/create-order v2`, `database pool in use`. */
export function seriesWords(scope: HealthScope, spec: CheckSpec): string {
  const metric = metricWords(spec.metric);
  if (spec.metric === "flag-service") return metric;
  if (spec.metric === "pool" || spec.metric === "query-timeouts") {
    return scope.databases === null || scope.databases.length === 0 ? metric : `${metric} of ${scope.databases.join(", ")}`;
  }
  const service = spec.endpoint === undefined ? scope.service : `${scope.service}/${spec.endpoint}`;
  return `${metric} of ${service} ${scope.canary}`;
}

/** `Error rate of checkout v2 was 4.1 % over 1,240 requests in the last 2 minutes, above 1 %, in 3 of 5 checks.` */
export function checkReason(result: CheckResult, spec: CheckSpec, baselineIs: BaselineIs, note: string | null): string {
  return `${sentence(checkClause(result, spec, baselineIs, note))}.`;
}

function checkClause(result: CheckResult, spec: CheckSpec, baselineIs: BaselineIs, note: string | null): string {
  const what = result.metric === "restarts" || result.metric === "startup-failures" || result.metric === "query-timeouts" ? "were" : "was";
  const lately = during(result.window.to - result.window.from);
  if (result.observed === null) return `${result.series}: no data ${result.status === "thin" ? "" : `${lately} `}(${note ?? "no series"})`;
  const sample = result.sampleSize > 0 ? ` over ${counted(result.sampleSize, "request")}` : "";
  const seen = `${result.series} ${what} ${figure(result.metric, result.observed)}${sample} ${lately}`;
  if (result.status === "thin" || result.status === "missing") return `${seen}, which decides nothing: ${note ?? "too little data"}`;
  const limit = limitWords(result, spec, baselineIs);
  const again = result.persistence.of > 1 && result.status === "breach" ? `, in ${result.breaches} of ${result.persistence.of} checks` : "";
  return `${seen}, ${limit}${note === null ? "" : ` (${note})`}${again}`;
}

function limitWords(result: CheckResult, spec: CheckSpec, baselineIs: BaselineIs): string {
  const breach = result.status === "breach";
  const threshold = figure(result.metric, result.threshold ?? 0);
  const baseline = baselineIs === null || result.baseline === null ? "" : baselineWords(result, baselineIs);
  const { compare } = spec;
  switch (compare.kind) {
    case "below":
      return breach ? `not below ${threshold}` : `below ${threshold}`;
    case "above":
      return breach ? `above ${threshold}` : `not above ${threshold}`;
    case "at-least":
      return breach ? `below ${threshold}` : `not below ${threshold}`;
    case "times-baseline":
      return `${breach ? "more" : "no more"} than ${compare.factor} times ${baseline}`;
    case "within":
      return `${breach ? "not " : ""}within ${percent(compare.ratio)} of ${baseline}`;
    case "drops":
      return `${breach ? "" : "not "}more than ${percent(compare.ratio)} below ${baseline}`;
  }
}

function baselineWords(result: CheckResult, baselineIs: Exclude<BaselineIs, null>): string {
  const value = figure(result.metric, result.baseline ?? 0);
  if (baselineIs === "weight") {
    const total = result.sampleSize + result.baselineSampleSize;
    return `its weight of ${value} (${figure(result.metric, shareAllowance(result.baseline ?? 0, total))} allowed for chance among ${count(Math.round(total))} requests)`;
  }
  const sample = result.baselineSampleSize > 0 ? ` over ${counted(result.baselineSampleSize, "request")}` : "";
  return baselineIs === "stable" ? `stable's ${value}${sample}` : `the ${value} before the release${sample}`;
}

// When a game day must not go on: abort conditions that hold, or a system that is not steady before its first fault.

import { latency, percent } from "../../kernel/format.js";
import type { Micros } from "../../kernel/units.js";
import { figureText, satisfies, seriesText } from "../../scenario/comparison.js";
import type { AbortCondition, RuleComparison, SteadyStateSpec } from "../../scenario/compiled.js";

/** The newest figure of a comparison's series in its own unit, as telemetry shows it; null where there is none. */
export type SeenFigures = (comparison: RuleComparison) => number | null;

/** Why the game day must end now, by the first condition that holds; null while it may go on. Missing figures say nothing. */
export function abortReason(conditions: readonly AbortCondition[], seen: SeenFigures): string | null {
  for (const { claim, while: condition, text } of conditions) {
    if (condition !== null && holding(condition, seen) === null) continue;
    const figure = holding(claim, seen);
    if (figure !== null) return `stop-if ${text}: ${seriesText(claim)} is ${figureText(claim.series, figure)}`;
  }
  return null;
}

/** The figure that satisfies the comparison; null when it does not, or there is none. */
function holding(comparison: RuleComparison, seen: SeenFigures): number | null {
  const figure = seen(comparison);
  return figure !== null && Number.isFinite(figure) && satisfies(comparison, figure) ? figure : null;
}

/** What is seen of the whole system at the edge, before anything is broken. */
export interface SteadyFigures {
  /** Pages answered in the window that the figures are of. */
  readonly requests: number;
  readonly errorRate: number | null;
  readonly p95Seconds: number | null;
  /** Replicas that should be up and are not, by name. */
  readonly replicasDown: readonly string[];
}

/** Fewer pages say nothing about a share of failures. */
const FEWEST_REQUESTS = 20;

/** What keeps the system from being steady, one reason each; empty when it is. */
export function unsteady({ errorRate, p95Seconds }: SteadyStateSpec, seen: SteadyFigures): readonly string[] {
  const reasons: string[] = [];
  if (seen.replicasDown.length > 0) reasons.push(`not up: ${seen.replicasDown.join(", ")}`);
  if (seen.requests < FEWEST_REQUESTS) reasons.push(`only ${seen.requests} requests seen (at least ${FEWEST_REQUESTS})`);
  if (errorRate !== null && (seen.errorRate === null || seen.errorRate > errorRate)) reasons.push(`error rate ${percent(seen.errorRate)} (at most ${percent(errorRate)})`);
  if (p95Seconds !== null && (seen.p95Seconds === null || seen.p95Seconds > p95Seconds)) reasons.push(`p95 ${latency(seen.p95Seconds)} (at most ${latency(p95Seconds)})`);
  return reasons;
}

/** The limits in words, for the plan. */
export function steadyStateText({ errorRate, p95Seconds }: SteadyStateSpec): readonly string[] {
  return [
    "every replica is up",
    ...(errorRate === null ? [] : [`the error rate is at most ${percent(errorRate)}`]),
    ...(p95Seconds === null ? [] : [`p95 is at most ${latency(p95Seconds)}`]),
  ];
}

export type SteadyVerdict =
  | { readonly state: "steady" }
  | { readonly state: "waiting"; readonly reasons: readonly string[] }
  /** It did not come true in time: no fault may begin. */
  | { readonly state: "not steady"; readonly reasons: readonly string[] };

/** Watches for the steady state before the first fault. */
export class SteadyState {
  readonly #spec: SteadyStateSpec;
  readonly #from: Micros;
  #steadySince: Micros | null = null;

  constructor(spec: SteadyStateSpec, from: Micros) {
    this.#spec = spec;
    this.#from = from;
  }

  /** Looks once; one bad look starts the stretch anew. */
  look(at: Micros, seen: SteadyFigures): SteadyVerdict {
    const reasons = unsteady(this.#spec, seen);
    this.#steadySince = reasons.length > 0 ? null : (this.#steadySince ?? at);
    if (this.#steadySince !== null && at - this.#steadySince >= this.#spec.for) return { state: "steady" };
    // What is steady right now gets the time to show it.
    const isTooLate = at - this.#from >= this.#spec.within && this.#steadySince === null;
    return { state: isTooLate ? "not steady" : "waiting", reasons };
  }
}

// Where the excess errors and slow requests come from: the flag's endpoints, or everywhere.

import { MICROS_PER_SECOND } from "../../kernel/units.js";
import type { Answer, WindowSnapshot } from "../../telemetry/query.js";
import type { FlagEvidence } from "../decision.js";
import type { CheckResult } from "../evidence.js";
import { measure } from "../health/measure.js";
import type { ExcessSlots, HealthPlan, InfrastructureSlots } from "../health/queries.js";
import { troubleOf } from "./matrix.js";

/** Infrastructure counts as healthy up to these (SYSTEMS.md section 5). */
export const INFRASTRUCTURE_LIMITS = { cpu: 0.9, memory: 0.85, restartsPerMinute: 5, pool: 0.98 } as const;

/** Excess below this share of the requests is noise and speaks for nothing. */
export const FAINTEST_EXCESS = 0.001;

/** The flag as its team declared it. */
export interface FlagFacts {
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly schemaAdditive: boolean;
}

interface Counts {
  readonly requests: number;
  readonly bad: number;
}

const zeroIfAbsent = (answer: Answer): number => (answer.kind === "value" ? answer.value : 0);

/** Bad requests above what the baseline's share would have brought, never below zero. */
function excess(canary: Counts, baseline: Counts): number {
  const share = baseline.requests > 0 ? baseline.bad / baseline.requests : 0;
  return Math.max(0, canary.bad - canary.requests * share);
}

const less = (all: Counts, part: Counts): Counts => ({ requests: Math.max(0, all.requests - part.requests), bad: Math.max(0, all.bad - part.bad) });

interface Reading {
  readonly all: { readonly errors: Counts; readonly slow: Counts };
  readonly feature: { readonly errors: Counts; readonly slow: Counts };
}

function read(slots: ExcessSlots, snapshot: WindowSnapshot): Reading {
  const at = (place: number): number => zeroIfAbsent(snapshot.answers[place]);
  const of = (requests: number, failures: number, fast: number): { errors: Counts; slow: Counts } => ({
    errors: { requests, bad: failures },
    slow: { requests, bad: Math.max(0, requests - fast) },
  });
  return {
    all: of(at(slots.requestsAll), at(slots.failuresAll), at(slots.fastAll)),
    feature: of(at(slots.requestsFeature), at(slots.failuresFeature), at(slots.fastFeature)),
  };
}

interface Split {
  readonly feature: number;
  readonly all: number;
}

function split(all: { canary: Counts; baseline: Counts }, feature: { canary: Counts; baseline: Counts }): Split {
  const onFeature = excess(feature.canary, feature.baseline);
  const elsewhere = excess(less(all.canary, feature.canary), less(all.baseline, feature.baseline));
  return { feature: onFeature, all: onFeature + elsewhere };
}

/**
 * The evidence for flag or full at this snapshot; null when the release has no flag. Baseline is stable in the same
 * window, or the service's past when stable has no traffic any more. `fired` says which kind of excess matters:
 * errors for an error trigger, slow requests for a latency trigger, the larger share for any other.
 */
export function flagEvidence(
  plan: HealthPlan,
  snapshot: WindowSnapshot,
  past: WindowSnapshot | null,
  facts: FlagFacts,
  fired: readonly CheckResult[],
): FlagEvidence | null {
  if (plan.flag === null) return null;
  const canary = read(plan.flag.canary, snapshot);
  const beside = read(plan.flag.stable, snapshot);
  const baseline = beside.all.errors.requests > 0 || past === null ? beside : read(plan.flag.past, past);
  const errors = split({ canary: canary.all.errors, baseline: baseline.all.errors }, { canary: canary.feature.errors, baseline: baseline.feature.errors });
  const slow = split({ canary: canary.all.slow, baseline: baseline.all.slow }, { canary: canary.feature.slow, baseline: baseline.feature.slow });
  const seconds = snapshot.queries[plan.flag.canary.requestsAll].window / MICROS_PER_SECOND;
  const perSecond = (counts: Split): Split => ({ feature: counts.feature / seconds, all: counts.all / seconds });
  const up = snapshot.answers[plan.flag.infrastructure.flagService];
  return {
    flag: facts.name, endpoints: facts.endpoints,
    excessErrors: perSecond(errors), excessSlow: perSecond(slow),
    share: shareFor(errors, slow, canary.all.errors.requests, fired),
    infrastructureHealthy: isInfrastructureHealthy(plan.flag.infrastructure, snapshot),
    schemaAdditive: facts.schemaAdditive,
    flagServiceHealthy: up.kind === "value" && up.value >= 1,
  };
}

/** The share on the feature's endpoints of the excess that the fired checks are about. */
function shareFor(errors: Split, slow: Split, requests: number, fired: readonly CheckResult[]): number | null {
  const troubles = new Set(fired.map((check) => troubleOf(check.metric)));
  const any = !troubles.has("errors") && !troubles.has("latency");
  const shares: number[] = [];
  const consider = (counts: Split): void => {
    if (counts.all > FAINTEST_EXCESS * requests && counts.all > 0) shares.push(counts.feature / counts.all);
  };
  if (any || troubles.has("errors")) consider(errors);
  if (any || troubles.has("latency")) consider(slow);
  return shares.length === 0 ? null : shares.reduce((larger, share) => Math.max(larger, share), 0);
}

/** What is not measured is not known to be healthy; a database that nobody measures is not in the way. */
function isInfrastructureHealthy(slots: InfrastructureSlots, snapshot: WindowSnapshot): boolean {
  const cpu = measure("cpu", slots.cpu, snapshot);
  const memory = measure("memory", slots.memory, snapshot);
  const restarts = measure("restarts", slots.restarts, snapshot);
  const pool = measure("pool", slots.pool, snapshot);
  return (
    cpu.kind === "value" && cpu.value <= INFRASTRUCTURE_LIMITS.cpu &&
    memory.kind === "value" && memory.value <= INFRASTRUCTURE_LIMITS.memory &&
    (restarts.kind === "absent" || restarts.value <= INFRASTRUCTURE_LIMITS.restartsPerMinute) &&
    (pool.kind === "absent" || pool.value <= INFRASTRUCTURE_LIMITS.pool)
  );
}

// A hand-made, plausible outcome: reports can be tested and looked at before any simulator runs.

import type { CheckMetric, CheckResult } from "../../../src/engines/evidence.js";
import type { Decision } from "../../../src/engines/decision.js";
import { minutes, seconds, type Micros } from "../../../src/kernel/units.js";
import type { Cost, Outcome, ReleaseOutcome, Series } from "../../../src/sim/outcome.js";

const ROW = seconds(15);
const ROWS = 480;
const at = (minute: number, second = 0): Micros => minutes(minute) + seconds(second);

const RELEASED = at(10);
const TRAFFIC = at(10, 42);
const PROMOTED = at(26, 0);
const HARM = at(26, 14);
const DETECTED = at(28, 30);
const MITIGATED = at(28, 41);
const SHIFTED = at(29, 45);
const RESTORED = at(30, 6);

/** A check result with everything filled in; tests override what they talk about. */
export function check(over: Partial<CheckResult> & { readonly metric: CheckMetric }): CheckResult {
  return {
    check: `gate ${over.metric}`,
    role: "gate",
    series: `${over.metric.replace("-", " ")} of checkout v2`,
    status: "pass",
    observed: 0.0021,
    threshold: 0.01,
    baseline: null,
    sampleSize: 2143,
    baselineSampleSize: 0,
    window: { from: at(8), to: at(10) },
    breaches: 0,
    persistence: { need: 1, of: 1 },
    fired: false,
    reason: "the error rate of checkout v2 is 0.21%, below 1%, on 2,143 requests",
    ...over,
  };
}

function decision(over: Partial<Decision> & { readonly id: number; readonly at: Micros }): Decision {
  const window = { from: over.at - minutes(2), to: over.at };
  const shared = { window, sampleSize: 2143 };
  return {
    state: "step 1 of 3, baking",
    release: "v2",
    service: "checkout",
    rule: "schedule",
    actions: ["hold"],
    by: "engine",
    reason: "The step has baked 15m and every gate passes.",
    decidingCheck: null,
    checks: [
      check({ ...shared, metric: "error-rate", check: "gate error-rate below 1%" }),
      check({ ...shared, metric: "p95", check: "gate p95 below 500ms", observed: 0.231, threshold: 0.5, reason: "p95 of checkout v2 is 231ms, below 500ms, on 2,143 requests" }),
      check({ ...shared, metric: "throughput", check: "gate throughput within 10%", observed: 0.98, threshold: 0.9, baseline: 1, series: "share of requests of checkout v2 over its weight", reason: "checkout v2 takes 98% of its set share, within 10%" }),
      check({ ...shared, metric: "memory", check: "gate memory below 85%", observed: 0.42, threshold: 0.85, series: "memory of checkout v2", reason: "memory of checkout v2 is 42%, below 85%" }),
      check({ ...shared, metric: "error-rate", role: "trigger", check: "trigger error-rate above 1%", persistence: { need: 3, of: 5 }, reason: "the error rate of checkout v2 is 0.21%, not above 1%, on 2,143 requests" }),
      check({ ...shared, metric: "p95", role: "trigger", check: "trigger p95 times-baseline 1.5", observed: 0.231, threshold: 0.335, baseline: 0.223, baselineSampleSize: 40_711, persistence: { need: 3, of: 5 }, reason: "p95 of checkout v2 is 231ms, not above 1.5 x 223ms of stable, on 2,143 and 40,711 requests" }),
    ],
    flag: null,
    weight: 0.05,
    ...over,
  };
}

const DECISIONS: readonly Decision[] = [
  decision({
    id: 1, at: at(11, 12), rule: "thin-data", reason: "Only 31 of the 50 requests that a judgement needs were seen, so the step holds.",
    checks: [check({ metric: "error-rate", check: "gate error-rate below 1%", status: "thin", observed: 0, sampleSize: 31, window: { from: at(10, 42), to: at(11, 12) }, reason: "31 requests of checkout v2 are fewer than the 50 needed" })],
  }),
  decision({ id: 2, at: at(25, 45), actions: ["promote"], reason: "Step 1 has baked for 15m and every gate passes, so checkout v2 goes from 5% to 25%." }),
  decision({
    id: 3, at: DETECTED, state: "step 2 of 3, baking", rule: "trigger", actions: ["disable-flag"], weight: 0.25,
    reason: "p95 of checkout v2 was above 1.5 times stable's in 3 of the last 5 checks, and 94% of the excess comes from the flag's endpoints, so the flag new-checkout is switched off.",
    decidingCheck: "trigger p95 times-baseline 1.5",
    checks: [
      check({ metric: "error-rate", check: "gate error-rate below 1%", observed: 0.0034, sampleSize: 10_422, window: { from: at(26, 30), to: DETECTED }, reason: "the error rate of checkout v2 is 0.34%, below 1%, on 10,422 requests" }),
      check({ metric: "p95", check: "gate p95 below 500ms", status: "breach", observed: 0.682, threshold: 0.5, breaches: 1, sampleSize: 10_422, window: { from: at(26, 30), to: DETECTED }, reason: "p95 of checkout v2 is 682ms, not below 500ms, on 10,422 requests" }),
      check({ metric: "p95", role: "trigger", check: "trigger p95 times-baseline 1.5", status: "breach", observed: 0.682, threshold: 0.336, baseline: 0.224, breaches: 3, persistence: { need: 3, of: 5 }, fired: true, sampleSize: 10_422, baselineSampleSize: 31_280, window: { from: at(26, 30), to: DETECTED }, reason: "p95 of checkout v2 is 682ms, above 1.5 x 224ms of stable, on 10,422 and 31,280 requests" }),
      check({ metric: "memory", check: "gate memory below 85%", observed: 0.44, threshold: 0.85, series: "memory of checkout v2", sampleSize: 10_422, window: { from: at(26, 30), to: DETECTED }, reason: "memory of checkout v2 is 44%, below 85%" }),
      check({ metric: "restarts", role: "trigger", check: "trigger restarts above 5 per min", status: "missing", observed: null, threshold: 5, series: "restarts of checkout v2", sampleSize: 0, window: { from: at(26, 30), to: DETECTED }, reason: "there is no series for restarts of checkout v2" }),
    ],
    flag: {
      flag: "new-checkout", endpoints: ["create-order"], excessErrors: { feature: 0.21, all: 0.24 }, excessSlow: { feature: 8.4, all: 8.9 },
      share: 0.944, infrastructureHealthy: true, schemaAdditive: true, flagServiceHealthy: true,
    },
  }),
  decision({
    id: 4, at: at(29, 41), state: "flag off, watching", rule: "flag-watch", actions: ["stay-dark", "shift-traffic"], weight: 0.25,
    reason: "60s after the flag went off p95 is back at 229ms, so the flag stays off, the rollout stops and traffic returns to stable.",
    decidingCheck: "trigger p95 times-baseline 1.5",
  }),
  decision({ id: 5, at: at(30, 6), state: "rolled out dark", rule: "flag-watch", actions: ["page"], weight: 0, reason: "The rollout stopped, so the owners of checkout v2 are told.", checks: [] }),
];

const COST: Cost = { failedRequests: 1.24, slowRequests: 38.6, lostOrders: 412.35, delay: 0, rollbacks: 25, pages: 50, total: 527.19 };

const RELEASE: ReleaseOutcome = {
  service: "checkout", version: "v2", lines: 180, flag: "new-checkout",
  defects: ["latency x3 on checkout/create-order above 8rps per replica, with the flag new-checkout"],
  truth: "harmful",
  truthEvidence: [
    { objective: "error-rate", endpoint: "checkout/create-order", segment: "all", limit: 0.005, margin: 0.0005, withRelease: 0.0041, without: 0.0012, windowFrom: at(74), windowTo: at(79), finding: "fine", reason: "At worst 0.41% of create-order fails, within the 0.5% allowed." },
    { objective: "p95", endpoint: "checkout/create-order", segment: "all", limit: 0.5, margin: 0.05, withRelease: 1.42, without: 0.224, windowFrom: at(61), windowTo: at(66), finding: "harmful", reason: "p95 of create-order reaches 1.42s where it would be 224ms without the release; 500ms is allowed." },
    { objective: "conversion", endpoint: "checkout/create-order", segment: "all", limit: -0.05, margin: 0.005, withRelease: -0.061, without: 0, windowFrom: at(61), windowTo: at(66), finding: "harmful", reason: "Conversion falls by 6.1%; a fall of 5% is allowed." },
  ],
  result: "flag-off", by: "engine", afterFullExposure: false, cause: "release",
  causeReason: "Without the requests that carry the release's effects, p95 would have been 226ms and the trigger would not have fired.",
  classification: "caught", unscoredWhy: null, action: "disable-flag", rightAction: "disable-flag", tookRightAction: true,
  times: {
    releasedAt: RELEASED, firstTrafficAt: TRAFFIC, harmStartsAt: HARM, detectedAt: DETECTED, mitigatedAt: MITIGATED, restoredAt: RESTORED,
    finishedAt: at(30, 6), detection: DETECTED - HARM, mitigation: MITIGATED - HARM, recovery: RESTORED - HARM,
  },
  impact: { failedRequests: 62, slowRequests: 7720, lostOrdersEuro: 412.35, shareOfRequests: 0.00312 },
  cost: COST,
  regret: { clairvoyant: 393.03, oracleCost: { failedRequests: 0.12, slowRequests: 3.9, lostOrders: 55.14, delay: 0, rollbacks: 25, pages: 50, total: 134.16 }, oracleActsAt: at(26, 15) },
  verdict: "checkout v2 is harmful and was caught: its flag was switched off 2m 16s after the harm began, which was the right thing to do.",
  pages: 1, startedAt: RELEASED,
  states: [
    { state: "deploying", label: "deploying", spent: seconds(42), entries: 1 },
    { state: "baking.1", label: "step 1 of 3: 5%, baking", spent: at(15, 18), entries: 1 },
    { state: "baking.2", label: "step 2 of 3: 25%, baking", spent: DETECTED - PROMOTED, entries: 1 },
    { state: "watching", label: "flag off, watching", spent: at(29, 41) - DETECTED, entries: 1 },
    { state: "shifting", label: "shifting traffic to stable", spent: seconds(25), entries: 1 },
    { state: "dark", label: "stopped, flag off", spent: at(120) - RESTORED, entries: 1 },
  ],
  transitions: [
    { at: TRAFFIC, from: "deploying", to: "baking.1", why: "4 replicas are ready and 5% of traffic is on v2" },
    { at: PROMOTED, from: "baking.1", to: "baking.2", why: "decision 2: every gate passes" },
    { at: DETECTED, from: "baking.2", to: "watching", why: "decision 3: trigger p95 times-baseline 1.5" },
    { at: at(29, 41), from: "watching", to: "shifting", why: "decision 4: the flag helped" },
    { at: RESTORED, from: "shifting", to: "dark", why: "all traffic is on v1" },
  ],
};

/** Smooth, repeatable wobble in -1..1 without any random source. */
const wobble = (row: number, phase: number): number => Math.sin(row * 0.7 + phase) * 0.6 + Math.sin(row * 0.23 + 2 * phase) * 0.4;

function sampleSeries(): Series {
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  const time = (row: number): Micros => (row + 1) * ROW;
  const weight = (row: number): number => (time(row) < TRAFFIC || time(row) > SHIFTED ? 0 : time(row) < PROMOTED ? 0.05 : 0.25);
  const total = (row: number): number => 180 + 45 * Math.sin(row / 90) + 9 * wobble(row, 1);
  const harmed = (row: number): boolean => time(row) >= HARM && time(row) <= MITIGATED + ROW;
  const canaryP95 = (row: number): number => (harmed(row) ? 0.68 + 0.05 * wobble(row, 4) : 0.229 + 0.02 * wobble(row, 5));
  const gap = (row: number): boolean => time(row) > at(40) && time(row) <= at(42);
  const seenAt = (row: number, value: (row: number) => number): number | null => {
    if (gap(row)) return null;
    const back = [0, 1, 2, 3, 4, 5, 6, 7].map((lag) => value(Math.max(0, row - lag)));
    return back.reduce((sum, each) => sum + each, 0) / back.length;
  };
  const stableErrors = (row: number): number => 0.0014 + 0.0006 * wobble(row, 2);
  const canaryErrors = (row: number): number => Math.max(0, 0.0019 + 0.0016 * wobble(row, 3) + (harmed(row) ? 0.0016 : 0));
  const onCanary = <T>(value: (row: number) => T) => (row: number): T | null => (weight(row) > 0 ? value(row) : null);
  return {
    at: rows.map(time),
    versions: [
      {
        service: "checkout", version: "v1", weight: rows.map((row) => 1 - weight(row)), rps: rows.map((row) => total(row) * (1 - weight(row))),
        errorRate: rows.map(stableErrors), p95Seconds: rows.map((row) => 0.224 + 0.008 * wobble(row, 6)),
        seenErrorRate: rows.map((row) => seenAt(row, stableErrors)), seenP95Seconds: rows.map((row) => seenAt(row, (r) => 0.226 + 0.008 * wobble(r, 6))),
        replicas: rows.map(() => 6),
      },
      {
        service: "checkout", version: "v2", weight: rows.map(weight), rps: rows.map((row) => total(row) * weight(row)),
        errorRate: rows.map(onCanary(canaryErrors)), p95Seconds: rows.map(onCanary(canaryP95)),
        seenErrorRate: rows.map(onCanary((row) => seenAt(row, canaryErrors))), seenP95Seconds: rows.map(onCanary((row) => seenAt(row, canaryP95))),
        replicas: rows.map((row) => (time(row) < RELEASED || time(row) > RESTORED ? 0 : time(row) < PROMOTED ? 1 : 2)),
      },
    ],
    edge: {
      rps: rows.map(total), errorRate: rows.map(stableErrors), p95Seconds: rows.map((row) => (harmed(row) ? 0.31 : 0.225)),
      harmedPerSecond: rows.map((row) => (harmed(row) ? total(row) * 0.25 * 0.6 : 0)),
      failedPerSecond: rows.map((row) => total(row) * stableErrors(row) + (harmed(row) ? 0.4 : 0)),
    },
  };
}

/** A flagged release that is slow under load, caught by the p95 trigger; its flag is switched off in time. */
export function caughtOutcome(over: Partial<Outcome> = {}): Outcome {
  return {
    schemaVersion: 1,
    modelVersion: "1",
    scenario: { name: "slow-new-checkout", about: "The new checkout is slow under load; switching its flag off is enough.", file: "scenarios/flag-is-enough.yaml", world: "shop", strategy: "canary" },
    seed: 7,
    fidelity: "cohort",
    approximations: ["replicas of a version are one target until an effect singles one out", "waiting is carried from tick to tick as fluid backlog"],
    duration: minutes(120),
    digest: "9f3c0a17e2b45d68",
    passed: false,
    expectations: [
      { text: "release v2: classification caught, action disable-flag", file: "scenarios/flag-is-enough.yaml", line: 21, passed: true, reason: "v2 was caught and its flag was switched off first" },
      { text: "release v2: detected-within 2m", file: "scenarios/flag-is-enough.yaml", line: 22, passed: false, reason: "detected after 2m 16s, 16s later than expected" },
      { text: "never: weight(v2) > 25% while error-rate(v2) > 5%", file: "scenarios/flag-is-enough.yaml", line: 23, passed: true, reason: "looked at 480 times, never true" },
    ],
    invariants: [
      { name: "weights sum to 100%", held: true, checked: 480, reason: "at every scrape" },
      { name: "every decision has evidence", held: true, checked: 5, reason: "5 decisions, 5 with evidence" },
    ],
    releases: [RELEASE],
    decisions: DECISIONS,
    timeline: [
      { at: RELEASED, kind: "script", text: "checkout v2 is released: 180 lines behind the flag new-checkout", major: true, decision: null },
      { at: at(10, 8), kind: "world", text: "replica 1 of checkout v2 started", major: false, decision: null },
      { at: TRAFFIC, kind: "action", text: "5% of checkout's traffic is on v2", major: true, decision: null },
      { at: at(11, 12), kind: "decision", text: "hold: 31 of 50 requests seen", major: false, decision: 1 },
      { at: at(25, 45), kind: "decision", text: "promote checkout v2 to 25%: every gate passes", major: true, decision: 2 },
      { at: HARM, kind: "harm", text: "the first request is hurt by v2: slow past 500ms", major: true, decision: null },
      { at: DETECTED, kind: "decision", text: "switch the flag new-checkout off: p95 of v2 is 682ms against 336ms, 3 of 5 checks", major: true, decision: 3 },
      { at: DETECTED, kind: "alert", text: "warning: checkout v2 is slow, flag new-checkout is being switched off", major: false, decision: null },
      { at: MITIGATED, kind: "action", text: "the flag new-checkout is off everywhere", major: true, decision: null },
      { at: at(29, 41), kind: "decision", text: "stay dark: p95 is back at 229ms, traffic returns to stable", major: true, decision: 4 },
      { at: RESTORED, kind: "action", text: "all of checkout's traffic is on v1", major: true, decision: null },
      { at: at(40), kind: "script", text: "fault: telemetry gap for 2m", major: true, decision: null },
    ],
    alerts: [
      { at: DETECTED, severity: "warning", channel: "chat", text: "p95 of checkout v2 is 682ms" },
      { at: RESTORED, severity: "info", channel: "log", text: "rollout of checkout v2 stopped" },
    ],
    incidents: [{ openedAt: DETECTED, closedAt: RESTORED, release: "v2", summary: "checkout v2 slow under load; flag switched off" }],
    dora: [
      { name: "deployment frequency", value: 12, unit: "per day", sampleSize: 1, definition: "Deployments to production per day.", note: "One release in two hours is a sample of one." },
      { name: "lead time for changes", value: null, unit: "seconds", sampleSize: 0, definition: "Time from commit to running in production.", note: "The pipeline is not part of this run." },
      { name: "change failure rate", value: 1, unit: "ratio", sampleSize: 1, definition: "Share of deployments that needed a remedy in production.", note: "One of one: says nothing about the next." },
      { name: "failed deployment recovery time", value: (RESTORED - HARM) / 1e6, unit: "seconds", sampleSize: 1, definition: "Time from the start of harm to restored service.", note: "A sample of one." },
      { name: "rework rate", value: null, unit: "ratio", sampleSize: 0, definition: "Share of deployments that were unplanned fixes.", note: "No fix was released in this run." },
    ],
    objectives: [{ name: "error-rate", limit: 0.005 }, { name: "p95", limit: 0.5 }, { name: "conversion", limit: -0.05 }],
    thresholds: [
      { metric: "error-rate", label: "gate", value: 0.01 },
      { metric: "p95", label: "gate", value: 0.5 },
      { metric: "error-rate", label: "trigger", value: 0.01 },
    ],
    costWeights: { failedRequest: 0.02, slowRequest: 0.005, lostOrder: 0.3, delayPerHour: 120, rollback: 25, page: 50 },
    totals: { requests: 1_297_000, failed: 1843, slow: 9120, orders: 38_211, orderEuro: 1_833_900 },
    series: sampleSeries(),
    replay: "npx shakedown run scenarios/flag-is-enough.yaml --seed 7 --fidelity cohort",
    ...over,
  };
}

const NO_COST: Cost = { failedRequests: 0, slowRequests: 0, lostOrders: 0, delay: 0, rollbacks: 0, pages: 0, total: 0 };

/** A release without a fault that is promoted on schedule. Nothing is harmed, so most times are null. */
export function cleanOutcome(over: Partial<Outcome> = {}): Outcome {
  const base = caughtOutcome();
  const release: ReleaseOutcome = {
    ...RELEASE, flag: null, defects: [], truth: "harmless", truthEvidence: RELEASE.truthEvidence.map((each) => ({ ...each, withRelease: each.without, finding: "fine" as const, reason: "as good as without the release" })),
    result: "promoted", by: "engine", cause: null, causeReason: "Nobody acted.", classification: "clean", action: "none", rightAction: "none", tookRightAction: true,
    times: { releasedAt: RELEASED, firstTrafficAt: TRAFFIC, harmStartsAt: null, detectedAt: null, mitigatedAt: null, restoredAt: null, finishedAt: at(66), detection: null, mitigation: null, recovery: null },
    impact: { failedRequests: 0, slowRequests: 0, lostOrdersEuro: 0, shareOfRequests: 0 },
    cost: NO_COST, regret: { clairvoyant: 0, oracleCost: NO_COST, oracleActsAt: null },
    verdict: "checkout v2 is harmless and was promoted on schedule.",
  };
  return {
    ...base, passed: true, expectations: base.expectations.map((each) => ({ ...each, passed: true })),
    releases: [release], decisions: DECISIONS.slice(0, 2), alerts: [], incidents: [], ...over,
  };
}

/** A healthy release that bad luck rolled back. */
export function falseRollbackOutcome(over: Partial<Outcome> = {}): Outcome {
  const base = caughtOutcome();
  const release: ReleaseOutcome = {
    ...RELEASE, truth: "harmless", classification: "false-rollback", cause: "luck", action: "roll-back", result: "rolled-back", rightAction: "none", tookRightAction: false,
    times: { ...RELEASE.times, harmStartsAt: null, detection: null, mitigation: null, recovery: null },
    verdict: "checkout v2 is harmless and was rolled back anyway: a false rollback.",
  };
  return { ...base, releases: [release], ...over };
}

/** A run in which nothing was released and nothing recorded. */
export function emptyOutcome(): Outcome {
  const base = caughtOutcome();
  return {
    ...base, passed: true, expectations: [], invariants: [], releases: [], decisions: [], timeline: [], alerts: [], incidents: [], dora: [],
    thresholds: [], approximations: [], costWeights: {}, totals: { requests: 0, failed: 0, slow: 0, orders: 0, orderEuro: 0 },
    series: { at: [], versions: [], edge: { rps: [], errorRate: [], p95Seconds: [], harmedPerSecond: [], failedPerSecond: [] } },
  };
}

/** Two releases of two services in one run, the second one clean. */
export function twoReleasesOutcome(): Outcome {
  const base = caughtOutcome();
  const [clean] = cleanOutcome().releases;
  const versions = base.series.versions;
  return {
    ...base,
    releases: [base.releases[0], { ...clean, service: "payments", version: "v9" }],
    series: { ...base.series, versions: [...versions, { ...versions[0], service: "payments", version: "v8" }, { ...versions[1], service: "payments", version: "v9" }] },
  };
}

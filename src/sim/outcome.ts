// The Outcome: everything a run yields, as documented JSON that every face reads and nothing else.

import type { Euro, Micros, Ratio } from "../kernel/units.js";
import type { Decision } from "../engines/decision.js";

export const OUTCOME_SCHEMA_VERSION = 1;

/** What became of a release (DESIGN.md section 6). */
export type ReleaseResult = "promoted" | "flag-off" | "rolled-back" | "held" | "rejected" | "invalidated";

/** The truth of a release, from the noise-free twins; `unjudged` where too little of the run comes after its exposure to tell. */
export type ReleaseTruth = "harmful" | "harmless" | "borderline" | "interaction" | "strategy-harm" | "unjudged";

export type Classification = "caught" | "late" | "missed" | "false-rollback" | "clean" | "undecided" | "unscored";

/** Why it was acted on: the release's own effects, or luck. Null when nobody acted. */
export type Cause = "release" | "luck" | null;

export type RightAction = "none" | "disable-flag" | "roll-back" | "not-restorable";

/** One objective's comparison of the twins: the worst window, of 5 minutes or a quarter of a short run. */
export interface TruthEvidence {
  /** e.g. `error-rate`, `p95`, `conversion`. */
  readonly objective: string;
  readonly endpoint: string;
  readonly segment: "all" | "targeted" | "rest";
  readonly limit: number;
  readonly margin: number;
  /** Value with the release at 100 % and nobody acting, in its worst window. */
  readonly withRelease: number;
  /** Value in the same window had the release never been made. */
  readonly without: number;
  readonly windowFrom: Micros;
  readonly windowTo: Micros;
  readonly finding: "harmful" | "borderline" | "fine";
  /** One sentence. */
  readonly reason: string;
}

/** Absolute times in the run; null where it never happened. */
export interface ReleaseTimes {
  readonly releasedAt: Micros;
  readonly firstTrafficAt: Micros | null;
  readonly harmStartsAt: Micros | null;
  readonly detectedAt: Micros | null;
  readonly mitigatedAt: Micros | null;
  readonly restoredAt: Micros | null;
  readonly finishedAt: Micros | null;
  /** detectedAt - harmStartsAt. */
  readonly detection: Micros | null;
  /** mitigatedAt - harmStartsAt. */
  readonly mitigation: Micros | null;
  /** restoredAt - harmStartsAt (failed deployment recovery time). */
  readonly recovery: Micros | null;
}

/** Money, by part; `total` is their sum. */
export interface Cost {
  readonly failedRequests: Euro;
  readonly slowRequests: Euro;
  readonly lostOrders: Euro;
  readonly delay: Euro;
  readonly rollbacks: Euro;
  /** Waking people: a page, a critical alert, or both in one call. */
  readonly pages: Euro;
  readonly total: Euro;
}

export interface Impact {
  /** Client pages that failed or were slow past the objective because of the release. */
  readonly failedRequests: number;
  readonly slowRequests: number;
  readonly lostOrdersEuro: Euro;
  /** Harmed over all client pages between release and end. */
  readonly shareOfRequests: Ratio;
}

export interface ReleaseOutcome {
  readonly service: string;
  readonly version: string;
  readonly lines: number;
  readonly flag: string | null;
  /** The scripted defects, in words. */
  readonly defects: readonly string[];
  readonly truth: ReleaseTruth;
  readonly truthEvidence: readonly TruthEvidence[];
  readonly result: ReleaseResult;
  readonly by: "engine" | "person" | null;
  readonly afterFullExposure: boolean;
  readonly cause: Cause;
  /** One sentence on how the cause was found. */
  readonly causeReason: string;
  readonly classification: Classification;
  /** For `unscored`: borderline, interaction, strategy-harm, unjudged, rejected or invalidated. */
  readonly unscoredWhy: string | null;
  /** The action that mattered: what the deciding plan did first. */
  readonly action: "none" | "disable-flag" | "roll-back" | "shift-traffic";
  readonly rightAction: RightAction;
  readonly tookRightAction: boolean | null;
  readonly times: ReleaseTimes;
  readonly impact: Impact;
  readonly cost: Cost;
  /** Cost above the oracle's on the same seed; null when not computed. */
  readonly regret: { readonly clairvoyant: Euro; readonly oracleCost: Cost; readonly oracleActsAt: Micros | null } | null;
  /** One sentence that says what happened and whether it was right. */
  readonly verdict: string;
  /** How often a person was woken for it: by a page, a critical alert, or both in one call. */
  readonly pages: number;
  /** When its delivery began: later than its release where it waited for an earlier one. Null when it never got its turn. */
  readonly startedAt: Micros | null;
  /** Time spent per state of the statechart, in order of first entry. */
  readonly states: readonly { readonly state: string; readonly label: string; readonly spent: Micros; readonly entries: number }[];
  readonly transitions: readonly { readonly at: Micros; readonly from: string; readonly to: string; readonly why: string }[];
}

export interface ExpectationOutcome {
  /** The expectation as the user wrote it, and where. */
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly passed: boolean;
  /** What was found, with figures; why it failed. */
  readonly reason: string;
}

export interface InvariantOutcome {
  readonly name: string;
  readonly held: boolean;
  readonly checked: number;
  readonly reason: string;
}

/** One line of the story, sorted by time. */
export interface TimelineEntry {
  readonly at: Micros;
  readonly kind: "script" | "world" | "decision" | "action" | "state" | "alert" | "person" | "harm";
  readonly text: string;
  /** Weighty entries make the summary; the rest only the report. */
  readonly major: boolean;
  /** Id of the decision it shows. */
  readonly decision: number | null;
  /** What kind of event of the world it is, e.g. `out-of-memory`. */
  readonly event?: string;
}

/** A threshold line of a chart. */
export interface ThresholdLine {
  readonly metric: "error-rate" | "p95";
  readonly label: string;
  readonly value: number;
  /** The limit moves: it is `value` times what stable shows at the same moment. */
  readonly timesStable?: boolean;
}

/**
 * Columns over time for the charts, one row per record interval (the row's time is its end). Null where there is
 * nothing to measure. Rates are ratios, latencies seconds.
 */
export interface Series {
  readonly at: readonly Micros[];
  /** Rows per version of the released service, stable first. */
  readonly versions: readonly {
    readonly service: string;
    readonly version: string;
    readonly weight: readonly Ratio[];
    readonly rps: readonly number[];
    readonly errorRate: readonly (number | null)[];
    readonly p95Seconds: readonly (number | null)[];
    readonly seenErrorRate: readonly (number | null)[];
    readonly seenP95Seconds: readonly (number | null)[];
    readonly replicas: readonly number[];
  }[];
  /** Client pages, all versions together. */
  readonly edge: {
    readonly rps: readonly number[];
    readonly errorRate: readonly (number | null)[];
    readonly p95Seconds: readonly (number | null)[];
    readonly harmedPerSecond: readonly number[];
    readonly failedPerSecond: readonly number[];
  };
}

export interface Alert {
  readonly at: Micros;
  readonly severity: "critical" | "warning" | "info";
  readonly channel: "pager" | "chat" | "log";
  readonly text: string;
}

export interface Incident {
  readonly openedAt: Micros;
  readonly closedAt: Micros | null;
  readonly release: string | null;
  readonly summary: string;
}

/** A DORA figure with its definition; value null where one run cannot say. */
export interface DoraFigure {
  readonly name: "deployment frequency" | "lead time for changes" | "change failure rate" | "failed deployment recovery time" | "rework rate";
  readonly value: number | null;
  readonly unit: "per day" | "seconds" | "ratio";
  readonly sampleSize: number;
  readonly definition: string;
  /** What keeps the figure from meaning much, e.g. that one release is a sample of one. */
  readonly note: string;
}

export interface Outcome {
  readonly schemaVersion: typeof OUTCOME_SCHEMA_VERSION;
  readonly modelVersion: string;
  readonly scenario: { readonly name: string; readonly about: string; readonly file: string; readonly world: string; readonly strategy: string };
  readonly seed: number;
  /** `live`: a game day on real processes; `request` and `cohort` are the simulator's. */
  readonly fidelity: "request" | "cohort" | "live";
  readonly approximations: readonly string[];
  readonly duration: Micros;
  /** 16 hexadecimal digits over the run's event trace, fidelity and model version. */
  readonly digest: string;
  readonly passed: boolean;
  readonly expectations: readonly ExpectationOutcome[];
  readonly invariants: readonly InvariantOutcome[];
  readonly releases: readonly ReleaseOutcome[];
  readonly decisions: readonly Decision[];
  readonly timeline: readonly TimelineEntry[];
  readonly alerts: readonly Alert[];
  readonly incidents: readonly Incident[];
  readonly dora: readonly DoraFigure[];
  readonly objectives: readonly { readonly name: string; readonly limit: number }[];
  readonly thresholds: readonly ThresholdLine[];
  readonly costWeights: Readonly<Record<string, number>>;
  readonly totals: { readonly requests: number; readonly failed: number; readonly slow: number; readonly orders: number; readonly orderEuro: Euro };
  readonly series: Series;
  readonly replay: string;
}

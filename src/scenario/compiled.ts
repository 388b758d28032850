// A scenario ready to run: what the loader gives after parsing, checking and filling in defaults.

import type { CanaryStrategy } from "../delivery/strategy.js";
import type { ReleaseDeclaration } from "../delivery/release.js";
import type { Euro, Micros, Ratio } from "../kernel/units.js";
import type { Effect } from "../world/effect.js";
import type { Fidelity } from "../world/world.js";
import type { WorldSpec } from "../world/spec.js";

/** A place in a file, for messages that lead back to what the user wrote. Lines and columns count from 1. */
export interface SourceRange {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What users must get: judged in truth, never seen by engines. */
export type Objective =
  | { readonly metric: "error-rate"; readonly limit: Ratio }
  | { readonly metric: "p50" | "p95" | "p99"; readonly limitSeconds: number }
  /** Relative change against the twin without the release; limit -0.05 allows a drop of 5 %. */
  | { readonly metric: "conversion"; readonly limit: Ratio };

export interface CostWeights {
  readonly failedRequest: Euro;
  readonly slowRequest: Euro;
  /** Share of a lost order's value that is a loss. */
  readonly lostOrder: Ratio;
  readonly delayPerHour: Euro;
  readonly rollback: Euro;
  readonly page: Euro;
}

export type ScriptItem =
  | {
      readonly kind: "release";
      readonly at: Micros;
      readonly release: ReleaseDeclaration;
      /** Index into ReleaseDeclarations in script order; effects name it. */
      readonly index: number;
      readonly defects: readonly string[];
      readonly source: SourceRange;
    }
  | { readonly kind: "fault"; readonly at: Micros; readonly until: Micros; readonly text: string; readonly effects: readonly string[]; readonly source: SourceRange }
  | { readonly kind: "answer"; readonly at: Micros; readonly answer: "roll-back" | "promote" | "hold"; readonly source: SourceRange };

export type RuleSeries = "weight" | "error-rate" | "p95" | "rps" | "conversion" | "replicas";

/** What a name in a rule stands for: a version of one service, or (null) a service with all its versions. */
export interface RuleSubject {
  readonly service: string;
  readonly version: string | null;
}

/** `series(of) op value`; `seen` reads telemetry instead of truth. */
export interface RuleComparison {
  readonly series: RuleSeries;
  readonly seen: boolean;
  /** A version or a service, as it is written. */
  readonly of: string;
  readonly subject: RuleSubject;
  readonly op: "<" | "<=" | ">" | ">=" | "==" | "!=";
  /** In the series' own unit: ratio, seconds, rps, count. */
  readonly value: number;
}

export type Expectation =
  | {
      readonly kind: "release";
      readonly release: string;
      readonly classification?: string;
      readonly truth?: string;
      readonly result?: string;
      readonly action?: string;
      readonly cause?: string;
      readonly by?: string;
      readonly detectedWithin?: Micros;
      readonly mitigatedWithin?: Micros;
      readonly restoredWithin?: Micros;
      readonly costBelow?: Euro;
      readonly text: string;
      readonly source: SourceRange;
    }
  | {
      readonly kind: "rule";
      readonly temporal: "never" | "always" | "eventually-within";
      /** For eventually-within: from the start of the run, or from when `while` first holds. */
      readonly within: Micros | null;
      readonly claim: RuleComparison;
      readonly while: RuleComparison | null;
      readonly text: string;
      readonly source: SourceRange;
    };

/** What is counted over many runs of a scenario. Times and costs are under a limit or not; never is later than any limit. */
export type OverallEvent =
  | { readonly kind: "passed" }
  | { readonly kind: "classification"; readonly is: string }
  | { readonly kind: "result"; readonly is: string }
  | { readonly kind: "right-action" }
  | { readonly kind: "time-under"; readonly time: "detection" | "mitigation" | "recovery"; readonly limit: Micros }
  | { readonly kind: "cost-under"; readonly limit: Euro };

/** A claim about many runs together: the event comes in at least, or at most, this share of them. */
export interface OverallClaim {
  readonly event: OverallEvent;
  readonly side: "at-least" | "at-most";
  readonly share: Ratio;
  /** Null where the claim is of the whole run. */
  readonly release: string | null;
  readonly text: string;
  readonly source: SourceRange;
}

/** How the simulated on-call person answers a page that asks. */
export interface PersonSpec {
  readonly answersAfter: Micros | null;
  readonly answer: "roll-back" | "promote" | "hold";
}

/** A rule that ends a game day when it holds. */
export interface AbortCondition {
  readonly claim: RuleComparison;
  readonly while: RuleComparison | null;
  /** As it is written. */
  readonly text: string;
  readonly source: SourceRange;
}

/** What must hold before the first fault of a game day; in the game day's own time, whatever its speed. */
export interface SteadyStateSpec {
  /** Null where no limit is written and no objective gives one. */
  readonly errorRate: Ratio | null;
  readonly p95Seconds: number | null;
  /** It must hold without a break for so long ... */
  readonly for: Micros;
  /** ... and come true in time. */
  readonly within: Micros;
}

/** How this scenario runs as a game day. */
export interface GameDaySpec {
  readonly speed: number;
  readonly stopIf: readonly AbortCondition[];
  readonly steadyState: SteadyStateSpec;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly file: string;
  readonly worldFile: string;
  readonly strategyFile: string;
  readonly seed: number;
  readonly duration: Micros;
  readonly fidelity: Fidelity;
  readonly world: WorldSpec;
  readonly strategy: CanaryStrategy;
  readonly objectives: readonly Objective[];
  readonly cost: CostWeights;
  readonly script: readonly ScriptItem[];
  /** Every defect and fault, with absolute times. */
  readonly effects: readonly Effect[];
  readonly person: PersonSpec;
  readonly expectIn: Ratio;
  readonly expectations: readonly Expectation[];
  /** Absent where no file said so: a run by itself cannot be held against them. */
  readonly overall?: readonly OverallClaim[];
  readonly gameDay: GameDaySpec;
}

// The figures of one run that a prediction is about, taken in the same way from a simulated run and a game day.

import type { Micros, Ratio } from "../../kernel/units.js";
import { actingDecision } from "../../sim/journal.js";
import type { Simulation } from "../../sim/play.js";
import { cellsWhere, type Recorder } from "../../sim/recording.js";
import { releasesOf } from "../../sim/stage.js";
import { timesOf } from "../../sim/times.js";
import { quantileOf, stretchOf, together, type Stretch } from "./stretch.js";

/** Whose figures they are: a version by its own books, or all clients by what they got. */
export interface Subject {
  readonly service: string;
  /** Null: the clients of all services. */
  readonly version: string | null;
}

export const METRICS = ["error-rate", "p50", "p95", "throughput"] as const;
export type Metric = (typeof METRICS)[number];

/** The four metrics of a stretch; null where it has no request to tell of. */
export interface StretchFigures extends Readonly<Record<Metric, number | null>> {
  readonly requests: number;
  readonly errors: number;
  /** Of p50 and p95, from how far apart the latencies around them lie; null without a request. */
  readonly quantileErrors: { readonly p50: number | null; readonly p95: number | null };
}

export interface SubjectFigures {
  readonly subject: Subject;
  readonly windows: readonly StretchFigures[];
  /** Over those windows that were asked for. */
  readonly whole: StretchFigures;
}

/** What became of a release. Times are the run's own; null where it did not come to it. */
export interface ReleaseFigures {
  readonly service: string;
  readonly version: string;
  readonly result: string;
  /** What was decided about it: the rule and the actions; `none` where nothing took it back. */
  readonly decision: string;
  readonly releasedAt: Micros;
  readonly detection: Micros | null;
  readonly decidedAt: Micros | null;
  readonly finishedAt: Micros | null;
}

export interface RunFigures {
  readonly subjects: readonly SubjectFigures[];
  readonly releases: readonly ReleaseFigures[];
  /** Client pages that failed, of so many; over the windows of `whole`. */
  readonly failed: number;
}

export interface Window {
  readonly from: Micros;
  readonly to: Micros;
}

/** Windows of `width` over the run; a rest shorter than half of one is left out. */
export function windowsOf(width: Micros, duration: Micros): readonly Window[] {
  const count = Math.max(1, Math.floor(duration / width + 0.5));
  return Array.from({ length: count }, (_, k) => ({ from: k * width, to: Math.min(duration, (k + 1) * width) }));
}

export interface FiguresOptions {
  readonly windows: readonly Window[];
  /** Windows that count for the whole: those that were measured well. */
  readonly counted: readonly boolean[];
  /** What a client's way to the entry service and back takes beyond the model's; added to clients' latencies. */
  readonly hopSeconds?: number;
}

export function figuresOf(simulation: Simulation, options: FiguresOptions): RunFigures {
  const { recorder } = simulation;
  const subjects = subjectsOf(recorder).map(({ subject, cells }) => {
    const hop = subject.version === null ? (options.hopSeconds ?? 0) : 0;
    const stretches = options.windows.map(({ from, to }) => stretchOf(recorder, cells, from, to));
    const figures = (stretch: Stretch): StretchFigures => stretchFigures(stretch, recorder, hop);
    return { subject, windows: stretches.map(figures), whole: figures(together(stretches.filter((_, k) => options.counted[k]))) };
  });
  const clients = subjects.find(({ subject }) => subject.version === null);
  return { subjects, releases: releaseFigures(simulation), failed: clients?.whole.errors ?? 0 };
}

/** Clients first, then every version of every service. */
function subjectsOf({ cells }: Recorder): readonly { readonly subject: Subject; readonly cells: readonly number[] }[] {
  const versions = new Map<string, Subject>();
  for (const { scope, service, version } of cells) if (scope === "service") versions.set(JSON.stringify([service, version]), { service, version });
  return [
    { subject: { service: "clients", version: null }, cells: cellsWhere(cells, ({ scope }) => scope === "edge") },
    ...[...versions.values()].map((subject) => ({
      subject, cells: cellsWhere(cells, ({ scope, service, version }) => scope === "service" && service === subject.service && version === subject.version),
    })),
  ];
}

function stretchFigures(stretch: Stretch, recorder: Recorder, hop: number): StretchFigures {
  const { requests, errors, lasts } = stretch;
  const quantile = (q: number): number | null => {
    const seconds = quantileOf(stretch, q, recorder);
    return seconds === null ? null : seconds + hop;
  };
  return {
    requests, errors,
    "error-rate": requests > 0 ? errors / requests : null,
    p50: quantile(0.5), p95: quantile(0.95),
    quantileErrors: { p50: quantileError(stretch, 0.5, recorder), p95: quantileError(stretch, 0.95, recorder) },
    throughput: lasts > 0 ? requests / (lasts / 1_000_000) : null,
  };
}

/** The share of answers below the true quantile has this binomial deviation: half the distance between the quantiles there. */
function quantileError(stretch: Stretch, q: Ratio, recorder: Recorder): number | null {
  if (stretch.requests === 0) return null;
  const deviation = Math.sqrt((q * (1 - q)) / stretch.requests);
  const [low, high] = [quantileOf(stretch, Math.max(0, q - deviation), recorder), quantileOf(stretch, Math.min(1, q + deviation), recorder)];
  return low === null || high === null ? null : (high - low) / 2;
}

function releaseFigures(simulation: Simulation): readonly ReleaseFigures[] {
  return releasesOf(simulation.input.scenario).map((item): ReleaseFigures => {
    const journal = simulation.journals[item.index];
    const { releasedAt, detection, finishedAt } = timesOf(simulation, journal, item);
    const decision = actingDecision(journal)?.decision ?? null;
    return {
      service: item.release.service, version: item.release.version,
      result: journal.result?.kind ?? "none yet",
      decision: decision === null ? "none" : `${decision.rule}: ${decision.actions.join(", ")}`,
      releasedAt, detection, decidedAt: decision?.at ?? null, finishedAt,
    };
  });
}

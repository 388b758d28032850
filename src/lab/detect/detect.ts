// The minimum detectable effect: regressions of growing size, and how often and how soon each is acted on.

import { scheduleOf } from "../../delivery/strategy.js";
import { exactExp, exactLog } from "../../kernel/exact.js";
import type { Micros, Ratio } from "../../kernel/units.js";
import type { LoadResult } from "../../scenario/problem.js";
import type { Fidelity } from "../../world/world.js";
import { readScenario, type Bundle } from "../bundle.js";
import type { Job, Runner } from "../runner.js";
import { clopperPearson, type Interval } from "../statistics/clopper-pearson.js";
import { lengthFor, regressionWords, testedRelease, withRegression, type RegressionSize, type TestedRelease } from "./regression.js";
import { detectionDelay, releaseIn, rowIn, timeReachedBy, wasTakenBack } from "./reading.js";
import { crossing, type Crossing } from "./threshold.js";

export interface DetectInput {
  /** With the strategy that is examined. */
  readonly scenario: Bundle;
  /** From small to large, all of one kind. */
  readonly sizes: readonly RegressionSize[];
  /** An endpoint; null for the whole service. */
  readonly on: string | null;
  /** Later detections do not count; null when any does. */
  readonly within: Micros | null;
  readonly rate?: string | undefined;
  readonly fidelity: Fidelity;
  readonly seeds: readonly number[];
}

export interface DetectOptions {
  readonly signal?: AbortSignal;
  /** Runs done, and in how many of the size at hand the regression was detected so far. */
  readonly onProgress?: (runs: number, size: string, detected: number, of: number) => void;
}

/** What many runs say about one size; a healthy release has the size 0. */
export interface SizeResult {
  /** As written: `+2%`, `x1.5`; null for the healthy release. */
  readonly written: string | null;
  readonly size: number;
  readonly runs: number;
  /** Acted on because of the release, in time; for the healthy release: taken back for nothing, ever. */
  readonly detected: number;
  readonly share: Ratio;
  /** Clopper and Pearson, 95 %. */
  readonly interval: Interval;
  /** Acted on because of the release, however late. */
  readonly everDetected: number;
  /** From the first harm to the decision, over all runs: never is later than any; null when so few ever did. */
  readonly delayP50: Micros | null;
  readonly delayP90: Micros | null;
}

/** The size that is detected in a share of the runs, with what the intervals of the shares leave open. */
export interface DetectableSize {
  readonly share: Ratio;
  readonly size: Crossing | null;
  /** From where the upper limits reach the share to where the lower ones do. */
  readonly from: Crossing | null;
  readonly to: Crossing | null;
}

export interface DetectResult {
  readonly scenario: string;
  readonly strategy: string;
  readonly service: string;
  readonly version: string;
  readonly on: string | null;
  readonly rate: string | null;
  readonly within: Micros | null;
  readonly kind: RegressionSize["kind"];
  readonly seeds: number;
  readonly healthy: SizeResult | null;
  readonly sizes: readonly SizeResult[];
  readonly detectable: readonly DetectableSize[];
  readonly runs: number;
  readonly interrupted: boolean;
}

/** The shares that a detectable size is given for. */
export const SHARES: readonly Ratio[] = [0.8, 0.95];

/** Errors and latency factors are ratios: equal steps are equal factors, of what a factor adds. */
export const sizeScale = (kind: RegressionSize["kind"]) => {
  const base = kind === "latency" ? 1 : 0;
  return { to: (size: number) => exactLog(size - base), from: (place: number) => base + exactExp(place) };
};

/** Plays every size and a healthy release on the same seeds. Interrupted, it gives the sizes that were finished. */
export async function detect(input: DetectInput, runner: Runner, options: DetectOptions = {}): Promise<LoadResult<DetectResult>> {
  const release = testedRelease(input.scenario);
  if (!release.ok) return release;
  const tested = release.value;
  const cases: { size: RegressionSize | null; bundle: Bundle }[] = [];
  for (const size of [null, ...input.sizes]) {
    const made = testOf(input, tested, size);
    if (!made.ok) return made;
    cases.push({ size, bundle: made.value });
  }
  const { found, runs, interrupted } = await play(input, tested, cases, runner, options);
  const [healthy = null, ...sizes] = found;
  const loaded = readScenario(cases[0].bundle);
  return {
    ok: true,
    value: {
      scenario: loaded.ok ? loaded.value.name : input.scenario.entry,
      strategy: loaded.ok ? loaded.value.strategy.name : "",
      service: tested.service, version: tested.version, on: input.on, rate: input.rate ?? null, within: input.within,
      kind: input.sizes[0].kind, seeds: input.seeds.length, healthy, sizes,
      detectable: SHARES.map((share) => detectable(sizes, share, input.sizes[0].kind)), runs, interrupted,
    },
  };
}

/** The scenario with a regression of this size, long enough for the strategy's whole schedule. */
function testOf({ scenario, on, rate, fidelity }: DetectInput, tested: TestedRelease, size: RegressionSize | null): LoadResult<Bundle> {
  const loaded = readScenario(scenario);
  if (!loaded.ok) return loaded;
  const { strategy, duration } = loaded.value;
  return withRegression(scenario, tested, size, on, { fidelity, rate, duration: lengthFor(tested, scheduleOf(strategy), duration) });
}

async function play(input: DetectInput, tested: TestedRelease, cases: readonly { readonly size: RegressionSize | null; readonly bundle: Bundle }[], runner: Runner, { signal, onProgress }: DetectOptions) {
  const { seeds, fidelity, within } = input;
  const found: SizeResult[] = [];
  let delays: (Micros | null)[] = [];
  let takenBack = 0;
  function* jobs(): Generator<Job> {
    for (const { bundle } of cases) for (const seed of seeds) yield { bundle, seed, fidelity, detail: "row" };
  }
  const { delivered, aborted } = await runner.run(
    jobs(),
    (result, index) => {
      const { size } = cases[found.length];
      const release = releaseIn(rowIn(result), tested);
      takenBack += wasTakenBack(release) ? 1 : 0;
      delays.push(detectionDelay(release));
      const hits = size === null ? takenBack : delays.filter((delay) => isInTime(delay, within)).length;
      onProgress?.(index + 1, size === null ? "healthy release" : regressionWords(size), hits, delays.length);
      if (delays.length < seeds.length) return;
      found.push(sizeResult(size, delays, hits));
      [delays, takenBack] = [[], 0];
    },
    signal === undefined ? {} : { signal },
  );
  return { found, runs: delivered, interrupted: aborted };
}

const isInTime = (delay: Micros | null, within: Micros | null): boolean => delay !== null && delay <= (within ?? Infinity);

function sizeResult(size: RegressionSize | null, delays: readonly (Micros | null)[], detected: number): SizeResult {
  const runs = delays.length;
  return {
    written: size?.written ?? null, size: size?.number ?? 0, runs, detected, share: detected / runs,
    interval: clopperPearson(detected, runs), everDetected: delays.filter((delay) => delay !== null).length, delayP50: timeReachedBy(delays, 0.5), delayP90: timeReachedBy(delays, 0.9),
  };
}

/** Where the measured shares, and the limits around them, reach a share. */
export function detectable(sizes: readonly SizeResult[], share: Ratio, kind: RegressionSize["kind"]): DetectableSize {
  const along = sizeScale(kind);
  const reached = (of: (result: SizeResult) => Ratio): Crossing | null => crossing(sizes.map((result) => ({ size: result.size, share: of(result), weight: result.runs })), share, along);
  return { share, size: reached((result) => result.share), from: reached(({ interval }) => interval.high), to: reached(({ interval }) => interval.low) };
}


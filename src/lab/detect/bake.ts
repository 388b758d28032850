// The inverse question: how long the first step must bake to notice a regression of a given size before more users get it.

import type { CanaryStep } from "../../delivery/strategy.js";
import type { DecisionRule } from "../../engines/decision.js";
import { minutes, type Micros, type Ratio } from "../../kernel/units.js";
import type { LoadResult } from "../../scenario/problem.js";
import { formatDuration } from "../../scenario/units.js";
import type { Fidelity } from "../../world/world.js";
import { readScenario, type Bundle } from "../bundle.js";
import { jobsOf, type Runner, type RunResult } from "../runner.js";
import { clopperPearson, type Interval } from "../statistics/clopper-pearson.js";
import { withField } from "../variant.js";
import { detectionDelay, releaseIn, rowIn } from "./reading.js";
import { scriptUntil, testedRelease, withRegression, type RegressionSize, type TestedRelease } from "./regression.js";

export interface BakeInput {
  readonly scenario: Bundle;
  readonly size: RegressionSize;
  readonly on: string | null;
  /** Of the runs, in which the first step must notice. */
  readonly share: Ratio;
  readonly rate?: string | undefined;
  readonly fidelity: Fidelity;
  readonly seeds: readonly number[];
  /** Nobody bakes longer than this. */
  readonly longest: Micros;
}

export interface BakeOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (runs: number, bake: Micros, detected: number, of: number) => void;
}

/** One bake time that was tried. */
export interface TriedBake {
  readonly bake: Micros;
  readonly detected: number;
  readonly runs: number;
  readonly share: Ratio;
  readonly interval: Interval;
  /** Of those detected: by the gate at the end of the bake, not by a trigger during it. */
  readonly atGate: number;
}

export interface BakeResult {
  readonly size: string;
  readonly share: Ratio;
  readonly weight: Ratio;
  /** As the strategy has it. */
  readonly before: Micros;
  /** The shortest that was found to do; null when not even the longest does, or the search was interrupted. */
  readonly bake: Micros | null;
  /** The longest that was found too short; null when the very shortest does. */
  readonly tooShort: Micros | null;
  readonly longest: Micros;
  /** From short to long. */
  readonly tried: readonly TriedBake[];
  readonly runs: number;
  readonly interrupted: boolean;
}

/** Shorter answers than this part of themselves are no answers to anybody. */
const PRECISION = 0.05;
/** From the script's release to its first traffic, and from the last decision to its end. */
const AROUND = minutes(15);

/** Among which bakes there is to search. */
interface BakeRange {
  readonly tested: TestedRelease;
  readonly first: CanaryStep;
  readonly every: Micros;
  /** In evaluations, as `longest`. */
  readonly shortest: number;
  readonly longest: number;
}

/** What is searched, both ends of it found well; for whoever wants to know before anything is played. */
export function bakeRange(input: BakeInput): LoadResult<BakeRange> {
  const release = testedRelease(input.scenario);
  if (!release.ok) return release;
  const loaded = readScenario(input.scenario);
  if (!loaded.ok) return loaded;
  const { strategy: { every, window, steps: [first] }, world: { telemetry: { scrape, lag }, splitPropagation } } = loaded.value;
  // A step that is over before its window is full has judged nothing, and a window begins when the shift can be seen; between two evaluations nothing is decided.
  const shortest = Math.max(1, Math.ceil((window + scrape + lag + splitPropagation) / every));
  const longest = Math.max(shortest, Math.floor(input.longest / every));
  for (const end of [shortest, longest]) {
    const made = trialOf(input, end * every);
    if (!made.ok) return made;
  }
  return { ok: true, value: { tested: release.value, first, every, shortest, longest } };
}

/** Doubles the bake until it does, then halves the gap; the same seeds at every bake, so that its steps are fair. */
export async function searchBake(input: BakeInput, runner: Runner, options: BakeOptions = {}): Promise<LoadResult<BakeResult>> {
  const range = bakeRange(input);
  if (!range.ok) return range;
  const { tested, first, every, shortest, longest } = range.value;
  const search = new Search(input, tested, first.weight, runner, options);
  let [tooShort, enough] = [0, 0];
  for (let next = nextTry(tooShort, enough, shortest, longest); next !== null; next = nextTry(tooShort, enough, shortest, longest)) {
    const share = await search.at(next * every);
    if (share === null) break;
    if (share >= input.share) enough = next;
    else tooShort = next;
  }
  return {
    ok: true,
    value: {
      size: input.size.written, share: input.share, weight: first.weight, before: first.bake, longest: longest * every,
      bake: enough === 0 ? null : enough * every, tooShort: tooShort === 0 ? null : tooShort * every,
      tried: [...search.tried].sort((a, b) => a.bake - b.bake), runs: search.runs, interrupted: options.signal?.aborted === true,
    },
  };
}

/** The bake to try after these, in evaluations; 0 stands for not yet known, null for nothing left to learn. */
export function nextTry(tooShort: number, enough: number, shortest: number, longest: number): number | null {
  if (enough === 0) return tooShort === 0 ? shortest : tooShort >= longest ? null : Math.min(longest, 2 * tooShort);
  const precise = enough - tooShort <= Math.max(1, PRECISION * enough);
  return tooShort === 0 || precise ? null : Math.floor((tooShort + enough) / 2);
}

/** With this bake, and only as long as the first step can last: what comes later is not asked for. */
function trialOf({ scenario, size, on, rate, fidelity }: BakeInput, bake: Micros): LoadResult<Bundle> {
  const changed = withField(scenario, { path: "strategy.steps.0.bake", value: formatDuration(bake) });
  if (!changed.ok) return changed;
  const loaded = readScenario(changed.value);
  if (!loaded.ok) return loaded;
  const release = testedRelease(changed.value);
  if (!release.ok) return release;
  const [{ maxHold }] = loaded.value.strategy.steps;
  const needed = Math.ceil((release.value.at + bake + maxHold + 2 * AROUND) / minutes(1)) * minutes(1);
  const cut = scriptUntil(changed.value, needed);
  if (!cut.ok) return cut;
  // What is left of the script may stand at other places.
  const tested = testedRelease(cut.value);
  const short = tested.ok ? withRegression(cut.value, tested.value, size, on, { fidelity, rate, duration: needed }) : tested;
  // What is left may be about what was cut (its effects begin later, it names a later release): then all of it is played.
  return short.ok || needed >= loaded.value.duration ? short : withRegression(changed.value, release.value, size, on, { fidelity, rate });
}

/** The bakes tried so far, and what they were worth. */
class Search {
  readonly tried: TriedBake[] = [];
  runs = 0;
  readonly #input: BakeInput;
  readonly #tested: TestedRelease;
  readonly #weight: Ratio;
  readonly #runner: Runner;
  readonly #options: BakeOptions;

  constructor(input: BakeInput, tested: TestedRelease, weight: Ratio, runner: Runner, options: BakeOptions) {
    this.#input = input;
    this.#tested = tested;
    this.#weight = weight;
    this.#runner = runner;
    this.#options = options;
  }

  /** The share of the runs in which the first step noticed; null when interrupted. */
  async at(bake: Micros): Promise<Ratio | null> {
    const made = trialOf(this.#input, bake);
    if (!made.ok) throw new Error(`a bake of ${formatDuration(bake)} is refused: ${made.problems[0].message}`);
    const { seeds, fidelity } = this.#input;
    const { signal, onProgress } = this.#options;
    let detected = 0;
    let atGate = 0;
    const { delivered, aborted } = await this.#runner.run(
      jobsOf(made.value, seeds, { fidelity, detail: "light" }),
      (result, index) => {
        const rule = this.#noticedBy(result);
        detected += rule === null ? 0 : 1;
        atGate += rule === "gate" ? 1 : 0;
        onProgress?.(this.runs + index + 1, bake, detected, index + 1);
      },
      signal === undefined ? {} : { signal },
    );
    this.runs += delivered;
    if (aborted) return null;
    this.tried.push({ bake, detected, runs: seeds.length, share: detected / seeds.length, interval: clopperPearson(detected, seeds.length), atGate });
    return detected / seeds.length;
  }

  /** The rule that acted because of the release while it still had the first step's weight; null when none did. */
  #noticedBy(result: RunResult): DecisionRule | null {
    const { service, version } = this.#tested;
    const release = releaseIn(rowIn(result), this.#tested);
    if (detectionDelay(release) === null || !result.ok) return null;
    const decision = result.outcome?.decisions.find((each) => each.at === release?.times.detectedAt && each.service === service && each.release === version);
    return decision !== undefined && decision.weight <= this.#weight + 1e-9 ? decision.rule : null;
  }
}

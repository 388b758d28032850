// Fuzzing: rounds of random and changed cases, what they reached, what was wrong, and each new failure shrunk.

import type { Problem } from "../../scenario/problem.js";
import type { Runner, Job, RunResult } from "../runner.js";
import { arbitraryScenario } from "./arbitraries/scenario.js";
import { pagesOf, ruleName, settled, type CaseFrame, type FuzzCase } from "./cases.js";
import type { Fields } from "./document.js";
import { featuresOf, reachOf, type Reach } from "./features.js";
import { findingsOf, repeatFinding, type Finding } from "./findings.js";
import { composed, valueOfSeed } from "./hand.js";
import { mutated } from "./mutate.js";
import { Population } from "./population.js";
import { reduced } from "./reduce.js";

/** Cases of a round: what it taught is known to the next. Fixed, so that the number of workers changes nothing. */
const ROUND = 24;
/** Every so manieth case is played twice, and must come out the same. */
const REPEAT_EVERY = 12;
/** Every so manieth case is also played request by request, when it is small enough. */
const REQUEST_EVERY = 8;
const MOST_PAGES_IN_REQUEST = 30_000;
/** Share of cases that are a change of one that reached something new. */
const MUTATED = 0.5;
/** Draws for one case before its place is given up. */
const MOST_DRAWS = 12;
/** Different failures that are followed up. */
export const MOST_FINDINGS = 10;

export interface FuzzOptions {
  readonly frame: CaseFrame;
  readonly seed: number;
  /** Cases to play; Infinity goes on until `isOver`. */
  readonly cases: number;
  /** Asked between rounds; time may have run out. */
  readonly isOver?: () => boolean;
  readonly signal?: AbortSignal;
  /** Cases that are played first. */
  readonly corpus?: readonly Fields[];
  /** Follows up this failure alone, by its id. */
  readonly only?: string;
  /** Ends the search at so many different failures. */
  readonly mostFindings?: number;
  readonly shrinkRuns?: number;
  readonly onProgress?: (progress: { readonly cases: number; readonly findings: number; readonly reached: number; readonly doing: string }) => void;
  readonly onFound?: (found: Found) => void;
}

/** A failure, and the shortest case that still shows it. */
export interface Found {
  readonly finding: Finding;
  readonly case: FuzzCase;
  /** Lines of YAML of the case as it was found, and as it is now. */
  readonly lines: { readonly before: number; readonly after: number; readonly script: number };
  /** The number of the case that showed it first. */
  readonly caseNumber: number;
  readonly shrinkRuns: number;
}

/** A case of the corpus that this frame cannot play: it names what is not there, say. */
export interface Unplayable {
  /** Its place in the corpus. */
  readonly index: number;
  readonly problem: Problem | null;
}

export interface FuzzResult {
  readonly cases: number;
  readonly runs: number;
  /** Draws that became no case. */
  readonly givenUp: number;
  /** What the loader said of the last draw that it refused. */
  readonly problem: Problem | null;
  readonly found: readonly Found[];
  /** Failures that were seen again, by id, with how often. */
  readonly seen: ReadonlyMap<string, number>;
  readonly reach: readonly Reach[];
  /** Rules that no case had the names for. */
  readonly idleRules: readonly string[];
  readonly unplayable: readonly Unplayable[];
  /** Cases worth keeping. */
  readonly kept: readonly Fields[];
  readonly aborted: boolean;
}

/**
 * Fuzzes within the frame. The same options give the same result, whoever the runner is; times out of it, a finding of kind hang.
 * `again` plays what is played a second time: it must be another one where the first answers from what it keeps.
 */
export async function fuzz(options: FuzzOptions, runner: Runner, again: Runner = runner): Promise<FuzzResult> {
  return new Fuzzer(options, runner, again).run();
}

interface Planned {
  readonly made: FuzzCase;
  readonly number: number;
}

class Fuzzer {
  readonly #options: FuzzOptions;
  readonly #runner: Runner;
  readonly #again: Runner;
  readonly #population = new Population();
  readonly #rules: readonly string[];
  readonly #found: Found[] = [];
  readonly #seen = new Map<string, number>();
  readonly #busyRules = new Set<string>();
  #cases = 0;
  #runs = 0;
  #givenUp = 0;
  #problem: Problem | null = null;
  readonly #unplayable: Unplayable[] = [];

  constructor(options: FuzzOptions, runner: Runner, again: Runner) {
    this.#options = options;
    this.#runner = runner;
    this.#again = again;
    this.#rules = options.frame.rules.map(ruleName);
  }

  async run(): Promise<FuzzResult> {
    const { cases, corpus = [], signal, isOver = () => false, mostFindings = MOST_FINDINGS } = this.#options;
    const isEnough = (): boolean => signal?.aborted === true || this.#followed() >= mostFindings;
    for (let from = 0; from < corpus.length && !isEnough(); from += ROUND) {
      await this.#round(corpus.slice(from, from + ROUND).flatMap((document, index) => this.#kept(document, from + index) ?? []), mostFindings);
    }
    for (let number = 0; number < cases && !isEnough() && !isOver(); number += ROUND) {
      const numbers = Array.from({ length: Math.min(ROUND, cases - number) }, (_, index) => number + index);
      await this.#round(numbers.flatMap((each) => this.#drawn(each) ?? []), mostFindings);
    }
    return {
      cases: this.#cases, runs: this.#runs, givenUp: this.#givenUp, problem: this.#problem, found: this.#found, seen: this.#seen, reach: reachOf(this.#population.reached),
      unplayable: this.#unplayable,
      idleRules: this.#rules.filter((rule) => !this.#busyRules.has(rule)),
      kept: [...this.#population.documents, ...this.#found.map(({ case: { document } }) => document)], aborted: signal?.aborted === true,
    };
  }

  /** Findings that were followed up; a model's own are only noted. */
  #followed(): number {
    return this.#found.filter(({ finding: { kind } }) => kind !== "model").length;
  }

  /** The case of a document of the corpus; null when it is none here. */
  #kept(document: Fields, index: number): FuzzCase | null {
    let problem: Problem | null = null;
    const made = settled(document, this.#options.frame, (found) => (problem = found));
    if (made === null) this.#unplayable.push({ index, problem });
    return made;
  }

  /** The case of this number: a change of one that reached something new, or a new one. */
  #drawn(number: number): FuzzCase | null {
    const { frame, seed } = this.#options;
    const fresh = arbitraryScenario(frame.scenario);
    for (let draw = 0; draw < MOST_DRAWS; draw += 1) {
      const document = valueOfSeed(composed((hand) =>
        draw < MOST_DRAWS / 2 && this.#population.size > 0 && hand.chance(MUTATED) ? mutated(hand, this.#population.pick(hand), frame.scenario) : fresh.generate(hand.random, undefined).value,
      ), mixed(seed, number, draw));
      const made = settled(document, frame, (problem) => (this.#problem = problem));
      if (made !== null) return made;
    }
    this.#givenUp += 1;
    return null;
  }

  async #round(cases: readonly FuzzCase[], mostFindings: number): Promise<void> {
    const planned = cases.map((made, index): Planned => ({ made, number: this.#cases + index + 1 }));
    this.#cases += cases.length;
    const failed = await this.#played(planned);
    for (const { planned: { made, number }, finding } of failed) {
      const before = this.#seen.get(finding.id) ?? 0;
      this.#seen.set(finding.id, before + 1);
      if (before > 0 || (this.#options.only !== undefined && finding.id !== this.#options.only) || this.#followed() >= mostFindings || this.#options.signal?.aborted === true) continue;
      const found = await this.#shrunk(made, number, finding);
      this.#found.push(found);
      this.#options.onFound?.(found);
    }
  }

  /** Plays the cases of a round, in order; gives what was wrong. */
  async #played(planned: readonly Planned[]): Promise<readonly { readonly planned: Planned; readonly finding: Finding }[]> {
    const plays = planned.flatMap((each) => playsOf(each));
    const signal = this.#options.signal === undefined ? {} : { signal: this.#options.signal };
    const failed: { planned: Planned; finding: Finding }[] = [];
    /** First plays of cases that are played again. */
    const firsts = new Map<number, RunResult>();
    await this.#runner.run(plays.map(({ job }) => job), (result, index) => {
      const { planned: each } = plays[index];
      this.#runs += 1;
      if (isRepeated(each) && !firsts.has(each.number)) firsts.set(each.number, result);
      const findings = findingsOf(result, this.#rules);
      failed.push(...findings.map((finding) => ({ planned: { ...each, made: { ...each.made, fidelity: result.job.fidelity } }, finding })));
      this.#learn(each, result);
      this.#tell("playing", each.number);
    }, signal);
    const repeated = planned.filter(({ number }) => firsts.has(number));
    await this.#again.run(repeated.map(({ made }) => jobOf(made)), (result, index) => {
      const { number } = repeated[index];
      this.#runs += 1;
      const first = firsts.get(number);
      const finding = first === undefined ? null : repeatFinding(first, result);
      if (finding !== null) failed.push({ planned: repeated[index], finding });
    }, signal);
    return failed.sort((a, b) => a.planned.number - b.planned.number);
  }

  #learn({ made }: Planned, result: RunResult): void {
    if (!result.ok || result.outcome === null) return;
    for (const { text } of result.outcome.expectations) this.#busyRules.add(text);
    this.#population.hear(made.document, featuresOf(result.outcome, made.scenario));
  }

  async #shrunk(failing: FuzzCase, number: number, finding: Finding): Promise<Found> {
    const { frame, signal, shrinkRuns } = this.#options;
    const stillFails = async (cases: readonly FuzzCase[]): Promise<readonly boolean[]> => {
      const fails = await this.#failsAgain(cases, finding.id);
      this.#tell("shrinking", number);
      return fails.map((each) => each !== null);
    };
    if (finding.kind === "model") return { finding, case: failing, caseNumber: number, shrinkRuns: 0, lines: { before: linesOf(failing.text), after: linesOf(failing.text), script: scriptLinesOf(failing.text) } };
    const { smallest, runs } = await reduced(failing, frame, stillFails, { ...(shrinkRuns === undefined ? {} : { budget: shrinkRuns }), ...(signal === undefined ? {} : { signal }) });
    const [again] = smallest === failing ? [finding] : await this.#failsAgain([smallest], finding.id);
    return {
      finding: again ?? finding, case: smallest, caseNumber: number, shrinkRuns: runs,
      lines: { before: linesOf(failing.text), after: linesOf(smallest.text), script: scriptLinesOf(smallest.text) },
    };
  }

  /** For each case, the failure of this id when it shows it. */
  async #failsAgain(cases: readonly FuzzCase[], id: string): Promise<readonly (Finding | null)[]> {
    const repeats = id.startsWith("not-repeatable");
    const jobs = cases.map(jobOf);
    const [results, again]: [RunResult[], RunResult[]] = [[], []];
    await this.#runner.run(jobs, (result) => void results.push(result));
    if (repeats) await this.#again.run(jobs, (result) => void again.push(result));
    this.#runs += results.length + again.length;
    return results.map((result, index) => {
      if (repeats) return repeatFinding(result, again[index]);
      return findingsOf(result, this.#rules).find((finding) => finding.id === id) ?? null;
    });
  }

  #tell(doing: string, cases: number): void {
    this.#options.onProgress?.({ doing, cases, findings: this.#found.length, reached: this.#population.reached.size });
  }
}

interface Play {
  readonly job: Job;
  readonly planned: Planned;
}

const isRepeated = ({ number }: Planned): boolean => number % REPEAT_EVERY === 0;

/** How a case is played: once, and some of them request by request too. Those that are repeated are played again later. */
function playsOf(planned: Planned): readonly Play[] {
  const { made, number } = planned;
  const job = jobOf(made);
  const plays: Play[] = [{ job, planned }];
  if (number % REQUEST_EVERY === 0 && made.fidelity === "cohort" && pagesOf(made.scenario) <= MOST_PAGES_IN_REQUEST) plays.push({ job: { ...job, fidelity: "request" }, planned });
  return plays;
}

const jobOf = ({ bundle, seed, fidelity }: FuzzCase): Job => ({ bundle, seed, fidelity, detail: "light" });

/** A seed of its own for each case and draw. */
function mixed(seed: number, number: number, draw: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  for (const part of [number, draw]) hash = Math.imul((hash ^ (hash >>> 15)) + part + 1, 0xc2b2ae35);
  return (hash ^ (hash >>> 13)) | 0;
}

const linesOf = (text: string): number => text.trimEnd().split("\n").length;

/** Lines of the script alone. */
export function scriptLinesOf(text: string): number {
  const lines = text.trimEnd().split("\n");
  const from = lines.findIndex((line) => line.startsWith("script:"));
  if (from < 0) return 0;
  const to = lines.findIndex((line, index) => index > from && /^\S/.test(line));
  return (to < 0 ? lines.length : to) - from;
}

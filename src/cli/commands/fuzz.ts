// `shakedown fuzz`: chaos in the simulator, until a rule or an invariant breaks; the breaking case is shrunk and written.

import { join, relative } from "node:path";

import type { CaseFrame } from "../../lab/fuzz/cases.js";
import { keepInCorpus, readCorpus, type Corpus } from "../../lab/fuzz/corpus.js";
import { fuzz, type FuzzResult } from "../../lab/fuzz/fuzz.js";
import { startRunner } from "../../lab/start-runner.js";
import { StorageError } from "../../lab/storage/storage-error.js";
import { counted } from "../../kernel/format.js";
import { caseNames } from "../../report/lab/case-names.js";
import { caseFile, fuzzLines, leftOutLines, type FuzzWords, type LeftOut } from "../../report/lab/fuzz-words.js";
import { parseDuration } from "../../scenario/units.js";
import { writeWhole } from "../artifacts.js";
import { ExitCode, UsageError } from "../exit.js";
import { foldersOutside } from "../files.js";
import { frameOf, type FrameFlags } from "../lab/fuzz-frame.js";
import { checkOut, interruptible, loadBundles } from "../lab/plan.js";
import { checkRunnerFlags, runnerFor, type RunnerFlags } from "../lab/redis.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export interface FuzzFlags extends FrameFlags, RunnerFlags {
  readonly runs?: string;
  readonly for?: string;
  readonly seed: string;
  readonly corpus?: string;
}

const USUAL_CASES = 300;
const MOST_SEED = 2_147_483_647;
/** A run takes a fraction of a second; one that takes this long will not end. */
const SECONDS_PER_RUN = 60;
/** Each case is a world of its own, and goes for good after two plays: more would only take memory. */
const SCENARIOS_KEPT = 8;
const MILLIS_BETWEEN_UPDATES = 200;
const EMPTY: Corpus = { documents: [], names: [], unreadable: [] };

/** Runs the command; gives its exit code. */
export async function fuzzCommand(target: string | undefined, flags: FuzzFlags, terminal: Terminal): Promise<ExitCode> {
  checkRunnerFlags(flags);
  const seed = wholeNumber("--seed", flags.seed, MOST_SEED);
  const { cases, millis } = lengthOf(flags);
  const frame = frameOf(target === undefined ? null : onlyScenario(target, flags, terminal), flags, terminal.color);
  // Whatever is written after the runs is tried before them.
  for (const folder of [flags.out, ...(flags.corpus === undefined ? [] : [flags.corpus])]) checkOut(folder);
  const corpus = flags.corpus === undefined ? EMPTY : readCorpus(flags.corpus);
  const { signal, release } = interruptible();
  const runner = await runnerFor(flags, { secondsPerRun: SECONDS_PER_RUN, scenarios: SCENARIOS_KEPT, results: join(flags.out, "results.ndjson"), signal }, terminal);
  const startedAt = performance.now();
  const pathOf = pathsIn(flags.out);
  let again = runner;
  try {
    // The runner over Redis answers what it knows from its file: a case that is to repeat is played a second time here.
    if (flags.redis !== undefined) again = await startRunner({ workers: 1, secondsPerRun: SECONDS_PER_RUN, scenarios: SCENARIOS_KEPT });
    const result = await fuzz({
      frame, seed, cases, signal, corpus: corpus.documents,
      isOver: () => millis !== null && performance.now() - startedAt >= millis,
      onProgress: progressOn(terminal, startedAt),
      onFound: (found) => writeWhole(pathOf(found), caseFile(found, pathOf(found), outsideOf(frame))),
    }, runner, again);
    terminal.status("");
    return finish(result, flags, corpus, { pathOf, allowPaths: outsideOf(frame) }, terminal);
  } catch (error) {
    terminal.status("");
    if (error instanceof StorageError) throw new UsageError(error.message);
    throw error;
  } finally {
    release();
    await runner.close();
    if (again !== runner) await again.close();
  }
}

function finish(result: FuzzResult, flags: FuzzFlags, corpus: Corpus, written: Pick<FuzzWords, "pathOf" | "allowPaths">, terminal: Terminal): ExitCode {
  if (result.cases === 0 && result.problem !== null && !result.aborted) {
    const { message, instead } = result.problem;
    throw new UsageError(`no case could be made: ${message}${instead === null ? "" : `; ${instead}`}`);
  }
  for (const rule of result.idleRules) terminal.warn(`no case had the names of the rule "${rule}"`);
  const leftOut = leftOutOf(corpus, result);
  const total = corpus.names.length + corpus.unreadable.length;
  terminal.print([...leftOutLines(flags.corpus ?? "", total, leftOut), ...fuzzLines(result, { seed: flags.seed, timed: flags.for !== undefined, ...written, width: terminal.width })].join("\n"));
  if (flags.corpus !== undefined) terminal.print(`${counted(keepInCorpus(flags.corpus, result.kept, writeWhole), "case")} added to ${flags.corpus}`);
  if (result.aborted) return ExitCode.interrupted;
  const kinds = result.found.map(({ finding: { kind } }) => kind).filter((kind) => kind !== "model");
  // Nothing of a corpus was played: that must not pass for well.
  if (kinds.length === 0) return total > 0 && leftOut.length === total ? ExitCode.badInput : ExitCode.ok;
  return kinds.every((kind) => kind === "rule" || kind === "invariant") ? ExitCode.failed : ExitCode.ourFault;
}

const leftOutOf = ({ names, unreadable }: Corpus, { unplayable }: FuzzResult): readonly LeftOut[] => [
  ...unplayable.map(({ index, problem }) => ({ name: names[index], why: problem?.message ?? "it is too large to play" })),
  ...unreadable.map((name) => ({ name, why: "is no case" })),
];

/** Where failing cases go, as a shell in this folder names them. */
function pathsIn(out: string): FuzzWords["pathOf"] {
  const nameOf = caseNames();
  return ({ finding }) => relative(process.cwd(), join(out, nameOf(finding)));
}

/** What a case in --out refers to outside its own project: its replay must allow it. */
const outsideOf = ({ entry, files }: CaseFrame): readonly string[] => foldersOutside(entry, files.map(({ path }) => path));

function lengthOf(flags: FuzzFlags): { readonly cases: number; readonly millis: number | null } {
  if (flags.for === undefined) return { cases: flags.runs === undefined ? USUAL_CASES : wholeNumber("--runs", flags.runs, 10_000_000), millis: null };
  if (flags.runs !== undefined) throw new UsageError("--runs and --for: give one of them");
  const parsed = parseDuration(flags.for);
  if (!parsed.ok) throw new UsageError(`--for ${flags.for}: ${parsed.message}; ${parsed.instead}`);
  return { cases: Infinity, millis: parsed.value / 1000 };
}

function wholeNumber(flag: string, text: string, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > most) throw new UsageError(`${flag} ${text}: write a whole number up to ${most}`);
  return number;
}

function onlyScenario(target: string, flags: FuzzFlags, terminal: Terminal) {
  const files = scenarioFiles([target]);
  if (files.length > 1) throw new UsageError(`a fuzz is of one scenario, and these are ${files.length}: name one of them`);
  return loadBundles(files, { allowPath: flags.allowPath, color: terminal.color, fidelity: null })[0].bundle;
}

function progressOn(terminal: Terminal, startedAt: number): NonNullable<Parameters<typeof fuzz>[0]["onProgress"]> {
  let shownAt = 0;
  return ({ doing, cases, findings, reached }) => {
    const now = performance.now();
    if (!terminal.live || now - shownAt < MILLIS_BETWEEN_UPDATES) return;
    shownAt = now;
    terminal.status(`${doing}: case ${cases}, ${counted(findings, "finding")}, ${counted(reached, "feature")} reached, ${((now - startedAt) / 1000).toFixed(0)} s`);
  };
}

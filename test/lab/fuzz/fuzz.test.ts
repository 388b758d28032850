// The fuzzer's own promises: the same findings whoever plays, a user's world kept, rules that count, hangs that are found.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { arbitraryScenario } from "../../../src/lab/fuzz/arbitraries/scenario.js";
import { caseOf, ruleName, type CaseFrame, type WrittenRule } from "../../../src/lab/fuzz/cases.js";
import { corpusName, keepInCorpus, readCorpus } from "../../../src/lab/fuzz/corpus.js";
import { fieldsOf, listOf, yamlOf, type Fields, type Value } from "../../../src/lab/fuzz/document.js";
import { KNOWN_FEATURES, reachOf } from "../../../src/lab/fuzz/features.js";
import { fuzz, type FuzzOptions, type FuzzResult } from "../../../src/lab/fuzz/fuzz.js";
import { valueOfSeed } from "../../../src/lab/fuzz/hand.js";
import { namesOf } from "../../../src/lab/fuzz/names.js";
import { reduced, sizeOf } from "../../../src/lab/fuzz/reduce.js";
import { InlineRunner } from "../../../src/lab/inline-runner.js";
import { runKey, type Job, type Runner, type RunResult } from "../../../src/lab/runner.js";
import { caseNames } from "../../../src/report/lab/case-names.js";
import { caseFile, fuzzLines, leftOutLines } from "../../../src/report/lab/fuzz-words.js";
import { startPool } from "../support/bundles.js";
import { tinyText } from "../support/tiny.js";
import { FRAME } from "./support.js";

/** A strategy that looks too seldom: v2 is everywhere before three checks of five have failed. */
const SLOW = "{ steps: [{ weight: 100%, bake: 8m }], every: 2m, triggers: { error-rate: { above: 5%, for: 3 of 5 } } }";
const tiny = parse(tinyText()) as Fields;
const world = { written: tiny.world, names: namesOf(fieldsOf(tiny.world), 12 * 60) };
const RULE: WrittenRule = { temporal: "never", text: "error-rate(v2) > 20% while weight(v2) > 50%" };
const KEPT: CaseFrame = { ...FRAME, scenario: { world, strategy: parse(SLOW) as Value, kept: { objectives: {}, person: { "answers-after": "never" } } }, rules: [RULE] };

const play = async (options: Partial<FuzzOptions>, runner: Runner = new InlineRunner()): Promise<FuzzResult> => {
  try {
    return await fuzz({ frame: KEPT, seed: 4, cases: 12, mostFindings: 1, only: `rule: ${ruleName(RULE)}`, shrinkRuns: 40, ...options }, runner);
  } finally {
    await runner.close();
  }
};
/** All that is said of a result, and all that is written. */
const told = (result: FuzzResult): string => {
  const nameOf = caseNames();
  return [...fuzzLines(result, { seed: "4", timed: false, pathOf: ({ finding }) => nameOf(finding), width: 100 }), ...result.found.map((found) => caseFile(found, "case.yaml")), ...result.kept.map(yamlOf)].join("\n");
};

const NOT_REPEATABLE = "not-repeatable: the same case and seed gave another outcome";

const kept = await play({});

describe("a fuzz of a user's strategy in a user's world", () => {
  const inline = kept;

  it("finds the rule that the strategy breaks, and keeps world and strategy as they are", () => {
    const [found] = inline.found;
    expect(found.finding.id).toBe(`rule: ${ruleName(RULE)}`);
    expect(found.case.document.world).toEqual(tiny.world);
    expect(found.case.document.strategy).toEqual(parse(SLOW));
    expect(listOf(found.case.document.script)).toHaveLength(1);
    expect(found.lines.script).toBeLessThanOrEqual(3);
  });

  it("says the same to the byte with two threads", async () => {
    expect(told(await play({}, await startPool(2, { secondsPerRun: 60 })))).toBe(told(inline));
  });

  it("writes a case that fails by itself, with the command that plays it", () => {
    const [found] = inline.found;
    const file = caseFile(found, "out/case.yaml");
    expect(file).toContain(`# shakedown run out/case.yaml --seed ${found.case.seed} --fidelity ${found.case.fidelity}`);
    expect(parse(file)).toEqual(found.case.document);
    expect(found.case.scenario.expectations.map(({ text }) => text)).toEqual([ruleName(RULE)]);
  });
});

describe("a fuzz", () => {
  it("takes a run that does not end for a finding, and a crash for another", async () => {
    const failing = (kind: "timed-out" | "crashed"): Runner => ({
      workers: 1,
      close: () => Promise.resolve(),
      run: async (jobs, onResult) => {
        let delivered = 0;
        for (const job of jobs) await onResult({ ok: false, key: runKey(job), job, failure: { kind, message: "internal: 7 of 9" } }, delivered++);
        return { delivered, aborted: false };
      },
    });
    const found = async (kind: "timed-out" | "crashed") => (await fuzz({ frame: FRAME, seed: 4, cases: 2, shrinkRuns: 0 }, failing(kind))).found.map(({ finding }) => finding.id);
    expect(await found("timed-out")).toEqual(["hang: the run did not end in time"]);
    expect(await found("crashed")).toEqual(["crash: internal: N of N"]);
  });

  it("plays a case again on the second runner, where the first one knows the answer by heart", async () => {
    const inline = new InlineRunner();
    const jobs: Job[] = [];
    /** Another digest each time that it plays. */
    const forgetful: Runner = {
      workers: 1,
      close: () => Promise.resolve(),
      run: (asked, onResult) => inline.run(asked, (result, index) => {
        jobs.push(result.job);
        return onResult(result.ok ? { ...result, text: `${result.text}${jobs.length}` } : result, index);
      }),
    };
    const known = new Map<string, RunResult>();
    const byHeart: Runner = {
      workers: 1,
      close: () => Promise.resolve(),
      run: async (asked, onResult) => {
        let delivered = 0;
        for (const job of asked) {
          if (!known.has(runKey(job))) await inline.run([job], (result) => void known.set(runKey(job), result));
          await onResult(known.get(runKey(job)) as RunResult, delivered++);
        }
        return { delivered, aborted: false };
      },
    };
    const found = async (again?: Runner) => (await fuzz({ frame: KEPT, seed: 4, cases: 12, shrinkRuns: 3, only: NOT_REPEATABLE }, byHeart, again)).found.map(({ finding, caseNumber }) => [finding.id, caseNumber]);
    expect(await found(forgetful)).toEqual([[NOT_REPEATABLE, 12]]);
    expect(jobs.length).toBeGreaterThan(1);
    expect(await found()).toEqual([]);
  });

  it("names the rules that no case had the names for", async () => {
    const rule: WrittenRule = { temporal: "never", text: "weight(v77) > 5%" };
    expect((await play({ frame: { ...KEPT, rules: [rule] }, cases: 2 })).idleRules).toEqual([ruleName(rule)]);
  });

  it("plays the corpus first", async () => {
    const { document } = kept.found[0].case;
    const again = await play({ cases: 0, corpus: [document], shrinkRuns: 0 });
    expect(again.found.map(({ caseNumber }) => caseNumber)).toEqual([1]);
  });
});

describe("a corpus that another fuzz left", () => {
  it("names the cases that can't be played here, and plays the others", async () => {
    const { document } = kept.found[0].case;
    const result = await play({ cases: 0, corpus: [{ shakedown: 1 }, document, { ...document, script: [{ at: "1m", release: { service: "nobody", version: "v2" } }] }], shrinkRuns: 0 });
    expect(result.cases).toBe(1);
    expect(result.unplayable).toMatchObject([{ index: 0, problem: { message: expect.any(String) as string } }, { index: 2, problem: { message: expect.stringContaining("nobody") as string } }]);
  });

  it("is said to be left out, case by case, for a few of them", () => {
    const leftOut = ["a", "b", "c", "d"].map((name) => ({ name: `${name}.yaml`, why: "is no case" }));
    expect(leftOutLines("corp", 9, leftOut)).toEqual(["! 4 of 9 cases of the corpus corp were not played:", "    a.yaml: is no case", "    b.yaml: is no case", "    c.yaml: is no case", "    and 1 more", ""]);
    expect(leftOutLines("corp", 9, [])).toEqual([]);
  });
});

describe("a corpus", () => {
  const folder = mkdtempSync(join(tmpdir(), "shakedown-corpus-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const documents = [1, 2, 3].map((seed) => valueOfSeed(arbitraryScenario(), seed));

  it("keeps each case once under its content's name, and gives them back in the order of the names", () => {
    expect(keepInCorpus(folder, documents)).toBe(3);
    expect(keepInCorpus(folder, [...documents, documents[0]])).toBe(0);
    writeFileSync(join(folder, "0123456789abcdef.yaml"), "[not, a, case]");
    writeFileSync(join(folder, "notes.txt"), "mine");
    const read = readCorpus(folder);
    expect(readdirSync(folder)).toHaveLength(5);
    expect(read.documents.map(corpusName)).toEqual(documents.map(corpusName).sort());
    expect(read.names).toEqual(documents.map(corpusName).sort());
    expect(read.unreadable).toEqual(["0123456789abcdef.yaml"]);
  });
});

describe("shrinking", () => {
  const failing = caseOf({ ...valueOfSeed(arbitraryScenario(), 12), expect: [] }, FRAME, "request");
  if (!failing.ok) throw new Error(failing.problems[0].message);

  it("keeps what the failure needs and drops the rest, and gets smaller with every step", async () => {
    const sizes: number[] = [];
    const { smallest } = await reduced(failing.value, FRAME, (cases) => Promise.resolve(cases.map(({ scenario, text }) => {
      const fails = scenario.script.some((item) => item.kind === "release") && scenario.world.services.length >= 1;
      if (fails) sizes.push(sizeOf(text));
      return fails;
    })));
    expect(smallest.scenario.script).toHaveLength(1);
    expect(smallest.scenario.world.services).toHaveLength(1);
    expect(smallest.text.split("\n").length).toBeLessThanOrEqual(12);
    expect(sizeOf(smallest.text)).toBe(Math.min(...sizes));
  });

  it.each([["50m", 21 * 60, "30m"], ["50m", 12 * 60, "20m"], ["60m", 33 * 60, "40m"], ["50m", 40 * 60, "40m"], ["43m", 5 * 60, "5m"]])("makes a run of %s that fails from %d s on one of %s: a round time, and not far from the shortest", async (lasts, least, expected) => {
    const made = caseOf({ ...tiny, for: lasts, expect: [] }, KEPT);
    if (!made.ok) throw new Error(made.problems[0].message);
    const { smallest } = await reduced(made.value, KEPT, (cases) => Promise.resolve(cases.map(({ scenario }) => scenario.duration >= least * 1e6)));
    expect(smallest.document.for).toBe(expected);
  });

  it("ends at once when the budget is spent", async () => {
    let played = 0;
    const { smallest, runs } = await reduced(failing.value, FRAME, (cases) => Promise.resolve(cases.map(() => (played += 1) < 0)), { budget: 8 });
    expect(smallest).toBe(failing.value);
    expect(runs).toBe(played);
    expect(runs).toBeLessThan(16);
  });
});

describe("a document's YAML", () => {
  it("reads back as the document", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const document = valueOfSeed(arbitraryScenario(), seed);
      expect(parse(yamlOf(document))).toEqual(document);
    }
  });
});

describe("what was reached", () => {
  it("names everything that is known and was not", () => {
    const [first, ...rest] = reachOf(new Set(KNOWN_FEATURES.slice(1)));
    expect(first).toMatchObject({ kind: "transition", never: ["deploying -> step.shifting"] });
    expect(rest.flatMap(({ never }) => never)).toEqual([]);
  });

  it("does not call an invariant unreached that always had something to check", () => {
    const idle = "invariant: Little's law (nothing to check)";
    expect(KNOWN_FEATURES).toContain(idle);
    const lines = (without: readonly string[]): string => {
      const reach = reachOf(new Set(KNOWN_FEATURES.filter((each) => !without.includes(each))));
      return fuzzLines({ cases: 4, runs: 8, givenUp: 0, problem: null, idleRules: [], found: [], unplayable: [], kept: [], seen: new Map(), reach, aborted: false }, { seed: "4", timed: false, pathOf: () => "", width: 100 }).join("\n");
    };
    expect(lines([idle])).toContain("checked in every case, never without anything to check: Little's law");
    expect(lines([idle])).not.toContain("never invariants");
    expect(lines([idle, "invariant: Little's law"])).toMatch(/never invariants: Little's law$/m);
  });
});

// A suite's reports, held against real parsers: XML, YAML in TAP, JSON, and GitHub's escapes.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { BaselineResult } from "../../src/lab/against.js";
import { againstBaseline, baselineOf } from "../../src/lab/baseline.js";
import { scenarioOf } from "../../src/lab/bundle.js";
import { notReached, suiteOf, testScenario, type SuiteResult } from "../../src/lab/suite.js";
import { suiteGithub, suiteTap } from "../../src/report/lab/annotations.js";
import { suiteJunit } from "../../src/report/lab/junit.js";
import { suitePretty } from "../../src/report/lab/pretty.js";
import { suiteJson } from "../../src/report/lab/suite-json.js";
import { suiteMarkdown } from "../../src/report/lab/suite-markdown.js";
import { parseReporters, report } from "../../src/cli/lab/reporters.js";
import { pathsFrom } from "../../src/cli/lab/workspace.js";
import { FakeRunner } from "./support/fake-runner.js";
import { tiny } from "./support/tiny.js";

const HOSTILE = `"a <b> & c: # 'd', 100%"`;

const SCRIPT = `
import sys, json, xml.etree.ElementTree as E
root = E.fromstring(sys.stdin.buffer.read())
print(json.dumps({"root": root.attrib, "suites": [dict(s.attrib, cases=[{"name": c.get("name"), "line": c.get("line"), "inside": [f.tag for f in c], "message": (c[0].get("message") if len(c) else None), "text": (c[0].text if len(c) else None)} for c in s]) for s in root]}))`;

interface ReadXml {
  readonly root: Readonly<Record<string, string>>;
  readonly suites: readonly { readonly name: string; readonly cases: readonly { readonly name: string; readonly line: string | null; readonly inside: readonly string[]; readonly message: string | null; readonly text: string | null }[] }[];
}

const readXml = (xml: string): ReadXml => JSON.parse(execFileSync("python3", ["-c", SCRIPT], { input: xml, encoding: "utf8" })) as ReadXml;

/** One scenario is through, one was interrupted after 10 of 400 runs, all of them good, and one was never reached. */
async function interruptedSuite(): Promise<SuiteResult> {
  const planOf = (name: string, seeds: number) => {
    const bundle = tiny({ name, extra: "expect-overall: [caught in at least 99% of runs]\n" });
    const loaded = scenarioOf(bundle);
    if (!loaded.ok) throw new Error(loaded.problems[0].message);
    return { bundle, scenario: loaded.value, fidelity: "cohort" as const, seeds: Array.from({ length: seeds }, (_, k) => k + 1), stopEarly: false };
  };
  const stop = new AbortController();
  const through = await testScenario(planOf("through", 400), new FakeRunner(() => ({})));
  const begun = await testScenario(planOf("begun", 400), new FakeRunner(() => ({})), { signal: stop.signal, onRun: (_plan, done) => (done === 10 ? stop.abort() : undefined) });
  return suiteOf([through, begun, notReached(planOf("later", 400))]);
}

async function suite(): Promise<SuiteResult> {
  const of = async (name: string, failing: readonly number[], overall: string) => {
    const bundle = tiny({ name, extra: overall });
    const loaded = scenarioOf(bundle);
    if (!loaded.ok) throw new Error(loaded.problems[0].message);
    const runner = new FakeRunner((seed) => (seed === 13 && failing.length > 0 ? "heap\nout of memory" : failing.includes(seed) ? { classification: "missed", detection: null } : {}));
    return testScenario({ bundle, scenario: loaded.value, fidelity: "cohort", seeds: Array.from({ length: 20 }, (_, k) => k + 1), stopEarly: false }, runner);
  };
  return suiteOf([await of("fine", [], ""), await of(HOSTILE, [2, 3, 5, 7], "expect-overall: [caught in at least 99% of runs]\n")]);
}

describe("pretty", () => {
  it("puts failures first, each with reason, evidence and a command that replays it", async () => {
    const text = suitePretty(await suite());
    const lines = text.split("\n");
    expect(lines[0]).toContain("✗ a <b> & c: # 'd', 100%  15 of 20 runs passed; 19 needed (95%)");
    expect(text).toContain("seed 2  v2: classification caught: classification is missed, not caught");
    expect(text).toContain("decision 1 at +00:10:00: roll back");
    expect(text).toContain("observed 20% against a limit of 1%");
    expect(text).toContain(`replay: shakedown run '"a <b> & c: # '\\''d'\\'', 100%".yaml' --seed 2 --fidelity cohort`);
    expect(text).toContain("seed 13 could not be played (crashed): heap out of memory");
    expect(text).toContain("… and 1 more failing run: seeds 7");
    expect(lines[lines.length - 1]).toBe("2 scenarios: 1 failed, 1 passed (40 runs)");
    // eslint-disable-next-line no-control-regex -- no escape sequence without colour
    expect(text).not.toMatch(/\u001b/);
  });
});

describe("JUnit", () => {
  it("is well-formed XML with the right counts, whatever names hold", async () => {
    const read = readXml(suiteJunit(await suite()));
    expect(read.root).toMatchObject({ tests: "4", failures: "2", errors: "1" });
    expect(read.suites.map(({ name }) => name)).toEqual(["a <b> & c: # 'd', 100%", "fine"]);
    expect(read.suites[0].cases.map(({ inside }) => inside)).toEqual([["failure"], ["error"], ["failure"]]);
    expect(read.suites[0].cases[0]).toMatchObject({ line: "17" });
    expect(read.suites[0].cases[0].text).toContain("the error rate <of> v2 & co stayed above 1 %");
    expect(read.suites[0].cases[2].name).toBe("caught in at least 99% of runs");
  });
});

describe("JUnit with many failing seeds", () => {
  const textOf = async (failing: number): Promise<string> => {
    const bundle = tiny({ name: "many" });
    const loaded = scenarioOf(bundle);
    if (!loaded.ok) throw new Error(loaded.problems[0].message);
    const runner = new FakeRunner((seed) => (seed <= failing ? { classification: "missed", detection: null } : {}));
    const result = await testScenario({ bundle, scenario: loaded.value, fidelity: "cohort", seeds: Array.from({ length: 20 }, (_, k) => k + 1), stopEarly: false }, runner);
    return readXml(suiteJunit(suiteOf([result]))).suites[0].cases[0].text ?? "";
  };

  it("says how many there are beyond those that it lists", async () => {
    expect((await textOf(12)).trimEnd().split("\n").at(-1)).toBe("and 2 more failing seeds of 20 played: 11, 12");
    expect(await textOf(10)).not.toContain("more failing");
  });
});

describe("TAP", () => {
  it("has a plan, numbered points, and YAML blocks that a parser reads", async () => {
    const lines = suiteTap(await suite()).split("\n");
    expect(lines.slice(0, 2)).toEqual(["TAP version 14", "1..3"]);
    const points = lines.filter((line) => /^(not )?ok/.test(line));
    expect(points.map((line) => /^(not ok|ok) (\d+) - /.exec(line)?.slice(1))).toEqual([["not ok", "1"], ["not ok", "2"], ["ok", "3"]]);
    // A bare hash would begin a directive.
    expect(points[0]).toContain("c: \\# 'd'");
    const from = lines.indexOf("  ---");
    const block = parse(lines.slice(from + 1, lines.indexOf("  ...")).join("\n")) as Record<string, string>;
    expect(block["lost"]).toBe("seed 13: heap\nout of memory");
    expect(block["seed 2"]).toContain("not caught");
    expect(block["replay 2"]).toContain("--seed 2");
  });
});

describe("GitHub annotations", () => {
  it("point at the expectation's line, with everything escaped that would end the command", async () => {
    const lines = suiteGithub(await suite()).split("\n");
    expect(lines[1]).toMatch(/^::error file=.*,line=19,title=shakedown%3A a <b> & c%3A # 'd'%2C 100%25::v2: classification caught: failed in 4 of 19 runs\. Seed 2: /);
    expect(lines[0]).toContain("heap%0Aout of memory");
    expect(lines[2]).toMatch(/line=14,.*::caught in at least 99%25 of runs: 15 of 19 runs/);
    expect(lines[lines.length - 1]).toBe("::notice title=shakedown::2 scenarios: 1 failed, 1 passed");
  });
});

describe("the files that GitHub annotations name", () => {
  const folder = mkdtempSync(join(tmpdir(), "shakedown-workspace-"));
  const filesOf = async (workspace: string | undefined, file: string): Promise<readonly string[]> => {
    const { scenarios, ...rest } = await suite();
    const moved = { ...rest, scenarios: scenarios.map((result) => ({ ...result, file, expectations: result.expectations.map((each) => ({ ...each, file })) })) };
    return suiteGithub(moved, { pathOf: pathsFrom(workspace) }).split("\n").flatMap((line) => /^::error file=([^,]*),/.exec(line)?.[1] ?? []).slice(0, 2);
  };

  it("are named from the workspace, whatever folder the job works in and however they were typed", async () => {
    expect(await filesOf(process.cwd(), join(process.cwd(), "sub/a.yaml"))).toEqual(["sub/a.yaml", "sub/a.yaml"]);
    expect(await filesOf(dirname(process.cwd()), "x/../a.yaml")).toEqual(Array(2).fill(`${basename(process.cwd())}/a.yaml`));
    symlinkSync(process.cwd(), join(folder, "checkout"));
    expect(await filesOf(join(folder, "checkout"), "sub/a.yaml")).toEqual(["sub/a.yaml", "sub/a.yaml"]);
  });

  it("stay as they were typed outside any workspace", async () => {
    for (const workspace of [undefined, "", folder]) expect(await filesOf(workspace, "./sub/a.yaml")).toEqual(["./sub/a.yaml", "./sub/a.yaml"]);
    rmSync(folder, { recursive: true });
  });
});

describe("JSON and Markdown", () => {
  it("say the same as the suite", async () => {
    const json = JSON.parse(suiteJson(await suite())) as { passed: boolean; scenarios: { verdict: string; classifications: unknown; failures: { seed: number; replay: string }[]; claims: unknown[] }[] };
    expect(json.passed).toBe(false);
    expect(json.scenarios[0]).toMatchObject({ verdict: "fail", classifications: { caught: 15, missed: 4 }, claims: [{ hits: 15, runs: 19 }] });
    expect(json.scenarios[0].failures.map(({ seed }) => seed)).toEqual([2, 3, 5, 7]);
    const markdown = suiteMarkdown(await suite());
    expect(markdown).toContain("| ✗ | \"a \\<b\\> & c: \\# 'd', 100%\"".replace(/"/g, ""));
    expect(markdown).toContain("<details><summary>seed 2:");
    expect(markdown).toContain("1 more failing run");
  });
});

describe("an interrupted suite", () => {
  const BEGUN = "10 of 10 runs passed; 380 needed (95%), interrupted after 10 of 400";
  const LATER = "not reached: interrupted before the first of 400 runs";
  const END = "3 scenarios: 1 interrupted, 1 not reached, 1 passed; interrupted after 410 of 1,200 runs";

  it("is no success in JUnit: what has no verdict is an error, and what was not reached is named", async () => {
    const { root, suites } = readXml(suiteJunit(await interruptedSuite()));
    expect(root).toMatchObject({ tests: "6", failures: "0", errors: "2", skipped: "2" });
    expect(suites.map(({ name, cases }) => [name, ...cases.flatMap(({ inside }) => inside)])).toEqual([["begun", "error", "skipped"], ["later", "error", "skipped"], ["through"]]);
    expect(suites.slice(0, 2).map(({ cases }) => cases[0].message)).toEqual([`no verdict: ${BEGUN}`, `no verdict: ${LATER}`]);
  });

  it("is no success in TAP: points are not ok, and it bails out at the end", async () => {
    const lines = suiteTap(await interruptedSuite()).split("\n");
    const points = lines.filter((line) => /^(not )?ok/.test(line));
    expect(points).toHaveLength(6);
    expect(points.slice(0, 4).every((line) => line.startsWith("not ok"))).toBe(true);
    expect(points[0]).toContain(BEGUN);
    expect(points[2]).toContain(LATER);
    expect(lines.filter((line) => line === "  ---")).toHaveLength(2);
    expect(lines.at(-1)).toBe("Bail out! interrupted after 410 of 1,200 runs");
  });

  it("is no success in GitHub annotations, JSON, Markdown and on a terminal", async () => {
    const found = await interruptedSuite();
    const github = suiteGithub(found).split("\n");
    expect(github).toHaveLength(3);
    expect(github[0]).toBe(`::error file=begun.yaml,line=1,title=shakedown%3A begun::no verdict: ${BEGUN.replace("%", "%25")}`);
    expect(github[1]).toContain(`::no verdict: ${LATER}`);
    expect(github[2]).toBe(`::notice title=shakedown::${END}`);
    expect(JSON.parse(suiteJson(found))).toMatchObject({
      passed: false, interrupted: true,
      scenarios: [{ name: "begun", verdict: "interrupted", runs: 10, planned: 400 }, { name: "later", verdict: "interrupted", runs: 0, planned: 400 }, { name: "through", verdict: "pass", runs: 400 }],
    });
    const markdown = suiteMarkdown(found);
    expect(markdown.startsWith(`## ✗ shakedown: ${END}`)).toBe(true);
    expect(markdown).toContain(`| ○ | later | ${LATER} |`);
    const pretty = suitePretty(found).split("\n");
    expect(pretty[0]).toContain(`○ begun  ${BEGUN}`);
    expect(pretty.find((line) => line.includes("later"))).toContain(`○ later  ${LATER}`);
    expect(pretty.at(-1)).toBe(END);
  });
});

describe("a suite that is worse than its baseline", () => {
  const END = "3 scenarios: 3 passed; 1 worse than ref.json";

  /** All scenarios pass; `slower` costs more than it did, `same` is as it was, and `new` was not there. */
  async function worse(): Promise<readonly [SuiteResult, BaselineResult]> {
    const of = async (name: string, cost: number) => {
      const bundle = tiny({ name });
      const loaded = scenarioOf(bundle);
      if (!loaded.ok) throw new Error(loaded.problems[0].message);
      return testScenario({ bundle, scenario: loaded.value, fidelity: "cohort", seeds: Array.from({ length: 60 }, (_, k) => k + 1), stopEarly: false }, new FakeRunner((seed) => ({ cost: cost + seed })));
    };
    const stored = baselineOf(suiteOf([await of("slower", 100), await of("same", 100), await of("gone", 100)]));
    const now = suiteOf([await of("slower", 300), await of("same", 100), await of("new", 100)]);
    return [now, { baseline: "ref.json", regressions: againstBaseline(now, stored) }];
  }

  it("is a failed test case in JUnit, with the figures before and now; what had no baseline is skipped", async () => {
    const [suite, against] = await worse();
    const { root, suites } = readXml(suiteJunit(suite, { against }));
    expect(root).toMatchObject({ tests: "6", failures: "1", errors: "0", skipped: "1" });
    expect(suites.map(({ name, cases }) => [name, cases[1].name, ...cases[1].inside, cases[1].message])).toEqual([
      ["slower", "no worse than ref.json", "failure", "worse than ref.json (60 seeds in common)"],
      ["same", "no worse than ref.json", null],
      ["new", "no worse than ref.json", "skipped", "not in the baseline"],
    ]);
    expect(suites[0].cases[1].text).toMatch(/^worse than ref\.json .*\ncost: worse, .* before and .* now/);
  });

  it("is a point that is not ok in TAP", async () => {
    const [suite, against] = await worse();
    const lines = suiteTap(suite, { against }).split("\n");
    expect(lines[1]).toBe("1..6");
    expect(lines).toEqual(expect.arrayContaining(["not ok 2 - slower: no worse than ref.json", "ok 4 - same: no worse than ref.json", "ok 6 - new: no worse than ref.json # SKIP not in the baseline"]));
    const from = lines.indexOf("  ---");
    expect(parse(lines.slice(from + 1, lines.indexOf("  ...")).join("\n"))).toMatchObject({ found: "worse than ref.json (60 seeds in common)", cost: expect.stringMatching(/^cost: worse, /) as string });
  });

  it("is an error at the scenario's file in GitHub annotations", async () => {
    const [suite, against] = await worse();
    const lines = suiteGithub(suite, { against }).split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^::error file=slower\.yaml,line=1,title=shakedown%3A slower::worse than ref\.json \(60 seeds in common\)%0Acost: worse, /);
    expect(lines[1]).toBe(`::notice title=shakedown::${END}`);
  });

  it("has not passed in JSON, which holds every difference with its interval", async () => {
    const [suite, against] = await worse();
    const json = JSON.parse(suiteJson(suite, { against })) as { against: { scenarios: { changes: { low: number; high: number }[] }[] } };
    expect(json).toMatchObject({ passed: false, against: { baseline: "ref.json", compared: true, worse: 1, scenarios: [
      { name: "slower", verdict: "worse", seeds: 60, changes: [{ metric: "cost", direction: "worse", before: 130.5, after: 330.5, difference: 200 }] },
      { name: "same", verdict: "identical" }, { name: "new", verdict: "not in the baseline" }, { name: "gone", verdict: "only in the baseline" },
    ] } });
    expect(JSON.parse(suiteJson(suite))).toMatchObject({ passed: true, against: null });
  });

  it("is said in the headline of Markdown and in the last line on a terminal, with the comparison before it", async () => {
    const [suite, against] = await worse();
    const markdown = suiteMarkdown(suite, { against });
    expect(markdown.startsWith(`## ✗ shakedown: ${END}\n`)).toBe(true);
    expect(markdown).toContain("### against ref.json:\n\n- ✗ slower: worse (60 seeds in common)\n  - cost: worse, ");
    const pretty = suitePretty(suite, { against }).split("\n");
    expect(pretty.at(-1)).toBe(`${END} (180 runs)`);
    expect(pretty).toEqual(expect.arrayContaining(["against ref.json:", "✗ slower: worse (60 seeds in common)"]));
  });

  it("is compared with nothing when it was interrupted, and every report that people read says so", async () => {
    const [suite, against] = [await interruptedSuite(), { baseline: "ref.json", regressions: [] }];
    expect(suitePretty(suite, { against })).toContain("against ref.json:\nnot compared: the test was interrupted");
    expect(suiteMarkdown(suite, { against })).toContain("- not compared: the test was interrupted");
    expect(JSON.parse(suiteJson(suite, { against }))).toMatchObject({ passed: false, against: { compared: false, scenarios: [] } });
    expect(suiteJunit(suite, { against })).toBe(suiteJunit(suite));
  });
});

describe("a report that cannot be written", () => {
  it("keeps none of the others from being printed and written", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shakedown-reports-"));
    const printed: string[] = [];
    const terminal = { color: false, width: 100, live: false, print: (text: string) => void printed.push(text), warn: () => undefined, status: () => undefined };
    writeFileSync(join(folder, "full"), "no folder");
    const unwritten = await report(await suite(), [{ name: "junit", file: join(folder, "full/a.xml") }, { name: "pretty", file: null }, { name: "tap", file: join(folder, "b.tap") }], terminal);
    expect(unwritten).toEqual([expect.stringContaining(`${join(folder, "full/a.xml")}: cannot be written`)]);
    expect(printed).toEqual([expect.stringContaining("2 scenarios: 1 failed, 1 passed")]);
    expect(readdirSync(folder).sort()).toEqual(["b.tap", "full"]);
    rmSync(folder, { recursive: true });
  });
});

describe("--reporter", () => {
  it("takes several, all but one with a file", () => {
    expect(parseReporters([])).toEqual([{ name: "pretty", file: null }]);
    expect(parseReporters(["pretty", "junit:out/a.xml,json:b.json"])).toEqual([{ name: "pretty", file: null }, { name: "junit", file: "out/a.xml" }, { name: "json", file: "b.json" }]);
    expect(() => parseReporters(["xml"])).toThrow(/write one of pretty, junit/);
    expect(() => parseReporters(["junit", "tap"])).toThrow(/would both go to standard output/);
    expect(() => parseReporters(["junit:"])).toThrow(/a file is missing/);
  });
});

// Paths that lead nowhere are the user's to put right, wherever the command line takes one.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replayCommand } from "../../src/cli/commands/replay.js";
import { UsageError } from "../../src/cli/exit.js";
import { readBaseline } from "../../src/cli/lab/baseline-file.js";
import { loadAll } from "../../src/cli/load.js";
import { readOutcome } from "../../src/cli/outcome-file.js";
import { standsAt } from "../../src/cli/path-trouble.js";
import { scenarioFiles } from "../../src/cli/targets.js";
import type { Terminal } from "../../src/cli/terminal.js";

const folder = mkdtempSync(join(tmpdir(), "shakedown-paths-"));
const LOOP = join(folder, "loop.yaml");
const LONG = join(folder, `${"a".repeat(300)}.yaml`);
beforeAll(() => {
  symlinkSync("loop.yaml", LOOP);
  mkdirSync(join(folder, "plain"));
  writeFileSync(join(folder, "plain/one.yaml"), "shakedown: 1\nkind: scenario\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const silent = { print: () => undefined, warn: () => undefined, color: false, width: 80 } as unknown as Terminal;

const readers: Readonly<Record<string, (path: string) => unknown>> = {
  "a scenario": (path) => loadAll(scenarioFiles([path]), { allowPath: [], color: false }),
  "an outcome": readOutcome,
  "a baseline": (path) => readBaseline(path, false),
  "a game day's record": (path) => replayCommand(path, { allowPath: [] }, silent),
};

describe.each(Object.entries(readers))("%s that is typed on the command line", (_, read) => {
  it.each([
    ["a link that leads back to itself", LOOP, /loop\.yaml.*links lead round in a circle|links lead round in a circle: .*loop\.yaml/],
    ["a name longer than a file's can be", LONG, /too long for a file/],
  ])("and is %s is bad input, said with what to do", async (_, path, said) => {
    const ended = await Promise.resolve().then(() => read(path)).catch((error: unknown) => error);
    expect(ended).toBeInstanceOf(UsageError);
    expect((ended as UsageError).message).toMatch(said);
    expect((ended as UsageError).message).toMatch(/name the file itself|check the path/);
  });
});

describe("a path below a file", () => {
  it("has nothing there, which each command says in its own words", () => {
    const below = join(folder, "plain/one.yaml/x.yaml");
    expect(() => loadAll(scenarioFiles([below]), { allowPath: [], color: false })).toThrow(/there is no file .*x\.yaml/);
    expect(() => readOutcome(below)).toThrow(/x\.yaml: no such file; give the outcome\.json that run wrote/);
    expect(() => readBaseline(below, false)).toThrow(/x\.yaml: there is no baseline yet/);
  });
});

describe("a glob", () => {
  it("may be longer than a file's name", () => {
    expect(scenarioFiles([join(folder, `plain/{${"a".repeat(300)},one}.yaml`)])).toEqual([expect.stringMatching(/plain\/one\.yaml$/)]);
  });
});

describe("what stands at a path", () => {
  it("is told where something does, and is nothing where nothing does", () => {
    expect(standsAt(folder)?.isDirectory()).toBe(true);
    expect(standsAt(join(folder, "nowhere/x.yaml"))).toBeNull();
    expect(standsAt(join(folder, "plain/one.yaml/x.yaml"))).toBeNull();
  });
});

// `shakedown new` prints a command that a shell takes, whatever the file is called.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { newCommand } from "../../src/cli/commands/new.js";
import type { Terminal } from "../../src/cli/terminal.js";
import { fileWord, runCommandWords } from "../../src/report/lab/replay.js";

const folder = mkdtempSync(join(tmpdir(), "shakedown-new-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The words of a command line as the shell splits them. */
const wordsOf = (line: string): readonly string[] => execFileSync("sh", ["-c", `printf '%s\\n' ${line}`], { encoding: "utf8" }).trimEnd().split("\n");

describe("shakedown new", () => {
  it.each(["b ü.yaml", "#q.yaml", "it's $HOME.yaml", "plain.yaml"])("says how to run %s, and the shell reads the same name", (name) => {
    const printed: string[] = [];
    const path = join(folder, name);
    newCommand(path, {}, { print: (text: string) => printed.push(text) } as unknown as Terminal);
    expect(existsSync(path)).toBe(true);
    const next = /^next: (.*)$/m.exec(printed.join("\n"))?.[1] ?? "";
    expect(wordsOf(next)).toEqual(["shakedown", "run", path]);
  });
});

describe("a file whose name begins with a dash", () => {
  it("is named by its folder, so that no command takes it for an option", () => {
    expect(fileWord("--force.yaml")).toBe("./--force.yaml");
    expect(runCommandWords({ file: "-x y.yaml", seed: 1, fidelity: "cohort" })).toBe("shakedown run './-x y.yaml' --seed 1 --fidelity cohort");
  });
});

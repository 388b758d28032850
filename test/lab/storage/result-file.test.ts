// The file of results is the truth: it survives a killed writer, never loses an unfinished command's results, and knows a contradiction.

import { appendFileSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { thisBuild } from "../../../src/lab/build.js";
import { ResultFile, type KeptResult } from "../../../src/lab/storage/result-file.js";
import { temporaryFolder } from "../redis/support.js";

const GROUP = `${"ab".repeat(16)}:cohort`;
let folder = "";
let path = "";
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder, "deep/results.ndjson");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (resume = false, build = thisBuild()): ResultFile => ResultFile.open(path, { resume, build });
const result = (seed: number, more: Partial<KeptResult> = {}): KeptResult => ({ row: `{"seed":${seed},"text":"é \\" ,\\"outcome\\":"}`, outcome: null, by: 'host:1 "quoted"', ...more });

/** Seeds 1 to n, written by a process that is gone. */
function written(seeds: number, ended: boolean): void {
  const file = open();
  for (let seed = 1; seed <= seeds; seed += 1) file.add(GROUP, "row", seed, result(seed));
  file.close(ended);
}

describe("the file of results", () => {
  it("gives back the very texts, also after it was opened again, by run key and detail", () => {
    const file = open();
    file.add(GROUP, "row", 1, result(1));
    file.add(GROUP, "light", 1, result(1, { outcome: '{"a":["row",":"]}' }));
    expect(file.read(GROUP, "row", 1)).toEqual(result(1));
    file.close(false);
    const again = open(true);
    expect(again.kept).toBe(2);
    expect(again.read(GROUP, "light", 1)).toEqual(result(1, { outcome: '{"a":["row",":"]}' }));
    expect(again.has(GROUP, "full", 1)).toBe(false);
    again.add(GROUP, "row", 2, result(2));
    expect(again.read(GROUP, "row", 2)).toEqual(result(2));
    again.close(true);
  });

  it("cuts off what a killed writer left of a last line, wherever it was cut, and goes on", () => {
    written(3, false);
    const whole = readFileSync(path);
    const last = whole.lastIndexOf(10, whole.length - 2) + 1;
    for (const length of [last + 1, last + 60, whole.length - 2, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      const file = open(true);
      expect(file.kept).toBe(2);
      file.add(GROUP, "row", 3, result(3));
      file.close(false);
      expect(readFileSync(path)).toEqual(whole);
    }
    // A power cut may leave zeros where a line was to be.
    appendFileSync(path, `${"\0".repeat(50)}\n`);
    const file = open(true);
    expect(file.kept).toBe(3);
    file.close(false);
  });

  it("refuses damage in the middle, and another file", () => {
    written(3, false);
    const lines = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, [lines[0], lines[1].replace('"size":', '"size":9'), ...lines.slice(2)].join("\n"));
    expect(() => open(true)).toThrow(/results\.ndjson: is damaged at byte \d+; take it away/);
    writeFileSync(path, "some text\n");
    expect(() => open(true)).toThrow(/is no file of results/);
    expect(() => open(false)).toThrow(/is no file of results/);
  });

  it("never throws away what an unfinished command left, and replaces what is finished", () => {
    written(3, false);
    expect(() => open(false)).toThrow(/holds 3 results of a command that did not come to its end: add --resume/);
    expect(readFileSync(path, "utf8").split("\n")).toHaveLength(5);
    const resumed = open(true);
    resumed.close(true);
    const fresh = open(false);
    expect(fresh.kept).toBe(0);
    fresh.close(true);
  });

  it("goes on with a finished one too, and is unfinished then", () => {
    written(3, true);
    const file = open(true);
    expect(file.kept).toBe(3);
    file.close(false);
    expect(() => open(false)).toThrow(/add --resume/);
  });

  it("takes the same result twice once, and shouts when a second one differs, naming both workers and builds", () => {
    const file = open();
    expect(file.add(GROUP, "row", 7, result(7, { by: "alpha:1 (shakedown 1.0.0)" }))).toBe(true);
    expect(file.add(GROUP, "row", 7, result(7, { by: "beta:2 (shakedown 1.0.1)" }))).toBe(false);
    expect(() => file.add(GROUP, "row", 7, result(7, { row: "{}", by: "beta:2 (shakedown 1.0.1)" }))).toThrow(new RegExp(`run ${GROUP}:7 .*alpha:1 \\(shakedown 1\\.0\\.0\\).*beta:2 \\(shakedown 1\\.0\\.1\\)`));
    expect(() => file.add(GROUP, "row", 7, result(7, { outcome: "{}" }))).toThrow(/two different results/);
    expect(readFileSync(`${path}.second`, "utf8")).toContain('"seed":7');
    file.close(false);
    expect(readFileSync(path, "utf8").match(/:7"/g)).toHaveLength(1);
  });

  it("refuses results of another version of the simulator", () => {
    written(1, false);
    expect(() => open(true, { ...thisBuild(), model: "0" })).toThrow(/is of another version of the simulator/);
    expect(() => open(true, { ...thisBuild(), package: "0.1.0+0123456789ab" })).toThrow(/\(shakedown 0\.1\.0\+[0-9a-f]{12}, model .*; this is shakedown 0\.1\.0\+0123456789ab, model .*\)/);
    // Without --resume too they are thrown away only when their command came to its end.
    expect(() => open(false, { ...thisBuild(), model: "0" })).toThrow(/holds 1 results of a command that did not come to its end/);
    open(true).close(true);
    open(false, { ...thisBuild(), model: "0" }).close(true);
  });

  it("is written by one command at a time; a killed one's lock is no obstacle", () => {
    const file = open();
    expect(() => open(true)).toThrow(/another shakedown \(process \d+ on .*\) writes to it/);
    file.close(false);
    expect(existsSync(`${path}.lock`)).toBe(false);
    // No process has this number: they end far below it.
    writeFileSync(`${path}.lock`, `${readHost()} 999999999`);
    open(true).close(true);
    // Killed before it wrote its name, or no room was left for that.
    writeFileSync(`${path}.lock`, "");
    expect(() => open(true)).toThrow(/another shakedown \(a process that has just begun\) writes to it/);
    utimesSync(`${path}.lock`, 1, 1);
    open(true).close(true);
    writeFileSync(`${path}.lock`, "elsewhere 1");
    expect(() => open(true)).toThrow(/process 1 on elsewhere/);
  });

  it("says in one line when its folder cannot be made", () => {
    writeFileSync(join(folder, "deep"), "a file");
    expect(() => open()).toThrow(/cannot be written/);
  });
});

const readHost = (): string => {
  open(true).close(false);
  const file = open(true);
  const [host] = readFileSync(`${path}.lock`, "utf8").split(" ");
  file.close(false);
  return host;
};

// Files that commands leave: whole or not at all, tried before the runs, and one that fails takes no other with it.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkWritable, writeAll, writeEach, writeOutcome, writeReport } from "../../src/cli/artifacts.js";
import { caughtOutcome, cleanOutcome } from "../report/support/sample-outcome.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shakedown-artifacts-"));
  writeFileSync(join(folder, "file"), "as it was");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);

describe("a try before the runs", () => {
  it("changes nothing where a file can be written", () => {
    checkWritable(path("file"));
    checkWritable(path("new"));
    expect(readdirSync(folder)).toEqual(["file"]);
    expect(readFileSync(path("file"), "utf8")).toBe("as it was");
  });

  it("names the file that cannot be, and why", () => {
    mkdirSync(path("folder"));
    expect(() => checkWritable(path("folder"))).toThrow(`${path("folder")}: cannot be written (it is a folder); name a file in it`);
    expect(() => checkWritable(path("file/below"))).toThrow(`${path("file/below")}: cannot be written (`);
  });
});

describe("several files", () => {
  it("are written as far as they can be, and those that cannot be are told at the end", () => {
    const files = [{ path: path("file/below"), text: "" }, { path: path("b"), text: "two" }, { path: path("file/too"), text: "" }];
    expect(writeEach(files)).toHaveLength(2);
    expect(readFileSync(path("b"), "utf8")).toBe("two");
    rmSync(path("b"));
    expect(() => writeAll(files)).toThrow(/below: cannot be written .*; nor could 1 more of the 3 files$/);
    expect(readFileSync(path("b"), "utf8")).toBe("two");
    expect(readdirSync(folder).sort()).toEqual(["b", "file"]);
  });
});

describe("a folder that is used again", () => {
  it("has no report of the run before beside a new outcome, and keeps what others put there", async () => {
    writeOutcome(folder, caughtOutcome());
    await writeReport(folder, caughtOutcome());
    expect(readdirSync(folder).sort()).toEqual(["charts", "file", "outcome.json", "report.html", "report.md"]);
    writeFileSync(path("charts/note.txt"), "mine");
    writeOutcome(folder, cleanOutcome());
    expect(readdirSync(folder).sort()).toEqual(["charts", "file", "outcome.json"]);
    expect(readdirSync(path("charts"))).toEqual(["note.txt"]);
  });

  it("has no empty folder where the charts were", async () => {
    await writeReport(folder, caughtOutcome());
    writeOutcome(folder, cleanOutcome());
    expect(readdirSync(folder).sort()).toEqual(["file", "outcome.json"]);
  });

  it("keeps the report where the new outcome cannot be written", async () => {
    mkdirSync(path("outcome.json"));
    await writeReport(folder, caughtOutcome());
    expect(() => writeOutcome(folder, cleanOutcome())).toThrow("cannot be written");
    expect(readdirSync(folder)).toContain("report.html");
  });
});

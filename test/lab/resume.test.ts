// `tune`, `detect`, `test` and `compare` as people stop them: Ctrl-C or kill -9 in the middle, and `--resume` ends with the bytes of an undisturbed command.

import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "./support/bundles.js";
import { tinyText } from "./support/tiny.js";

const COMMAND = join(ROOT, "dist/cli/main.js");
const RESULTS = "results.ndjson";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shakedown-resume-"));
  writeFileSync(join(folder, "package.json"), "{}");
  writeFileSync(join(folder, "spike.yaml"), tinyText({ name: "spike" }));
  mkdirSync(join(folder, "other"));
  writeFileSync(join(folder, "other/calm.yaml"), "shakedown: 1\nkind: strategy\nname: calm\nsteps: [{ weight: 40%, bake: 3m }, { weight: 100%, bake: 2m }]\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command; it gets the signal once so many results are in its file. */
function shakedown(args: readonly string[], stop?: { readonly signal: NodeJS.Signals; readonly out: string; readonly at: number }): Promise<Ended> {
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const watch = setInterval(() => {
    if (stop === undefined || resultsIn(stop.out) < stop.at) return;
    clearInterval(watch);
    child.kill(stop.signal);
  }, 2);
  return new Promise((resolve) => child.on("close", (code) => {
    clearInterval(watch);
    resolve({ code, out, err });
  }));
}

const path = (...parts: readonly string[]): string => join(folder, ...parts);
const resultsIn = (out: string): number => (existsSync(path(out, RESULTS)) ? readFileSync(path(out, RESULTS), "utf8").split("\n").length - 2 : 0);

/** Every file below a folder, by its path. */
const filesIn = (out: string): Readonly<Record<string, string>> =>
  Object.fromEntries(readdirSync(path(out), { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).map(({ parentPath, name }) => join(parentPath, name)).sort().map((file) => [file.slice(path(out).length + 1), readFileSync(file, "utf8")]));

const tune = ["tune", "spike.yaml", "--goal", "detect 20% regressions within 4m, false rollbacks under 50%", "--vary", "window=1m,90s,2m", "--seeds", "1..20", "--held-out", "8", "--workers", "1"];
const detect = ["detect", "spike.yaml", "--sizes", "2%,5%,20%", "--seeds", "1..15", "--bake-for", "20%", "--in", "50%", "--workers", "1"];
const COMMANDS: readonly (readonly [string, readonly string[]])[] = [["tune", tune], ["detect", detect]];

describe.each(COMMANDS)("%s", (name, args) => {
  let whole: Readonly<Record<string, string>> = {};
  let said: Ended;
  beforeAll(async () => {
    said = await shakedown([...args, "--out", `${name}-whole`]);
    whole = filesIn(`${name}-whole`);
    expect(Object.keys(whole)).toEqual(expect.arrayContaining(["report.html", "report.md", RESULTS, `${name}.json`]));
  }, 120_000);
  /** What it prints, but for the folder's name. */
  const printed = ({ out }: Ended): string => out.replaceAll(/\S*(whole|ctrl-c|killed)/g, "DIR");

  it("stopped by Ctrl-C keeps what it played, and goes on to the same bytes", async () => {
    const out = `${name}-ctrl-c`;
    const cut = await shakedown([...args, "--out", out], { signal: "SIGINT", out, at: 25 });
    expect(cut.code).toBe(130);
    expect(cut.err).toContain("interrupted: this is what was finished\n");
    expect(cut.err).toContain(`${join(out, RESULTS)} keeps what was played; --resume goes on from there`);
    const kept = resultsIn(out);
    expect(kept).toBeGreaterThanOrEqual(25);
    const forgetful = await shakedown([...args, "--out", out]);
    expect(forgetful).toMatchObject({ code: 2, out: "" });
    expect(forgetful.err).toBe(`${join(out, RESULTS)}: holds ${kept} results of a command that did not come to its end: add --resume to go on with it, or take the file away\n`);
    const rest = await shakedown([...args, "--out", out, "--resume"]);
    expect(rest.code).toBe(said.code);
    expect(rest.err).toContain(`${join(out, RESULTS)}: goes on after ${kept} runs`);
    expect(printed(rest)).toBe(printed(said));
    expect(filesIn(out)).toEqual(whole);
  });

  it("killed in the middle of a line goes on to the same bytes, killed once more or not", async () => {
    const out = `${name}-killed`;
    await shakedown([...args, "--out", out], { signal: "SIGKILL", out, at: 10 });
    const [torn] = readFileSync(path(out, RESULTS), "utf8").split("\n").slice(1);
    appendFileSync(path(out, RESULTS), torn.slice(0, 200));
    await shakedown([...args, "--out", out, "--resume"], { signal: "SIGKILL", out, at: 40 });
    const rest = await shakedown([...args, "--out", out, "--resume"]);
    expect(rest.code).toBe(said.code);
    expect(printed(rest)).toBe(printed(said));
    expect(Object.keys(filesIn(out))).toEqual(Object.keys(whole));
    expect(filesIn(out)).toEqual(whole);
  });

  it("goes on with nothing else: another scenario or strategy is refused in one line that names it", async () => {
    const out = `${name}-changed`;
    await shakedown([...args, "--out", out], { signal: "SIGKILL", out, at: 5 });
    const other = await shakedown([...args, "--out", out, "--resume", "--strategy", "other/calm.yaml"]);
    expect(other).toMatchObject({ code: 2, out: "" });
    expect(other.err).toMatch(/^\S*results\.ndjson: was begun without calm\.yaml, with spike\.yaml, and results of before do not go with it; .*\n$/);
    writeFileSync(path("spike.yaml"), tinyText({ name: "spike", rate: "41rps" }));
    const changed = await shakedown([...args, "--out", out, "--resume"]);
    writeFileSync(path("spike.yaml"), tinyText({ name: "spike" }));
    expect(changed).toMatchObject({ code: 2, out: "" });
    expect(changed.err).toMatch(/^\S*results\.ndjson: spike\.yaml has changed since, and results of before do not go with it; put it back as it was, or take the results away, or choose another --out\n$/);
    const file = readFileSync(path(out, RESULTS), "utf8");
    writeFileSync(path(out, RESULTS), file.replace(/"model":"[^"]*"/, '"model":"0"'));
    const older = await shakedown([...args, "--out", out, "--resume"]);
    expect(older).toMatchObject({ code: 2, out: "" });
    expect(older.err).toMatch(/results\.ndjson: is of another version of the simulator \(.*model 0.*; this is .*model \d+.*\); take it away, or choose another --out\n$/);
  });

  it("that came to its end is simply started anew, and is at once there again with --resume", async () => {
    expect((await shakedown([...args, "--out", `${name}-whole`])).err).not.toContain("goes on");
    const again = await shakedown([...args, "--out", `${name}-whole`, "--resume"]);
    expect(again.err).toContain(`goes on after ${resultsIn(`${name}-whole`) - 1} runs`);
    expect(filesIn(`${name}-whole`)).toEqual(whole);
  });
});

describe("test and compare", () => {
  beforeAll(() => writeFileSync(path("swift.yaml"), "shakedown: 1\nkind: strategy\nname: swift\nsteps: [{ weight: 60%, bake: 2m }, { weight: 100%, bake: 2m }]\n"));
  const test = (out: string): readonly string[] => ["test", "spike.yaml", "--seeds", "1..90", "--workers", "1", "--out", out];
  const compare = (out: string): readonly string[] => ["compare", "other/calm.yaml", "swift.yaml", "--on", "spike.yaml", "--seeds", "1..30", "--workers", "1", "--out", out];

  it.each([
    ["test", test, "", { signal: "SIGINT", code: 130 }],
    ["compare", compare, "compare-calm-swift", { signal: "SIGKILL", code: null }],
  ] as const)("%s goes on after it was stopped, to the same bytes, and not over another command's results", async (name, args, below, { signal, code }) => {
    const [whole, cut] = [`${name}-whole`, `${name}-cut`];
    const said = await shakedown(args(whole));
    const out = join(cut, below);
    expect((await shakedown(args(cut), { signal, out, at: 12 })).code).toBe(code);
    const kept = resultsIn(out);
    expect(kept).toBeGreaterThanOrEqual(12);
    expect((await shakedown(args(cut))).err).toContain("results of a command that did not come to its end: add --resume");
    const rest = await shakedown([...args(cut), "--resume"]);
    expect(rest.err).toContain(`goes on after ${kept} runs`);
    expect({ ...rest, err: "" }).toEqual({ ...said, out: said.out.replaceAll(whole, cut), err: "" });
    expect(filesIn(cut)).toEqual(filesIn(whole));
  });

  it("write nothing for a glance, in a watch, or with --json", async () => {
    await shakedown(["test", "spike.yaml", "--seeds", "1..3", "--out", "glance"]);
    await shakedown([...compare("glance").map((each) => (each === "1..30" ? "1..2" : each)), "--json"]);
    expect(existsSync(path("glance"))).toBe(false);
    expect(await shakedown(["test", "spike.yaml", "--watch", "--resume"])).toMatchObject({ code: 2, err: "--resume and --watch: a watch plays all again when a file changes; leave one of them out\n" });
  });
});

describe("detect --json", () => {
  it("writes nothing, and goes on with what there is when it is asked to", async () => {
    const json = [...detect, "--json", "--out", "detect-json"];
    const { out, code } = await shakedown(json);
    expect(code).toBe(0);
    expect(existsSync(path("detect-json"))).toBe(false);
    await shakedown([...detect, "--out", "detect-json"], { signal: "SIGKILL", out: "detect-json", at: 20 });
    const rest = await shakedown([...json, "--resume"]);
    expect(rest.out).toBe(out);
    expect(rest.err).toMatch(/goes on after \d+ runs/);
  });
});

// `test` and `compare` as CI and people run them: exit codes, reports on disk, baselines, interruption, start-up.

import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "./support/bundles.js";
import { tinyText } from "./support/tiny.js";

const COMMAND = join(ROOT, "dist/cli/main.js");

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shakedown-lab-"));
  writeFileSync(join(folder, "package.json"), "{}");
  mkdirSync(join(folder, "s"));
  write("s/good.yaml", tinyText({ name: "good" }));
  write("s/bad.yaml", tinyText({ name: "bad", expect: "classification: clean" }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
const read = (path: string): string => readFileSync(join(folder, path), "utf8");

function shakedown(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: "1" }, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err });
    });
  });
}

describe("test", () => {
  it("ends with 0 when all hold, with 1 when one fails, failures first and with a command that replays just that run", async () => {
    expect((await shakedown("test", "s/good.yaml", "--seeds", "1..3")).code).toBe(0);
    const { code, out } = await shakedown("test", "s", "--seeds", "1..3");
    expect(code).toBe(1);
    expect(out.indexOf("✗ bad")).toBeLessThan(out.indexOf("✓ good"));
    const replay = /replay: shakedown (run .*)/.exec(out)?.[1] ?? "";
    expect(replay).toBe("run s/bad.yaml --seed 1 --fidelity cohort");
    const again = await shakedown(...replay.split(" "));
    expect(again.code).toBe(1);
    expect(again.out).toContain("classification is caught, not clean");
  });

  it("writes several reports at once, the same bytes for any number of workers", async () => {
    const of = async (workers: string) => {
      await shakedown("test", "s", "--seeds", "1..60", "--workers", workers, "--reporter", `junit:${workers}.xml`, "--reporter", `json:${workers}.json`);
      return read(`${workers}.xml`) + read(`${workers}.json`);
    };
    expect(await of("2")).toBe(await of("1"));
  });

  it("ends with 2 when the input is wrong: file, flag or seeds", async () => {
    write("broken.yaml", tinyText({ duration: "12" }));
    const broken = await shakedown("test", "broken.yaml");
    expect(broken).toMatchObject({ code: 2 });
    expect(broken.err).toContain("broken.yaml:5:6");
    expect((await shakedown("test", "s", "--reporter", "xml")).code).toBe(2);
    expect((await shakedown("test", "s", "--update")).code).toBe(2);
    expect((await shakedown("test", "s", "--workers", "0")).code).toBe(2);
  });

  it("tries what it will write before the first run: reports, and a baseline that is stored", async () => {
    write("taken", "as it was");
    const nowhere = [["--reporter", "pretty", "--reporter", "junit:taken/x.xml"], ["--reporter", "pretty,tap:s"], ["--against", "taken/ref.json", "--update"]];
    for (const flags of nowhere) {
      const { code, out, err } = await shakedown("test", "s/good.yaml", "--seeds", "1..2", ...flags);
      expect({ code, out }, flags.join(" ")).toEqual({ code: 2, out: "" });
      expect(err).toMatch(/^[^\n]*(taken|s).*: cannot be written [^\n]*\n$/);
    }
    expect((await shakedown("test", "s/good.yaml", "--seeds", "1..2", "--reporter", "tap:taken")).code).toBe(0);
    expect(read("taken")).toContain("TAP version 14");
  });

  it("prints replay commands that work as they are where files lie outside the project: test, run and fuzz", async () => {
    for (const part of ["apart/inside", "apart/aside"]) mkdirSync(join(folder, part), { recursive: true });
    write("apart/inside/package.json", "{}");
    const [head, world, tail] = tinyText({ name: "apart", expect: "classification: clean" }).split(/^world:\n|(?=^strategy:)/m);
    write("apart/aside/world.yaml", `shakedown: 1\nkind: world\n${world.replace(/^ {2}/gm, "")}`);
    write("apart/inside/apart.yaml", `${head}world: ../aside/world.yaml\n${tail}`);
    const allowed = ["apart/inside/apart.yaml", "--allow-path", "apart/aside"];
    const printed = [
      await shakedown("test", ...allowed, "--seeds", "1..1"),
      await shakedown("run", ...allowed, "--out", "apart/out"),
      await shakedown("fuzz", ...allowed, "--rule", "never: weight(v2) > 1%", "--runs", "2", "--out", "apart/inside/found"),
    ];
    for (const { out } of printed) {
      const command = /^ *(?:replay:|Replay)? *shakedown (run .*--allow-path apart\/aside.*)$/m.exec(out)?.[1] ?? `no replay in ${out}`;
      expect({ command, code: (await shakedown(...command.split(" "), "--out", "apart/again")).code }).toMatchObject({ code: 1 });
    }
    const kept = readdirSync(join(folder, "apart/inside/found")).filter((name) => name.startsWith("rule-"));
    expect(read(`apart/inside/found/${kept[0]}`)).toMatch(/^# shakedown run apart\/inside\/found\/rule-.* --allow-path apart\/aside$/m);
  });

  it("keeps every case of a fuzz, also of two rules that differ in a sign alone", async () => {
    const { out } = await shakedown("fuzz", "s/good.yaml", "--rule", "never: weight(v2) > 1%", "--rule", "never: weight(v2) >= 1%", "--runs", "2", "--out", "signs");
    const replayed = [...out.matchAll(/^ {2}shakedown run (\S+)/gm)].map(([, file]) => file);
    expect(replayed).toHaveLength(2);
    expect(replayed.map((file) => read(file).split("\n")[0])).toEqual(["# rule: never weight(v2) > 1%", "# rule: never weight(v2) >= 1%"]);
  });

  it("does not take a corpus for well that it could not play, and tries its folder before the first run", async () => {
    mkdirSync(join(folder, "corp"));
    write("corp/broken.yaml", "foo: [");
    write("corp/empty.yaml", "shakedown: 1\n");
    const { code, out } = await shakedown("fuzz", "s/good.yaml", "--runs", "0", "--corpus", "corp", "--out", "none");
    expect(code).toBe(2);
    expect(out).toMatch(/^! 2 of 2 cases of the corpus corp were not played:\n {4}empty\.yaml: .+\n {4}broken\.yaml: is no case\n/);
    for (const flags of [["--corpus", "corp/empty.yaml"], ["--corpus", "/proc/none"], ["--out", "/proc/none"]]) {
      const refused = await shakedown("fuzz", "s/good.yaml", "--runs", "5", ...flags);
      expect({ code: refused.code, out: refused.out, lines: refused.err.trim().split("\n").length }).toEqual({ code: 2, out: "", lines: 1 });
      expect(refused.err).toContain("cannot be written");
    }
  });

  it("judges claims about many runs, and says how many more it would take", async () => {
    write("claims.yaml", tinyText({ name: "claims", extra: "expect-overall: [caught in at least 60% of runs, p90 detection under 5m, caught in at least 99.9% of runs]\n" }));
    const { code, out } = await shakedown("test", "claims.yaml", "--seeds", "1..40");
    expect(code).toBe(1);
    expect(out).toContain("✓ caught in at least 60% of runs: 40 of 40 runs");
    expect(out).toMatch(/○ caught in at least 99.9% of runs: .*about [\d,]+\s+more would tell/s);
  });

  it("keeps a baseline: identical now, worse after a change, another model version refused unless accepted", async () => {
    const strategy = (above: string) => tinyText({ name: "kept", errors: "+6%", strategy: `{ steps: [{ weight: 50%, bake: 3m }, { weight: 100%, bake: 2m }], gates: { error-rate: { below: ${above} } }, triggers: { error-rate: { above: ${above} } } }` });
    write("kept.yaml", strategy("1%"));
    expect((await shakedown("test", "kept.yaml", "--against", "ref.json")).err).toContain("there is no baseline yet");
    expect((await shakedown("test", "kept.yaml", "--seeds", "1..12", "--against", "ref.json", "--update")).code).toBe(0);
    const same = await shakedown("test", "kept.yaml", "--against", "ref.json");
    expect(same.code).toBe(0);
    expect(same.out).toContain("✓ kept: identical (12 seeds in common)");
    write("kept.yaml", strategy("50%"));
    const worse = await shakedown("test", "kept.yaml", "--against", "ref.json", "--reporter", "tap", "--reporter", "json:against.json");
    expect(worse.code).toBe(1);
    expect(worse.out).toMatch(/^not ok \d+ - kept: no worse than ref\.json$/m);
    expect(JSON.parse(read("against.json"))).toMatchObject({ passed: false, against: { worse: 1 } });
    expect(worse.err).toContain("✗ kept: worse");
    write("old.json", read("ref.json").replace(/"modelVersion":"[^"]*"/, '"modelVersion":"0"'));
    const other = await shakedown("test", "kept.yaml", "--against", "old.json");
    expect(other.code).toBe(2);
    expect(other.err).toContain("a change of the simulator would look like a change of your strategy");
    expect((await shakedown("test", "kept.yaml", "--against", "old.json", "--accept-model-change")).code).toBe(1);
  });

  it("finds a baseline's scenarios however their paths are written, and does not pass when nothing can be compared", async () => {
    mkdirSync(join(folder, "b"), { recursive: true });
    write("b/one.yaml", tinyText({ name: "one" }));
    write("b/two.yaml", tinyText({ name: "two" }));
    expect((await shakedown("test", "b", "--seeds", "1..3", "--against", "b/refs.json", "--update")).code).toBe(0);
    expect(JSON.parse(read("b/refs.json"))).toMatchObject({ scenarios: [{ file: "one.yaml" }, { file: "two.yaml" }] });
    for (const path of ["b/one.yaml", "./b/../b/one.yaml", join(folder, "b/one.yaml")]) {
      const { code, out } = await shakedown("test", path, "--against", join(folder, "b/refs.json"));
      expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining("✓ one: identical (3 seeds in common)") as string });
      expect(out).toContain("○ only in the baseline, not tested now: two (two.yaml at cohort)");
    }
    write("b/three.yaml", tinyText({ name: "three" }));
    expect((await shakedown("test", "b", "--seeds", "1..3", "--against", "b/refs.json")).out).toContain("○ three (b/three.yaml at cohort): not in the baseline");
    for (const [args, why] of [[["b/three.yaml"], "it holds one.yaml at cohort, two.yaml at cohort (paths from its folder), and this would test three.yaml at cohort"], [["b/one.yaml", "--seeds", "8..9"], "none of the seeds of --seeds stand in it"], [["b/one.yaml", "--fidelity", "request"], "this would test one.yaml at request"]] as const) {
      const { code, out, err } = await shakedown("test", ...args, "--against", "b/refs.json");
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toMatch(/^[^\n]*b\/refs\.json: nothing can be compared: [^\n]*\n$/);
      expect(err).toContain(why);
    }
  });

  it("keeps what was finished when it is interrupted", async () => {
    // How soon the first run is done depends on the machine: each try waits longer.
    for (const millis of [2000, 5000, 15_000]) {
      const child = spawn(process.execPath, [COMMAND, "test", "s/good.yaml", "s/bad.yaml", "--seeds", "1..50000", "--out", `part-${millis}`, "--reporter", "json:part.json"], { cwd: folder, stdio: "ignore" });
      const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
      await new Promise((resolve) => setTimeout(resolve, millis));
      child.kill("SIGINT");
      expect(await ended).toBe(130);
      const kept = JSON.parse(read("part.json")) as { scenarios: { runs: number }[] };
      expect(kept).toMatchObject({ passed: false, interrupted: true, scenarios: [{ name: "good", verdict: "interrupted", planned: 50_000 }, { name: "bad", verdict: "interrupted", runs: 0 }] });
      if (kept.scenarios[0].runs > 0) return;
    }
    throw new Error("no run was done in 15 s");
  });

  it("tests again when a file changes that the scenario refers to", async () => {
    mkdirSync(join(folder, "w"));
    write("w/strategy.yaml", "shakedown: 1\nkind: strategy\nsteps: [{ weight: 50%, bake: 3m }, { weight: 100%, bake: 2m }]\n");
    write("w/scenario.yaml", tinyText({ name: "watched" }).replace(/strategy:\n {2}steps.*\n/, "strategy: strategy.yaml\n"));
    const child = spawn(process.execPath, [COMMAND, "test", "w/scenario.yaml", "--seeds", "1..2", "--watch"], { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
    let out = "";
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (out += data.toString()));
    const ended = new Promise((resolve) => child.on("exit", resolve));
    const times = (word: string): number => out.split(word).length - 1;
    await until(() => times("waiting for a change") === 1);
    write("w/strategy.yaml", "shakedown: 1\nkind: strategy\nsteps: [{ weight: 50%, bake: 3m }, { weight: 100%, bake: 9m }]\n");
    await until(() => times("waiting for a change") === 2);
    write("w/strategy.yaml", "shakedown: 1\nkind: strategy\nsteps: [{ wight: 50% }]\n");
    await until(() => times("waiting for a change") === 3);
    child.kill("SIGINT");
    await ended;
    expect(times("✓ watched")).toBe(2);
    expect(out).toContain("wight");
  });

  it("tests again when a file is mended that was broken from the start, and when one appears that was missing", async () => {
    mkdirSync(join(folder, "m"));
    const strategy = "shakedown: 1\nkind: strategy\nsteps: [{ weight: 50%, bake: 3m }, { weight: 100%, bake: 2m }]\n";
    write("m/broken.yaml", strategy.replace("weight", "wight"));
    write("m/one.yaml", tinyText({ name: "mended" }).replace(/strategy:\n {2}steps.*\n/, "strategy: broken.yaml\n"));
    write("m/two.yaml", tinyText({ name: "appeared" }).replace(/strategy:\n {2}steps.*\n/, "strategy: missing.yaml\n"));
    const child = spawn(process.execPath, [COMMAND, "test", "m/one.yaml", "m/two.yaml", "--seeds", "1..2", "--watch"], { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
    let out = "";
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (out += data.toString()));
    const ended = new Promise((resolve) => child.on("exit", resolve));
    await until(() => out.includes("waiting for a change"));
    expect(out).toContain("there is no file m/missing.yaml");
    // Written until it is heard of: on a busy machine, watching begins a while after it was said.
    await until(() => (write("m/missing.yaml", strategy), out.split("waiting for a change").length > 2));
    expect(out).not.toContain("✓");
    await until(() => (write("m/broken.yaml", strategy), out.includes("✓ appeared") && out.includes("✓ mended")));
    child.kill("SIGINT");
    await ended;
  });
});

describe("compare", () => {
  it("prints a table and leaves a page, Markdown and JSON", async () => {
    const strategy = (name: string, weight: string) => write(`${name}.yaml`, `shakedown: 1\nkind: strategy\nname: ${name}\nsteps: [{ weight: ${weight}, bake: 3m }, { weight: 100%, bake: 2m }]\n`);
    strategy("small", "10%");
    strategy("large", "60%");
    const { code, out } = await shakedown("compare", "small.yaml", "large.yaml", "--on", "s/good.yaml", "--seeds", "1..8");
    expect(code).toBe(0);
    expect(out).toMatch(/mean cost .* A\b/);
    for (const name of ["comparison.html", "comparison.md", "comparison.json"]) expect(existsSync(join(folder, "shakedown-out/compare-small-large", name))).toBe(true);
    expect((await shakedown("compare", "small.yaml", "none.yaml", "--on", "s")).code).toBe(2);
    expect((await shakedown("compare", "small.yaml", "large.yaml")).code).toBe(2);
  });
});

describe("detect", () => {
  it("prints what is detected, leaves a page, Markdown and JSON", async () => {
    const { code, out } = await shakedown("detect", "s/good.yaml", "--sizes", "5%,20%", "--within", "4m", "--seeds", "1..4", "--bake-for", "20%", "--in", "50%", "--workers", "1");
    expect(code).toBe(0);
    expect(out).toMatch(/\+20% {2}4 of 4 \(100%\)/);
    expect(out).toContain("To notice +20% errors in the first step (50%) in 50% of runs");
    for (const name of ["report.html", "report.md", "detect.json", "charts/detection.svg"]) expect(existsSync(join(folder, "shakedown-out/detect", name)), name).toBe(true);
    expect(read("shakedown-out/detect/report.html")).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
  });
});

describe("tune", () => {
  it("ends with 1 when nothing meets the goal, and leaves all the same what comes nearest", async () => {
    const goal = "detect 20% regressions within 1s";
    const { code, out } = await shakedown("tune", "s/good.yaml", "--goal", goal, "--vary", "window=1m,2m", "--seeds", "1..2", "--held-out", "1", "--workers", "1");
    expect(code).toBe(1);
    expect(out).toContain("Nothing that was tried meets the goal; this comes nearest");
    for (const name of ["report.html", "report.md", "tune.json", "recommended.yaml"]) expect(existsSync(join(folder, "shakedown-out/tune", name)), name).toBe(true);
  });
});

describe("the README's question", () => {
  it("is asked as printed: every flag is understood, here with fewer settings and seeds", () => {
    const printed = /^\$ npx (shakedown tune [^]*?[^\\])\n/m.exec(readFileSync(join(ROOT, "README.md"), "utf8"))?.[1] ?? "";
    expect(printed).toContain("--goal \"detect 2% regressions within 3m, false rollbacks under 1%, least cost\"");
    const fewer = `--candidates 1 --seeds 1 --held-out 0 --workers 1 --out "${join(folder, "readme")}"`;
    const { stdout, status } = spawnSync("bash", ["-c", `shakedown() { "${process.execPath}" "${COMMAND}" "$@"; }\n${printed} ${fewer}`], { cwd: ROOT, encoding: "utf8" });
    expect([0, 1]).toContain(status);
    expect(stdout).toContain("Goal: detect 2% more errors within 3m in 95% of runs; false rollbacks at most 1% of good releases; least cost");
  });
});

describe("start-up", () => {
  const HEAVY = ["vega", "vega-lite", "@duckdb", "bullmq", "ioredis", "@openfeature", "piscina", "chokidar", "fast-check"];

  /** Packages that a command line loads, by way of a loader hook that writes down what is resolved. */
  function loads(...args: readonly string[]): readonly string[] {
    const hook = "data:text/javascript," + encodeURIComponent(`
      import { writeSync } from "node:fs";
      export async function resolve(specifier, context, next) { const found = await next(specifier, context); writeSync(2, "LOADED " + found.url + "\\n"); return found; }`);
    const register = "data:text/javascript," + encodeURIComponent(`import { register } from "node:module"; register(${JSON.stringify(hook)});`);
    const { stderr } = spawnSync(process.execPath, ["--import", register, COMMAND, ...args], { cwd: folder, encoding: "utf8" });
    const urls = stderr.split("\n").filter((line) => line.startsWith("LOADED "));
    expect(urls.length).toBeGreaterThan(5);
    return HEAVY.filter((name) => urls.some((url) => url.includes(`/node_modules/${name}/`)));
  }

  it("loads nothing heavy for --help, validate, or a test of a few runs; threads only for many", () => {
    expect(loads("--help")).toEqual([]);
    expect(loads("validate", "s/good.yaml")).toEqual([]);
    expect(loads("test", "s/good.yaml", "--seeds", "1..3")).toEqual([]);
    expect(loads("run", "s/good.yaml", "--json")).toEqual([]);
    expect(loads("test", "s/good.yaml", "--seeds", "1..100", "--workers", "2")).toEqual(["piscina"]);
  });

  it("loads DuckDB for a sweep only, vega for a report with pictures only, and neither BullMQ nor flagd for any of these", () => {
    expect(loads("sweep", "s/good.yaml", "--set", "strategy.steps.0.weight=20%,40%", "--seeds", "1", "--out", "heavy")).toEqual(["vega", "vega-lite", "@duckdb"]);
    expect(loads("sweep", "query", "heavy", "select count(*) from runs")).toEqual(["@duckdb"]);
    expect(loads("detect", "s/good.yaml", "--sizes", "5%", "--seeds", "1", "--json")).toEqual([]);
    expect(loads("gameday", "s/good.yaml", "--dry-run")).toEqual([]);
    expect(loads("worker", "--help")).toEqual([]);
    expect(loads("fuzz", "--help")).toEqual([]);
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(holds()).toBe(true);
}

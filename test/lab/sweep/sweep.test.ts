// A sweep on disk: the same bytes for any number of workers, interrupted or not, and nothing lost where the disk refuses.

import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InlineRunner } from "../../../src/lab/inline-runner.js";
import { axisOf, type Axis } from "../../../src/lab/sweep/axis.js";
import { designPoints } from "../../../src/lab/sweep/design.js";
import { SweepRows } from "../../../src/lab/sweep/duckdb.js";
import { cellsOf, findingsOf } from "../../../src/lab/sweep/findings.js";
import { StorageError } from "../../../src/lab/storage/storage-error.js";
import { planSweep, runsOf, type SweepPlan } from "../../../src/lab/sweep/plan.js";
import { sweep } from "../../../src/lab/sweep/sweep.js";
import { sweepReport } from "../../../src/report/lab/sweep-report.js";
import { MODEL_VERSION } from "../../../src/world/model-version.js";
import { startPool } from "../support/bundles.js";
import { tiny } from "../support/tiny.js";

let root = "";
let count = 0;
/** The sweep as it should be, played once; one runner, since it remembers what all runs share. */
let whole: Record<string, string> = {};
let played = "";
const runner = new InlineRunner();
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "shakedown-sweep-"));
  played = folder();
  await sweep(planned(), runner, { out: played, resume: false });
  whole = contents(played);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
const folder = (): string => join(root, String((count += 1)));

function planned(rowsPerPart = 7): SweepPlan {
  const axes = [["strategy.triggers.error-rate.above", "1%,80%"], ["strategy.steps.0.weight", "20%,50%,100%"]].map(([path, written]): Axis => {
    const made = axisOf(path, written, false);
    if (!made.ok) throw new Error(made.message);
    return made.value;
  });
  const points = designPoints(axes, { name: "grid", points: null, seed: 1 });
  if (!points.ok) throw new Error(points.message);
  const strategy = "{ steps: [{ weight: 50%, bake: 3m }, { weight: 100%, bake: 2m }], every: 30s, window: 1m, gates: { error-rate: { below: 90% } }, triggers: { error-rate: { above: 1%, for: 1 of 1 } } }";
  return planSweep({ axes, points: points.points, design: { name: "grid", points: null, seed: 1 }, scenario: tiny({ strategy }), fidelity: "cohort", seeds: [3, 1, 2, 4, 5], healthy: true, rowsPerPart });
}

/** Every file of a folder with its bytes. */
const contents = (out: string): Record<string, string> => Object.fromEntries(readdirSync(out).sort().map((name) => [name, readFileSync(join(out, name), "utf8")]));

/** A folder with the whole sweep in it. */
function copied(): string {
  const out = folder();
  cpSync(played, out, { recursive: true });
  return out;
}

describe("a sweep", () => {
  it("leaves out the settings that the loader refuses, and says why", () => {
    const plan = planned();
    expect(plan.refused.map(({ values }) => values)).toEqual([["1%", "100%"], ["80%", "100%"]]);
    expect(plan.refused[0].why).toContain("the weight does not rise");
    expect(runsOf(plan)).toBe(4 * 2 * 5);
  });

  it("writes the same bytes for any number of workers, in parts of a fixed number of rows", async () => {
    const [out, pool] = [folder(), await startPool(2)];
    try {
      await sweep(planned(), pool, { out, resume: false });
      expect(contents(out)).toEqual(whole);
    } finally {
      await pool.close();
    }
    expect(Object.keys(whole)).toEqual(["manifest.json", ...[1, 2, 3, 4, 5, 6].map((part) => `part-0000${part}.ndjson`)]);
    expect(whole["part-00001.ndjson"].split("\n")).toHaveLength(8);
  });

  it("goes on where it was interrupted, or killed in the middle of a line, and ends with the same bytes", async () => {
    for (const cutOff of [0, 25]) {
      const out = folder();
      const stop = new AbortController();
      const first = await sweep(planned(), runner, { out, resume: false, signal: stop.signal, onProgress: (rows) => (rows === 18 ? stop.abort() : undefined) });
      expect(first).toMatchObject({ rows: 18, aborted: true });
      const open = join(out, "part-00003.ndjson.open");
      if (cutOff > 0) truncateSync(open, readFileSync(open).length - cutOff);
      const rest = await sweep(planned(), runner, { out, resume: true });
      expect(rest).toMatchObject({ kept: cutOff > 0 ? 17 : 18, rows: 40, aborted: false });
      expect(contents(out)).toEqual(whole);
    }
  });

  it("leaves every byte as it is when --resume finds all rows there, however often", async () => {
    for (const rowsPerPart of [7, 10, 100]) {
      const out = folder();
      await sweep(planned(rowsPerPart), runner, { out, resume: false });
      const before = contents(out);
      for (let time = 0; time < 2; time += 1) {
        expect(await sweep(planned(rowsPerPart), runner, { out, resume: true })).toMatchObject({ kept: 40, rows: 40, aborted: false });
        expect(contents(out)).toEqual(before);
      }
    }
  });

  it("goes on with the same bytes when it was killed before a part that has all its rows got its name", async () => {
    for (const last of [3, 6]) {
      const out = copied();
      for (let part = last + 1; part <= 6; part += 1) rmSync(join(out, `part-0000${part}.ndjson`));
      const name = join(out, `part-0000${last}.ndjson`);
      renameSync(name, `${name}.open`);
      expect(await sweep(planned(), runner, { out, resume: true })).toMatchObject({ kept: Math.min(40, 7 * last), rows: 40 });
      expect(contents(out)).toEqual(whole);
    }
    const out = copied();
    const last = join(out, "part-00006.ndjson");
    renameSync(last, `${last}.open`);
    appendFileSync(`${last}.open`, whole["part-00006.ndjson"]);
    await expect(sweep(planned(), runner, { out, resume: true })).rejects.toThrow(/part-00006\.ndjson\.open: holds 10 rows where 5 belong/);
  });

  it("mixes with no other sweep: a folder in use needs --resume, and another plan or a damaged part is refused", async () => {
    const out = copied();
    await expect(sweep(planned(), runner, { out, resume: false })).rejects.toThrow("add --resume");
    await expect(sweep(planned(8), runner, { out, resume: true })).rejects.toThrow("of another sweep");
    const manifest = join(out, "manifest.json");
    const { package: code } = JSON.parse(whole["manifest.json"]) as { package: string };
    for (const [older, named] of [[{ package: "0.1.0+0123456789ab" }, `shakedown 0.1.0+0123456789ab, model ${MODEL_VERSION}`], [{ package: undefined, modelVersion: "0" }, "shakedown of before, model 0"]] as const) {
      writeFileSync(manifest, JSON.stringify({ ...(JSON.parse(whole["manifest.json"]) as object), ...older }));
      await expect(sweep(planned(), runner, { out, resume: true })).rejects.toThrow(`is of another version of the simulator (${named}; this is shakedown ${code}, model ${MODEL_VERSION})`);
    }
    writeFileSync(manifest, whole["manifest.json"]);
    const part = join(out, "part-00002.ndjson");
    writeFileSync(part, readFileSync(part, "utf8").split("\n").toSpliced(3, 1).join("\n"));
    await expect(sweep(planned(), runner, { out, resume: true })).rejects.toThrow("it belongs to another sweep, or is damaged");
  });

  it("answers questions with a row per run and the varied fields as columns, from parts and from Parquet alike", async () => {
    const out = copied();
    const question = `select "strategy.triggers.error-rate.above" as above, twin, count(*) as runs, count(*) filter (classification = 'caught') as caught from runs group by all order by all`;
    const answers: unknown[] = [];
    for (const parquet of [false, true]) {
      const rows = await SweepRows.open(out);
      answers.push((await rows.ask(question)).rows);
      await expect(rows.ask("select nothing from nowhere")).rejects.toThrow("nowhere");
      if (!parquet) await rows.writeParquet(out);
      else {
        const points = await findingsOf(rows);
        const report = await sweepReport(rows.manifest, points, await cellsOf(rows));
        expect(report.pictures.map(({ name }) => name)).toEqual(["caught", "false-rollbacks", "detection", "cost", "roc"]);
        expect(report.html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
        expect(report.markdown).toContain("cannot be played");
      }
      rows.close();
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]).toEqual([[0.01, "as written", 10, 10], [0.01, "healthy", 10, 0], [0.8, "as written", 10, 0], [0.8, "healthy", 10, 0]]);
  });
});

describe("the disk", () => {
  it("may be full: one clear line, what was written before is kept, and --resume ends with the same bytes", async () => {
    const out = folder();
    mkdirSync(out);
    // Every write to /dev/full fails as on a full disk.
    const full = join(out, "part-00003.ndjson.open");
    symlinkSync("/dev/full", full);
    await expect(sweep(planned(), runner, { out, resume: false })).rejects.toThrow(/part-00003.ndjson: cannot be written: the disk is full; what was written before is kept, and --resume goes on from there$/);
    rmSync(full);
    expect(Object.keys(contents(out))).toEqual(["manifest.json", "part-00001.ndjson", "part-00002.ndjson"]);
    expect(await sweep(planned(), runner, { out, resume: true })).toMatchObject({ kept: 14, rows: 40 });
    expect(contents(out)).toEqual(whole);
  });

  it("may be no folder at all, or one that takes no files: one clear line", async () => {
    const file = folder();
    writeFileSync(file, "");
    await expect(sweep(planned(), runner, { out: join(file, "in"), resume: false })).rejects.toThrow(/a part of the path is a file/);
    await expect(sweep(planned(), runner, { out: "/proc/self/sweep", resume: false })).rejects.toThrow(StorageError);
  });
});

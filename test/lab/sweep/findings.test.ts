// What a sweep's runs add up to: a cell of two fields is the runs in it, and a release that was never detected is later than any.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SweepRows } from "../../../src/lab/sweep/duckdb.js";
import { caughtShare, cellsOf, detectedBy, falseShare, findingsOf } from "../../../src/lab/sweep/findings.js";

let folder = "";
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "shakedown-findings-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Setting {
  readonly values: readonly string[];
  /** Of each harmful release: seconds to detection, or null when it was missed. */
  readonly detections: readonly (number | null)[];
  readonly cost: number;
  readonly goodRolledBack: readonly boolean[];
}

/** Settings of the fields above, for and rate, as a sweep leaves them. */
async function swept(settings: readonly Setting[]): Promise<SweepRows> {
  const paths = ["above", "for", "rate"];
  const lines = settings.flatMap(({ values, detections, cost, goodRolledBack }, index) => {
    const fields = { point: index + 1, written: Object.fromEntries(paths.map((path, k) => [path, values[k]])), numbers: { above: Number.parseFloat(values[0]) / 100, for: null, rate: Number.parseFloat(values[2]) } };
    const row = (twin: string, seed: number, release: object) => JSON.stringify({ ...fields, twin, seed, key: `${index}-${twin}-${seed}`, releases: [{ ...release, cost: { total: cost } }] });
    return [
      ...detections.map((detection, seed) => row("as written", seed, { truth: "harmful", classification: detection === null ? "missed" : "caught", times: { detection: detection === null ? null : detection * 1e6 } })),
      ...goodRolledBack.map((back, seed) => row("healthy", seed, { truth: "harmless", classification: back ? "false-rollback" : "clean", times: {} })),
    ];
  });
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ axes: paths.map((path) => ({ path, written: "" })) }));
  writeFileSync(join(folder, "part-00001.ndjson"), `${lines.join("\n")}\n`);
  return SweepRows.open(folder);
}

const times = (from: number): readonly number[] => Array.from({ length: 10 }, (_, k) => from + k);

describe("a cell of the first two fields", () => {
  it("has the p90, the shares and the mean of its runs together, not the mean of its settings' own", async () => {
    const rows = await swept([
      { values: ["1%", "1 of 1", "20rps"], detections: [...times(100), ...times(100)], cost: 10, goodRolledBack: [true, false, false] },
      { values: ["1%", "1 of 1", "400rps"], detections: [...times(11), null, null, null].slice(3), cost: 40, goodRolledBack: [false] },
    ]);
    const [cell, ...others] = await cellsOf(rows);
    expect(others).toEqual([]);
    // 27 of 30 were detected, the slowest of these after 109 s.
    expect(detectedBy(cell, "p90")).toBe(109);
    expect(caughtShare(cell)).toBe(0.9);
    expect(falseShare(cell)).toBe(0.25);
    expect(cell.meanCost).toBeCloseTo((23 * 10 + 11 * 40) / 34, 6);
    rows.close();
  });

  it("was never detected by the p90 when one of its settings misses too many, however quick the other is", async () => {
    const rows = await swept([
      { values: ["1%", "1 of 1", "20rps"], detections: times(10), cost: 1, goodRolledBack: [] },
      { values: ["1%", "1 of 1", "400rps"], detections: [20, 21, ...times(0).map(() => null)], cost: 1, goodRolledBack: [] },
      { values: ["1%", "3 of 5", "20rps"], detections: [], cost: 1, goodRolledBack: [false] },
    ]);
    const cells = await cellsOf(rows);
    expect(cells.map((cell) => [...cell.written, detectedBy(cell, "p50"), detectedBy(cell, "p90")])).toEqual([["1%", "1 of 1", 20, Infinity], ["1%", "3 of 5", null, null]]);
    expect((await findingsOf(rows)).map((point) => detectedBy(point, "p90"))).toEqual([18, Infinity, null]);
    rows.close();
  });
});

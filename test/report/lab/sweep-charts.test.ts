// Pictures of a sweep: what never happened is shown as never, and a ROC curve is a line of one setting of the other fields.

import { describe, expect, it } from "vitest";
import type { PointFindings } from "../../../src/lab/sweep/findings.js";
import { sweepCharts } from "../../../src/report/lab/sweep-charts.js";
import { answerLines, sweepLines } from "../../../src/report/lab/sweep-words.js";
import type { Manifest } from "../../../src/lab/sweep/plan.js";
import { curvesOf } from "../../../src/report/lab/sweep-roc.js";

const axes = (...paths: readonly string[]) => paths.map((path) => ({ path, written: "" }));
let last = 0;
const point = (written: readonly string[], found: Partial<PointFindings> = {}): PointFindings => ({
  point: (last += 1), written, numbers: written.map((text) => (/^[\d.]+(?:%|rps)?$/.test(text) ? Number.parseFloat(text) : null)),
  harmful: 10, caught: 10, missed: 0, harmless: 10, falseRollbacks: 1, undecided: 0, detectionP50: 30, detectionP90: 60, meanCost: 5, runs: 20, lost: 0, ...found,
});
const never = { caught: 3, missed: 7, detectionP50: null, detectionP90: null };
const words = (svg: string): readonly string[] => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

describe("detection that never was", () => {
  it("is a tile of its own, the darkest, and no empty one", async () => {
    const points = [point(["1%", "1 of 1"]), point(["2%", "1 of 1"], never), point(["1%", "3 of 5"]), point(["2%", "3 of 5"], { harmful: 0, caught: 0, harmless: 0 })];
    const detection = (await sweepCharts(axes("above", "for"), points, points)).find(({ name }) => name === "detection");
    expect(words(detection?.svg ?? "").filter((text) => text === "never" || text === "1m")).toEqual(["1m", "never", "1m"]);
    expect(detection?.svg.match(/#1d2f57/g)).toHaveLength(1);
  });

  it("lies above all times on the line over one field, and the table calls it never", async () => {
    const points = [point(["1%"]), point(["2%"], never), point(["3%"])];
    const detection = (await sweepCharts(axes("above"), points, [])).find(({ name }) => name === "detection");
    expect(words(detection?.svg ?? "")).toContain("never");
    expect(sweepLines({ axes: axes("above") } as unknown as Manifest, points, 100).join("\n")).toMatch(/2% +30% +never/);
  });
});

describe("an answer to a question", () => {
  it("is a line per row, however many there are", () => {
    const rows = Array.from({ length: 1_000_000 }, (_, k) => [k % 2 === 0 ? "caught" : null]);
    const lines = answerLines(["release"], rows);
    expect(lines).toHaveLength(rows.length + 3);
    expect(lines.slice(0, 4)).toEqual(["release", "-------", "caught", "      –"]);
    expect(lines.at(-1)).toBe("(1,000,000 rows)");
  });
});

describe("ROC curves", () => {
  const crossed = (others: readonly (readonly string[])[]): readonly PointFindings[] => ["2%", "0.5%", "1%"].flatMap((above) => others.map((rest, k) => point([above, ...rest], { falseRollbacks: k })));
  const roc = async (paths: readonly string[], points: readonly PointFindings[]) => (await sweepCharts(axes(...paths), points, points)).filter(({ name }) => name.startsWith("roc"));

  it("are one line per setting of the other fields, along the first by size, each with its name", async () => {
    const points = crossed([["1 of 1", "20rps"], ["1 of 1", "400rps"], ["3 of 5", "20rps"], ["3 of 5", "400rps"]]);
    const curves = curvesOf(["triggers.error-rate.for", "traffic.rate"], points);
    expect(curves.map(({ label, kind, points: along }) => [label, kind, along.map(({ label: above }) => above)])).toEqual(
      ["1 of 1, 20rps", "1 of 1, 400rps", "3 of 5, 20rps", "3 of 5, 400rps"].map((label) => [label, "line", ["0.5%", "1%", "2%"]]),
    );
    const [picture, ...more] = await roc(["above", "triggers.error-rate.for", "traffic.rate"], points);
    expect(more).toEqual([]);
    expect(words(picture.svg)).toEqual(expect.arrayContaining(curves.map(({ label }) => label)));
    expect(picture.about).toContain("one line per setting of triggers.error-rate.for, traffic.rate");
  });

  it("go from value to value of the first field, also where fewer false rollbacks come after more", async () => {
    const [picture] = await roc(["above"], [[3, 10], [1, 8], [2, 6]].map(([falseRollbacks, caught], k) => point([`${k + 1}%`], { falseRollbacks, caught })));
    const [, line] = /<path d="(M[^"]*L[^"]*L[^"Z]*)" stroke="#0072b2"/.exec(picture.svg) ?? [];
    const across = (line ?? "").split(/[ML]/).slice(1).map((place) => Math.round(Number(place.split(",")[0])));
    expect(across).toEqual([800, 267, 533]);
  });

  it("differ by mark as well as by colour, so that print without colour shows which is which", async () => {
    const [picture] = await roc(["above", "for"], crossed(Array.from({ length: 8 }, (_, k) => [`${k + 1} of 9`])));
    const marks = new Set([...picture.svg.matchAll(/<path transform="[^"]*" d="([^"]*)" fill="#/g)].map(([, shape]) => shape));
    // Marks in the plot and, a little larger, in the legend.
    expect(marks.size).toBe(16);
  });

  it("go on in a further picture when there are more than a reader can tell apart", async () => {
    const pictures = await roc(["above", "for"], crossed(Array.from({ length: 10 }, (_, k) => [`${k + 1} of 10`])));
    expect(pictures.map(({ name, title }) => `${name}: ${title}`)).toEqual(["roc: ROC: what detection costs in false rollbacks (1 of 2)", "roc-2: ROC: what detection costs in false rollbacks (2 of 2)"]);
    expect(words(pictures[1].svg)).toContain("for 10 of 10");
  });

  it("are dots where a sample meets no setting of the others twice", async () => {
    const [picture] = await roc(["above", "rate"], ["1%", "2%", "3%"].map((above, k) => point([above, `${10 + k}rps`])));
    expect(picture.about).toContain("One dot per setting");
  });
});

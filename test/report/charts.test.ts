// Each picture stands alone as an SVG file, follows light and dark, and shows what the outcome holds.

import { beforeAll, describe, expect, it } from "vitest";
import { minutes } from "../../src/kernel/units.js";
import { chartEntries, chartSvgs, decisionMarkers, crucialStretch } from "../../src/report/charts.js";
import { thinned } from "../../src/report/charts/time-chart.js";
import { visitsOf } from "../../src/report/charts/statechart.js";
import { escapeText } from "../../src/report/escape.js";
import { PAINTS } from "../../src/report/palette.js";
import { caughtOutcome, cleanOutcome, emptyOutcome, twoReleasesOutcome } from "./support/sample-outcome.js";

describe("the charts of a run", () => {
  const outcome = caughtOutcome();
  let svgs: Record<string, string> = {};
  beforeAll(async () => {
    svgs = await chartSvgs(outcome);
  });

  it("are the ones that the list of charts promises", () => {
    expect(Object.keys(svgs)).toEqual(chartEntries(outcome).map(({ name }) => name));
    expect(Object.keys(svgs)).toEqual(["traffic", "error-rate", "p95", "truth-error-rate", "truth-p95", "impact", "load", "capacity", "states"]);
  });

  it("are whole SVG files with a dark style of their own and no reference to anything else", () => {
    for (const svg of Object.values(svgs)) {
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+" width="\d+" height="\d+" role="img"/);
      expect(svg.endsWith("</svg>")).toBe(true);
      expect(svg).toContain("prefers-color-scheme: dark");
      expect(svg).not.toMatch(/href|NaN|undefined|Infinity/);
    }
  });

  it("mark each decision by its number", () => {
    for (const decision of outcome.decisions) expect(svgs["traffic"]).toContain(`>${decision.id}</text>`);
  });

  it("name each version and each limit beside the plot, with its value on the axis's scale", () => {
    for (const label of ["v1 (stable)", "v2", "gate, trigger 1%", "objective 0.5%"]) expect(svgs["error-rate"]).toContain(`>${label}</text>`);
    expect(svgs["p95"]).toContain(">gate, objective 500ms</text>");
    expect(svgs["p95"]).toContain(">400ms</text>");
  });

  it("draw a limit that moves with stable, while there is a release to hold against it", async () => {
    const moving = caughtOutcome({ thresholds: [{ metric: "p95", label: "trigger", value: 1.5, timesStable: true }] });
    const p95 = (await chartSvgs(moving))["p95"];
    expect(p95).toContain(">trigger 1.5x v1</text>");
    const stable = /trigger 1\.5x v1: (\d+)ms/.exec(p95)?.[1];
    expect(Number(stable)).toBeGreaterThan(1.5 * 218);
    expect(Number(stable)).toBeLessThan(1.5 * 235);
    expect(p95).toContain("trigger 1.5x v1: no data");
    expect(p95).not.toContain("1.5 1.5");
  });

  it("say each line's value and each decision's reason where the mouse rests", () => {
    expect(svgs["traffic"]).toMatch(/<title>from \+00:26:\d\d\nv1 \(stable\): 75%\nv2: 25%<\/title>/);
    for (const decision of outcome.decisions) expect(svgs["p95"]).toContain(`<title>${decision.id}. `);
    expect(svgs["p95"]).toContain(escapeText(outcome.decisions[2].reason));
    expect(svgs["error-rate"]).toContain("v2: no data");
    expect(svgs["states"]).toMatch(/<title>step 1 of 3: 5%, baking: \+00:10:42 to \+00:26:00, 15m 18s/);
  });

  it("tell versions apart by their dashes as well as by their colours", () => {
    expect(svgs["p95"]).toMatch(new RegExp(`stroke="${PAINTS.second.light}"[^>]*stroke-dasharray="7,3"`));
    expect(svgs["p95"]).toMatch(new RegExp(`<path[^>]*stroke="${PAINTS.first.light}"`));
  });

  it("break the line where telemetry had a gap", () => {
    const line = [...svgs["error-rate"].matchAll(new RegExp(`<path[^>]*d="([^"]*)"[^>]*stroke="${PAINTS.first.light}"`, "g"))].map(([, path]) => path).sort((a, b) => b.length - a.length)[0];
    expect(line.match(/M/g)).toHaveLength(2);
  });

  it("show every state with the time spent in it", () => {
    for (const text of ["step 1 of 3: 5%, baking", "15m 18s", "2m 30s", "1h 29m 54s"]) expect(svgs["states"]).toContain(text);
  });

  it("draw a path per release, numbered when there are several", () => {
    expect(chartEntries(twoReleasesOutcome()).map(({ name }) => name).slice(-2)).toEqual(["states-1", "states-2"]);
  });

  it("are none where the run recorded nothing", async () => {
    expect(await chartSvgs(emptyOutcome())).toEqual({});
  });
});

describe("what the charts show", () => {
  it("draws a day in few points without losing a spike or a gap", () => {
    const points = Array.from({ length: 5760 }, (_, row) => ({ at: minutes(row / 4), value: row === 4001 ? 0.9 : row === 2000 ? null : 0.01 + (row % 7) / 1000 }));
    const kept = thinned(points);
    expect(kept.length).toBeLessThan(2 * 840 + 2);
    expect(kept.some((point) => point.value === 0.9)).toBe(true);
    expect(kept.some((point) => point.value === null)).toBe(true);
    for (let index = 1; index < kept.length; index += 1) expect(kept[index].at).toBeGreaterThan(kept[index - 1].at);
  });

  it("looks at the minutes from before harm to after recovery", () => {
    const { from, to } = crucialStretch(caughtOutcome());
    const { harmStartsAt, restoredAt } = caughtOutcome().releases[0].times;
    expect(from).toBeLessThanOrEqual((harmStartsAt ?? 0) - minutes(3));
    expect(to).toBeGreaterThanOrEqual((restoredAt ?? 0) + minutes(3));
    expect(to - from).toBeLessThan(minutes(20));
  });

  it("looks at the whole run where nobody was harmed and nobody acted", () => {
    expect(crucialStretch(cleanOutcome())).toEqual({ from: 0, to: minutes(120) });
  });

  it("leaves plain holds unmarked once decisions are many", () => {
    const [hold, promote] = caughtOutcome().decisions;
    const many = Array.from({ length: 20 }, (_, index) => ({ ...(index === 7 ? promote : hold), id: index + 1 }));
    expect(decisionMarkers(caughtOutcome({ decisions: many })).map(({ text }) => text)).toEqual(["8"]);
  });

  it("walks the states from release to the end of the run without a gap", () => {
    const [release] = caughtOutcome().releases;
    const visits = visitsOf(release, minutes(120));
    expect(visits.map((visit) => visit.state)).toEqual(["deploying", "baking.1", "baking.2", "watching", "shifting", "dark"]);
    expect(visits[0].from).toBe(release.times.releasedAt);
    for (let index = 1; index < visits.length; index += 1) expect(visits[index].from).toBe(visits[index - 1].to);
    expect(visits[5].to).toBe(minutes(120));
  });

  it("begins with the delivery where that waited for an earlier release, also in an outcome that does not say when", () => {
    const [release] = caughtOutcome().releases;
    const times = { ...release.times, releasedAt: minutes(1) };
    const [first] = visitsOf({ ...release, times }, minutes(120));
    expect(first.from).toBe(release.startedAt);
    const { startedAt: _, ...old } = { ...release, times };
    expect(visitsOf(old as typeof release, minutes(120))[0].from).toBe(release.startedAt);
  });
});

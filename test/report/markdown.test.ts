// The Markdown report has whole tables, working picture links, and user text that stays text.

import { describe, expect, it } from "vitest";
import { chartEntries } from "../../src/report/charts.js";
import { code, reportMarkdown, text } from "../../src/report/markdown.js";
import { caughtOutcome, cleanOutcome, emptyOutcome, falseRollbackOutcome } from "./support/sample-outcome.js";

const cells = (line: string): number => line.replace(/\\\|/g, "").split("|").length - 2;

describe("the Markdown report", () => {
  it("has the same number of cells in every row of a table", () => {
    const poisonous = caughtOutcome();
    const outcome = { ...poisonous, timeline: poisonous.timeline.map((each) => ({ ...each, text: "a | b\nc" })) };
    for (const table of tables(reportMarkdown(outcome))) {
      expect(table[1]).toMatch(/^\|( --- \|)+$/);
      for (const row of table) expect(cells(row)).toBe(cells(table[0]));
    }
  });

  it("has a table for decisions, states, truth, cost, DORA, invariants, timeline and alerts", () => {
    expect(tables(reportMarkdown(caughtOutcome())).length).toBeGreaterThanOrEqual(10);
  });

  it("links every chart and nothing else", () => {
    const links = [...reportMarkdown(caughtOutcome()).matchAll(/\]\(([^)]*)\)/g)].map(([, target]) => target);
    expect(links).toEqual(chartEntries(caughtOutcome()).map(({ name }) => `charts/${name}.svg`));
  });

  it("has no heading with nothing below it where nothing was released", () => {
    const without = { ...caughtOutcome(), releases: [], decisions: [], series: { ...caughtOutcome().series, versions: [] } };
    for (const outcome of [without, emptyOutcome()]) expect(reportMarkdown(outcome)).not.toMatch(/^## .*\n+## /m);
    expect(reportMarkdown(without)).not.toMatch(/## (Truth|Cost|Time spent)/);
    expect(reportMarkdown(emptyOutcome())).not.toContain("## What happened over time");
  });

  it("keeps user text from being markup", () => {
    expect(text("<b>*x*</b> [a](b) `c` | d\ne")).toBe("\\<b\\>\\*x\\*\\</b\\> \\[a\\](b) \\`c\\` \\| d e");
    expect(code("a ` b")).toBe("`` a ` b ``");
  });

  it("shows no NaN, undefined or null for any kind of outcome, and is the same twice", () => {
    for (const outcome of [caughtOutcome(), cleanOutcome(), falseRollbackOutcome(), emptyOutcome()]) {
      expect(reportMarkdown(outcome)).not.toMatch(/NaN|undefined|null/);
      expect(reportMarkdown(outcome)).toBe(reportMarkdown(outcome));
    }
  });
});

/** Blocks of consecutive lines that start with a pipe. */
function tables(markdown: string): string[][] {
  const found: string[][] = [];
  let inside = false;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("|") && inside) found[found.length - 1].push(line);
    else if (line.startsWith("|")) found.push([line]);
    inside = line.startsWith("|");
  }
  return found;
}

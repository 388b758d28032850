// The HTML report opens offline, escapes what users wrote, shows every decision's evidence, and is the same twice.

import { beforeAll, describe, expect, it } from "vitest";
import { reportHtml } from "../../src/report/html.js";
import type { Outcome } from "../../src/sim/outcome.js";
import { explain } from "../../src/report/explain.js";
import { reportMarkdown } from "../../src/report/markdown.js";
import { summary } from "../../src/report/summary.js";
import { metricValue } from "../../src/report/words.js";
import { escapeText } from "../../src/report/escape.js";
import { caughtOutcome, cleanOutcome, emptyOutcome, falseRollbackOutcome, twoReleasesOutcome } from "./support/sample-outcome.js";

const visible = (page: string): string =>
  page.replace(/<style>[\s\S]*?<\/style>/g, " ").replace(/<script>[\s\S]*?<\/script>/g, " ").replace(/<[^>]*>/g, " ");

describe("the HTML report", () => {
  let page = "";
  beforeAll(async () => {
    page = await reportHtml(caughtOutcome());
  });

  it("is one file that loads nothing from anywhere", () => {
    expect(page).not.toMatch(/https?:\/\//);
    expect(page).not.toMatch(/<(?:link|img|iframe|object|embed)\b|@import|\bsrc=|url\(/i);
    expect(page).toContain("default-src 'none'");
  });

  it("shows no NaN, undefined, null or [object, for any kind of outcome", async () => {
    for (const outcome of [caughtOutcome(), cleanOutcome(), falseRollbackOutcome(), twoReleasesOutcome(), emptyOutcome()]) {
      const html = await reportHtml(outcome);
      expect(visible(html)).not.toMatch(/\bNaN\b|\bundefined\b|\bnull\b|\[object/);
      expect(html.replace(/<script>[\s\S]*?<\/script>/g, "")).not.toMatch(/="[^"]*(?:NaN|undefined)[^"]*"/);
    }
  });

  it("escapes what a user wrote, wherever it appears", async () => {
    const evil = `<script>alert("x")</script><img onerror='1' src=x>`;
    const html = await reportHtml(poisoned(caughtOutcome(), evil));
    expect(html).not.toContain("<script>alert");
    expect(html).not.toContain("<img");
    expect(html.match(/<script>/g)).toHaveLength(1);
    expect(html).toContain(escapeText(evil));
  });

  it("has the same bytes twice", async () => {
    expect(await reportHtml(caughtOutcome())).toBe(page);
  });

  it("shows each decision's checks with series, observed value, limit, sample size and reason", () => {
    for (const decision of caughtOutcome().decisions) {
      const start = page.indexOf(`id="decision-${decision.id}"`);
      const card = page.slice(start, page.indexOf("</article>", start));
      expect(card).toContain(escapeText(decision.reason));
      for (const check of decision.checks) {
        for (const text of [check.check, check.series, check.reason, metricValue(check.metric, check.observed), metricValue(check.metric, check.threshold)])
          expect(card).toContain(escapeText(text));
        if (check.sampleSize > 0) expect(card).toContain(check.sampleSize.toLocaleString("en-US"));
      }
    }
  });

  it("says what the scenario expected, ticked or crossed with the reason", () => {
    for (const expectation of caughtOutcome().expectations) {
      expect(page).toContain(escapeText(expectation.text));
      expect(page).toContain(escapeText(expectation.reason));
    }
    expect(page).toContain('aria-label="not met">✗');
  });

  it("holds the digest, the replay command, the model version and the approximations", () => {
    const outcome = caughtOutcome();
    for (const text of [outcome.digest, outcome.replay, `model ${outcome.modelVersion}`, ...outcome.approximations]) expect(page).toContain(escapeText(text));
  });

  it("paints its pictures through the page's colours, so that dark pages have dark pictures", () => {
    const pictures = page.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
    expect(pictures).toHaveLength(9);
    for (const picture of pictures) expect(picture).not.toMatch(/(?:fill|stroke)="#/);
  });

  it("draws a chart with a name for every picture", () => {
    for (const picture of page.match(/<svg[^>]*>/g) ?? []) expect(picture).toMatch(/role="img" aria-label="[^"]+"/);
  });

  it("gives each of two releases its verdict, path, truth and cost, and names versions with their service", async () => {
    const html = await reportHtml(twoReleasesOutcome());
    expect(html.match(/class="card verdict/g)).toHaveLength(2);
    for (const text of ["checkout v1 (stable)", "payments v8 (stable)", "payments v9", "The path of checkout v2 through", "The path of payments v9 through", "<h3>payments v9</h3>"]) expect(html).toContain(text);
  });

  it("leaves no part of the timeline folded on paper, and nothing twice", () => {
    const section = page.slice(page.indexOf('<section id="timeline">'), page.indexOf('<section id="alerts">'));
    expect(section).toMatch(/<div class="screen">[^]*<details class="print"><summary>the whole timeline of 12 entries/);
    for (const fold of page.match(/<details[^>]*>/g) ?? []) expect(fold).toContain('class="print"');
  });

  it("ends each sentence once, and counts one thing as one", async () => {
    const base = caughtOutcome();
    const html = await reportHtml({ ...base, incidents: [{ ...base.incidents[0], summary: "Error rate of v2 is above 5%." }], releases: base.releases.map((each) => ({ ...each, lines: 1, transitions: each.transitions.slice(0, 1) })) });
    expect(visible(html)).not.toMatch(/\.\. |\b1 (?:lines|transitions|decisions|checks|times)\b/);
    expect(visible(html)).toContain("above 5%. Opened");
  });

  it("marks a live world and calls nothing in it simulated", async () => {
    const live = { ...caughtOutcome(), fidelity: "live" as const };
    const html = await reportHtml(live);
    expect(html).toContain('<span class="badge live">live</span>');
    expect(html).toContain("from the script&#39;s twins");
    for (const text of [visible(html), reportMarkdown(live), summary(live, { color: false, width: 100 }), explain(live)]) {
      expect(text).not.toMatch(/simulat|fidelity(?! (?:request|cohort))/);
      expect(text).toMatch(/\blive\b/);
    }
    expect(visible(page)).not.toMatch(/\blive\b/);
  });

  it("opens without recorded series, decisions or releases", async () => {
    const html = await reportHtml(emptyOutcome());
    expect(html).toContain("Nothing was decided in this run.");
    expect(html).toContain("The run recorded no series: a run among many seeds leaves charts and regret out");
  });

  it("has no heading with nothing below it where nothing was released, and no link to one", async () => {
    const html = await reportHtml({ ...caughtOutcome(), releases: [], decisions: [], series: { ...caughtOutcome().series, versions: [] } });
    expect(html).not.toMatch(/<\/h2>(?:<p class="muted small">[^<]*<\/p>)?<\/section>/);
    for (const id of ["seen-and-truth", "states", "truth", "cost"]) expect(html).not.toMatch(new RegExp(`"#?${id}"`));
    for (const id of ["over-time", "decisions", "invariants", "timeline"]) expect(html).toMatch(new RegExp(`<section id="${id}">`));
  });

  it("says of an invariant that it had nothing to check", async () => {
    const [first] = caughtOutcome().invariants;
    const html = await reportHtml(caughtOutcome({ invariants: [{ ...first, checked: 0, reason: "none fired" }] }));
    expect(html).toContain("none fired (nothing to check)");
  });
});

/** The outcome with hostile text in every place that a user's file can reach. */
function poisoned(outcome: Outcome, evil: string): Outcome {
  return {
    ...outcome,
    scenario: { name: evil, about: evil, file: evil, world: evil, strategy: evil },
    replay: evil, approximations: [evil],
    expectations: outcome.expectations.map((each) => ({ ...each, text: evil, reason: evil, file: evil })),
    timeline: outcome.timeline.map((each) => ({ ...each, text: evil })),
    thresholds: outcome.thresholds.map((each) => ({ ...each, label: evil })),
    series: { ...outcome.series, versions: outcome.series.versions.map((each) => ({ ...each, service: evil, version: evil })) },
    releases: outcome.releases.map((each) => ({
      ...each, service: evil, version: evil, flag: evil, defects: [evil], verdict: evil, causeReason: evil,
      states: each.states.map((state) => ({ ...state, label: evil })), transitions: each.transitions.map((transition) => ({ ...transition, why: evil })),
      truthEvidence: each.truthEvidence.map((evidence) => ({ ...evidence, endpoint: evil, reason: evil })),
    })),
    decisions: outcome.decisions.map((each) => ({
      ...each, reason: evil, state: evil, release: evil, service: evil,
      checks: each.checks.map((check) => ({ ...check, check: evil, series: evil, reason: evil })),
    })),
  };
}

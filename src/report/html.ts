// The report: one HTML file that opens offline and explains a run from its verdict down to its evidence.

import type { Outcome } from "../sim/outcome.js";
import { drawCharts, storyWords, type DrawnChart } from "./charts.js";
import { html, Markup } from "./escape.js";
import { clock, counted } from "../kernel/format.js";
import { decisions } from "./html/decisions.js";
import { SCRIPT, STYLE } from "./html/style.js";
import { alertsAndIncidents, costTable, costWeights, doraTable, invariants, releaseHeading, timeline, totals, truthTable } from "./html/tables.js";
import { expectations, headline, verdictCard } from "./html/verdict.js";
import { themed } from "./palette.js";
import { worldWords } from "./world-words.js";

/** Nothing may be loaded, from anywhere: the browser itself holds the report to that. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** Builds the whole page from one outcome and nothing else; the same outcome gives the same bytes. */
export async function reportHtml(outcome: Outcome): Promise<string> {
  const charts = await drawCharts(outcome);
  const sections = [
    section("expectations", "Expectations", expectations(outcome)),
    section("over-time", "What happened over time", overTime(outcome, charts)),
    section("seen-and-truth", "What telemetry saw, and what was true", seenAndTruth(outcome, charts)),
    section("states", "The path through the statechart", path(outcome, charts)),
    section("decisions", "Decisions and their evidence", decisions(outcome)),
    section("truth", "The truth of the release", truth(outcome)),
    section("cost", "Cost and regret", cost(outcome)),
    section("dora", "Delivery figures (DORA)", doraTable(outcome)),
    section("invariants", "Invariants", invariants(outcome)),
    section("timeline", "Timeline", timeline(outcome)),
    section("alerts", "Alerts and incidents", alertsAndIncidents(outcome)),
    section("replay", "Replay", replay(outcome)),
  ].flat();
  const body = html`<main>${headline(outcome)}${outcome.releases.map((release) => verdictCard(outcome, release))}${totals(outcome)}
<nav class="screen">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
${sections.map((each) => each.markup)}
<footer>Digest <code>${outcome.digest}</code> · model ${outcome.modelVersion} · ${outcome.fidelity} · outcome schema ${outcome.schemaVersion}</footer></main>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
${html`<meta http-equiv="Content-Security-Policy" content="${new Markup(POLICY)}"><title>${outcome.scenario.name}, seed ${outcome.seed} · shakedown</title>`.text}
<style>${STYLE}</style></head>
<body>${body.text}
<script>${SCRIPT}</script></body></html>
`;
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly markup: Markup;
}

/** A heading with something below it, or nothing at all: a run without a release has no truth or path to show. */
function section(id: string, title: string, content: Markup | null): readonly Section[] {
  return content === null ? [] : [{ id, title, markup: html`<section id="${id}"><h2>${title}</h2>${content}</section>` }];
}

function figures(charts: readonly DrawnChart[], wanted: (name: string) => boolean): Markup {
  return html`${charts.filter(({ name }) => wanted(name)).map(({ title, about, svg }) => html`<figure class="card"><figcaption><h3>${title}</h3><span class="muted small">${about}</span></figcaption><div class="chart">${new Markup(inline(svg))}</div></figure>`)}`;
}

/** The picture as part of the page: its colours follow the page's theme, its size the page's width. */
const inline = (svg: string): string =>
  themed(svg).replace(/^<svg xmlns="[^"]*" viewBox="([^"]*)" width="[^"]*" height="[^"]*"/, '<svg viewBox="$1"');

const OVER_TIME = ["traffic", "error-rate", "p95", "impact", "load", "capacity"];

function overTime(outcome: Outcome, charts: readonly DrawnChart[]): Markup {
  if (outcome.series.at.length === 0) return html`<p class="muted">The run recorded no series: a run among many seeds leaves charts and regret out; the same seed played alone (<code>--seed</code>) has them.</p>`;
  const marked = outcome.decisions.length > 0 ? "Numbered circles are decisions, explained below. " : "";
  const harmed = outcome.releases.some((release) => release.times.harmStartsAt !== null) ? "The shaded stretch is when users were harmed. " : "";
  return html`<p class="muted small">${marked}${harmed}${worldWords(outcome).timeRuns}</p>${figures(charts, (name) => OVER_TIME.includes(name))}`;
}

function seenAndTruth(outcome: Outcome, charts: readonly DrawnChart[]): Markup | null {
  const isTruth = (name: string): boolean => name.startsWith("truth-");
  if (!charts.some(({ name }) => isTruth(name))) return null;
  return html`<p class="muted small">Engines only see scrapes: a window behind, and rounded by histogram buckets. Shown: ${storyWords(outcome)}.</p>${figures(charts, isTruth)}`;
}

function path(outcome: Outcome, charts: readonly DrawnChart[]): Markup | null {
  if (outcome.releases.every(({ states, transitions }) => states.length + transitions.length === 0)) return null;
  return html`${figures(charts, (name) => name.startsWith("states"))}${transitions(outcome)}`;
}

function truth(outcome: Outcome): Markup | null {
  if (outcome.releases.length === 0) return null;
  return html`<p class="muted small">${worldWords(outcome).twins}</p>${outcome.releases.map((release) => html`${releaseHeading(outcome, release)}${truthTable(release)}`)}`;
}

function cost(outcome: Outcome): Markup | null {
  if (outcome.releases.length === 0) return null;
  return html`${outcome.releases.map((release) => html`${releaseHeading(outcome, release)}${costTable(release)}`)}${costWeights(outcome)}`;
}

function transitions(outcome: Outcome): Markup {
  return html`${outcome.releases.map((release) => release.transitions.length === 0 ? "" : html`<details class="print"><summary>${releaseHeading(outcome, release) === null ? "" : `${release.service} ${release.version}: `}${counted(release.transitions.length, "transition")}</summary><div class="table"><table><thead><tr><th>time</th><th>from</th><th>to</th><th>why</th></tr></thead><tbody>${release.transitions.map((each) => html`<tr><td class="n" style="width:90px">${clock(each.at)}</td><td>${labelOf(release.states, each.from)}</td><td>${labelOf(release.states, each.to)}</td><td>${each.why}</td></tr>`)}</tbody></table></div></details>`)}`;
}

const labelOf = (states: Outcome["releases"][number]["states"], state: string): string =>
  states.find((each) => each.state === state)?.label ?? state;

function replay(outcome: Outcome): Markup {
  const approximations = outcome.approximations.length === 0
    ? html`<p>Nothing is approximated.</p>`
    : html`<p>${worldWords(outcome).approximations}</p><ul>${outcome.approximations.map((each) => html`<li>${each}</li>`)}</ul>`;
  return html`<p>${worldWords(outcome).replay}</p><pre>${outcome.replay}</pre>${approximations}`;
}

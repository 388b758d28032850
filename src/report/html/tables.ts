// The rest of the page as tables: truth, cost and regret, DORA, invariants, timeline, alerts and incidents.

import type { Outcome, ReleaseOutcome } from "../../sim/outcome.js";
import { html, type Markup } from "../escape.js";
import { clock, count, counted, duration, money, NOTHING, percent } from "../../kernel/format.js";
import { storyOf, type StoryEntry } from "../story.js";
import { sentence } from "../text.js";
import { bySeverity, COST_PARTS, costWeight, doraValue, mark, noRegretWords, objectiveValue, regretWords, releaseName, weightName, whereWords } from "../words.js";

/** With so many rows a table of findings is still read. */
const MOST_FINE = 8;

/** What the twins showed, objective by objective. */
export function truthTable(release: ReleaseOutcome): Markup {
  if (release.truthEvidence.length === 0) return html`<p class="muted">The twins found nothing to compare.</p>`;
  const evidence = bySeverity(release.truthEvidence);
  const first = evidence.filter((each, index) => each.finding !== "fine" || index < MOST_FINE);
  const rest = evidence.slice(first.length);
  return html`${truthRows(release, first)}${rest.length === 0 ? "" : html`<details class="print"><summary>${count(rest.length)} more that are fine</summary>${truthRows(release, rest)}</details>`}`;
}

function truthRows(release: ReleaseOutcome, evidence: ReleaseOutcome["truthEvidence"]): Markup {
  return html`<div class="card table"><table class="reasoned truths"><thead><tr><th>objective</th><th>where</th><th class="n">limit</th><th class="n">with ${release.version}</th><th class="n">without</th><th>worst window</th><th>finding</th><th>in words</th></tr></thead><tbody>
${evidence.map((each) => html`<tr class="${each.finding === "fine" ? "fine" : ""}"><td>${each.objective}</td><td>${whereWords(each)}</td><td class="n">${objectiveValue(each.objective, each.limit)}</td><td class="n">${objectiveValue(each.objective, each.withRelease)}</td><td class="n">${objectiveValue(each.objective, each.without)}</td><td>${clock(each.windowFrom)} to ${clock(each.windowTo)}</td><td>${each.finding === "harmful" ? html`<span class="keep bad-text">✗ harmful</span>` : each.finding === "fine" ? "✓ fine" : "○ borderline"}</td><td>${each.reason}</td></tr>`)}
</tbody></table></div>`;
}

/** Cost by part beside the oracle's, with bars, and the weights behind it. */
export function costTable(release: ReleaseOutcome): Markup {
  const oracle = release.regret?.oracleCost ?? null;
  const most = Math.max(1e-9, ...COST_PARTS.map(([part]) => Math.max(release.cost[part], oracle?.[part] ?? 0)));
  const bar = (euro: number, style: string): Markup => html`<span class="bar ${style}" style="width:${((Math.max(0, euro) / most) * 100).toFixed(1)}%"></span>`;
  const oracleHead = oracle === null ? "" : html`<th class="n">oracle</th>`;
  const rows = COST_PARTS.map(([part, name]) => html`<tr><td>${name}</td><td class="n">${money(release.cost[part])}</td>${oracle === null ? "" : html`<td class="n">${money(oracle[part])}</td>`}<td style="width:40%">${bar(release.cost[part], "")}${oracle === null ? "" : html`<br>${bar(oracle[part], "oracle")}`}</td></tr>`);
  const regret = release.regret === null
    ? html`<p class="muted">${noRegretWords(release)}</p>`
    : html`<p>Regret: <b>${regretWords(release.regret)}</b>, who is clairvoyant and ${release.regret.oracleActsAt === null ? "never needs to act" : `acts at ${clock(release.regret.oracleActsAt)}`} on the same seed with the same action latencies.</p>`;
  return html`<div class="card table"><table><thead><tr><th>part</th><th class="n">this run</th>${oracleHead}<th>${oracle === null ? "" : "this run above, oracle below"}</th></tr></thead><tbody>${rows}
<tr class="total"><td>total</td><td class="n">${money(release.cost.total)}</td>${oracle === null ? "" : html`<td class="n">${money(oracle.total)}</td>`}<td></td></tr></tbody></table></div>${regret}`;
}

/** The weights that turn harm into money. */
export function costWeights(outcome: Outcome): Markup {
  const entries = Object.entries(outcome.costWeights);
  if (entries.length === 0) return html``;
  return html`<p class="small muted">Weights: ${entries.map(([name, value]) => `${weightName(name)} ${costWeight(name, value)}`).join(" · ")}</p>`;
}

export function doraTable(outcome: Outcome): Markup {
  return html`<div class="card table"><table><thead><tr><th>figure</th><th class="n">value</th><th class="n">sample</th><th>definition</th><th>note</th></tr></thead><tbody>
${outcome.dora.map((figure) => html`<tr><td>${figure.name}</td><td class="n">${doraValue(figure)}</td><td class="n">${count(figure.sampleSize)}</td><td>${figure.definition}</td><td class="muted">${figure.note}</td></tr>`)}
</tbody></table></div>`;
}

export function invariants(outcome: Outcome): Markup {
  if (outcome.invariants.length === 0) return html`<p class="muted">None were checked.</p>`;
  return html`<div class="card"><ul class="ticks">${outcome.invariants.map((each) => html`<li><span class="mark ${each.held ? "good-text" : "bad-text"}" aria-label="${each.held ? "held" : "broken"}">${mark(each.held)}</span>${each.name}<span class="why">${each.reason} (${each.checked === 0 ? "nothing to check" : `checked ${counted(each.checked, "time")}`})</span></li>`)}</ul></div>`;
}

/** The story, and every entry behind a fold; paper has no folds, so it shows every entry only. */
export function timeline(outcome: Outcome): Markup {
  const told = storyOf(outcome, "together");
  const all = outcome.timeline.map((entry) => ({ ...entry, decisions: entry.decision === null ? [] : [entry.decision] }));
  if (told.length >= all.length) return rows(told);
  return html`<div class="screen">${rows(told)}</div><details class="print"><summary>the whole timeline of ${counted(all.length, "entry", "entries")}</summary>${rows(all)}</details>`;
}

function rows(entries: readonly Pick<StoryEntry, "at" | "kind" | "text" | "decisions">[]): Markup {
  if (entries.length === 0) return html`<p class="muted">Nothing happened.</p>`;
  return html`<div class="card table"><table><thead><tr><th>time</th><th>kind</th><th>what happened</th></tr></thead><tbody>${entries.map((entry) => html`<tr><td class="n" style="width:90px">${clock(entry.at)}</td><td class="muted" style="width:90px">${entry.kind}</td><td>${entry.decisions.map((id) => html`<a href="#decision-${id}"><span class="number">${id}</span></a> `)}${entry.text}</td></tr>`)}</tbody></table></div>`;
}

export function alertsAndIncidents(outcome: Outcome): Markup {
  const pages = outcome.releases.reduce((sum, release) => sum + release.pages, 0);
  const alerts = outcome.alerts.length === 0
    ? html`<p class="muted">No alert went out${pages > 0 ? `, but a person was paged ${counted(pages, "time")}` : ""}.</p>`
    : html`<div class="card table"><table><thead><tr><th>time</th><th>severity</th><th>channel</th><th>text</th></tr></thead><tbody>${outcome.alerts.map((alert) => html`<tr><td class="n" style="width:90px">${clock(alert.at)}</td><td class="${alert.severity === "critical" ? "bad-text" : ""}">${alert.severity}</td><td>${alert.channel}</td><td>${alert.text}</td></tr>`)}</tbody></table></div>`;
  const incidents = outcome.incidents.map((incident) => html`<p>Incident${incident.release === null ? "" : ` (${incident.release})`}: ${sentence(incident.summary)} Opened ${clock(incident.openedAt)}, ${incident.closedAt === null ? "never closed" : `closed ${clock(incident.closedAt)} after ${duration(incident.closedAt - incident.openedAt)}`}.</p>`);
  return html`${alerts}${incidents}`;
}

/** What the run carried in all, for proportion. */
export function totals(outcome: Outcome): Markup {
  const { requests, failed, slow, orders, orderEuro } = outcome.totals;
  const share = (part: number): string => (requests > 0 ? percent(part / requests) : NOTHING);
  return html`<p class="small muted">The whole run: ${count(requests)} requests, ${count(failed)} failed (${share(failed)}), ${count(slow)} slow (${share(slow)}), ${count(orders)} orders worth ${money(orderEuro)}.</p>`;
}

/** One heading per release where there are several. */
export const releaseHeading = (outcome: Outcome, release: ReleaseOutcome): Markup | null =>
  outcome.releases.length > 1 ? html`<h3>${releaseName(release)}</h3>` : null;

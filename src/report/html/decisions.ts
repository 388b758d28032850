// Every decision with its evidence: each check's series, value, limit, sample and reason, the deciding one marked.

import type { CheckResult } from "../../engines/evidence.js";
import type { Decision, FlagEvidence } from "../../engines/decision.js";
import type { Outcome } from "../../sim/outcome.js";
import { html, Markup } from "../escape.js";
import { clock, count, counted, duration, percent, perSecond } from "../../kernel/format.js";
import { limitOf, mark, metricValue, persistenceWords, planWords, RULE_WORDS, sampleOf, STATUS_WORDS } from "../words.js";

/** All decisions; the evidence of plain holds is folded away. */
export function decisions(outcome: Outcome): Markup {
  if (outcome.decisions.length === 0) return html`<p class="muted">Nothing was decided in this run.</p>`;
  return html`${outcome.decisions.map((decision) => decisionCard(decision))}`;
}

function decisionCard(decision: Decision): Markup {
  const onlyHold = decision.actions.every((action) => action === "hold");
  return html`<article class="card decision" id="decision-${decision.id}">
<div class="head"><span class="number">${decision.id}</span><span class="plan">${planWords(decision.actions)}</span><span class="muted small">${clock(decision.at)} · ${decision.service} ${decision.release} at ${percent(decision.weight)} · ${decision.state} · ${RULE_WORDS[decision.rule]} · by ${decision.by === "engine" ? "the engine" : "a person"}</span></div>
<p class="reason">${decision.reason}</p>
${flagEvidence(decision.flag)}
${decision.checks.length === 0 ? html`<p class="muted small">No check belongs to this decision.</p>` : html`<details class="print"${new Markup(onlyHold ? "" : " open")}><summary>${checksTitle(decision)}</summary>${checkTable(decision)}</details>`}
</article>`;
}

function checkTable(decision: Decision): Markup {
  const order = (check: CheckResult): number => (check.check === decision.decidingCheck ? 0 : check.fired ? 1 : check.status === "breach" ? 2 : check.status === "pass" ? 4 : 3);
  const checks = decision.checks.slice().sort((a, b) => order(a) - order(b));
  const shared = sharedWindow(decision);
  return html`<div class="table"><table class="reasoned checks"><thead><tr><th>check</th><th>status</th><th>series</th><th class="n">observed</th><th class="n">limit</th><th class="n">baseline</th><th class="n">requests</th><th>breaches</th><th>reason</th></tr></thead><tbody>
${checks.map((check) => html`<tr class="${check.check === decision.decidingCheck ? `deciding ${check.status}` : check.status === "pass" ? "fine" : ""}"><td>${check.check}${check.check === decision.decidingCheck ? html` <b>(decided)</b>` : ""}</td><td>${statusWords(check)}</td><td>${check.series}</td><td class="n">${metricValue(check.metric, check.observed)}</td><td class="n">${limitOf(check)}</td><td class="n">${metricValue(check.metric, check.baseline)}${check.baseline !== null && check.baselineSampleSize > 0 ? html`<br><span class="muted">on ${count(check.baselineSampleSize)}</span>` : ""}</td><td class="n">${count(sampleOf(check))}</td><td>${persistenceWords(check)}</td><td>${check.reason}${shared === null ? html`<br><span class="muted">${windowWords(check)}</span>` : ""}</td></tr>`)}
</tbody></table></div>`;
}

const windowWords = (check: CheckResult): string =>
  `${clock(check.window.from)} to ${clock(check.window.to)} (${duration(check.window.to - check.window.from)})`;

/** The window when all checks looked at the same one; null when they differ. */
function sharedWindow(decision: Decision): string | null {
  const windows = new Set(decision.checks.map(windowWords));
  return windows.size === 1 ? [...windows][0] : null;
}

function checksTitle(decision: Decision): string {
  const shared = sharedWindow(decision);
  return `${counted(decision.checks.length, "check")}${shared === null ? "" : ` over ${shared}`}`;
}

function statusWords(check: CheckResult): Markup {
  const words = check.fired ? "fired" : STATUS_WORDS[check.status];
  const style = check.status === "breach" ? "bad-text" : "";
  return html`<span class="keep ${style}">${check.status === "breach" ? "✗ " : check.status === "pass" ? "✓ " : "○ "}${words}</span>`;
}

function flagEvidence(flag: FlagEvidence | null): Markup | null {
  if (flag === null) return null;
  const needs = [
    [flag.infrastructureHealthy, "infrastructure healthy"],
    [flag.schemaAdditive, "schema change additive"],
    [flag.flagServiceHealthy, "flag service healthy"],
  ] as const;
  return html`<p class="small">Flag or full: <b>${flag.share === null ? "no excess to divide" : `${percent(flag.share)} of the excess comes from ${flag.flag}`}</b> (${flag.endpoints.join(", ")}): errors ${perSecond(flag.excessErrors.feature)} of ${perSecond(flag.excessErrors.all)}, slow requests ${perSecond(flag.excessSlow.feature)} of ${perSecond(flag.excessSlow.all)}; ${needs.map(([held, name], index) => html`${index > 0 ? ", " : ""}<span class="keep">${mark(held)} ${name}</span>`)}.</p>`;
}

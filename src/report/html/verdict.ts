// The top of the page: what came of each release, whether that was right, and the times and figures that matter.

import type { Micros } from "../../kernel/units.js";
import type { Outcome, ReleaseOutcome } from "../../sim/outcome.js";
import { html, type Markup } from "../escape.js";
import { clock, count, counted, duration, money, percent } from "../../kernel/format.js";
import { actionName, classificationWords, expectationWords, mark, MEANING_OF, releaseName, RESULT_WORDS, takenWords, TONE_OF } from "../words.js";
import { isLive, worldWords } from "../world-words.js";

const TONE_MARK = { good: "✓", bad: "✗", neutral: "○" } as const;

/** Name, scenario and run, and whether the expectations were met. */
export function headline(outcome: Outcome): Markup {
  const { scenario } = outcome;
  const world = worldWords(outcome);
  return html`<header class="top"><span class="name">shakedown</span>${isLive(outcome) ? html`<span class="badge live">live</span>` : ""}<span class="muted small">seed ${outcome.seed} · ${isLive(outcome) ? "" : `${world.kind} · `}${world.lasted} · world ${scenario.world} · strategy ${scenario.strategy}</span>
<button id="evidence" hidden>Evidence</button><button id="theme" hidden>Light / dark</button></header>
<h1>${scenario.name}</h1>
<p class="muted">${scenario.about}</p>
<p><span class="badge ${outcome.passed ? "good" : "bad"}">${mark(outcome.passed)} ${outcome.passed ? "passed" : "failed"}</span>${expectationWords(outcome)}</p>`;
}

/** A card per release: classification, one sentence, and what it rests on. */
export function verdictCard(outcome: Outcome, release: ReleaseOutcome): Markup {
  const tone = TONE_OF[release.classification];
  const right = release.tookRightAction;
  return html`<section class="card verdict ${tone}">
<div><span class="badge ${tone}">${TONE_MARK[tone]} ${classificationWords(release)}</span><b>${releaseName(release)}</b> <span class="muted">${MEANING_OF[release.classification]}</span></div>
<p class="say">${release.verdict}</p>
<dl class="facts">
<dt>Truth</dt><dd>${release.truth}${worldWords(outcome).truthFrom}</dd>
<dt>Result</dt><dd>${RESULT_WORDS[release.result]}${release.by === null ? "" : ` by ${release.by === "engine" ? "the engine" : "a person"}`}${release.afterFullExposure ? ", after full exposure" : ""}</dd>
<dt>Cause</dt><dd>${release.cause === null ? "" : `${release.cause}: `}${release.causeReason}</dd>
<dt>Action</dt><dd>${takenWords(release)}${right === null ? "" : html` · right action: ${actionName(release.rightAction)} <span class="${right ? "good-text" : "bad-text"}">${mark(right)} ${right ? "taken" : "not taken"}</span>`}</dd>
<dt>Declared</dt><dd>${counted(release.lines, "changed line")}${release.flag === null ? ", no flag" : `, flag ${release.flag}`}</dd>
<dt>Hidden defects</dt><dd>${release.defects.length === 0 ? "none" : release.defects.join("; ")}</dd>
</dl>
${keyTimes(release)}
</section>
${tiles(release)}`;
}

interface Stop {
  readonly name: string;
  readonly at: Micros | null;
  readonly style: string;
  readonly gap: string;
}

/** Release, harm, detection, mitigation, restoration as a strip; what never happened stays hollow. */
function keyTimes(release: ReleaseOutcome): Markup {
  const { times } = release;
  const after = (at: Micros | null): string =>
    at === null || times.harmStartsAt === null ? "" : `${duration(at - times.harmStartsAt)} after harm`;
  const detectedName = times.harmStartsAt === null && times.detectedAt !== null ? "decided to act" : "detected";
  const stops: readonly Stop[] = [
    { name: "released", at: times.releasedAt, style: "", gap: "" },
    { name: "first traffic", at: times.firstTrafficAt, style: "", gap: times.firstTrafficAt === null ? "" : `${duration(times.firstTrafficAt - times.releasedAt)} later` },
    { name: "harm starts", at: times.harmStartsAt, style: "harm", gap: "" },
    { name: detectedName, at: times.detectedAt, style: times.harmStartsAt === null ? "" : "hurting", gap: after(times.detectedAt) },
    { name: "mitigated", at: times.mitigatedAt, style: "", gap: after(times.mitigatedAt) },
    { name: "restored", at: times.restoredAt, style: "", gap: after(times.restoredAt) },
    { name: "finished", at: times.finishedAt, style: "", gap: "" },
  ];
  return html`<ol class="strip">${stops.map((stop) => html`<li class="${stop.at === null ? "never" : stop.style}"><b>${stop.name}</b><span class="clock">${stop.at === null ? "never" : clock(stop.at)}</span><span class="gap">${stop.gap}</span></li>`)}</ol>`;
}

function tiles(release: ReleaseOutcome): Markup {
  const { times, impact, cost, regret } = release;
  const figures: readonly (readonly [string, string])[] = [
    [times.detection === null ? "never" : duration(times.detection), "harm to detection"],
    [times.mitigation === null ? "never" : duration(times.mitigation), "harm to mitigation"],
    [times.recovery === null ? "never" : duration(times.recovery), "harm to recovery"],
    [count(impact.failedRequests + impact.slowRequests), `pages harmed (${percent(impact.shareOfRequests)})`],
    [money(cost.total), "cost"],
    ...(regret === null ? [] : [[money(Math.abs(regret.clairvoyant)), `${regret.clairvoyant < 0 ? "less" : "more"} than the clairvoyant oracle`] as const]),
  ];
  const shown = times.harmStartsAt === null ? figures.slice(3) : figures;
  return html`<div class="tiles">${shown.map(([value, name]) => html`<div class="tile"><b>${value}</b><span>${name}</span></div>`)}</div>`;
}

/** Ticks and crosses with their reasons. */
export function expectations(outcome: Outcome): Markup {
  if (outcome.expectations.length === 0) return html`<p class="muted">The scenario expects nothing.</p>`;
  return html`<div class="card"><ul class="ticks">${outcome.expectations.map((each) => html`<li><span class="mark ${each.passed ? "good-text" : "bad-text"}" aria-label="${each.passed ? "met" : "not met"}">${mark(each.passed)}</span><code>${each.text}</code><span class="why">${each.reason} <span class="small">(${each.file}:${each.line})</span></span></li>`)}</ul></div>`;
}

// The report of a tuning: what is recommended and why, who dropped out, and whether it holds where nobody chose it.

import { count, counted, duration, money, NOTHING, percent } from "../../kernel/format.js";
import type { HeldOutCase, HeldOutCost, Shown } from "../../lab/tune/held-out.js";
import { isSettled, type CandidateResult, type TuneResult } from "../../lab/tune/tune.js";
import { renderSvg } from "../charts/render.js";
import { html } from "../escape.js";
import { figure, labPage, markdownTable, table, type Picture } from "./page.js";
import { plotSpec, type PlotPoint, type PlotSeries } from "./plot.js";

export interface TuneReport {
  readonly html: string;
  readonly markdown: string;
  readonly pictures: readonly Picture[];
}

/** Builds the report from the result and nothing else. */
export async function tuneReport(result: TuneResult): Promise<TuneReport> {
  const pictures = await charts(result);
  const answer = answerLines(result);
  const tables = {
    recommended: [["field", "before", "recommended"], recommendedRows(result)] as const,
    heldOut: [["case", "before", "recommended", "bound (95 %)", "goal"], heldOutRows(result)] as const,
    candidates: [["no.", ...shortNames(result.axes.map(({ path }) => path)), "seeds", "detected in time", "p90", "false rollbacks", "cost", FATE], ranked(result).map((each) => candidateCells(each, result))] as const,
  };
  const page = labPage({
    title: verdict(result),
    kind: "tune",
    lead: html`<div class="card verdict ${isSettled(result) ? "good" : "bad"}"><ul class="ticks">${answer.map((line) => html`<li>${line}</li>`)}</ul></div>`,
    sections: [
      { id: "recommended", title: "Recommended against before", content: html`${table(columnsOf(tables.recommended[0], 1), tables.recommended[1])}<pre>${result.strategy}</pre>` },
      { id: "pareto", title: "What could be had", content: html`${pictures.map(figure)}` },
      { id: "held-out", title: "Held out: seeds and scenarios that nobody chose it by", content: html`<p class="muted small">The first rows are the goal's own cases on fresh seeds, and decide. The others show how it carries over.</p>${table(columnsOf(tables.heldOut[0], 1), tables.heldOut[1])}` },
      { id: "candidates", title: "All candidates", content: html`<p class="muted small">Looks after ${result.looks.map(({ seeds, alive }) => `${seeds} seeds (${alive} left)`).join(", ")}. All candidates play the same seeds.</p>${table(columnsOf(tables.candidates[0], 1 + result.axes.length), tables.candidates[1], ranked(result).flatMap(({ id }, row) => (id === result.best ? [row] : [])))}${refusedWords(result).map((line) => html`<p class="muted small">${line}</p>`)}` },
    ],
    footer: html`${counted(result.runs, "run")}; the race ended: ${result.ended}.`,
  });
  const markdown = [
    `# ${verdict(result)}`, "", ...answer.map((line) => `- ${line}`), "",
    "## Recommended against before", "", markdownTable(...tables.recommended), "",
    "```yaml", result.strategy.trimEnd(), "```", "",
    "## Held out", "", markdownTable(...tables.heldOut), "",
    "## All candidates", "", markdownTable(...tables.candidates), "", ...refusedWords(result), "",
  ].join("\n");
  return { html: page, markdown, pictures };
}

/** The answer in a line. */
export function verdict(result: TuneResult): string {
  if (result.best === null) return "Interrupted before the first look: no recommendation";
  if (!result.met) return "Nothing that was tried meets the goal; this comes nearest";
  if (result.holds === false) return "The goal was met in the race, but not on fresh seeds";
  if (result.holds === null) return "The goal is met in the race; it was not checked on fresh seeds";
  const seeds = result.heldOut.find(({ decides }) => decides)?.recommended.runs ?? 0;
  return result.proven ? "The goal is met, and fresh seeds prove it" : `The goal is met so far as ${counted(seeds, "fresh seed")} can tell: too few to prove it`;
}

/** The answer in sentences. */
export function answerLines(result: TuneResult): readonly string[] {
  const best = result.candidates.find(({ id }) => id === result.best);
  const goal = `Goal: ${result.goal.join("; ")}.`;
  if (best === undefined) return [goal];
  const before = result.candidates.find(({ id }) => id === 0);
  const { saving } = result;
  return [
    goal,
    best.id === 0 ? "The strategy as it was does best: nothing to change." : `Recommended: ${result.axes.map(({ path, before: was }, k) => `${path} ${best.values[k]}${was === best.values[k] ? "" : ` (was ${was === "" ? "not written" : was})`}`).join(", ")}.`,
    `In the race, ${counted(best.seeds, "seed")}: detected in time ${percent(best.score.detected)} (p90 ${duration(best.score.detectionP90)}), false rollbacks ${percent(best.score.falseRollbacks)}, ${money(best.score.cost)} per release${before === undefined || best.id === 0 ? "" : `; before: ${percent(before.score.detected)}, ${percent(before.score.falseRollbacks)}, ${money(before.score.cost)}`}.`,
    ...choiceWords(result),
    ...result.heldOut.filter(({ decides }) => decides).flatMap((each) => heldOutLines(each, result)),
    ...costLine(result),
    ...(saving === null ? [] : [`Per release it costs ${money(Math.abs(saving.mean))} ${saving.mean <= 0 ? "less" : "more"} than before (95 % interval ${money(saving.low)} to ${money(saving.high)}, paired).`]),
    ...overfitted(result),
  ];
}

function heldOutLines({ name, kind, recommended, promotion, ...main }: HeldOutCase, { detectShare, falseRollbackLimit, promoteShare }: TuneResult): readonly string[] {
  const { well, runs, wellShare, inTime } = recommended;
  if (kind === "bad") return [`Fresh seeds, ${name}: detected in time in ${well} of ${runs} (${percent(wellShare)}; at least ${percent(main.bound)} with 95 % confidence${openWords(main, runs, `at least ${percent(detectShare)}`)}).`];
  return [
    `Fresh seeds, ${name}: rolled back in ${runs - well} of ${runs} (${percent(1 - wellShare)}; at most ${percent(main.bound)} with 95 % confidence${openWords(main, runs, `at most ${percent(falseRollbackLimit)}`)}).`,
    ...(promotion === null ? [] : [`Fresh seeds, ${name}: with everybody in time in ${inTime} of ${runs} (${percent(inTime / runs)}; at least ${percent(promotion.bound)} with 95 % confidence${openWords(promotion, runs, `at least ${percent(promoteShare)}`)}).`]),
  ];
}

function costLine({ heldOut, heldOutCost, costLimit }: TuneResult): readonly string[] {
  if (heldOutCost === null) return [];
  const seeds = heldOut.find(({ decides }) => decides)?.recommended.runs ?? 0;
  return [`Fresh seeds, cost of a release: ${money(heldOutCost.mean)} (at most ${money(heldOutCost.bound)} with 95 % confidence${openWords(heldOutCost, seeds, `under ${money(costLimit)}`)}).`];
}

/** What a case that keeps the goal still lacks to prove it, or which goal it misses. */
function openWords({ holds, shown, more }: Shown, runs: number, goal: string): string {
  if (holds === false) return `; the goal is ${goal}`;
  if (holds !== true || shown === true) return "";
  if (more === null) return `; the goal is ${goal}, and it lies so near that no number of seeds is likely to tell`;
  return `; the goal is ${goal}, and about ${count(more)} more would prove it: --held-out ${runs + more}`;
}

/** By what right the best is the best. */
function choiceWords({ candidates, objective, met }: TuneResult): readonly string[] {
  const most = Math.max(...candidates.map(({ seeds }) => seeds));
  const good = candidates.filter(({ seeds, score }) => seeds === most && score.violation === 0);
  const sure = good.filter(({ proven }) => proven);
  if (!met || good.length < 2) return [];
  const among = sure.length === 0 ? "none beyond doubt; taken is the one" : `${sure.length} with 95 % confidence; taken is, of these, the one`;
  return [`${good.length} settings that played all ${counted(most, "seed")} met the goal, ${among} with the ${objective}.`];
}

/** Cases beside the goal in which it does markedly worse than before. */
function overfitted({ heldOut }: TuneResult): readonly string[] {
  const worse = heldOut.filter(({ decides, recommended, baseline }) => !decides && recommended.wellShare < baseline.wellShare - 0.05);
  return worse.map(({ name, kind, recommended, baseline }) => `Mind: ${name}: ${kind === "bad" ? `detects in time in ${percent(recommended.wellShare)} of runs (before: ${percent(baseline.wellShare)})` : `rolls back ${percent(1 - recommended.wellShare)} (before: ${percent(1 - baseline.wellShare)})`}.`);
}

function recommendedRows(result: TuneResult): readonly (readonly string[])[] {
  const best = result.candidates.find(({ id }) => id === result.best);
  const before = result.candidates.find(({ id }) => id === 0);
  if (best === undefined || before === undefined) return [];
  return [
    ...result.axes.map(({ path, before: was }, k) => [path, was === "" ? "not written" : was, best.values[k]]),
    ["detected in time", percent(before.score.detected), percent(best.score.detected)],
    ["detection, p90", duration(before.score.detectionP90), duration(best.score.detectionP90)],
    ["false rollbacks", percent(before.score.falseRollbacks), percent(best.score.falseRollbacks)],
    ["good release with everybody, p50", duration(before.score.promotionP50), duration(best.score.promotionP50)],
    ["cost of a release", money(before.score.cost), money(best.score.cost)],
  ];
}

/** The goal's own cases and what a release costs in them, then the variations. */
const heldOutRows = ({ heldOut, heldOutCost }: TuneResult): readonly (readonly string[])[] => [
  ...heldOut.filter(({ decides }) => decides).flatMap(heldOutCells),
  ...(heldOutCost === null ? [] : [costCells(heldOutCost)]),
  ...heldOut.filter(({ decides }) => !decides).flatMap(heldOutCells),
];

function heldOutCells({ name, kind, recommended, baseline, promotion, ...main }: HeldOutCase): readonly (readonly string[])[] {
  const words = ({ well, runs, wellShare, timeP90 }: HeldOutCase["recommended"]): string =>
    kind === "bad" ? `detected ${percent(wellShare)} (${well} of ${runs}), p90 ${duration(timeP90)}` : `rolled back ${percent(1 - wellShare)} (${runs - well} of ${runs})`;
  const inTime = ({ inTime: hits, runs }: HeldOutCase["recommended"]): string => `in time ${percent(hits / runs)} (${hits} of ${runs})`;
  return [
    [name, words(baseline), words(recommended), `${kind === "bad" ? "at least" : "at most"} ${percent(main.bound)}`, metWords(main)],
    ...(promotion === null ? [] : [[`${name}, promoted`, inTime(baseline), inTime(recommended), `at least ${percent(promotion.bound)}`, metWords(promotion)]]),
  ];
}

const costCells = (cost: HeldOutCost): readonly string[] => ["cost of a release", money(cost.before), money(cost.mean), `at most ${money(cost.bound)}`, metWords(cost)];

const metWords = ({ holds, shown }: Shown): string => (holds === null ? NOTHING : !holds ? "✗ missed" : shown === true ? "✓ met" : "○ met, not proven");

/** The best first, then those that stayed longest. */
const ranked = (result: TuneResult): readonly CandidateResult[] =>
  [...result.candidates].sort((a, b) => Number(b.id === result.best) - Number(a.id === result.best) || Number(b.id === 0) - Number(a.id === 0) || b.seeds - a.seeds || a.score.violation - b.score.violation || a.score.cost - b.score.cost || a.id - b.id);

function candidateCells(each: CandidateResult, result: TuneResult): readonly string[] {
  const { id, values, score, seeds, dropped, pareto } = each;
  const end = id === result.best ? "recommended" : dropped === null ? (id === 0 ? "as it was" : "stayed to the end") : `after ${dropped.after} seeds: ${dropped.why}`;
  return [id === 0 ? "0 (before)" : String(id), ...values, count(seeds), percent(score.detected), duration(score.detectionP90), percent(score.falseRollbacks), money(score.cost), `${end}${pareto ? " · Pareto front" : ""}`];
}

/** Settings that the loader refuses, by reason. */
function refusedWords({ refused }: TuneResult): readonly string[] {
  const reasons = [...new Set(refused.map(({ why }) => why))];
  return reasons.map((reason) => {
    const those = refused.filter(({ why }) => why === reason);
    return `${counted(those.length, "setting")} cannot be played, like ${those[0].values.join(", ")}: ${reason}`;
  });
}

/** The shortest ends of paths that tell them apart: `above`, `window`, but `gates.p95.below` beside `gates.error-rate.below`. */
export function shortNames(paths: readonly string[]): readonly string[] {
  const end = (path: string, parts: number): string => path.split(".").slice(-parts).join(".");
  return paths.map((path) => {
    const lengths = Array.from({ length: path.split(".").length }, (_, k) => k + 1);
    const parts = lengths.find((length) => paths.filter((other) => end(other, length) === end(path, length)).length === 1);
    return parts === undefined ? path : end(path, parts);
  });
}

const columnsOf = (heads: readonly string[], firstNumber: number) => heads.map((head, k) => ({ head, number: k >= firstNumber && k < heads.length - 1, wide: head === FATE }));
const FATE = "what became of it";

async function charts(result: TuneResult): Promise<readonly Picture[]> {
  if (result.candidates.length < 2) return [];
  const parts = (point: (each: CandidateResult) => PlotPoint): readonly PlotSeries[] => {
    const of = (label: string, kind: PlotSeries["kind"], chosen: readonly CandidateResult[]): PlotSeries => ({ label, kind, points: chosen.map(point) });
    const front = result.candidates.filter(({ pareto, id }) => pareto && id !== 0 && id !== result.best);
    return [
      of("Pareto front", "points", front),
      of("before", "big-points", result.candidates.filter(({ id }) => id === 0)),
      of("recommended", "big-points", result.candidates.filter(({ id }) => id === result.best)),
      of("other candidates", "points", result.candidates.filter(({ pareto, id }) => !pareto && id !== 0 && id !== result.best)),
    ];
  };
  const share = { format: "percent", domain: [0, 1] } as const;
  const mostFalse = Math.max(0.05, ...result.candidates.map(({ score }) => score.falseRollbacks));
  const limit = { label: `goal ${percent(result.detectShare)}`, value: result.detectShare, along: "y" } as const;
  const detection = await renderSvg(plotSpec({
    x: { title: "good releases rolled back", format: "percent", domain: [0, Math.min(1, mostFalse * 1.05)] }, y: { title: "bad releases detected in time", ...share },
    series: parts(({ score }) => ({ x: score.falseRollbacks, y: score.detected })), limits: [limit, { label: `goal ${percent(result.falseRollbackLimit)}`, value: result.falseRollbackLimit, along: "x" }],
  }), "Detection against false rollbacks");
  const [cheapest, dearest] = [Math.min, Math.max].map((most) => most(...result.candidates.map(({ score }) => score.cost)));
  const costs = await renderSvg(plotSpec({
    x: { title: "cost of a release, EUR", format: "number", log: dearest > 5 * cheapest && cheapest > 0 }, y: { title: "bad releases detected in time", ...share },
    series: parts(({ score }) => ({ x: score.cost, y: score.detected })), limits: [limit],
  }), "Detection against cost");
  return [
    { name: "pareto-false-rollbacks", title: "Detection against false rollbacks", about: "Up and to the left is better. Candidates that left early were measured on few seeds.", svg: detection },
    { name: "pareto-cost", title: "Detection against cost", about: "Up and to the left is better.", svg: costs },
  ];
}

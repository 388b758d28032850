// The summary that a run ends in: one screen with the story, the verdict and its reason, costs, and what was expected.

import pc from "picocolors";
import type { Outcome, ReleaseOutcome } from "../sim/outcome.js";
import { clock, count, counted, duration, money, percent } from "../kernel/format.js";
import { decisionNumbers, storyOf, type HoldDetail, type StoryEntry } from "./story.js";
import { cut, named, oneLine, wrap, wrapAtMost } from "./text.js";
import { actionName, classificationWords, COST_PARTS, expectationWords, mark, regretWords, releaseName, RESULT_WORDS, takenWords, TONE_OF } from "./words.js";
import { worldWords } from "./world-words.js";

export { seedsSummary, type SeedsSummaryOptions } from "./seeds-summary.js";

export interface SummaryOptions {
  readonly color: boolean;
  readonly width: number;
  /** Where the report was written, if it was. */
  readonly report?: string;
}

/** A summary has about this many lines, so that it fits a screen; the story gets what the rest leaves of them. */
export const SUMMARY_LINES = 40;
/** Where there is much to tell it may have a few more. */
const MOST_LINES = 45;
/** However little that is, the story has this many. */
const LEAST_TIMELINE = 5;
const MOST_RELEASES = 4;
const MOST_EXPECTATIONS = 10;
const MOST_FAILED = 5;
const NAME_WIDTH = 9;
/** The line that counts the releases left out, and the empty one. */
const BELOW_RELEASES = 2;

type Colors = ReturnType<typeof pc.createColors>;

/** One run on one screen. Reads the same without colour. */
export function summary(outcome: Outcome, options: SummaryOptions): string {
  const colors = pc.createColors(options.color);
  const width = Math.max(60, options.width);
  const top = headlineLines(outcome, colors, width);
  const expected = expectationLines(outcome, colors, width);
  const end = endLines(outcome, colors, width, options.report);
  const others = top.length + expected.length + end.length;
  const releases = releaseLines(outcome, colors, width, MOST_LINES - others - LEAST_TIMELINE);
  const room = SUMMARY_LINES - others - releases.length - 1;
  const story = timelineLines(outcome, colors, width, Math.max(LEAST_TIMELINE, room));
  return [...top, ...story, ...releases, ...expected, ...end].join("\n");
}

function headlineLines(outcome: Outcome, colors: Colors, width: number): string[] {
  const { scenario } = outcome;
  const state = outcome.passed ? colors.green(`${mark(true)} passed`) : colors.red(`${mark(false)} failed`);
  const facts = `seed ${outcome.seed} · ${outcome.fidelity} · ${worldWords(outcome).lasted}`;
  const about = scenario.about === "" ? [] : wrapAtMost(scenario.about, width, 2).map((line) => colors.dim(cut(line, width)));
  return [`${colors.bold(cut(oneLine(scenario.name), width - facts.length - 14))}  ${colors.dim(facts)}  ${state}`, ...about, ""];
}

/**
 * The story in as much detail as there is room for: holds give way first, then the reasons' length; when even that is
 * too much, the middle is left out, and a line says how much.
 */
function timelineLines(outcome: Outcome, colors: Colors, width: number, most: number): string[] {
  const room = most - 1;
  const told = (holds: HoldDetail, each: number): string[] => storyOf(outcome, holds).flatMap((entry) => entryLines(entry, colors, width, each));
  for (const [holds, each] of DETAILS) {
    const lines = told(holds, each);
    if (lines.length <= room) return lines.length === 0 ? [] : [...lines, ""];
  }
  const lines = told("none", 1);
  const shown = room - 1;
  const head = Math.ceil(shown / 2);
  const tail = shown - head;
  const left = lines.length - head - tail;
  return [...lines.slice(0, head), colors.dim(`  … ${count(left)} more in the report`), ...lines.slice(lines.length - tail), ""];
}

/** How the story is told, the most detailed first: which holds, and the most lines of an entry. */
const DETAILS: readonly (readonly [HoldDetail, number])[] = [
  ["each", 5], ["together", 5], ["together", 4], ["together", 3], ["together", 2], ["none", 5], ["none", 3], ["none", 2], ["none", 1],
];

function entryLines(entry: StoryEntry, colors: Colors, width: number, most: number): string[] {
  const head = `  ${clock(entry.at)}  `;
  const number = entry.decisions.length === 0 ? "" : `[${decisionNumbers(entry.decisions)}] `;
  const room = width - head.length - 10;
  return wrapAtMost(`${number}${entry.text}`, room, most).map((line, index) => {
    const text = cut(line, room);
    const weighed = entry.kind === "decision" && !entry.hold ? colors.bold(text) : entry.kind === "harm" ? colors.red(text) : text;
    return index === 0 ? `${head}${colors.dim(entry.kind.padEnd(8))}  ${weighed}` : `${" ".repeat(head.length + 10)}${weighed}`;
  });
}

/** Each release is told whole or counted: half a verdict, or a cost without what the oracle paid, misleads. */
function releaseLines(outcome: Outcome, colors: Colors, width: number, most: number): string[] {
  const { releases } = outcome;
  if (releases.length === 0) return [...row("impact", wholeRunWords(outcome), width), ""];
  const told = releases.slice(0, MOST_RELEASES).map((release) => (releases.length === 1 ? fullRelease(release, colors, width) : shortRelease(release, colors, width)));
  const shown = fitting(told, most - BELOW_RELEASES);
  const more = releases.length - shown.length;
  return [...shown.flat(), ...(more > 0 ? [colors.dim(`  … ${counted(more, "more release")} in the report`)] : []), ""];
}

/** As many blocks from the first on as have room together; the first one always. */
function fitting(blocks: readonly (readonly string[])[], most: number): readonly (readonly string[])[] {
  const beyond = blocks.findIndex((_, index) => index > 0 && blocks.slice(0, index + 1).flat().length > most);
  return beyond < 0 ? blocks : blocks.slice(0, beyond);
}

function verdictHead(release: ReleaseOutcome, colors: Colors): { readonly plain: string; readonly colored: string } {
  const tone = TONE_OF[release.classification];
  const sign = tone === "good" ? mark(true) : tone === "bad" ? mark(false) : "○";
  const plain = `${sign} ${classificationWords(release)}`;
  const paint = tone === "good" ? colors.green : tone === "bad" ? colors.red : colors.yellow;
  return { plain, colored: paint(colors.bold(plain)) };
}

function verdictLines(release: ReleaseOutcome, colors: Colors, width: number): string[] {
  const head = verdictHead(release, colors);
  const hanging = wrap(release.verdict, width - head.plain.length - 2);
  return hanging.map((line, index) => (index === 0 ? `${head.colored}  ${line}` : `${" ".repeat(head.plain.length + 2)}${line}`));
}

const row = (name: string, text: string, width: number): string[] => (text === "" ? [] : named(name, text, 2, NAME_WIDTH, width));

/** One of several: the verdict with its reason, times and cost, and the action where it was the wrong one. */
function shortRelease(release: ReleaseOutcome, colors: Colors, width: number): string[] {
  return [
    ...verdictLines(release, colors, width),
    ...(release.cause === null ? [] : row("because", release.causeReason, width)),
    ...(release.tookRightAction === false ? row("action", actionWords(release), width) : []),
    ...row("times", timesWords(release), width),
    ...row("cost", costWords(release), width),
  ];
}

function fullRelease(release: ReleaseOutcome, colors: Colors, width: number): string[] {
  return [
    ...verdictLines(release, colors, width),
    ...row("because", release.causeReason, width),
    ...row("action", actionWords(release), width),
    ...row("times", timesWords(release), width),
    ...row("impact", impactWords(release), width),
    ...row("cost", costWords(release), width),
  ];
}

/** What was done and whether it was right. */
function actionWords(release: ReleaseOutcome): string {
  const by = release.by === null ? "" : ` by ${release.by === "engine" ? "the engine" : "a person"}`;
  const done = `${takenWords(release)}; ${releaseName(release)} was ${RESULT_WORDS[release.result]}${by}`;
  if (release.tookRightAction === null) return done;
  return `${done}; right action: ${actionName(release.rightAction)} ${mark(release.tookRightAction)}`;
}

/** Harm to detection, mitigation and recovery, or what there is instead. */
export function timesWords(release: ReleaseOutcome): string {
  const { times } = release;
  if (times.harmStartsAt === null) {
    const acted = times.detectedAt === null ? "" : `, acted at ${clock(times.detectedAt)}`;
    return `nobody was harmed${acted}${times.finishedAt === null ? "" : `, finished at ${clock(times.finishedAt)}`}`;
  }
  const after = (name: string, lasted: number | null, never: string): string => (lasted === null ? never : `${name} after ${duration(lasted)}`);
  return [
    `harm starts ${clock(times.harmStartsAt)}`,
    after("detected", times.detection, "never detected"),
    after("mitigated", times.mitigation, "never mitigated"),
    after("restored", times.recovery, "never restored"),
  ].join(" · ");
}

function impactWords(release: ReleaseOutcome): string {
  const { failedRequests, slowRequests, lostOrdersEuro, shareOfRequests } = release.impact;
  if (failedRequests + slowRequests === 0 && lostOrdersEuro === 0) return "no page was harmed";
  return `${counted(failedRequests, "page")} failed, ${count(slowRequests)} slow (${percent(shareOfRequests)} of all since the release); ${money(lostOrdersEuro)} of orders lost`;
}

/** Without a release nobody is to blame for what failed; it failed all the same. */
function wholeRunWords({ totals: { requests, failed, slow } }: Outcome): string {
  if (requests === 0) return "no page was asked for";
  return `${count(failed)} of ${counted(requests, "page")} failed (${percent(failed / requests)}), ${count(slow)} slow (${percent(slow / requests)})`;
}

/** The total, its parts that are not zero, and the regret. */
export function costWords(release: ReleaseOutcome): string {
  const parts = COST_PARTS.filter(([part]) => release.cost[part] !== 0).map(([part, name]) => `${name} ${money(release.cost[part]).replace(" EUR", "")}`);
  const regret = release.regret === null ? "" : `; ${regretWords(release.regret)}`;
  return `${money(release.cost.total)}${parts.length === 0 ? "" : ` (${parts.join(", ")})`}${regret}`;
}

/** Failures have first claim on the room, with their reason; what is left over is counted. */
function expectationLines(outcome: Outcome, colors: Colors, width: number): string[] {
  if (outcome.expectations.length === 0) return [];
  const failed = Math.min(MOST_FAILED, outcome.expectations.filter((each) => !each.passed).length);
  const room = { failed, passed: MOST_EXPECTATIONS - 2 * failed };
  const shown = outcome.expectations.filter((each) => (each.passed ? room.passed-- : room.failed--) > 0);
  const more = outcome.expectations.length - shown.length;
  const lines = shown.flatMap((each) => {
    const text = cut(oneLine(each.text), width - 4);
    if (each.passed && outcome.expectations.length <= 4) return wrapAtMost(each.text, width - 4, 2).map((line, row) => (row === 0 ? `  ${colors.green(mark(true))} ${line}` : `    ${line}`));
    if (each.passed) return [`  ${colors.green(mark(true))} ${text}`];
    return [`  ${colors.red(mark(false))} ${text}`, `      ${cut(oneLine(each.reason), width - 6)}`];
  });
  return [`${colors.bold("Expectations")}  ${expectationWords(outcome).replace(/ expectations?/, "")}`, ...lines, ...(more > 0 ? [colors.dim(`  … ${count(more)} more`)] : [])];
}

function endLines(outcome: Outcome, colors: Colors, width: number, report: string | undefined): string[] {
  const broken = outcome.invariants.filter((each) => !each.held);
  const held = outcome.invariants.length - broken.length;
  const invariants = outcome.invariants.length === 0 ? [] : [`${colors.bold("Invariants")}    ${count(held)} of ${count(outcome.invariants.length)} held`];
  return [
    ...invariants,
    ...broken.slice(0, 3).map((each) => `  ${colors.red(mark(false))} ${cut(oneLine(`${each.name}: ${each.reason}`), width - 4)}`),
    ...(report === undefined ? [] : [`${colors.bold("Report")}        ${report}`]),
    `${colors.bold("Replay")}        ${outcome.replay}`,
  ];
}

// What a strategy should do, in the user's words: `detect 2% regressions within 3m, false rollbacks under 1%, least cost`.

import type { Euro, Micros, Ratio } from "../../kernel/units.js";
import { nearestName } from "../../scenario/nearest.js";
import { formatDuration, formatPercent, parseDuration, parseEuro, parsePercent, type Parsed } from "../../scenario/units.js";
import { parseRegressionSize, regressionWords, type RegressionSize } from "../detect/regression.js";

/** Bad releases must be acted on in time, because of what they do. */
export interface DetectGoal {
  readonly size: RegressionSize;
  /** An endpoint, or null for the whole service. */
  readonly on: string | null;
  readonly within: Micros;
  readonly share: Ratio;
}

/** Good releases must be with everybody in time. */
export interface PromoteGoal {
  readonly within: Micros;
  readonly share: Ratio;
}

export const OBJECTIVES = ["least cost", "fastest detection", "fewest false rollbacks", "fastest promotion"] as const;
export type Objective = (typeof OBJECTIVES)[number];

export interface Goal {
  readonly detect: DetectGoal;
  /** The largest share of good releases that may be taken back. */
  readonly falseRollbacks: Ratio;
  readonly promote: PromoteGoal | null;
  readonly costBelow: Euro | null;
  readonly objective: Objective;
  /** How many releases are bad: what an average release costs depends on it. */
  readonly badShare: Ratio;
}

export type GoalResult = { readonly ok: true; readonly value: Goal } | { readonly ok: false; readonly message: string };

/** What is meant where the goal does not say. */
export const GOAL_DEFAULTS = { share: 0.95, falseRollbacks: 0.05, badShare: 0.1, objective: "least cost" } as const;

/** One clause of each kind, as examples for whoever wrote another. */
export const CLAUSES: readonly string[] = [
  "detect 2% regressions within 3m", "detect 2% regressions on checkout/create-order within 3m in 99% of runs", "detect x1.5 regressions within 5m",
  "false rollbacks under 1%", "promote within 90m", "cost under 50EUR", "10% bad releases", ...OBJECTIVES,
];

type Draft = { -readonly [K in keyof Goal]?: Goal[K] };
type Clause = readonly [pattern: RegExp, read: (found: readonly string[], goal: Draft) => string | null];

const UNDER = "(?:under|below|less than|at most)";
const WITHIN = "(?:within|in under|under|in less than|in)";
const IN_SHARE = "(?: in (?:at least )?([\\d.]+ ?%)(?: of (?:runs|cases|releases))?)?";

const CLAUSE_READERS: readonly Clause[] = [
  [clause(`(?:detect|catch|find) (?:an? )?([x×+]?[\\d.]+ ?%?)(?: (?:more errors|error|errors|latency))?(?: regressions?)?(?: on (\\S+))? ${WITHIN} ([\\d.a-z ]+?)${IN_SHARE}`), readDetect],
  [clause(`(?:false[- ]rollbacks?|false[- ]alarms?) ${UNDER} ([\\d.]+ ?%)`), readFalse],
  [clause(`${UNDER} ([\\d.]+ ?%) (?:false[- ]rollbacks?|false[- ]alarms?)`), readFalse],
  [clause(`promote (?:(?:a )?good releases? )?${WITHIN} ([\\d.a-z ]+?)${IN_SHARE}`), readPromote],
  [clause(`(?:mean )?cost ${UNDER} ([\\d.]+ ?(?:eur|€))`), (found, goal) => keep(parseEuro(found[0].replace(/eur/i, "EUR")), (value) => said(goal, "costBelow", value))],
  [clause("([\\d.]+ ?%) (?:of (?:all )?releases are bad|bad releases)"), (found, goal) => keepShare(found[0], (value) => said(goal, "badShare", value))],
  [clause("(?:at )?(?:the )?(?:least|lowest|smallest) cost|cheapest"), (_, goal) => chosen(goal, "least cost")],
  [clause("(?:fastest|earliest|quickest) detection"), (_, goal) => chosen(goal, "fastest detection")],
  [clause("(?:fewest|least) false[- ](?:rollbacks|alarms)"), (_, goal) => chosen(goal, "fewest false rollbacks")],
  [clause("(?:fastest|quickest) promotion|least delay"), (_, goal) => chosen(goal, "fastest promotion")],
  [clause("([\\d.]+) ?(?:rps|requests (?:a|per) second)"), ([rate]) => `the traffic is no part of the goal; write --rate ${rate}rps`],
];

/** Names keep their capitals: only the words around them may be written either way. */
function clause(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, "i");
}

/** Where one clause ends and the next begins; within a name, as in create-and-pay, no word stands alone. */
const BETWEEN = /[,;]\s*(?:(?:and|with)\s+)?|\s+(?:and|with)\s+|\s+at\s+(?=\d)/i;
const QUESTION = /^\s*(?:which|what) (?:thresholds|settings)\s|\?\s*$/gi;

/** Reads a goal; the message names the clause that was not understood, the words in it, and what comes nearest. */
export function parseGoal(text: string): GoalResult {
  const goal: Draft = {};
  for (const part of text.replace(QUESTION, " ").split(BETWEEN).map((each) => each.trim().replace(/\s+/g, " ")).filter((each) => each !== "")) {
    const wrong = readClause(part, goal);
    if (wrong !== null) return { ok: false, message: wrong };
  }
  if (goal.detect === undefined) return { ok: false, message: `the goal does not say what to detect; write: ${CLAUSES[0]}, ${CLAUSES[3]}, ${OBJECTIVES[0]}` };
  const { falseRollbacks = GOAL_DEFAULTS.falseRollbacks, promote = null, costBelow = null, objective = GOAL_DEFAULTS.objective, badShare = GOAL_DEFAULTS.badShare } = goal;
  return { ok: true, value: { detect: goal.detect, falseRollbacks, promote, costBelow, objective, badShare } };
}

function readClause(written: string, goal: Draft): string | null {
  for (const [pattern, read] of CLAUSE_READERS) {
    const found = pattern.exec(written);
    if (found !== null) {
      const wrong = read(found.slice(1), goal);
      return wrong === null ? null : `\`${written}\`: ${wrong}`;
    }
  }
  return notUnderstood(written);
}

function readDetect([size, on, within, share]: readonly (string | undefined)[], goal: Draft): string | null {
  const parsed = parseRegressionSize((size ?? "").replace(/\s/g, "").toLowerCase());
  if (parsed === null || (parsed.kind === "errors" ? parsed.number <= 0 : parsed.number <= 1)) return `\`${size ?? ""}\` is no regression; write 2% (more errors) or x1.5 (latency)`;
  return keep(readTime(within), (time) => withShare(share, (part) => said(goal, "detect", { size: parsed, on: on ?? null, within: time, share: part })));
}

/** A duration as files have it, or as people say it: `3 min`, `180 seconds`, `1 hour 30 minutes`. */
const readTime = (text = ""): Parsed<Micros> =>
  parseDuration(text.toLowerCase().replace(/hours?|hrs?/g, "h").replace(/minutes?|mins?/g, "m").replace(/sec(?:ond)?s?/g, "s").replace(/\s/g, ""));

function readPromote([within, share]: readonly (string | undefined)[], goal: Draft): string | null {
  return keep(readTime(within), (time) => withShare(share, (part) => said(goal, "promote", { within: time, share: part })));
}

function readFalse([share]: readonly (string | undefined)[], goal: Draft): string | null {
  return keepShare(share ?? "", (value) => said(goal, "falseRollbacks", value));
}

const withShare = (text: string | undefined, set: (share: Ratio) => string | null): string | null => (text === undefined ? set(GOAL_DEFAULTS.share) : keepShare(text, set));

const keep = <T>(parsed: Parsed<T>, set: (value: T) => string | null): string | null => (parsed.ok ? set(parsed.value) : `${parsed.message}; ${parsed.instead}`);

function keepShare(text: string, set: (share: Ratio) => string | null): string | null {
  const parsed = parsePercent(text.replace(/\s/g, ""));
  if (parsed.ok && (parsed.value < 0 || parsed.value > 1)) return `\`${text}\` is no share; write 0% to 100%`;
  return keep(parsed, set);
}

const MATTERS = { detect: "what to detect", falseRollbacks: "how many false rollbacks there may be", promote: "by when to promote", costBelow: "what it may cost", badShare: "how many releases are bad" } as const;

/** Of two clauses on one matter neither may be dropped in silence: it could be the stricter one. */
function said<K extends keyof typeof MATTERS>(goal: Draft, matter: K, value: NonNullable<Goal[K]>): string | null {
  const before: unknown = goal[matter];
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(value)) return `the goal says ${MATTERS[matter]} already; leave one of the two out`;
  goal[matter] = value;
  return null;
}

function chosen(goal: Draft, objective: Objective): string | null {
  if (goal.objective !== undefined && goal.objective !== objective) return `the goal asks for \`${goal.objective}\` already; one thing can be best`;
  goal.objective = objective;
  return null;
}

const KNOWN_WORDS = [...new Set(CLAUSES.flatMap((clause) => clause.split(" ")).filter((word) => /^[a-z]+$/.test(word)).concat(["catch", "find", "below", "least", "most", "cheapest", "earliest", "delay", "good", "releases"]))];

function notUnderstood(written: string): string {
  const words = written.toLowerCase().split(" ").filter((word) => /^[a-z-]+$/.test(word) && !KNOWN_WORDS.includes(word));
  const near = words.flatMap((word) => {
    const known = nearestName(word, KNOWN_WORDS);
    return known === null ? [] : [`\`${known}\` for \`${word}\``];
  });
  const advice = near.length > 0 ? `perhaps ${near.join(", ")}; ` : "";
  return `\`${written}\` was not understood; ${advice}write one of: ${CLAUSES.join("; ")}`;
}

/** The goal in full, defaults included. */
export function goalWords(goal: Goal): readonly string[] {
  const { detect, promote } = goal;
  return [
    `detect ${regressionWords(detect.size)}${detect.on === null ? "" : ` on ${detect.on}`} within ${formatDuration(detect.within)} in ${formatPercent(detect.share)} of runs`,
    `false rollbacks at most ${formatPercent(goal.falseRollbacks)} of good releases`,
    ...(promote === null ? [] : [`good releases promoted within ${formatDuration(promote.within)} in ${formatPercent(promote.share)} of runs`]),
    ...(goal.costBelow === null ? [] : [`mean cost of a release under ${goal.costBelow} EUR`]),
    `${goal.objective}, when ${formatPercent(goal.badShare)} of releases are bad`,
  ];
}

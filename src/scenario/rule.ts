// Parses rules: `weight(v2) > 25% while error-rate(v2) > 5%`. A small hand-written parser that knows where it is.

import { toSeconds, type Micros } from "../kernel/units.js";
import type { RuleComparison, RuleSeries, RuleSubject } from "./compiled.js";
import { adviseName } from "./nearest.js";
import { parseDuration, parsePercent, parseRate, percentAdvice, type Parsed } from "./units.js";

export interface ParsedRule {
  readonly within: Micros | null;
  readonly claim: RuleComparison;
  readonly while: RuleComparison | null;
}

export type RuleResult =
  | { readonly ok: true; readonly rule: ParsedRule }
  /** Where in the text it went wrong. */
  | { readonly ok: false; readonly start: number; readonly end: number; readonly message: string; readonly instead: string };

const SERIES: readonly RuleSeries[] = ["weight", "error-rate", "p95", "rps", "conversion", "replicas"];
/** What telemetry can show of a version. */
const SEEN_SERIES: readonly RuleSeries[] = ["error-rate", "p95"];
const OPERATORS = ["<=", ">=", "==", "!=", "<", ">"] as const;

class RuleError extends Error {
  readonly start: number;
  readonly end: number;
  readonly instead: string;

  constructor(start: number, end: number, message: string, instead: string) {
    super(message);
    this.start = start;
    this.end = end;
    this.instead = instead;
  }
}

/** The names a rule may look at. */
export interface RuleNames {
  /** Releases, services, and versions that one service alone runs: every series is defined for them. */
  readonly subjects: ReadonlyMap<string, RuleSubject>;
  /** Versions that several services run: weight, replicas and what is `seen.` are of the one that gets a release; null when none or several do. */
  readonly shared: ReadonlyMap<string, RuleSubject | null>;
}

/** Parses a rule's text; `timed` ones begin with a duration. */
export function parseRule(text: string, timed: boolean, names: RuleNames): RuleResult {
  try {
    return { ok: true, rule: new RuleParser(text, names).rule(timed) };
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return { ok: false, start: error.start, end: Math.max(error.start + 1, error.end), message: error.message, instead: error.instead };
  }
}

class RuleParser {
  #at = 0;
  readonly #text: string;
  readonly #names: RuleNames;

  constructor(text: string, names: RuleNames) {
    this.#text = text;
    this.#names = names;
  }

  rule(timed: boolean): ParsedRule {
    const within = timed ? this.#duration() : null;
    const claim = this.#comparison();
    let condition: RuleComparison | null = null;
    this.#space();
    if (this.#at < this.#text.length) {
      const word = this.#take(/\S+/y);
      if (word.text !== "while") throw new RuleError(word.start, word.end, `unexpected \`${word.text}\``, "write `while` and a comparison, or nothing");
      condition = this.#comparison();
      this.#space();
    }
    if (this.#at < this.#text.length) throw new RuleError(this.#at, this.#text.length, "the rule should end here", "write one `while` at most; two rules are two expectations");
    return { within, claim, while: condition };
  }

  #duration(): Micros {
    const word = this.#take(/\S+/y);
    const parsed = parseDuration(word.text.replace(/[:,]$/, ""));
    if (!parsed.ok) throw new RuleError(word.start, word.end, `first comes a time: ${parsed.message}`, "write it like 5m weight(v2) == 0%");
    return parsed.value;
  }

  #comparison(): RuleComparison {
    const { series, seen } = this.#series();
    const { of, subject } = this.#of(series, seen);
    const op = this.#operator();
    return { series, seen, of, subject, op, value: this.#value(series) };
  }

  #series(): { series: RuleSeries; seen: boolean } {
    const word = this.#take(/[A-Za-z0-9._-]*/y);
    const seen = word.text.startsWith("seen.");
    const name = seen ? word.text.slice("seen.".length) : word.text;
    const series = SERIES.find((candidate) => candidate === name);
    if (series === undefined) {
      throw new RuleError(word.start, Math.max(word.end, word.start + 1), name === "" ? "a series is missing" : `there is no series \`${name}\``, adviseName(name, SERIES, "series"));
    }
    if (seen && !SEEN_SERIES.includes(series)) {
      throw new RuleError(word.start, word.end, `\`${series}\` has no \`seen.\``, `write ${series}, or seen. with ${SEEN_SERIES.join(" or ")}`);
    }
    return { series, seen };
  }

  #of(series: RuleSeries, seen: boolean): Pick<RuleComparison, "of" | "subject"> {
    const open = this.#take(/\(?/y);
    if (open.text === "") throw new RuleError(open.start, open.start + 1, "of what? A version or a service in brackets", "write it like weight(v2)");
    const word = this.#take(/[^()\s]*/y);
    const close = this.#take(/\)?/y);
    if (close.text === "") throw new RuleError(close.start, close.start + 1, "the bracket is not closed", "write it like weight(v2)");
    const { subjects, shared } = this.#names;
    const isTold = seen || series === "weight" || series === "replicas";
    const subject = subjects.get(word.text) ?? (isTold ? (shared.get(word.text) ?? null) : null);
    if (subject !== null) return { of: word.text, subject };
    if (shared.has(word.text)) {
      throw new RuleError(word.start, word.end, `several services run a version \`${word.text}\``, `name the service, or give its version another name`);
    }
    const known = [...subjects.keys(), ...(isTold ? shared.keys() : [])];
    throw new RuleError(word.start, Math.max(word.end, word.start + 1), `there is no version or service \`${word.text}\``, adviseName(word.text, known, "versions and services"));
  }

  #operator(): RuleComparison["op"] {
    const word = this.#take(/[<>=!~]*/y);
    const op = OPERATORS.find((candidate) => candidate === word.text);
    if (op === undefined) {
      throw new RuleError(word.start, Math.max(word.end, word.start + 1), word.text === "" ? "a comparison is missing" : `\`${word.text}\` is no comparison`, word.text === "=" ? "write ==" : `write one of ${OPERATORS.join(" ")}`);
    }
    return op;
  }

  #value(series: RuleSeries): number {
    const word = this.#take(/[^\s]*/y);
    const parsed = valueOf(series, word.text);
    if (!parsed.ok) throw new RuleError(word.start, Math.max(word.end, word.start + 1), word.text === "" ? "a value is missing" : parsed.message, parsed.instead);
    return parsed.value;
  }

  #space(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }

  /** The next token by a sticky pattern, after white space. */
  #take(pattern: RegExp): { text: string; start: number; end: number } {
    this.#space();
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0] ?? "";
    const start = this.#at;
    this.#at += text.length;
    return { text, start, end: this.#at };
  }
}

/** A value in its series' own unit: ratio, seconds, requests per second, count. */
function valueOf(series: RuleSeries, text: string): Parsed<number> {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
  switch (series) {
    case "weight":
    case "error-rate":
    case "conversion":
      return number === null ? parsePercent(text) : { ok: false, message: `\`${text}\` has no unit`, instead: percentAdvice(number) };
    case "p95": {
      const parsed = parseDuration(text);
      return parsed.ok ? { ok: true, value: toSeconds(parsed.value) } : parsed;
    }
    case "rps":
      return number === null ? parseRate(text) : { ok: true, value: number };
    case "replicas":
      return number === null ? { ok: false, message: `\`${text}\` is no number`, instead: "write it like 3" } : { ok: true, value: number };
  }
}

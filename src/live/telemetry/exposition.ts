// Reads a metrics page: Prometheus' text format 0.0.4, strictly and within limits, since a page comes from outside.

/** Limits of one page; a page past one of them is a failed scrape. */
export const PAGE_LIMITS = { bytes: 8 * 1024 * 1024, samples: 100_000, labels: 32, nameLength: 256, labelValueLength: 1024 } as const;

/** One series on a page. */
export interface PageSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** A page that does not follow the format, with the line that does not. */
export class ExpositionError extends Error {
  override readonly name = "ExpositionError";

  constructor(
    readonly line: number,
    what: string,
  ) {
    super(`metrics page, line ${line}: ${what}`);
  }
}

const METRIC_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const TYPES = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);

/**
 * Calls `take` with each sample, in the page's order. Throws an ExpositionError at the first thing that is not the
 * format, a missing end of the last line (a page cut short) included. Timestamps are refused: a scrape has one time.
 */
export function parseExposition(page: string, take: (sample: PageSample) => void): void {
  if (page.length > PAGE_LIMITS.bytes) throw new ExpositionError(0, `longer than ${PAGE_LIMITS.bytes} characters`);
  if (page.length > 0 && !page.endsWith("\n")) throw new ExpositionError(page.split("\n").length, "the page ends within a line");
  let samples = 0;
  let number = 0;
  for (let start = 0; start < page.length; ) {
    const end = page.indexOf("\n", start);
    const line = page.slice(start, end);
    start = end + 1;
    number += 1;
    const reader = new LineReader(line, number);
    reader.skipBlanks();
    if (reader.atEnd()) continue;
    if (reader.next() === "#") {
      checkComment(line, number);
      continue;
    }
    samples += 1;
    if (samples > PAGE_LIMITS.samples) throw new ExpositionError(number, `more than ${PAGE_LIMITS.samples} samples`);
    take(reader.sample());
  }
}

/** HELP and TYPE are checked; any other comment is one. */
function checkComment(line: string, number: number): void {
  const [, keyword, name = "", rest = ""] = /^[ \t]*#[ \t]+(HELP|TYPE)[ \t]+(\S*)[ \t]*(.*)$/.exec(line) ?? [];
  if (keyword === undefined) return;
  METRIC_NAME.lastIndex = 0;
  if (METRIC_NAME.exec(name)?.[0] !== name || name === "") throw new ExpositionError(number, `${keyword} of no metric`);
  if (keyword === "TYPE" && !TYPES.has(rest.trim())) throw new ExpositionError(number, `unknown type ${JSON.stringify(rest)}`);
}

/** A number as Go's ParseFloat reads it, without its hexadecimal and underscore forms; undefined when it is none. */
export function parseSampleValue(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text);
  switch (text.toLowerCase()) {
    case "nan":
      return NaN;
    case "inf":
    case "+inf":
      return Infinity;
    case "-inf":
      return -Infinity;
    default:
      return undefined;
  }
}

class LineReader {
  readonly #line: string;
  readonly #number: number;
  #at = 0;

  constructor(line: string, number: number) {
    this.#line = line;
    this.#number = number;
  }

  atEnd(): boolean {
    return this.#at >= this.#line.length;
  }

  next(): string {
    return this.#line[this.#at] ?? "";
  }

  skipBlanks(): void {
    while (this.next() === " " || this.next() === "\t") this.#at += 1;
  }

  sample(): PageSample {
    const name = this.#match(METRIC_NAME, "a metric's name");
    const labels = new Map<string, string>();
    this.skipBlanks();
    if (this.next() === "{") this.#labels(labels);
    this.skipBlanks();
    const rest = this.#line.slice(this.#at).trimEnd();
    const value = parseSampleValue(rest);
    if (value === undefined) {
      throw this.#error(/^\S+[ \t]+-?\d+$/.test(rest) ? "a sample with a time of its own" : `${JSON.stringify(rest)} is no number`);
    }
    return { name, labels, value };
  }

  #labels(labels: Map<string, string>): void {
    this.#at += 1;
    for (;;) {
      this.skipBlanks();
      if (this.next() === "}") break;
      const name = this.#match(LABEL_NAME, "a label's name");
      this.skipBlanks();
      this.#expect("=");
      this.skipBlanks();
      if (labels.has(name)) throw this.#error(`label ${name} twice`);
      labels.set(name, this.#quoted());
      if (labels.size > PAGE_LIMITS.labels) throw this.#error(`more than ${PAGE_LIMITS.labels} labels`);
      this.skipBlanks();
      if (this.next() === "}") break;
      this.#expect(",");
    }
    this.#at += 1;
  }

  /** A label's value: between quotes, with \\, \" and \n as its only escapes. */
  #quoted(): string {
    this.#expect('"');
    let value = "";
    for (;;) {
      if (this.atEnd()) throw this.#error("a label's value without its closing quote");
      let char = this.next();
      this.#at += 1;
      if (char === '"') return value;
      if (char === "\\") {
        char = unescaped(this.next()) ?? this.#fail(`\\${this.next()} is no escape`);
        this.#at += 1;
      }
      value += char;
      if (value.length > PAGE_LIMITS.labelValueLength) throw this.#error(`a label's value of more than ${PAGE_LIMITS.labelValueLength} characters`);
    }
  }

  #match(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#line)?.[0];
    if (found === undefined) throw this.#error(`${what} is missing at column ${this.#at + 1}`);
    if (found.length > PAGE_LIMITS.nameLength) throw this.#error(`${what} is longer than ${PAGE_LIMITS.nameLength} characters`);
    this.#at += found.length;
    return found;
  }

  #expect(char: string): void {
    if (this.next() !== char) throw this.#error(`${char} is missing at column ${this.#at + 1}`);
    this.#at += 1;
  }

  #fail(what: string): never {
    throw this.#error(what);
  }

  #error(what: string): ExpositionError {
    return new ExpositionError(this.#number, what);
  }
}

function unescaped(char: string): string | undefined {
  switch (char) {
    case "\\":
    case '"':
      return char;
    case "n":
      return "\n";
    default:
      return undefined;
  }
}

// A problem in a user's file: what is wrong, where, and what to write instead. Never an exception.

export interface Problem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  /** Where in the data, e.g. `services.checkout.replicas`; empty for the whole file. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What to write instead; null when there is nothing better to say than the message. */
  readonly instead: string | null;
  /** The lines around it with a caret under the place; empty when there is no text to show. */
  readonly frame: string;
}

export type LoadResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A path into a file's data: keys of maps and indices of lists. */
export type Path = readonly (string | number)[];

/** A path as people write it: `script[1].release.version`. */
export function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

const LINES_BEFORE = 2;
const LINES_AFTER = 1;
const WIDEST_LINE = 120;

/** The lines around a place, numbered, with a caret run of `length` under it. */
export function codeFrame(lines: readonly string[], line: number, column: number, length: number): string {
  const first = Math.max(1, line - LINES_BEFORE);
  const last = Math.min(lines.length, line + LINES_AFTER);
  const width = String(last).length;
  const shift = Math.max(0, column - 1 - (WIDEST_LINE - 40));
  const frame: string[] = [];
  for (let number = first; number <= last; number += 1) {
    const marker = number === line ? ">" : " ";
    const text = printable(lines[number - 1]).slice(shift, shift + WIDEST_LINE);
    frame.push(`${marker} ${String(number).padStart(width)} | ${text}`.trimEnd());
    if (number !== line) continue;
    const indent = " ".repeat(Math.max(0, column - 1 - shift));
    // What begins here may end lines below: only this line's part is underlined.
    const carets = "^".repeat(Math.max(1, Math.min(length, text.length - indent.length)));
    frame.push(`  ${" ".repeat(width)} | ${indent}${carets}`);
  }
  return frame.join("\n");
}

/** One column per character, and nothing that could steer a terminal. */
// eslint-disable-next-line no-control-regex
const printable = (line: string): string => line.replace(/\t/g, " ").replace(/[\u0000-\u001f\u007f-\u009f]/g, "\u00b7");

/** By file as given, then by position; the same finding at the same place is said once. */
export function sortProblems(problems: readonly Problem[], fileOrder: readonly string[]): Problem[] {
  const rank = (file: string): number => {
    const index = fileOrder.indexOf(file);
    return index < 0 ? fileOrder.length : index;
  };
  const sorted = [...problems].sort(
    (a, b) => rank(a.file) - rank(b.file) || a.line - b.line || a.column - b.column,
  );
  const seen = new Set<string>();
  return sorted.filter((problem) => {
    const key = `${problem.file}:${problem.line}:${problem.column}:${problem.message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

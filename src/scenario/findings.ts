// Collects what the checks after the schema find, each at a path of its file.

import { at, isWithin } from "./check.js";
import type { Path, Problem } from "./problem.js";
import type { Data, Source, Spot } from "./source.js";

/** A part of a file: where a world, a strategy or a script is written. */
export class Place {
  readonly #findings: Findings;
  readonly #path: Path;

  constructor(findings: Findings, path: Path) {
    this.#findings = findings;
    this.#path = path;
  }

  /** The part at `path` below this one. */
  in(...path: Path): Place {
    return new Place(this.#findings, [...this.#path, ...path]);
  }

  /** Something is wrong here. */
  wrong(message: string, instead: string | null, spot: Spot = "value"): void {
    this.#findings.add(this.#path, spot, message, instead, null);
  }

  /** Something is wrong within the text here, from `start` to `end`. */
  wrongText(start: number, end: number, message: string, instead: string | null): void {
    this.#findings.add(this.#path, "value", message, instead, { start, end });
  }

  /** Passes on a problem of another file that belongs here. */
  report(problem: Problem): void {
    this.#findings.problems.push(problem);
  }

  /** Where this stands in its file. */
  get range(): { readonly file: string; readonly line: number; readonly column: number } {
    return this.#findings.source.place(this.#path);
  }

  /** What the file says here, as it was written. */
  get written(): Data | undefined {
    return at(this.#findings.source.data, this.#path);
  }

  /** The keys written here: names that count as declared even when what they name has a fault. */
  get keys(): readonly string[] {
    const { written } = this;
    return written !== null && typeof written === "object" && !Array.isArray(written) ? Object.keys(written) : [];
  }

  get file(): string {
    return this.#findings.source.file;
  }
}

/** The findings of one file. */
export class Findings {
  readonly source: Source;
  readonly problems: Problem[] = [];
  readonly #silent: readonly Path[];

  /** Stays silent about the parts that the schema found wrong already. */
  constructor(source: Source, silent: readonly Path[]) {
    this.source = source;
    this.#silent = silent;
  }

  root(): Place {
    return new Place(this, []);
  }

  /** Whether the schema found the part at `path` wrong, so that what stands for it is a guess. */
  isGuess(...path: Path): boolean {
    return this.#silent.some((wrong) => isWithin(path, wrong));
  }

  add(path: Path, spot: Spot, message: string, instead: string | null, offset: { readonly start: number; readonly end: number } | null): void {
    if (this.#silent.some((wrong) => isWithin(wrong, path) || isWithin(path, wrong))) return;
    this.problems.push(this.source.problem(path, spot, message, instead, offset));
  }
}

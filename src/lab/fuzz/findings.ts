// What a run showed to be wrong, by an id that stays the same while its case is shrunk.

import type { Outcome } from "../../sim/outcome.js";
import type { RunResult } from "../runner.js";

/** `model`: the simulator's own books do not add up; that speaks of the simulator, not of what it was fed. */
export type FindingKind = "crash" | "hang" | "refused" | "invariant" | "rule" | "not-repeatable" | "model";

/** Invariants that check the world's model, and nothing of a delivery. */
const MODEL_CHECKS: readonly string[] = ["Little's law"];

export interface Finding {
  readonly kind: FindingKind;
  /** e.g. `invariant: weights sum to 100%`. */
  readonly id: string;
  /** What was seen in this very run. */
  readonly message: string;
}

const found = (kind: FindingKind, what: string, message: string): Finding => ({ kind, id: `${kind}: ${what}`, message });

/** Figures and names differ from case to case; where a program breaks does not. */
const place = (message: string): string => message.split("\n")[0].replace(/\d+(\.\d+)?/g, "N").replace(/`[^`]*`|"[^"]*"/g, "…").slice(0, 120);

/** All that is wrong with a run; `rules` are the texts of the rules that must hold. */
export function findingsOf(result: RunResult, rules: readonly string[]): readonly Finding[] {
  if (!result.ok) {
    const { kind, message } = result.failure;
    if (kind === "timed-out") return [found("hang", "the run did not end in time", message)];
    return kind === "crashed" ? [found("crash", place(message), message)] : [found("refused", place(message), message)];
  }
  return result.outcome === null ? [] : outcomeFindings(result.outcome, rules);
}

function outcomeFindings({ invariants, expectations }: Outcome, rules: readonly string[]): readonly Finding[] {
  return [
    ...invariants.filter(({ held }) => !held).map(({ name, reason }) => found(MODEL_CHECKS.includes(name) ? "model" : "invariant", name, reason)),
    ...expectations.filter(({ passed, text }) => !passed && rules.includes(text)).map(({ text, reason }) => found("rule", text, reason)),
  ];
}

/** Two plays of one case whose rows differ. */
export function repeatFinding(first: RunResult, second: RunResult): Finding | null {
  if (!first.ok || !second.ok || first.text === second.text) return null;
  return found("not-repeatable", "the same case and seed gave another outcome", `digest ${first.row.digest}, then ${second.row.digest}`);
}

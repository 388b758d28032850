// Whether a step may go on: every gate passes, one fails, or the data does not say.

import type { CheckResult } from "./evidence.js";

/** What the gates say together. `deciding` is the gate that settled it. */
export type GateVerdict =
  | { readonly kind: "pass" }
  /** A gate is in breach. `lasting` when its persistence is met, too. */
  | { readonly kind: "fail"; readonly deciding: CheckResult; readonly lasting: boolean }
  /** A required gate has no data at all: never good news. */
  | { readonly kind: "missing"; readonly deciding: CheckResult }
  /** A required gate has too little data. */
  | { readonly kind: "thin"; readonly deciding: CheckResult };

/** Judges the gates among `results`; `required` says which gates must have data. */
export function judgeGates(results: readonly CheckResult[], required: ReadonlySet<string>): GateVerdict {
  let breach: CheckResult | null = null;
  let missing: CheckResult | null = null;
  let thin: CheckResult | null = null;
  for (const result of results) {
    if (result.role !== "gate") continue;
    if (result.status === "breach") {
      if (breach === null || (isLasting(result) && !isLasting(breach))) breach = result;
    } else if (required.has(result.check)) {
      if (result.status === "missing") missing ??= result;
      if (result.status === "thin") thin ??= result;
    }
  }
  if (breach !== null) return { kind: "fail", deciding: breach, lasting: isLasting(breach) };
  if (missing !== null) return { kind: "missing", deciding: missing };
  if (thin !== null) return { kind: "thin", deciding: thin };
  return { kind: "pass" };
}

const isLasting = (gate: CheckResult): boolean => gate.breaches >= gate.persistence.need;

/** A step's policy when its data is thin or missing. */
export type InconclusivePolicy = "hold" | "ask" | "roll-back" | "promote";

/** What to do when a bake is over, before its longest hold. */
export function afterBake(verdict: GateVerdict, policy: InconclusivePolicy): "promote" | "hold" | "ask" {
  if (verdict.kind === "pass") return "promote";
  if (verdict.kind === "fail") return "hold";
  return policy === "ask" ? "ask" : "hold";
}

/** What to do when the longest hold is over and the gates still do not all pass. */
export function afterHold(verdict: GateVerdict, policy: InconclusivePolicy): "promote" | "ask" | "roll-back" {
  switch (verdict.kind) {
    case "pass":
      return "promote";
    case "fail":
      return "roll-back";
    case "missing":
      return policy === "roll-back" ? "roll-back" : "ask";
    case "thin":
      return policy === "hold" ? "ask" : policy;
  }
}

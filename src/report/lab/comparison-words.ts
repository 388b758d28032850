// A comparison of two strategies in words: figures with their units, and the sentence that says what they mean.

import { count, counted, duration, money, percent, significant } from "../../kernel/format.js";
import { isClear, type Comparison, type MeanComparison, type ScenarioComparison, type ShareComparison } from "../../lab/compare.js";

/** One line of the table: a figure under A and under B, their difference, and how sure it is. */
export interface ComparisonLine {
  readonly name: string;
  readonly a: string;
  readonly b: string;
  readonly difference: string;
  readonly interval: string;
  readonly effect: string;
  /** `A`, `B` or neither is better beyond chance. */
  readonly better: "A" | "B" | null;
  readonly note: string;
}

export const LINE_HEADS = ["", "A", "B", "B - A", "95% interval", "effect", "better", ""] as const;

export const linesOf = (scenario: ScenarioComparison): readonly ComparisonLine[] => [...scenario.shares.map(shareLine), ...scenario.means.map(meanLine)];

function shareLine(found: ShareComparison): ComparisonLine {
  const { name, good, pairs, hitsA, hitsB, onlyA, onlyB, difference, low, high } = found;
  const better = !isClear(found) ? null : (difference > 0) === (good === "more") ? "B" : "A";
  return {
    name,
    a: percent(hitsA / pairs),
    b: percent(hitsB / pairs),
    difference: signed(difference, percent),
    interval: `${signed(low, percent)} to ${signed(high, percent)}`,
    effect: `${count(onlyA)}:${count(onlyB)} seeds`,
    better,
    note: onlyA + onlyB === 0 ? "the same on every seed" : "",
  };
}

function meanLine(found: MeanComparison): ComparisonLine {
  const { name, unit, meanA, meanB, mean, low, high, effectSize, onlyA, onlyB } = found;
  const show = (value: number): string => (unit === "euro" ? money(value) : unit === "micros" ? duration(value) : significant(value, 3));
  const better = !isClear(found) ? null : mean < 0 ? "B" : "A";
  const one = onlyA + onlyB === 0 ? "" : `${counted(onlyA, "seed")} only under A, ${count(onlyB)} only under B; those are not in it`;
  return {
    name: unit === "count" ? name : `mean ${name}`,
    a: show(meanA),
    b: show(meanB),
    difference: signed(mean, show),
    interval: `${signed(low, show)} to ${signed(high, show)}`,
    effect: effectSize === 0 ? "none" : `d = ${effectSize < 0 ? "-" : ""}${significant(Math.abs(effectSize), 2)}`,
    better,
    note: one,
  };
}

const signed = (value: number, show: (value: number) => string): string => (value === 0 ? show(0) : `${value > 0 ? "+" : "-"}${show(Math.abs(value))}`);

/** What playing both on the same seeds was worth, by figure. */
export function pairingWords({ means }: ScenarioComparison): readonly string[] {
  return means.flatMap(({ name, correlation, varianceRatio, seedsSaved, pairs }) => {
    if (correlation === null || varianceRatio === null) return [];
    const head = `${name}: correlation ${correlation < 0 ? "-" : ""}${significant(Math.abs(correlation), 2)} between A and B on the same seed, variance of the difference ${significant(varianceRatio, 2)} of what unpaired seeds would give`;
    if (seedsSaved === null) return [`${head}: A and B differ by the same on every seed`];
    if (seedsSaved > 0) return [`${head}: ${counted(pairs, "seed")} did the work of ${count(pairs + seedsSaved)}, ${count(seedsSaved)} saved per strategy`];
    return [`${head}: the pairing saved no seeds here`];
  });
}

/** The result in a sentence or two. */
export function verdictWords({ a, b, scenarios, together }: Comparison): string {
  const whole = together ?? scenarios[0];
  if (whole === undefined) return "Nothing was compared.";
  if (whole.pairs > 0 && whole.identical === whole.pairs) return `${a} (A) and ${b} (B) did the same in every run, to the last event.`;
  const lines = linesOf(whole);
  const wins = (side: "A" | "B"): string => lines.filter(({ better }) => better === side).map(({ name }) => name).join(", ");
  const parts = [...(wins("A") === "" ? [] : [`${a} (A) is better in ${wins("A")}`]), ...(wins("B") === "" ? [] : [`${b} (B) is better in ${wins("B")}`])];
  const same = whole.identical > 0 ? ` In ${count(whole.identical)} of ${counted(whole.pairs, "pair")} both did the very same.` : "";
  return parts.length === 0 ? `No figure differs beyond chance between ${a} (A) and ${b} (B) over ${counted(whole.pairs, "pair")}.${same}` : `${parts.join("; ")}: beyond chance at 5%, over ${counted(whole.pairs, "pair")}.${same}`;
}

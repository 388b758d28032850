// A comparison of two strategies in words: figures with their units, and the sentence that says what they mean.

import { count, counted, duration, money, NOTHING, percent, significant } from "../../kernel/format.js";
import { isClear, type Comparison, type MeanComparison, type ScenarioComparison, type ShareComparison, type TimeComparison } from "../../lab/compare.js";

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

export const linesOf = ({ shares, means, times }: ScenarioComparison): readonly ComparisonLine[] => {
  const mean = (name: MeanComparison["name"]): readonly ComparisonLine[] => means.filter((each) => each.name === name).map(meanLine);
  return [
    ...shares.map(shareLine),
    ...mean("cost"),
    ...times.flatMap((time) => [timeLine(time), ...mean(time.name).map((line) => (time.name === "lead time" ? openNote(line, time) : line))]),
    ...mean("pages"),
  ];
};

const NOT_BY_THE_END = "not by the end";
const REACHED = { "lead time": "promoted", detection: "detected", mitigation: "mitigated" } as const;

function timeLine(found: TimeComparison): ComparisonLine {
  const { name, medianA, medianB, openA, openB, soonerA, soonerB } = found;
  const show = (median: number | null): string => (median === null ? NOT_BY_THE_END : duration(median));
  const same = soonerA + soonerB === 0 ? ["the same on every seed"] : [];
  const open = name === "lead time" || openA + openB === 0 ? [] : [`${openWords(found)}; those are later than any, and there is no mean`];
  return {
    name: `median ${name}`,
    a: show(medianA),
    b: show(medianB),
    difference: medianA === null || medianB === null ? NOTHING : signed(medianB - medianA, duration),
    interval: NOTHING,
    effect: `${count(soonerA)}:${count(soonerB)} seeds`,
    better: !isClear(found) ? null : soonerA > soonerB ? "A" : "B",
    note: [...open, ...same].join("; "),
  };
}

const openWords = ({ name, pairs, openA, openB }: TimeComparison): string =>
  `not ${REACHED[name]} by the end: ${count(openA)} of ${count(pairs)} under A, ${count(openB)} of ${count(pairs)} under B`;

/** Who was not promoted counts up to the end: then the mean says only "at least". */
function openNote(line: ComparisonLine, time: TimeComparison): ComparisonLine {
  if (time.openA + time.openB === 0) return line;
  const open = `${openWords(time)}; those count up to the end`;
  return { ...line, note: line.note === "" ? open : `${open}; ${line.note}` };
}

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
    effect: effectSize === 0 ? (mean === 0 ? "none" : "every seed") : `d = ${effectSize < 0 ? "-" : ""}${significant(Math.abs(effectSize), 2)}`,
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
  const mind = costWords(whole).map((line) => ` ${line}`).join("");
  return parts.length === 0 ? `No figure differs beyond chance between ${a} (A) and ${b} (B) over ${counted(whole.pairs, "pair")}.${same}${mind}` : `${parts.join("; ")}: beyond chance at 5%, over ${counted(whole.pairs, "pair")}.${same}${mind}`;
}

/** What the cost leaves out, where one strategy is slower: it would look cheaper than it is. */
function costWords({ shares, means }: ScenarioComparison): readonly string[] {
  const promoted = shares.find(({ name }) => name === "good releases promoted");
  const leadTime = means.find(({ name }) => name === "lead time");
  const open = promoted === undefined || promoted.hitsA === promoted.hitsB ? [] : [
    `By the scenario's end A had promoted its good releases in ${count(promoted.hitsA)} of ${counted(promoted.pairs, "run")}, B in ${count(promoted.hitsB)}: what comes after the end is in no figure, nor in the cost.`,
  ];
  const slower = leadTime === undefined || leadTime.mean === 0 ? [] : ["The cost counts delay only beyond a strategy's own schedule; how much slower one is shows in the lead time."];
  return [...open, ...slower];
}

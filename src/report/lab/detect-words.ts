// What a strategy can detect, in sentences: for the terminal, and at the head of the report.

import { counted, duration, NOTHING, percent, significant } from "../../kernel/format.js";
import type { BakeResult } from "../../lab/detect/bake.js";
import type { DetectableSize, DetectResult, SizeResult } from "../../lab/detect/detect.js";
import type { Crossing } from "../../lab/detect/threshold.js";
import type { Interval } from "../../lab/statistics/clopper-pearson.js";

/** The curve, and the bake time when one was asked for. */
export interface DetectFindings {
  readonly curve: DetectResult;
  readonly bake: BakeResult | null;
}

type Kind = DetectResult["kind"];

/** A size as it reads: `2%` more errors, `x1.5` latency. */
export const sizeWords = (size: number, kind: Kind): string => (kind === "errors" ? percent(size) : `x${significant(size, 3)}`);

const crossingWords = (crossing: Crossing, kind: Kind): string => `${{ at: "", below: "at most ", above: "more than " }[crossing.kind]}${sizeWords(crossing.size, kind)}`;

/** `2.1% (1.9% to 2.4%)`. */
export function detectableWords({ size, from, to }: DetectableSize, kind: Kind): string {
  if (size === null) return NOTHING;
  const sure = from !== null && to !== null && size.kind === "at";
  return `${crossingWords(size, kind)}${sure ? ` (${crossingWords(from, kind)} to ${crossingWords(to, kind)})` : ""}`;
}

/** One line: what is detected, by which strategy, at which traffic. */
export function headline({ curve }: DetectFindings): string {
  const [first] = curve.detectable;
  const [what, is] = curve.kind === "errors" ? ["more errors", "are"] : ["latency", "is"];
  const inTime = curve.within === null ? "" : ` within ${duration(curve.within)}`;
  if (first.size === null) return "Interrupted before the first size was finished";
  if (first.size.kind === "above") return `Not even ${sizeWords(first.size.size, curve.kind)} ${what} ${is} detected${inTime} in ${percent(first.share)} of runs`;
  return `${first.size.kind === "below" ? "Already " : ""}${sizeWords(first.size.size, curve.kind)} ${what} ${is} detected${inTime} in ${percent(first.share)} of runs`;
}

export function aboutWords({ curve }: DetectFindings): string {
  const { strategy, scenario, service, version, on, rate, seeds } = curve;
  return `${strategy} in ${scenario}${rate === null ? "" : ` at ${rate}`}; ${service} ${version} with a regression on ${on ?? "the whole service"}; ${counted(seeds, "seed")} per size, the same for all.`;
}

/** The answers, one sentence each. */
export function answers({ curve, bake }: DetectFindings): readonly string[] {
  const { kind, within, healthy, detectable } = curve;
  const inTime = within === null ? "" : ` within ${duration(within)}`;
  return [
    ...detectable.flatMap((each) => (each.size === null ? [] : [`Detected in ${percent(each.share)} of runs${inTime}: ${detectableWords(each, kind)}${kind === "errors" ? " more errors" : " latency"}.`])),
    ...(healthy === null ? [] : [`A healthy release is taken back in ${healthy.detected} of ${counted(healthy.runs, "run")} (${percent(healthy.share)}; ${intervalWords(healthy.interval)}).`]),
    ...(bake === null ? [] : [bakeWords(bake), ...bakeMeaning(bake)]),
  ];
}

export const intervalWords = ({ low, high }: Interval): string => `95 % interval ${percent(low)} to ${percent(high)}`;

/** How long the first step must bake. */
export function bakeWords({ size, share, weight, before, bake, tooShort, longest, tried, interrupted }: BakeResult): string {
  const question = `To notice ${size}${size.startsWith("+") ? " errors" : " latency"} in the first step (${percent(weight)}) in ${percent(share)} of runs`;
  const best = tried.find((each) => each.bake === (bake ?? longest));
  const seen = best === undefined ? "" : ` (${best.detected} of ${best.runs}; ${intervalWords(best.interval)})`;
  if (interrupted) return `${question}: interrupted before the answer was found.`;
  if (bake === null) return `${question}, no bake up to ${duration(longest)} is long enough: there it is ${percent(best?.share)}${seen}.`;
  const bounds = tooShort === null ? "; anything shorter is over before a window is full" : `; ${duration(tooShort)} is too short`;
  return `${question}, it must bake ${duration(bake)}${seen}${bounds}. It bakes ${duration(before)} now.`;
}

/** Beside the delays a short bake looks like a contradiction: what notices then, and what nobody has looked at. */
function bakeMeaning({ bake, before, tried, weight }: BakeResult): readonly string[] {
  const found = tried.find((each) => each.bake === bake);
  if (bake === null || found === undefined || found.detected === 0) return [];
  const { atGate, detected } = found;
  const by = atGate === 0 ? "A trigger noticed in each of these runs, before the bake was over" : atGate === detected ? "In each of these runs the gate at the bake's end noticed, not a trigger before it" : `In ${atGate} of these ${counted(detected, "run")} the gate at the bake's end noticed, in the others a trigger before it`;
  return [
    `${by}. The delays in the table are another thing: they are of the strategy as it is, with its bake of ${duration(before)} and all steps after it.`,
    `The bake was searched with bad releases only: how often a healthy one is taken back from ${percent(weight)} after ${duration(bake)} was not played; set it in the strategy and detect again.`,
  ];
}

export const SIZE_HEADS = ["size", "detected", "95 % interval", "ever detected", "delay p50", "delay p90"] as const;

export function sizeCells({ written, detected, runs, share, interval, everDetected, delayP50, delayP90 }: SizeResult): readonly string[] {
  return [written ?? "healthy", `${detected} of ${runs} (${percent(share)})`, `${percent(interval.low)} to ${percent(interval.high)}`, `${everDetected} of ${runs}`, duration(delayP50), duration(delayP90)];
}

/** For the terminal. */
export function detectLines(findings: DetectFindings): readonly string[] {
  const rows = [SIZE_HEADS, ...findings.curve.sizes.map(sizeCells)];
  const widths = SIZE_HEADS.map((_, k) => Math.max(...rows.map((row) => row[k].length)));
  return [headline(findings), aboutWords(findings), "", ...rows.map((row) => `  ${row.map((cell, k) => cell.padStart(widths[k])).join("  ")}`), "", ...answers(findings).map((line) => `  ${line}`)];
}

// The report of what a strategy can detect: the curve over the size, the delay, and the search for a bake time.

import { counted, duration, percent } from "../../kernel/format.js";
import { MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import type { BakeResult } from "../../lab/detect/bake.js";
import { SHARES, type DetectResult, type SizeResult } from "../../lab/detect/detect.js";
import { renderSvg } from "../charts/render.js";
import { html } from "../escape.js";
import { aboutWords, answers, headline, SIZE_HEADS, sizeCells, type DetectFindings } from "./detect-words.js";
import { figure, labPage, markdownTable, table, type Picture } from "./page.js";
import { durationAxis, plotSpec, type PlotAxis } from "./plot.js";

export interface DetectReport {
  readonly html: string;
  readonly markdown: string;
  readonly pictures: readonly Picture[];
}

const BAKE_HEADS = ["bake", "noticed in the first step", "95 % interval"] as const;

/** Builds the report from the findings and nothing else. */
export async function detectReport(findings: DetectFindings): Promise<DetectReport> {
  const { curve, bake } = findings;
  const pictures = [...(await curvePictures(curve)), ...(bake === null ? [] : await bakePictures(bake))];
  const rows = [...(curve.healthy === null ? [] : [healthyCells(curve.healthy)]), ...curve.sizes.map(sizeCells)];
  const tried = bake === null ? [] : bake.tried.map(({ bake: time, detected, runs, share, interval }) => [duration(time), `${detected} of ${runs} (${percent(share)})`, `${percent(interval.low)} to ${percent(interval.high)}`]);
  const columns = (heads: readonly string[]) => heads.map((head, k) => ({ head, number: k > 0 }));
  const page = labPage({
    title: headline(findings),
    kind: "detect",
    lead: html`<p>${aboutWords(findings)}</p><div class="card verdict"><ul class="ticks">${answers(findings).map((line) => html`<li>${line}</li>`)}</ul></div>`,
    sections: [
      { id: "curve", title: "Size, chance and delay", content: html`${pictures.map(figure)}` },
      { id: "sizes", title: "Every size", content: table(columns(SIZE_HEADS), rows) },
      ...(bake === null ? [] : [{ id: "bake", title: "Bake times that were tried", content: table(columns(BAKE_HEADS), tried, bake.tried.flatMap((each, k) => (each.bake === bake.bake ? [k] : []))) }]),
      { id: "method", title: "How it was found", content: html`${method(findings).map((line) => html`<p>${line}</p>`)}` },
    ],
    footer: html`${counted(curve.runs + (bake?.runs ?? 0), "run")}${curve.interrupted || bake?.interrupted === true ? "; interrupted: this is what was finished" : ""}.`,
  });
  const markdown = [
    `# ${headline(findings)}`, "", aboutWords(findings), "", ...answers(findings).map((line) => `- ${line}`), "",
    "## Every size", "", markdownTable(SIZE_HEADS, rows), "",
    ...(bake === null ? [] : ["## Bake times that were tried", "", markdownTable(BAKE_HEADS, tried), ""]),
    "## How it was found", "", ...method(findings).flatMap((line) => [line, ""]),
  ].join("\n");
  return { html: page, markdown, pictures };
}

/** A healthy release has nothing to detect: what is counted is how often it is taken back. */
function healthyCells(healthy: SizeResult): readonly string[] {
  const [, taken, interval] = sizeCells(healthy);
  return ["healthy: taken back", taken, interval, "", "", ""];
}

function method({ curve, bake }: DetectFindings): readonly string[] {
  return [
    `A run counts as detected when the release was taken back because of what it does${curve.within === null ? "" : `, and the decision fell within ${duration(curve.within)} of the first harm`}; taken back by luck does not count. Delays run from the first harmed request to the decision, over all runs: never is later than any.`,
    "The bands are exact (Clopper and Pearson, 95 %) for each size by itself. The size for a share lies where a rising curve through the points reaches it, straight on a logarithmic scale; in brackets, where the limits of the bands reach it.",
    ...(bake === null ? [] : ["The bake time was searched for on the same seeds at every bake: doubled until enough runs were noticed, then the gap was halved down to 5 %. Noticed means that the decision fell while the release had its first step's weight, holds included."]),
  ];
}

const seconds = (micros: Micros | null): number | null => (micros === null ? null : micros / MICROS_PER_SECOND);

/** An axis over the sizes; factors have no logarithms that read well. */
function sizeAxis({ kind, sizes }: DetectResult): PlotAxis {
  const values = sizes.map(({ size }) => size);
  return { title: kind === "errors" ? "size of the regression: more errors" : "size of the regression: latency, times", format: kind === "errors" ? "percent" : "number", log: kind === "errors", domain: [values[0], values[values.length - 1]], values };
}

async function curvePictures(curve: DetectResult): Promise<readonly Picture[]> {
  if (curve.sizes.length < 2) return [];
  const x = sizeAxis(curve);
  const inTime = curve.within === null ? "" : ` within ${duration(curve.within)}`;
  const chance = await renderSvg(plotSpec({
    x, y: { title: `detected${inTime}`, format: "percent", domain: [0, 1] },
    series: [{ label: "detected", kind: "line", points: curve.sizes.map(({ size, share, interval }) => ({ x: size, y: share, ...interval })) }],
    limits: SHARES.map((share) => ({ label: percent(share), value: share, along: "y" as const })),
  }), "Chance of detection over the size of the regression");
  const delays = curve.sizes.some(({ delayP50 }) => delayP50 !== null)
    ? await renderSvg(plotSpec({
      x, y: durationAxis("from first harm to decision", [...curve.sizes.flatMap(({ delayP50, delayP90 }) => [seconds(delayP50), seconds(delayP90)]), seconds(curve.within)]),
      series: [
        { label: "p50", kind: "line", points: curve.sizes.map(({ size, delayP50 }) => ({ x: size, y: seconds(delayP50) })) },
        { label: "p90", kind: "line", points: curve.sizes.map(({ size, delayP90 }) => ({ x: size, y: seconds(delayP90) })) },
      ],
      limits: curve.within === null ? [] : [{ label: `within ${duration(curve.within)}`, value: curve.within / MICROS_PER_SECOND, along: "y" }],
    }), "Delay of detection over the size of the regression")
    : null;
  return [
    { name: "detection", title: "How often it is detected", about: `Band: 95 % for each size. ${counted(curve.seeds, "seed")} per size.`, svg: chance },
    ...(delays === null ? [] : [{ name: "delay", title: "How soon", about: "Over all runs; a line ends where too few runs detect anything.", svg: delays }]),
  ];
}

async function bakePictures(bake: BakeResult): Promise<readonly Picture[]> {
  if (bake.tried.length < 2) return [];
  const svg = await renderSvg(plotSpec({
    x: { title: "bake of the first step", format: "duration", log: true, values: bake.tried.map((each) => each.bake / MICROS_PER_SECOND) },
    y: { title: "noticed in the first step", format: "percent", domain: [0, 1] },
    series: [{ label: "noticed", kind: "line", points: bake.tried.map(({ bake: time, share, interval }) => ({ x: time / MICROS_PER_SECOND, y: share, ...interval })) }],
    limits: [{ label: percent(bake.share), value: bake.share, along: "y" }, ...(bake.bake === null ? [] : [{ label: duration(bake.bake), value: bake.bake / MICROS_PER_SECOND, along: "x" as const }])],
  }), "Chance that the first step notices, over its bake time");
  return [{ name: "bake", title: `How long it must bake for ${bake.size}`, about: "Band: 95 % for each bake.", svg }];
}

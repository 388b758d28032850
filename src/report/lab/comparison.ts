// A comparison of two strategies for a terminal, as Markdown and as one HTML page.

import pc from "picocolors";
import { counted } from "../../kernel/format.js";
import type { Comparison, ScenarioComparison } from "../../lab/compare.js";
import { html, type Markup } from "../escape.js";
import { text } from "../markdown.js";
import { oneLine, wrap } from "../text.js";
import { labPage, table, type Column } from "./page.js";
import { LINE_HEADS, linesOf, pairingWords, verdictWords, type ComparisonLine } from "./comparison-words.js";

const cells = ({ name, a, b, difference, interval, effect, better, note }: ComparisonLine): readonly string[] => [name, a, b, difference, interval, effect, better ?? "–", note];

const titleOf = ({ name, pairs, lost, lostWhy }: ScenarioComparison): string =>
  `${name ?? "all scenarios together"} (${counted(pairs, "pair")}${lost === 0 ? "" : `; ${counted(lost, "run")} lost: ${lostWhy ?? ""}`})`;

/** All parts of the comparison, the whole last. */
const partsOf = ({ scenarios, together }: Comparison): readonly ScenarioComparison[] => [...scenarios, ...(together === null ? [] : [together])];

/** For people at a terminal; it reads the same without colour. */
export function comparisonPretty(comparison: Comparison, { color = false, width = 100 }: { readonly color?: boolean; readonly width?: number } = {}): string {
  const colors = pc.createColors(color);
  const blocks = partsOf(comparison).map((part) => [
    colors.bold(oneLine(titleOf(part))),
    ...alignedTable([LINE_HEADS, ...linesOf(part).map(cells)]).map((line, index) => (index === 0 ? colors.dim(line) : line)),
  ].join("\n"));
  const whole = comparison.together ?? comparison.scenarios[0];
  return [
    `A = ${oneLine(comparison.a)}, B = ${oneLine(comparison.b)}: the same seeds, the same arrivals and draws`, "",
    blocks.join("\n\n"), "",
    ...(whole === undefined ? [] : pairingWords(whole).flatMap((line) => wrap(line, width)).map((line) => colors.dim(line))), "",
    ...wrap(verdictWords(comparison), width).map((line) => colors.bold(line)),
    ...(comparison.interrupted ? ["interrupted: this is what was finished"] : []),
  ].join("\n");
}

function alignedTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => [...row[column]].length)));
  return rows.map((row) => `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join("  ")}`.trimEnd());
}

export function comparisonMarkdown(comparison: Comparison): string {
  const whole = comparison.together ?? comparison.scenarios[0];
  return [
    `# ${text(comparison.a)} against ${text(comparison.b)}`, "",
    text(verdictWords(comparison)), "",
    ...partsOf(comparison).flatMap((part) => [
      `## ${text(titleOf(part))}`, "",
      `| ${LINE_HEADS.join(" | ")} |`, `| ${LINE_HEADS.map(() => "---").join(" | ")} |`,
      ...linesOf(part).map((line) => `| ${cells(line).map(text).join(" | ")} |`), "",
    ]),
    ...(whole === undefined ? [] : ["## What common random numbers were worth", "", ...pairingWords(whole).map((line) => `- ${text(line)}`), ""]),
    ...method(comparison).map((line) => `${text(line)}\n`),
  ].join("\n");
}

/** One HTML file that opens offline; the same comparison gives the same bytes. */
export function comparisonHtml(comparison: Comparison): string {
  const { a, b, interrupted } = comparison;
  const whole = comparison.together ?? comparison.scenarios[0];
  const tables = partsOf(comparison).map((part, index) => ({ id: `scenario-${index + 1}`, title: titleOf(part), content: comparisonTable(part) }));
  const pairing = whole === undefined ? [] : [{ id: "pairing", title: "What common random numbers were worth", content: html`<ul>${pairingWords(whole).map((line) => html`<li>${line}</li>`)}</ul>` }];
  return labPage({
    title: `${a} against ${b}`,
    kind: "comparison",
    lead: html`<p>${verdictWords(comparison)}${interrupted ? " Interrupted: this is what was finished." : ""}</p>`,
    sections: [...tables, ...pairing, { id: "method", title: "How it was found", content: html`${method(comparison).map((line) => html`<p>${line}</p>`)}` }],
    footer: html`${counted(comparison.seeds.length, "seed")} with each strategy`,
  });
}

const COLUMNS: readonly Column[] = LINE_HEADS.map((head, index) => ({ head, number: index > 0 && index < LINE_HEADS.length - 1 }));

function comparisonTable(part: ScenarioComparison): Markup {
  const lines = linesOf(part);
  return table(COLUMNS, lines.map(cells), lines.flatMap(({ better }, index) => (better === null ? [] : [index])));
}

/** What the figures are. */
const method = ({ a, b, seeds }: Comparison): readonly string[] => [
  `A is ${a}, B is ${b}; each of ${counted(seeds.length, "seed")} was played with both, so arrivals, users and draws are the same. B - A is the mean difference seed by seed; the interval is Student's, at 95%; over several scenarios each counts the same, and only what varies within one makes the mean unsure. d is the mean difference in standard deviations of the differences.`,
  "Lead time is the part of the lead time for changes that lies between release and promotion, of good releases. Detection is from a bad release's first harm to the decision that took it back because of what it does; mitigation is from the same moment until users no longer hurt. Of several releases in a run, the slowest counts.",
  "For a median, what has not happened by the scenario's end is later than any, and n:m counts the seeds on which A and B was sooner (sign test at 5%). In the mean lead time, who is not promoted counts up to the end; detection and mitigation have a mean only where each was reached on every seed, for without the hard cases it is better for whoever misses them. The cost counts delay only beyond a strategy's own schedule.",
  "For shares, n:m counts the seeds on which only A and only B has it; better is what McNemar's exact test finds at 5%, and the interval is from exact intervals of both counts. No correction is made for the number of figures.",
];

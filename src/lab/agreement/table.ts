// Writes the comparison down: a line with ticks and crosses per cell, and every figure with its standard error.

import type { RefusedCell } from "./cells.js";
import { COLUMNS, KS_ALPHA, TOLERANCES, verdictOf, type CellComparison, type Column, type Finding, type Verdict } from "./compare.js";

const MARK: Readonly<Record<Verdict, string>> = { agrees: "✓", noise: "~", misses: "✗" };

const SHORT: Readonly<Record<Column, string>> = {
  "error rate": "errors",
  mean: "mean",
  p95: "p95",
  "variation of error rate": "var errors",
  "variation of p95": "var p95",
  "rollback rate": "rollbacks",
  delay: "delay",
};

/** The table for a terminal, then everything that is not inside its tolerance. */
export function agreementTable(comparisons: readonly CellComparison[], refused: readonly RefusedCell[] = []): string {
  const width = Math.max(4, ...[...comparisons, ...refused].map(({ cell }) => cell.length));
  const head = ["cell".padEnd(width), ...COLUMNS.map((column) => SHORT[column])].join("  ");
  const lines = comparisons.map((comparison) =>
    [comparison.cell.padEnd(width), ...COLUMNS.map((column) => markOf(comparison, column).padEnd(SHORT[column].length))].join("  "),
  );
  const open = comparisons.flatMap(({ cell, findings }) => findings.filter(({ verdict }) => verdict !== "agrees").map((finding) => `${MARK[finding.verdict]} ${cell}: ${sentence(finding)}`));
  const named = refused.map(({ cell }) => `${cell.padEnd(width)}  refused by cohort`);
  const reasons = refused.flatMap(reasonsOf);
  return [head, ...lines, ...named, "", ...reasons, ...open, ...(open.length + reasons.length > 0 ? [""] : []), summary(comparisons, refused)].join("\n");
}

const reasonsOf = ({ cell, refusals }: RefusedCell): readonly string[] => refusals.map(({ what, why }) => `refused: ${cell}: cohort cannot do ${what}: ${why}`);

function markOf(comparison: CellComparison, column: Column): string {
  const verdict = verdictOf(comparison, column);
  return verdict === null ? "-" : MARK[verdict];
}

function summary(comparisons: readonly CellComparison[], refused: readonly RefusedCell[]): string {
  const findings = comparisons.flatMap((comparison) => comparison.findings);
  const count = (verdict: Verdict): number => findings.filter((finding) => finding.verdict === verdict).length;
  return `${count("agrees")} of ${findings.length} figures agree, ${count("noise")} are outside by no more than chance, ${count("misses")} miss${refused.length === 0 ? "" : `; cohort refuses ${refused.length} of ${comparisons.length + refused.length} cells`}`;
}

/** What a report says about where the figures come from. */
export interface Origin {
  readonly commit: string;
  readonly modelVersion: string;
  readonly seeds: number;
  readonly command: string;
}

/** The report for the gallery. */
export function agreementMarkdown(comparisons: readonly CellComparison[], origin: Origin, refused: readonly RefusedCell[] = []): string {
  return [
    "# The two fidelities agree, cell by cell",
    "",
    `Commit \`${origin.commit}\`, model version ${origin.modelVersion}, seeds 1..${origin.seeds} at each fidelity, made by \`${origin.command}\`. The fidelities share no draws.`,
    "",
    `Tolerances: error rate ${points(TOLERANCES.errorRate)}, mean ${percent(TOLERANCES.mean)}, p95 ${percent(TOLERANCES.p95)}, standard deviation of 2-minute windows of error rate and p95 ${percent(TOLERANCES.variation)}, rollback rates inside each other's 99 % Clopper-Pearson interval, delays the same distribution by a two-sample Kolmogorov-Smirnov test at ${percent(KS_ALPHA)}.`,
    "",
    "✓ inside the tolerance. ~ outside, but by less than 2.6 standard errors of the difference: chance may have done it. ✗ outside by more.",
    "",
    `| cell | ${COLUMNS.join(" | ")} |`,
    `|---|${COLUMNS.map(() => ":-:|").join("")}`,
    ...comparisons.map((comparison) => `| ${comparison.cell} | ${COLUMNS.map((column) => markOf(comparison, column)).join(" | ")} |`),
    ...refused.map(({ cell }) => `| ${cell} | refused ${"| ".repeat(COLUMNS.length)}`),
    "",
    `${summary(comparisons, refused)}.`,
    "",
    ...comparisons.flatMap(cellSection),
    ...refused.flatMap((one) => [`## ${one.cell}`, "", ...reasonsOf(one).map((reason) => `${reason}.`), ""]),
  ].join("\n");
}

function cellSection({ cell, about, findings }: CellComparison): readonly string[] {
  return [
    `## ${cell}`,
    "",
    `${about[0].toUpperCase()}${about.slice(1)}.`,
    "",
    "| | figure | of | request | cohort | difference | standard error | tolerance |",
    "|---|---|---|--:|--:|--:|--:|--:|",
    ...findings.map((finding) => {
      const { column, what, request, cohort, verdict } = finding;
      return `| ${MARK[verdict]} | ${column} | ${what} | ${figure(column, request)} | ${figure(column, cohort)} | ${differenceText(finding)} | ${errorText(finding)} | ${toleranceText(finding)} |`;
    }),
    "",
  ];
}

/** One finding in words: which figure, by how much, and how sure that is. */
function sentence(finding: Finding): string {
  const { column, what, request, cohort, note } = finding;
  const sure = finding.standardError === null ? "" : `, standard error ${errorText(finding)}`;
  const held = column === "rollback rate" ? note : `tolerance ${toleranceText(finding)}${note === "" ? "" : ` (${note})`}`;
  return `${column} of ${what}: request ${figure(column, request)}, cohort ${figure(column, cohort)}, difference ${differenceText(finding)}${sure}, ${held}`;
}

function figure(column: Column, value: number): string {
  switch (column) {
    case "error rate":
    case "variation of error rate":
      return percent(value, 3);
    case "mean":
    case "p95":
    case "variation of p95":
      return `${(value * 1000).toFixed(1)} ms`;
    case "rollback rate":
      return percent(value, 1);
    case "delay":
      return value === Infinity ? "never" : `${(value / 1e6).toFixed(0)} s`;
  }
}

function differenceText(finding: Finding): string {
  const sign = finding.difference > 0 && finding.column !== "delay" ? "+" : "";
  return sign + amount(finding, finding.difference);
}

const errorText = (finding: Finding): string => (finding.standardError === null ? "" : amount(finding, finding.standardError));

function toleranceText(finding: Finding): string {
  return finding.column === "rollback rate" ? finding.note : amount(finding, finding.tolerance);
}

function amount({ column, unit }: Finding, value: number): string {
  if (column === "delay") return value.toFixed(3);
  return unit === "absolute" ? points(value) : percent(value, 1);
}

const points = (value: number): string => `${(value * 100).toFixed(3)} points`;
const percent = (value: number, digits = 0): string => `${(value * 100).toFixed(digits)} %`;

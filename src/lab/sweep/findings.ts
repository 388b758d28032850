// What a sweep found, per setting of its fields: how often bad releases are caught, good ones rolled back, and at what cost.

import type { Ratio } from "../../kernel/units.js";
import { named, type Cell, type SweepRows } from "./duckdb.js";

/** What runs that belong together came to, all their seeds and releases pooled. */
export interface RunFindings {
  /** Releases that are harmful in truth, and how many of them were acted on because of what they did. */
  readonly harmful: number;
  readonly caught: number;
  readonly missed: number;
  /** Releases that are harmless in truth, and how many were taken back all the same. */
  readonly harmless: number;
  readonly falseRollbacks: number;
  readonly undecided: number;
  /** Detection of harmful releases in seconds, over all of them: never is later than any; null when that share never was. */
  readonly detectionP50: number | null;
  readonly detectionP90: number | null;
  readonly meanCost: number | null;
  readonly runs: number;
  readonly lost: number;
}

/** One setting of the fields. */
export interface PointFindings extends RunFindings {
  readonly point: number;
  /** In the order of the axes: as written, and as numbers. */
  readonly written: readonly string[];
  readonly numbers: readonly (number | null)[];
}

/** One pair of values of the first two fields, over every setting of the others. */
export interface CellFindings extends RunFindings {
  readonly written: readonly string[];
}

/** A share of the harmful releases was detected by then; Infinity where so few ever were, null where none was harmful. */
export const detectedBy = ({ harmful, detectionP50, detectionP90 }: RunFindings, quantile: "p50" | "p90"): number | null =>
  harmful === 0 ? null : ((quantile === "p50" ? detectionP50 : detectionP90) ?? Infinity);

export const caughtShare = ({ harmful, caught }: RunFindings): Ratio | null => (harmful === 0 ? null : caught / harmful);
export const falseShare = ({ harmless, falseRollbacks }: RunFindings): Ratio | null => (harmless === 0 ? null : falseRollbacks / harmless);

/** The values of a field, by size where they have one, else in the order of the design. */
export function valuesOf(points: readonly PointFindings[], field: number): readonly string[] {
  const values = [...new Map(points.map(({ written, numbers }) => [written[field], numbers[field]]))];
  return (values.every(([, number]) => number !== null) ? values.sort(([, a], [, b]) => (a ?? 0) - (b ?? 0)) : values).map(([text]) => text);
}

/** A time that is later than any, in seconds. */
const NEVER = 1e12;

/** Findings by point, in the order of the design. */
export async function findingsOf(rows: SweepRows): Promise<readonly PointFindings[]> {
  const paths = rows.manifest.axes.map(({ path }) => path);
  const fields = paths.flatMap((path) => [`any_value(${named(`${path} as written`)})`, `any_value(${named(path)})`]);
  const { rows: found } = await rows.ask(`select point, ${[...fields, ...FIGURES].join(", ")} from runs group by point order by point`);
  return found.map((row) => ({
    point: Number(row[0]),
    written: paths.map((_, k) => String(row[1 + 2 * k])),
    numbers: paths.map((_, k) => numberOrNull(row[2 + 2 * k])),
    ...figuresOf(row.slice(1 + fields.length)),
  }));
}

/** Findings by the first two fields: a quantile or a share of a cell is that of its runs, no mean of its settings' own. */
export async function cellsOf(rows: SweepRows): Promise<readonly CellFindings[]> {
  const paths = rows.manifest.axes.slice(0, 2).map(({ path }) => path);
  if (paths.length < 2) return [];
  const fields = paths.map((path) => named(`${path} as written`));
  const { rows: found } = await rows.ask(`select ${[...fields, ...FIGURES].join(", ")} from runs group by ${fields.join(", ")} order by min(point)`);
  return found.map((row) => ({ written: fields.map((_, k) => String(row[k])), ...figuresOf(row.slice(fields.length)) }));
}

const detectionOrNever = `case when classification in ('caught', 'late') then coalesce(detection, ${NEVER}) else ${NEVER} end`;

const FIGURES: readonly string[] = [
  "count(*) filter (truth = 'harmful')",
  "count(*) filter (truth = 'harmful' and classification in ('caught', 'late'))",
  "count(*) filter (truth = 'harmful' and classification = 'missed')",
  "count(*) filter (truth = 'harmless')",
  "count(*) filter (classification = 'false-rollback')",
  "count(*) filter (classification = 'undecided')",
  `quantile_disc(${detectionOrNever}, 0.5) filter (truth = 'harmful')`,
  `quantile_disc(${detectionOrNever}, 0.9) filter (truth = 'harmful')`,
  "avg(cost)",
  "count(distinct key)",
  "count(failure)",
];

/** The answers to FIGURES, in their order. */
function figuresOf(answers: readonly Cell[]): RunFindings {
  const [harmful, caught, missed, harmless, falseRollbacks, undecided, p50, p90, cost, runs, lost] = answers.map(numberOrNull);
  return {
    harmful: harmful ?? 0, caught: caught ?? 0, missed: missed ?? 0, harmless: harmless ?? 0, falseRollbacks: falseRollbacks ?? 0, undecided: undecided ?? 0,
    detectionP50: known(p50), detectionP90: known(p90),
    meanCost: cost === null ? null : Number(cost.toPrecision(9)),
    runs: runs ?? 0, lost: lost ?? 0,
  };
}

const numberOrNull = (value: Cell): number | null => (typeof value === "number" ? value : null);
const known = (seconds: number | null): number | null => (seconds === null || seconds >= NEVER ? null : seconds);

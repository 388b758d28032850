// What a sweep found, per setting of its fields: how often bad releases are caught, good ones rolled back, and at what cost.

import type { Ratio } from "../../kernel/units.js";
import { named, type Cell, type SweepRows } from "./duckdb.js";

/** One setting of the fields, over its seeds and releases. */
export interface PointFindings {
  readonly point: number;
  /** In the order of the axes: as written, and as numbers. */
  readonly written: readonly string[];
  readonly numbers: readonly (number | null)[];
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

export const caughtShare = ({ harmful, caught }: PointFindings): Ratio | null => (harmful === 0 ? null : caught / harmful);
export const falseShare = ({ harmless, falseRollbacks }: PointFindings): Ratio | null => (harmless === 0 ? null : falseRollbacks / harmless);

/** Counts by point, in the order of the design. */
export async function findingsOf(rows: SweepRows): Promise<readonly PointFindings[]> {
  const { axes } = rows.manifest;
  const paths = axes.map(({ path }) => path);
  const never = "1e12";
  const { rows: found } = await rows.ask(`
    select point,
      ${paths.map((path) => `any_value(${named(`${path} as written`)}), any_value(${named(path)}),`).join(" ")}
      count(*) filter (truth = 'harmful'),
      count(*) filter (truth = 'harmful' and classification in ('caught', 'late')),
      count(*) filter (truth = 'harmful' and classification = 'missed'),
      count(*) filter (truth = 'harmless'),
      count(*) filter (classification = 'false-rollback'),
      count(*) filter (classification = 'undecided'),
      quantile_disc(case when classification in ('caught', 'late') then coalesce(detection, ${never}) else ${never} end, 0.5) filter (truth = 'harmful'),
      quantile_disc(case when classification in ('caught', 'late') then coalesce(detection, ${never}) else ${never} end, 0.9) filter (truth = 'harmful'),
      avg(cost),
      count(distinct key),
      count(failure)
    from runs group by point order by point`);
  return found.map((row) => {
    const rest = row.slice(1 + 2 * paths.length).map(numberOrNull);
    const [harmful, caught, missed, harmless, falseRollbacks, undecided, p50, p90, cost, runs, lost] = rest;
    return {
      point: Number(row[0]),
      written: paths.map((_, k) => String(row[1 + 2 * k])),
      numbers: paths.map((_, k) => numberOrNull(row[2 + 2 * k])),
      harmful: harmful ?? 0, caught: caught ?? 0, missed: missed ?? 0, harmless: harmless ?? 0, falseRollbacks: falseRollbacks ?? 0, undecided: undecided ?? 0,
      detectionP50: known(p50), detectionP90: known(p90),
      meanCost: cost === null ? null : Number(cost.toPrecision(9)),
      runs: runs ?? 0, lost: lost ?? 0,
    };
  });
}

const numberOrNull = (value: Cell): number | null => (typeof value === "number" ? value : null);
const known = (seconds: number | null): number | null => (seconds === null || seconds >= 1e12 ? null : seconds);

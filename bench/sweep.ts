// A sweep of a million rows: written in a stream with flat memory, then asked a question.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFiles } from "../src/cli/files.js";
import { collectBundle, type Bundle } from "../src/lab/bundle.js";
import { InlineRunner } from "../src/lab/inline-runner.js";
import { jobsOf, runKey, type Job, type OnResult, type Runner, type RunDone } from "../src/lab/runner.js";
import { parseAxis } from "../src/lab/sweep/axis.js";
import { designPoints } from "../src/lab/sweep/design.js";
import { SweepRows } from "../src/lab/sweep/duckdb.js";
import { planSweep, type SweepPlan } from "../src/lab/sweep/plan.js";
import { sweep } from "../src/lab/sweep/sweep.js";
import type { BenchRow } from "./row.js";

/** From dist-bench/bench. */
const SCENARIO = join(dirname(fileURLToPath(import.meta.url)), "../../bench/two-services.yaml");
/** The demand; SHAKEDOWN_BENCH_ROWS plays fewer. */
const ROWS = Number(process.env["SHAKEDOWN_BENCH_ROWS"] ?? 1_000_000);
const SETTINGS = 10;
const MOST_SECONDS_OF_A_QUERY = 2;
/** The collector takes its time: so much may come and go. */
const MOST_GROWTH_MB = 96;
const QUESTION = `select "triggers.error-rate.above", classification, count(*), quantile_cont(detection, 0.9), avg(cost) from runs group by all order by all`;

export async function sweepBench(): Promise<readonly BenchRow[]> {
  const plan = planned();
  const folder = mkdtempSync(join(tmpdir(), "shakedown-bench-"));
  try {
    const memory = new Memory();
    const started = performance.now();
    await sweep(plan, new GeneratedRunner(await template(plan.variants[0].bundle)), { out: folder, resume: false, onProgress: (rows) => memory.look(rows) });
    const written = (performance.now() - started) / 1000;
    const converted = await seconds(async () => withRows(folder, (rows) => rows.writeParquet(folder)));
    const asked = await seconds(async () => withRows(folder, async (rows) => {
      const { rows: answers } = await rows.ask(QUESTION);
      const counted = answers.reduce((sum, [, , count]) => sum + Number(count), 0);
      if (counted !== ROWS) throw new Error(`the question was asked of ${counted} rows`);
    }));
    return [
      { name: `sweep: ${ROWS} generated rows written in a stream`, value: ROWS / written, unit: "rows/s", target: "", met: null },
      { name: "sweep: resident memory at its most, over that after a tenth of the rows", value: memory.growth, unit: "MB", target: `< ${MOST_GROWTH_MB} MB`, met: memory.growth < MOST_GROWTH_MB },
      { name: "sweep: the rows as Parquet", value: converted, unit: "s", target: "", met: null },
      { name: "sweep: a question to all rows, DuckDB's start included", value: asked, unit: "s", target: `< ${MOST_SECONDS_OF_A_QUERY} s`, met: asked < MOST_SECONDS_OF_A_QUERY },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function planned(): SweepPlan {
  const collected = collectBundle(SCENARIO, nodeFiles({}));
  if (!collected.ok) throw new Error(collected.problems.map(({ message }) => message).join("; "));
  const axis = parseAxis(`triggers.error-rate.above=0.5%..5%/${SETTINGS}`, collected.value);
  if (!axis.ok) throw new Error(axis.message);
  const design = { name: "grid", points: null, seed: 1 } as const;
  const points = designPoints([axis.value], design);
  if (!points.ok) throw new Error(points.message);
  const seeds = Array.from({ length: ROWS / SETTINGS }, (_, k) => k + 1);
  return planSweep({ axes: [axis.value], points: points.points, design, scenario: collected.value, fidelity: "cohort", seeds, healthy: false });
}

/** One real run, whose row all generated ones resemble. */
async function template(bundle: Bundle): Promise<RunDone> {
  const found: RunDone[] = [];
  await new InlineRunner().run(jobsOf(bundle, [1], { fidelity: "cohort" }), (result) => void (result.ok && found.push(result)));
  return found[0];
}

/** Rows without runs: every one with its own key, seed, cost and detection. */
class GeneratedRunner implements Runner {
  readonly workers = 1;
  readonly #template: RunDone;

  constructor(like: RunDone) {
    this.#template = like;
  }

  async run(jobs: Iterable<Job>, onResult: OnResult): Promise<{ delivered: number; aborted: boolean }> {
    const { row } = this.#template;
    const [release] = row.releases;
    let delivered = 0;
    for (const job of jobs) {
      const key = runKey(job);
      const caught = job.seed % 3 === 0;
      const changed = {
        ...release, classification: caught ? ("caught" as const) : ("clean" as const),
        times: { ...release.times, detection: caught ? 60e6 + (job.seed % 997) * 1e5 : null }, cost: { ...release.cost, total: job.seed % 1009 },
      };
      const made = { ...row, key, bundle: job.bundle.hash, seed: job.seed, releases: [changed] };
      await onResult({ ok: true, key, job, row: made, text: JSON.stringify(made), outcome: null }, delivered);
      delivered += 1;
    }
    return { delivered, aborted: false };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Resident memory while rows are written. */
class Memory {
  #early = 0;
  #most = 0;

  look(rows: number): void {
    if (rows % 5000 !== 0) return;
    const megabytes = process.memoryUsage.rss() / 2 ** 20;
    if (rows <= ROWS / 10) this.#early = Math.max(this.#early, megabytes);
    this.#most = Math.max(this.#most, megabytes);
  }

  get growth(): number {
    return this.#most - this.#early;
  }
}

async function withRows(folder: string, use: (rows: SweepRows) => Promise<void>): Promise<void> {
  const rows = await SweepRows.open(folder);
  try {
    await use(rows);
  } finally {
    rows.close();
  }
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

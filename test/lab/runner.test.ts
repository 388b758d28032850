// Runners promise the same bytes in the same order whoever plays, bounded look-ahead, and a result for every job.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scenarioOf, type Bundle } from "../../src/lab/bundle.js";
import { InlineRunner } from "../../src/lab/inline-runner.js";
import { Player } from "../../src/lab/play.js";
import { PoolRunner } from "../../src/lab/pool-runner.js";
import { jobsOf, runKey, type Job, type RunResult } from "../../src/lab/runner.js";
import { variantOf } from "../../src/lab/variant.js";
import { runScenario } from "../../src/sim/run.js";
import { resultsOf, startPool } from "./support/bundles.js";
import { tiny } from "./support/tiny.js";

const spike = tiny({ name: "spike" });
const healthy = tiny({ name: "healthy", errors: "+0%", expect: "classification: clean" });
const seeds = Array.from({ length: 6 }, (_, k) => k + 1);
const cohort = { fidelity: "cohort" } as const;

const inline = new InlineRunner();
let one: PoolRunner;
let three: PoolRunner;
beforeAll(async () => {
  [one, three] = await Promise.all([startPool(1, { scenarios: 1 }), startPool(3)]);
});
afterAll(async () => {
  await Promise.all([one.close(), three.close()]);
});

const bytes = (results: readonly RunResult[]): string => results.map((result) => (result.ok ? `${result.text}\n${JSON.stringify(result.outcome)}` : JSON.stringify(result.failure))).join("\n");

/** Two scenarios and a variant, mixed. */
function mixed(): Job[] {
  const variant = variantOf(spike, [{ path: "triggers.error-rate.above", value: "3%" }]);
  if (!variant.ok) throw new Error(variant.problems[0].message);
  return seeds.flatMap((seed) => [spike, healthy, variant.value].map((bundle): Job => ({ bundle, seed, fidelity: "cohort", detail: seed % 4 === 0 ? "light" : "row" })));
}

describe("every runner", () => {
  it("gives the same bytes in the order of the jobs, for any number of workers", async () => {
    const jobs = mixed();
    const [a, b, c] = [await resultsOf(inline, jobs), await resultsOf(one, jobs), await resultsOf(three, jobs)];
    expect(a.map(({ key }) => key)).toEqual(jobs.map(runKey));
    expect(bytes(b)).toBe(bytes(a));
    expect(bytes(c)).toBe(bytes(a));
  });

  it("gives what a run by itself gives: sharing a world and its twins changes nothing", async () => {
    const [result] = await resultsOf(three, jobsOf(spike, [5], { ...cohort, detail: "full" }));
    const scenario = scenarioOf(spike);
    if (!scenario.ok || !result.ok) throw new Error("it runs");
    expect(result.outcome).toEqual(JSON.parse(JSON.stringify(runScenario(scenario.value, { seed: 5, fidelity: "cohort" }))));
    expect(result.row).toMatchObject({ key: `${spike.hash}:cohort:5`, seed: 5, passed: true, releases: [{ classification: "caught", truth: "harmful" }] });
  });

  it("gives a refused scenario as a failure with place and reason, and plays the others", async () => {
    const broken = tiny({ name: "broken", duration: "12" });
    const jobs: Job[] = [broken, healthy].map((bundle) => ({ bundle, seed: 1, fidelity: "cohort", detail: "row" }));
    for (const runner of [inline, three]) {
      const [lost, done] = await resultsOf(runner, jobs);
      expect(lost.ok ? null : lost.failure).toMatchObject({ kind: "refused" });
      expect(lost.ok ? "" : lost.failure.message).toContain("broken.yaml:5:6: `for`: `12` has no unit");
      expect(done.ok).toBe(true);
    }
  });

  it("takes jobs only a bounded way ahead of the results", async () => {
    for (const runner of [inline, three]) {
      let taken = 0;
      let furthest = 0;
      const counted = function* (): Generator<Job> {
        for (const job of jobsOf(healthy, Array.from({ length: 10_000 }, (_, k) => k), cohort)) {
          taken += 1;
          yield job;
        }
      };
      const stop = new AbortController();
      await runner.run(counted(), async (_, index) => {
        // A slow reader.
        await new Promise((resolve) => setTimeout(resolve, 2));
        furthest = Math.max(furthest, taken - index);
        if (index === 20) stop.abort();
      }, { signal: stop.signal });
      expect(furthest).toBeLessThanOrEqual(128 * runner.workers + 1);
    }
  });

  it("delivers nothing after an abort, and what came is a beginning of the jobs", async () => {
    for (const runner of [inline, three]) {
      const stop = new AbortController();
      const played: number[] = [];
      const summary = await runner.run(jobsOf(healthy, seeds, cohort), ({ job }) => {
        played.push(job.seed);
        if (job.seed === 5) stop.abort();
      }, { signal: stop.signal });
      expect(summary).toEqual({ delivered: 5, aborted: true });
      expect(played).toEqual([1, 2, 3, 4, 5]);
    }
    expect(await resultsOf(three, jobsOf(healthy, [9], cohort))).toHaveLength(1);
  });

  it("hands on an error of the reader", async () => {
    for (const runner of [inline, three]) {
      await expect(runner.run(jobsOf(healthy, seeds, cohort), () => { throw new Error("disk full"); })).rejects.toThrow("disk full");
    }
  });
});

describe("a player", () => {
  it("keeps as many scenarios as it may, and reads one that it has dropped again, to the same bytes", () => {
    const player = new Player(null, 2);
    const third = tiny({ name: "third", rate: "41rps" });
    const read: string[] = [];
    const row = (bundle: Bundle): string => {
      const played = player.play({ key: runKey({ bundle, seed: 1, ...cohort }), hash: bundle.hash, seed: 1, ...cohort, detail: "row" }, () => {
        read.push(bundle.entry);
        return bundle;
      });
      return played.ok ? played.row : played.failure.message;
    };
    const first = row(spike);
    [spike, healthy, spike, healthy].forEach(row);
    expect(read).toEqual([spike.entry, healthy.entry]);
    [third, healthy].forEach(row);
    expect(row(spike)).toBe(first);
    expect(read).toEqual([spike.entry, healthy.entry, third.entry, spike.entry]);
  });
});

describe("a pool whose worker cannot load", () => {
  it("ends with that error instead of starting threads for ever", async () => {
    const pool = await PoolRunner.start({ workers: 2, entry: new URL("data:text/javascript,throw new Error('no such build')") });
    await expect(resultsOf(pool, jobsOf(healthy, seeds, cohort))).rejects.toThrow("a worker cannot start");
    await pool.close();
  });
});

describe("a pool with a limit", () => {
  it("gives up a run that takes too long, and plays the next one", async () => {
    const endless = tiny({ name: "endless", duration: "20d", rate: "4000rps" });
    const pool = await startPool(1, { secondsPerRun: 3 });
    const jobs: Job[] = [{ bundle: endless, seed: 1, fidelity: "request", detail: "row" }, { bundle: healthy, seed: 1, fidelity: "cohort", detail: "row" }];
    const [lost, done] = await resultsOf(pool, jobs);
    await pool.close();
    expect(lost.ok ? null : lost.failure).toEqual({ kind: "timed-out", message: "the run took longer than 3 s" });
    expect(done.ok).toBe(true);
  });
});

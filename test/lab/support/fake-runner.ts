// A runner that plays nothing: each run is what the test says it is.

import { rowOf, type RunRow } from "../../../src/lab/run-row.js";
import { runKey, type Job, type OnResult, type RunManyOptions, type RunManySummary, type Runner } from "../../../src/lab/runner.js";
import type { Outcome } from "../../../src/sim/outcome.js";

/** What a run came to. */
export interface FakeRun {
  readonly classification?: string;
  readonly passed?: boolean;
  /** Seconds; null for never. */
  readonly detection?: number | null;
  readonly mitigation?: number | null;
  readonly cost?: number;
  readonly digest?: string;
}

const NEVER = { releasedAt: 0, firstTrafficAt: null, harmStartsAt: null, detectedAt: null, mitigatedAt: null, restoredAt: null, finishedAt: null, recovery: null };
const micros = (seconds: number | null): number | null => (seconds === null ? null : seconds * 1e6);

export function fakeOutcome(seed: number, { classification = "caught", passed = classification === "caught" || classification === "clean", detection = 60, mitigation = null, cost = 100, digest = `${seed}-${classification}-${cost}` }: FakeRun): Outcome {
  return {
    modelVersion: "1", scenario: { name: "fake", file: "fake.yaml", about: "", world: "w", strategy: "s" }, seed, fidelity: "cohort", duration: 1, digest, passed,
    expectations: [{ text: "v2: classification caught", file: "fake.yaml", line: 17, passed, reason: passed ? "classification is caught" : `classification is ${classification}, not caught` }],
    invariants: [], alerts: [], incidents: [], totals: { requests: 1, failed: 0, slow: 0, orders: 0, orderEuro: 0 },
    releases: [{ service: "api", version: "v2", truth: "harmful", result: "rolled-back", cause: classification === "caught" || classification === "late" ? "release" : null, classification, unscoredWhy: null, tookRightAction: classification === "caught", times: { ...NEVER, detection: micros(detection), mitigation: micros(mitigation) }, impact: { shareOfRequests: 0 }, cost: { total: cost } }],
    decisions: [{
      id: 1, at: 600e6, state: "step 1 of 2, baking", release: "v2", service: "api", rule: "trigger", actions: ["roll-back"], by: "engine", reason: "the error rate <of> v2 & co stayed above 1 %", decidingCheck: "error-rate", flag: null, weight: 0.5,
      checks: [{ check: "error-rate", metric: "error-rate", role: "trigger", series: "api v2", status: "breach", fired: true, observed: 0.2, threshold: 0.01, baseline: null, baselineSampleSize: 0, sampleSize: 500, window: { from: 0, to: 120e6 }, breaches: 3, persistence: { need: 3, of: 5 } }],
    }],
  } as unknown as Outcome;
}

export class FakeRunner implements Runner {
  readonly workers = 1;
  /** Seeds played, with those played again in detail. */
  readonly played: number[] = [];
  readonly #runs: (seed: number) => FakeRun | string;

  /** Text stands for a run that is lost, and says why. */
  constructor(runs: (seed: number) => FakeRun | string) {
    this.#runs = runs;
  }

  async run(jobs: Iterable<Job>, onResult: OnResult, { signal }: RunManyOptions = {}): Promise<RunManySummary> {
    let delivered = 0;
    for (const job of jobs) {
      if (signal?.aborted === true) return { delivered, aborted: true };
      this.played.push(job.seed);
      const key = runKey(job);
      const run = this.#runs(job.seed);
      if (typeof run === "string") await onResult({ ok: false, key, job, failure: { kind: "crashed", message: run } }, delivered);
      else {
        const outcome = fakeOutcome(job.seed, run);
        const row: RunRow = rowOf(outcome, key, job.bundle.hash);
        await onResult({ ok: true, key, job, row, text: JSON.stringify(row), outcome: job.detail === "row" ? null : outcome }, delivered);
      }
      delivered += 1;
    }
    return { delivered, aborted: false };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

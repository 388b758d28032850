// The model version stands for the model: whoever changes what a run comes to raises it, or this fails and says so.
//
//   STORE_DIGESTS=1 npx vitest run test/digest     after MODEL_VERSION was raised, or a scenario below was edited

import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeFiles } from "../../src/cli/files.js";
import { InlineRunner } from "../../src/lab/inline-runner.js";
import { bundleOf, collectBundle, type Bundle } from "../../src/lab/bundle.js";
import type { RunRow } from "../../src/lab/run-row.js";
import { MODEL_VERSION } from "../../src/world/model-version.js";
import type { Fidelity } from "../../src/world/world.js";

const ROOT = join(import.meta.dirname, "../..");
const STORED = join(import.meta.dirname, "model-version.json");
const STORE = "STORE_DIGESTS=1 npx vitest run test/digest";

/** Both rollbacks, a load-dependent, a conversion and a leaking defect, caches, breakers, bursts, noise, and few requests: a second or two each. */
const PLAYED: readonly (readonly [string, Fidelity, readonly number[]])[] = [
  ["basics/flag-is-enough", "cohort", [1, 2]],
  ["basics/error-spike", "cohort", [1]],
  ["basics/slow-creep", "cohort", [1]],
  ["blind-spots/conversion-watched", "cohort", [1]],
  ["blind-spots/memory-leak", "cohort", [1]],
  ["false-alarms/breaking-news", "cohort", [1]],
  ["false-alarms/dependency-outage", "cohort", [1]],
  ["false-alarms/noisy-neighbour", "cohort", [1]],
  ["rollback/fails-once", "cohort", [1, 2]],
  ["rollback/fails-once", "request", [1]],
  ["blind-spots/low-traffic", "request", [1]],
  ["false-alarms/small-pool", "request", [1]],
];

/** What a run came to: its digest, and the figures that a baseline, a sweep or a search judges strategies by. */
interface Result {
  readonly digest: string;
  readonly passed: boolean;
  readonly cost: number;
  readonly releases: readonly { readonly classification: string; readonly detection: number | null; readonly mitigation: number | null }[];
}
interface StoredScenario {
  /** Of the scenario's files, so that another scenario is not taken for another model. */
  readonly files: string;
  readonly seeds: Readonly<Record<string, Result>>;
}
interface Stored {
  readonly modelVersion: string;
  readonly scenarios: Readonly<Record<string, StoredScenario>>;
}

function bundleAt(name: string): Bundle {
  const collected = collectBundle(join(ROOT, `scenarios/${name}.yaml`), nodeFiles({ allowPaths: [] }));
  if (!collected.ok) throw new Error(collected.problems.map(({ message }) => message).join("\n"));
  const { entry, files } = collected.value;
  const named = (path: string): string => relative(ROOT, path).replaceAll("\\", "/");
  return bundleOf(named(entry), files.map(({ path, text }) => ({ path: named(path), text })));
}

const resultOf = ({ digest, passed, cost, releases }: RunRow): Result => ({
  digest, passed, cost,
  releases: releases.map(({ classification, times: { detection, mitigation } }) => ({ classification, detection, mitigation })),
});

async function played(): Promise<Stored> {
  const runner = new InlineRunner();
  const scenarios: Record<string, StoredScenario> = {};
  for (const [name, fidelity, seeds] of PLAYED) {
    const bundle = bundleAt(name);
    const results: Record<string, Result> = {};
    await runner.run(seeds.map((seed) => ({ bundle, seed, fidelity, detail: "row" as const })), (result) => {
      if (!result.ok) throw new Error(`${name}: ${result.failure.message}`);
      results[result.job.seed] = resultOf(result.row);
    });
    scenarios[`${name} at ${fidelity}`] = { files: bundle.hash, seeds: results };
  }
  return { modelVersion: MODEL_VERSION, scenarios };
}

/** What is wrong, and what to do about it; null when all is as stored. */
function complaint(stored: Stored, now: Stored): string | null {
  if (stored.modelVersion !== now.modelVersion) return `the results in test/digest/model-version.json are of model version ${stored.modelVersion}, and this is ${now.modelVersion}: store new ones with ${STORE}`;
  const same = Object.keys(now.scenarios).filter((name) => stored.scenarios[name]?.files === now.scenarios[name].files);
  const differ = same.filter((name) => JSON.stringify(stored.scenarios[name]) !== JSON.stringify(now.scenarios[name]));
  if (differ.length > 0) {
    return `the model gives other results than model version ${stored.modelVersion} did (${differ.join(", ")}): raise MODEL_VERSION in src/world/model-version.ts, then store the new results with ${STORE}. If the model was not meant to change, find out why it did`;
  }
  const names = new Set([...Object.keys(stored.scenarios), ...Object.keys(now.scenarios)]);
  const edited = [...names].filter((name) => !same.includes(name));
  return edited.length === 0 ? null : `other scenarios than those stored (${edited.join(", ")}): store their results with ${STORE}`;
}

describe("the model version", () => {
  it("belongs to results that are still the same", async () => {
    const stored = JSON.parse(readFileSync(STORED, "utf8")) as Stored;
    const now = await played();
    const wrong = complaint(stored, now);
    const raised = stored.modelVersion !== now.modelVersion || wrong?.startsWith("other scenarios") === true;
    if (process.env["STORE_DIGESTS"] === "1" && raised) writeFileSync(STORED, `${JSON.stringify(now, null, 1)}\n`);
    else expect(wrong).toBeNull();
  });

  it("must be raised when a digest or a figure differs, and not when only a scenario was edited", () => {
    const scenario = (files: string, digest: string, cost = 1): StoredScenario => ({ files, seeds: { 1: { digest, passed: true, cost, releases: [] } } });
    const stored: Stored = { modelVersion: "7", scenarios: { spike: scenario("a", "d") } };
    expect(complaint(stored, stored)).toBeNull();
    expect(complaint(stored, { modelVersion: "7", scenarios: { spike: scenario("a", "e") } })).toMatch(/other results than model version 7 did \(spike\): raise MODEL_VERSION .* STORE_DIGESTS=1/);
    expect(complaint(stored, { modelVersion: "7", scenarios: { spike: scenario("a", "d", 2) } })).toMatch(/raise MODEL_VERSION/);
    expect(complaint(stored, { modelVersion: "8", scenarios: { spike: scenario("a", "e") } })).toMatch(/are of model version 7, and this is 8: store new ones/);
    expect(complaint(stored, { modelVersion: "7", scenarios: { spike: scenario("b", "e") } })).toMatch(/^other scenarios than those stored \(spike\)/);
  });
});

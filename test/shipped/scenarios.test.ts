// Holds the shipped scenarios to what they promise: they load, teach one thing each, and leave no shipped file unused.

import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { globSync } from "tinyglobby";
import { describe, expect, it } from "vitest";
import { nodeFiles } from "../../src/cli/files.js";
import type { Scenario } from "../../src/scenario/compiled.js";
import { loadScenario } from "../../src/scenario/load.js";

const root = join(import.meta.dirname, "../..");
const shipped = (pattern: string): string[] => globSync(pattern, { cwd: root }).sort();
const files = shipped("scenarios/*/*.yaml").filter((file) => !/scenarios\/(worlds|strategies)\//.test(file));

const load = (file: string): Scenario => {
  const loaded = loadScenario(join(root, file), nodeFiles({ allowPaths: [] }));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  return loaded.value;
};

/** What the issue asks for, and the scenario that teaches it. */
const lessons: Readonly<Record<string, string>> = {
  "healthy release": "basics/healthy-release",
  "error spike": "basics/error-spike",
  "slow creep under load": "basics/slow-creep",
  "one endpoint behind a flag": "basics/flag-is-enough",
  "cold start that looks like a regression": "false-alarms/cold-start",
  "healthy but small canary pool": "false-alarms/small-pool",
  "low traffic": "blind-spots/low-traffic",
  "noisy neighbour hitting both versions": "false-alarms/noisy-neighbour",
  "telemetry gap during promotion": "blind-spots/telemetry-gap",
  "conversion drop without errors": "blind-spots/conversion-drop",
  "memory leak that shows after promotion": "blind-spots/memory-leak",
  "dependency outage during a good release": "false-alarms/dependency-outage",
  "a rollback that fails once": "rollback/fails-once",
  "rollback to a scaled-down stable": "rollback/scaled-down-stable",
};

describe("the shipped scenarios", () => {
  const scenarios = files.map((file) => ({ file, scenario: load(file) }));

  it.each(Object.entries(lessons))("teach: %s", (_, name) => {
    expect(files).toContain(`scenarios/${name}.yaml`);
  });

  it.each(scenarios)("$file says in a sentence what it teaches, and expects something of its release", ({ scenario }) => {
    expect(scenario.about).toMatch(/^\S.{40,}\.$/);
    expect(scenario.expectations.some(({ kind }) => kind === "release")).toBe(true);
    expect(scenario.expectIn).toBe(0.95);
  });

  it("have names of their own", () => {
    const names = scenarios.map(({ scenario }) => scenario.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("use every shipped world, strategy and trace", () => {
    const text = shipped("scenarios/*/*.yaml").map((file) => readFileSync(join(root, file), "utf8")).join("\n");
    const unused = shipped("scenarios/{worlds,strategies,traces}/*.{yaml,csv}").filter((file) => !text.includes(`../${relative("scenarios", file)}`));
    expect(unused).toEqual([]);
    expect(shipped("scenarios/strategies/*.yaml").length).toBeGreaterThanOrEqual(3);
    expect(existsSync(join(root, "scenarios/traces/LICENSE.nab.txt"))).toBe(true);
  });

  it("bring a shop of eleven services whose pages reach several others", () => {
    const shop = scenarios.find(({ scenario }) => scenario.world.name === "web-shop")?.scenario.world;
    expect(shop?.services).toHaveLength(11);
    const calls = shop?.services.flatMap(({ endpoints }) => endpoints.flatMap((endpoint) => endpoint.calls)) ?? [];
    const called = new Set(calls.flatMap(({ to }) => (to.kind === "endpoint" ? [to.service] : [])));
    expect(called.size).toBe(10);
  });
});

describe("the main scenario", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: { start: string } };
  const file = /run (\S+\.yaml)/.exec(scripts.start)?.[1] ?? "";

  it("is what npm start runs, and peaks at 400 requests per second on the load balancer's trace", () => {
    expect(files).toContain(file);
    const [traffic] = load(file).world.traffic;
    expect(traffic.shape.kind).toBe("trace");
    if (traffic.shape.kind !== "trace") return;
    expect(traffic.rate * Math.max(...traffic.shape.relative)).toBeCloseTo(400, 6);
  });
});

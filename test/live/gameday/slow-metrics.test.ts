// Metrics pages that answer late: every scrape over HTTP sees them late, the built-in scraper's and a Prometheus' alike.

import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { millis, seconds } from "../../../src/kernel/units.js";
import { planFaults } from "../../../src/live/gameday/fault-acts.js";
import { readRecord } from "../../../src/live/telemetry/replay.js";
import { MiniGameDay, miniScenario } from "./mini.js";

const [FROM, TO, LATE] = [seconds(3), seconds(8), millis(400)];
const fault = (lag: string, on = "telemetry"): string => `[{ at: 3s, fault: { effect: { on: ${on}, lag: ${lag} }, for: 5s } }]`;

describe("a lag of telemetry", () => {
  const days: MiniGameDay[] = [];
  afterAll(() => days.forEach((day) => day.forget()));

  it.each(["built-in", "prometheus"] as const)("that a page can be late within one scrape is slow metrics pages, with the engines on the %s", (engines) => {
    const { acts, refusals } = planFaults(miniScenario({ script: fault("+400ms") }), engines);
    expect(refusals).toEqual([]);
    expect(acts).toMatchObject([{ what: "metrics pages slow by 400ms", victim: "every service", act: { do: "slow-metrics", service: null, delay: LATE } }]);
  });

  it("that is longer than a scrape may take is the built-in scraper's own; a Prometheus has none, and says what it can do", () => {
    const scenario = miniScenario({ script: fault("+10s", "telemetry shop") });
    expect(planFaults(scenario, "built-in").acts).toMatchObject([{ act: { do: "lag", service: "shop", add: seconds(10) } }]);
    expect(planFaults(scenario, "prometheus").refusals).toEqual([expect.stringContaining("write a lag of at most 800ms, which slow metrics pages make")]);
  });

  it("makes the replicas' own pages answer late while it lasts: their samples are of the scrape's time, and none is lost", async () => {
    const day = new MiniGameDay(miniScenario({ script: fault("+400ms", "telemetry shop"), lasts: "11s" }));
    days.push(day);
    const { early, cleaned } = await day.done;
    expect([early, cleaned.left, day.left]).toEqual([null, [], 0]);
    const pages = new Set<number>();
    const rows: { readonly time: number; readonly took: number; readonly up: number | null }[] = [];
    for await (const line of readRecord(join(day.folder, "telemetry.ndjson"))) {
      if (line.kind === "target" && line.schema.kind === "service") pages.add(line.target);
      if (line.kind === "row" && pages.has(line.target)) rows.push({ time: line.time, took: line.visibleAt - line.time, up: line.up });
    }
    const slow = rows.filter(({ time }) => time > FROM + millis(200) && time < TO - millis(200));
    expect(slow.length).toBeGreaterThanOrEqual(8);
    for (const { took, up } of slow) expect([took >= LATE, up]).toEqual([true, 1]);
    const before = rows.filter(({ time }) => time > 0 && time < FROM).map(({ took }) => took);
    const after = rows.filter(({ time }) => time > TO + millis(200)).map(({ took }) => took);
    for (const quick of [before, after]) expect(Math.min(...quick)).toBeLessThan(LATE);
  }, 60_000);
});

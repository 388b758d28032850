// Which windows of a game day can be believed, and that what a stopped one never came to is not called badly measured.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { reportGameDay } from "../../../src/cli/commands/gameday-report.js";
import { ExitCode } from "../../../src/cli/exit.js";
import { VirtualClock } from "../../../src/kernel/clock.js";
import { millis, seconds, type Micros } from "../../../src/kernel/units.js";
import { Quality, QUALITY_WINDOW } from "../../../src/live/gameday/quality.js";
import type { GameDayPlan } from "../../../src/live/safety/plan.js";
import { runScenario } from "../../../src/sim/run.js";
import { shopScenario } from "../../lab/predict/shop.js";

const REPORT: Micros = millis(500);
const NONE = new Float64Array(0);
const pulse = { eventLoopP99: 0, cpu: 0, residentBytes: 0 };

/** A load generator that reports each half second until then, 30 requests each, of which so many are sent late. */
function measured(until: Micros, late: (at: Micros) => number = () => 0): Quality {
  const clock = new VirtualClock();
  const quality = new Quality(clock);
  let [sent, sentLate] = [0, 0];
  for (let at = REPORT; at <= until; at += REPORT) {
    clock.runUntil(at, () => undefined);
    sent += 30;
    sentLate += late(at);
    quality.hearLoad({
      type: "load-books", totals: NONE, histogram: NONE, firstHarmAt: NONE, lastHarmAt: NONE, harmBy: NONE, intended: sent, sent, refused: 0, rate: 60,
      sendLagP50: 0, sendLagP99: 0, sentLate, latencyP50: 0, latencyP95: 0, latencyP99: 0, pulse,
    });
  }
  return quality;
}

describe("the windows of a game day", () => {
  it("are comparable where the load was sent in time, and say why where it was not", () => {
    const windows = measured(seconds(20), (at) => (at > seconds(10) ? 1 : 0)).windows(QUALITY_WINDOW, seconds(20));
    expect(windows.map(({ comparable }) => comparable)).toEqual([true, false]);
    expect(windows[1].why).toContain("sent more than");
  });

  it("are not comparable where the load generator did not report", () => {
    const [, , last] = measured(seconds(20)).windows(QUALITY_WINDOW, seconds(25));
    expect(last).toMatchObject({ comparable: false, why: "the load generator did not report" });
  });

  it("end with the last report where the end came right after it: a piece too short for one says nothing", () => {
    const windows = measured(seconds(20.2)).windows(QUALITY_WINDOW, seconds(20.2));
    expect(windows.map(({ to, comparable }) => [to, comparable])).toEqual([[seconds(10), true], [seconds(20), true]]);
  });

  it.each([seconds(12), seconds(20.2)])("of one that was stopped are those up to its end, and none is called badly measured", async (lasted) => {
    const folder = mkdtempSync(join(tmpdir(), "shakedown-quality-"));
    try {
      const warned: string[] = [];
      const outcome = runScenario(shopScenario(), { seed: 7 });
      const result = { outcome, simulation: null, quality: measured(lasted), lasted, early: { kind: "asked", why: "asked to end (SIGTERM)" }, cleaned: { left: [] } } as const;
      const terminal = { color: false, width: 100, live: false, print: () => undefined, warn: (line: string) => void warned.push(line), status: () => undefined };
      const code = await reportGameDay(result as unknown as Parameters<typeof reportGameDay>[0], { folder } as GameDayPlan, terminal);
      expect(code).toBe(ExitCode.interrupted);
      expect(warned).toEqual(["the game day ended early: asked to end (SIGTERM)"]);
      const { windows } = JSON.parse(readFileSync(join(folder, "quality.json"), "utf8")) as { readonly windows: readonly { readonly comparable: boolean }[] };
      expect(windows.map(({ comparable }) => comparable)).toEqual([true, true]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

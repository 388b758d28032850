// What people see of a running game day: labels in one column, and nothing that steers their terminal.

import { describe, expect, it } from "vitest";
import { seconds } from "../../../src/kernel/units.js";
import { PlainView, plainLine, statusLines, type LiveStatus } from "../../../src/live/gameday/live-view.js";

const STATUS: LiveStatus = {
  at: seconds(30), duration: seconds(60), edge: { requests: 250, perSecond: 50, errorRate: 0.02, p95Seconds: 0.145 },
  split: [{ service: "shop", versions: [
    { version: "v1", desired: 2, starting: 0, ready: 2, draining: 0, weight: 0.7 }, { version: "v2", desired: 2, starting: 1, ready: 1, draining: 0, weight: 0.3 },
  ] }],
  states: ["v2: step 1 of 2 (30%), baking"], decision: null, faults: ["SIGSTOP on shop-v1-0"],
};

describe("the view of a running game day", () => {
  it("shows time, clients, split, state and faults, one under the other", () => {
    expect(statusLines(STATUS)).toEqual([
      `+00:00:30 of +00:01:00  ${"━".repeat(12)}${"─".repeat(12)}`,
      "clients  50/s, errors 2%, p95 145ms",
      "shop     v1 70% (2 of 2 replicas)   v2 30% (1 of 2 replicas)",
      "state    v2: step 1 of 2 (30%), baking",
      "faults   SIGSTOP on shop-v1-0",
    ]);
  });

  it("lets no name of a file steer the terminal", () => {
    const hostile = { ...STATUS, faults: ["\u001b[2Jgone\nsecond line"] };
    for (const line of [...statusLines(hostile), plainLine(hostile)]) expect([...line].filter((sign) => sign < " ")).toEqual([]);
  });

  it("is a plain line every ten seconds where nobody watches, and none after its end", () => {
    const lines: string[] = [];
    const view = new PlainView((line) => lines.push(line), 80);
    for (let second = 0; second < 25; second += 1) view.status({ ...STATUS, at: seconds(second) });
    view.end();
    view.status({ ...STATUS, at: seconds(60) });
    expect(lines.map((line) => line.slice(0, 9))).toEqual(["+00:00:00", "+00:00:10", "+00:00:20"]);
  });
});

// The Telemetry port over the store: asked now, answered as of now, delivered later.

import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/kernel/clock.js";
import type { WindowSnapshot } from "../../src/telemetry/query.js";
import { StoreTelemetry } from "../../src/telemetry/snapshot.js";
import { fixture, requests, s, scrapeRequests } from "./harness.js";

describe("asking telemetry", () => {
  it("delivers once, after the query's latency, what was known when it was asked", () => {
    const f = fixture();
    const clock = new VirtualClock();
    const telemetry = new StoreTelemetry(f.store, clock, s(0.2));
    const queries = [requests("increase", 60), requests("rate", 15)];
    scrapeRequests(f, [[5, 0], [20, 10]]);
    clock.runUntil(s(20), () => undefined);
    const delivered: { at: number; snapshot: WindowSnapshot }[] = [];
    telemetry.ask(queries, (snapshot) => delivered.push({ at: clock.now(), snapshot }));
    expect(delivered).toEqual([]);
    // Scraped between question and answer: not in it.
    scrapeRequests(f, [[20.1, 9999]]);
    clock.runUntil(s(30), () => undefined);
    expect(delivered).toHaveLength(1);
    expect(delivered[0].at).toBe(s(20.2));
    expect(delivered[0].snapshot).toMatchObject({
      at: s(20),
      queries,
      answers: [{ kind: "value", value: 10 }, { kind: "absent", why: "too few samples" }],
    });
  });

  it("answers for a lane that leaves out a release's requests", () => {
    const f = fixture({ lanes: 2 });
    const column = f.schema.requestsIndex(0, 0);
    const telemetry = new StoreTelemetry(f.store, new VirtualClock(), 0);
    f.target.record(s(5), s(5));
    f.target.live[0][column] = 10;
    f.target.live[1][column] = 4;
    f.target.record(s(20), s(20));
    const queries = [requests("increase", 20)];
    expect(telemetry.snapshot(queries, s(20)).answers[0]).toMatchObject({ value: 10 });
    expect(telemetry.snapshot(queries, s(20), 1).answers[0]).toMatchObject({ value: 4 });
  });
});

// The telemetry record: played again, it gives every answer that the game day got, and it says what it can't use.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/kernel/clock.js";
import { millis, seconds, type Micros } from "../../../src/kernel/units.js";
import { readRecord, replayRecord } from "../../../src/live/telemetry/replay.js";
import { TelemetryRecorder } from "../../../src/live/telemetry/record.js";
import type { TelemetryQuery, WindowSnapshot } from "../../../src/telemetry/query.js";
import { databaseSchema, flagServiceSchema, platformSchema, serviceSchema, type TargetSchema } from "../../../src/telemetry/schema.js";
import { StoreTelemetry } from "../../../src/telemetry/snapshot.js";
import { SeriesStore } from "../../../src/telemetry/store.js";

const EVERY = seconds(1);
const ASK_EVERY = millis(700);
const ABOUT = { scenario: "drill", seed: 7 };

const where = { service: "shop" };
const QUERIES: readonly TelemetryQuery[] = [
  { fn: "increase", metric: "http_requests_total", where, window: seconds(5) },
  { fn: "quantile", metric: "http_request_duration_seconds", q: 0.9, where, window: seconds(5) },
  { fn: "latest", metric: "up", across: "avg", where, window: seconds(5) },
  { fn: "avg-over-time", metric: "db_pool_in_use_ratio", across: "max", where: { database: "orders" }, window: seconds(5) },
  { fn: "latest", metric: "replicas_desired", across: "sum", where, window: seconds(5) },
  { fn: "latest", metric: "flag_service_up", across: "min", where: {}, window: seconds(5) },
];

describe("a telemetry record", () => {
  let folder: string;
  let path: string;
  const troubles: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "shakedown-record-"));
    path = join(folder, "telemetry.ndjson");
    troubles.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Twenty seconds with a failed scrape, a restart, a target that goes and comes back, and late samples; asked all along. */
  async function gameDay(): Promise<readonly WindowSnapshot[]> {
    const clock = new VirtualClock();
    const store = new SeriesStore({ lanes: 2, scrape: EVERY, lookback: seconds(4), retention: seconds(8) });
    const recorder = new TelemetryRecorder({ path, clock, epochMillis: 1_700_000_000_000, store, about: ABOUT, onTrouble: (text) => troubles.push(text) });
    const telemetry = new StoreTelemetry(store, clock, 0);
    const add = <Schema extends TargetSchema>(id: string, labels: { readonly [name: string]: string }, schema: Schema) => store.addTarget({ id, labels, schema });
    const service = serviceSchema({ service: "shop", version: "v1", endpoints: ["buy", "look"], edgesSeconds: [0.1, 1], init: "lazy" });
    const replicas = ["a", "b"].map((replica) => add(replica, { service: "shop", version: "v1", replica }, service));
    const orders = add("orders", { database: "orders" }, databaseSchema({ database: "orders" }));
    const others = [orders, add("platform", { service: "shop", version: "v1" }, platformSchema({ service: "shop", version: "v1" })), add("flags", {}, flagServiceSchema())];
    const snapshots: WindowSnapshot[] = [];
    const scrape = (second: number): void => {
      const time = clock.now();
      replicas.forEach((target, r) => {
        target.live.forEach((live, lane) => {
          live[service.requestsIndex(r, 0)] += 10 + second - lane;
          live[service.bucketIndex(r, second % 3)] += 10 + second - lane;
          live[service.sumIndex(r)] += 0.1 * second;
        });
        if (second === 9) target.restart();
        const late = second > 12 ? millis(1_300) : millis(3);
        const up = r === 1 && second === 6 ? 0 : r === 1 && second === 15 ? NaN : r === 1 && second === 16 ? null : 1;
        if (up === null) return;
        if (up === 1) target.record(time, time + late);
        else target.recordStale(time, time + late, up);
        recorder.row({ target, time, visibleAt: time + late, up });
      });
      for (const target of others) {
        target.live[0][target === orders ? orders.schema.poolInUseIndex : target.schema.size - 1] = second / 20;
        target.record(time, time);
        recorder.row({ target, time, visibleAt: time, up: 1 });
      }
    };
    for (let second = 1; second <= 20; second += 1) clock.setTimer(second * EVERY, () => scrape(second));
    for (let at = ASK_EVERY; at <= seconds(20); at += ASK_EVERY) clock.setTimer(at, () => telemetry.ask(QUERIES, (snapshot) => snapshots.push(snapshot)));
    clock.setTimer(seconds(11), () => recorder.event("decision", { action: "hold", because: ["a", null] }));
    clock.runUntil(seconds(20), () => undefined);
    await recorder.close();
    return snapshots;
  }

  async function replay(): Promise<{ readonly snapshots: readonly WindowSnapshot[]; readonly events: unknown[]; readonly end: Micros; readonly about: unknown }> {
    const clock = new VirtualClock();
    const snapshots: WindowSnapshot[] = [];
    const events: unknown[] = [];
    let about: unknown;
    const end = await replayRecord(path, clock, {
      begin: (header, store) => {
        about = header.about;
        const telemetry = new StoreTelemetry(store, clock, 0);
        for (let at = ASK_EVERY; at <= seconds(20); at += ASK_EVERY) clock.setTimer(at, () => telemetry.ask(QUERIES, (snapshot) => snapshots.push(snapshot)));
      },
      event: (event) => events.push([clock.now(), event]),
    });
    return { snapshots, events, end, about };
  }

  it("played again gives each question the very answer that it got", async () => {
    const lived = await gameDay();
    const again = await replay();
    expect(lived.length).toBeGreaterThan(25);
    expect(new Set(lived.flatMap(({ answers }) => answers.map(({ kind }) => kind)))).toEqual(new Set(["value", "absent"]));
    expect(again.snapshots).toEqual(lived);
    expect(again.about).toEqual(ABOUT);
    expect(again.end).toBe(seconds(20));
    expect(again.events).toEqual([[seconds(11) - 1, { kind: "event", at: seconds(11), type: "decision", data: { action: "hold", because: ["a", null] } }]]);
    expect(troubles).toEqual([]);
  });

  it("cut off in its last line loses that line only", async () => {
    const lived = await gameDay();
    const whole = readFileSync(path, "utf8");
    writeFileSync(path, whole.slice(0, -20));
    const again = await replay();
    expect(again.snapshots.slice(0, -2)).toEqual(lived.slice(0, again.snapshots.length - 2));
    let lines = 0;
    for await (const line of readRecord(path)) lines += line.kind === "header" ? 0 : 1;
    expect(lines).toBe(whole.split("\n").length - 3);
  });

  it.each<[string, (lines: string[]) => string[], string]>([
    ["is empty", () => [], "is empty"],
    ["has no header", (lines) => lines.slice(1), "does not begin with its header"],
    ["has two headers", (lines) => [lines[0], ...lines], "line 2: a second header"],
    ["is broken in the middle", (lines) => [...lines.slice(0, 5), lines[5].slice(0, 30), ...lines.slice(6)], "line 6 is no JSON"],
    ["has an unknown line", (lines) => [...lines, '{"kind":"what"}'], "kind"],
    ["is of another version", (lines) => [lines[0].replace('"record":1', '"record":2'), ...lines.slice(1)], "line 1: record"],
    ["has a row of nobody", (lines) => lines.filter((line) => !line.includes('"kind":"target"')), "has not told"],
    ["goes back in time", (lines) => [...lines, lines[lines.length - 1]], "not later than the one before"],
    ["has a short row", (lines) => lines.map((line) => line.replace(/"values":\[[^\]]*\]/, '"values":[1]')), "a row of 1 values"],
    ["has a line without end", (lines) => [lines[0], "x".repeat(9 * 1024 * 1024)], "longer than"],
  ])("that %s is refused", async (_, change, said) => {
    await gameDay();
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    writeFileSync(path, change(lines).map((line) => `${line}\n`).join(""));
    await expect(replay()).rejects.toThrow(said);
    await expect(replay()).rejects.toHaveProperty("name", "RecordError");
  });

  it("that is not there is refused", async () => {
    await expect(replay()).rejects.toThrow("can't be read");
  });

  it("that can't be written is given up once, and the game day goes on", async () => {
    appendFileSync(path, "somebody else's\n");
    await gameDay();
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toContain("can't be written");
    expect(readFileSync(path, "utf8")).toBe("somebody else's\n");
  });
});

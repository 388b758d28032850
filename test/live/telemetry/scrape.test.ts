// The built-in scraper: lanes at one instant, pages that fail, replicas that come back, faults of the scraping itself.

import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WallClock } from "../../../src/live/gameday/wall-clock.js";
import { renderPage } from "../../../src/live/telemetry/page.js";
import { LiveScraper, type ScrapedRow } from "../../../src/live/telemetry/scrape.js";
import { seconds } from "../../../src/kernel/units.js";
import { flagServiceSchema, serviceSchema, UP_COLUMN } from "../../../src/telemetry/schema.js";
import { missedByChance } from "../../../src/telemetry/scraper.js";
import { SeriesStore } from "../../../src/telemetry/store.js";
import { fakeServer, type FakeServer } from "./fake-server.js";

const INTERVAL = seconds(0.1);
const LABELS = { service: "shop", version: "v1", replica: "r" };

describe("the built-in scraper", () => {
  const schema = serviceSchema({ service: "shop", version: "v1", endpoints: ["buy"], edgesSeconds: [0.1, 1], init: "lazy" });
  let clock: WallClock;
  let store: SeriesStore;
  let rows: ScrapedRow[];
  let scraper: LiveScraper;
  let server: FakeServer;
  let served: number;

  const page = (requests: number): string => {
    const live = new Float64Array(schema.size);
    live[schema.requestsIndex(0, 0)] = requests;
    return renderPage(schema, LABELS, live);
  };
  /** Waits until that many more scrapes are stored. */
  const scrapes = async (count: number): Promise<readonly ScrapedRow[]> => {
    const before = rows.length;
    for (const deadline = Date.now() + 5_000; rows.length < before + count && Date.now() < deadline; ) await pause(10);
    return rows.slice(before);
  };
  const add = () => scraper.add({ id: "r", labels: LABELS, schema, url: `${server.url}/metrics` });

  beforeEach(async () => {
    clock = new WallClock({ epochMillis: Date.now(), onError: (error) => { throw error; } });
    store = new SeriesStore({ lanes: 2, scrape: INTERVAL, retention: seconds(60) });
    rows = [];
    served = 0;
    scraper = new LiveScraper({ store, clock, interval: INTERVAL, timeout: INTERVAL, seed: 7, onRow: (row) => rows.push(row) });
    server = await fakeServer((request, response) => {
      served += 1;
      response.end(page(request.url === "/metrics?lane=1" ? 40 : 100));
    });
  });
  afterEach(async () => {
    await scraper.stop();
    clock.stop();
    server.close();
  });

  it("fetches every lane at the same instant, one interval after the other", async () => {
    const target = add();
    const found = await scrapes(4);
    expect(found.every(({ up }) => up === 1)).toBe(true);
    expect(target.value(target.rows - 1, 0, schema.requestsIndex(0, 0))).toBe(100);
    expect(target.value(target.rows - 1, 1, schema.requestsIndex(0, 0))).toBe(40);
    expect(target.value(target.rows - 1, 0, schema.requestsIndex(0, 1))).toBeNaN();
    for (const { time, visibleAt } of found) {
      expect(time % 1000).toBe(0);
      expect(visibleAt).toBeGreaterThanOrEqual(time);
    }
    const gaps = found.slice(1).map(({ time }, i) => time - found[i].time);
    expect(gaps.every((gap) => gap >= 0.5 * INTERVAL)).toBe(true);
    expect(gaps.reduce((a, b) => a + b) / gaps.length).toBeLessThan(3 * INTERVAL);
  });

  it.each<[string, FakeServer["answer"]]>([
    ["does not come", () => undefined],
    ["comes too late", (_, response) => void setTimeout(() => response.end(page(1)), 300)],
    ["trickles", (_, response) => void response.write("# TYPE a counter\n")],
    ["is cut short", (_, response) => void response.end(page(1).slice(0, -1))],
    ["is something else", (_, response) => void response.end("<html>\n")],
    ["is an error", (_, response) => void (response.statusCode = 503, response.end(page(1)))],
    ["never was", (request) => void request.socket.destroy()],
    ["is there in one lane only", (request, response) => void (request.url === "/metrics" ? response.end(page(1)) : response.destroy())],
  ])("a page that %s is a failed scrape: up is 0, every series stale; the next one works again", async (_, answer) => {
    const target = add();
    await scrapes(1);
    const good = server.answer;
    server.answer = answer;
    await pause(20);
    const failed = await scrapes(2);
    expect(failed.some(({ up }) => up === 0)).toBe(true);
    const row = target.rows - 1;
    expect(target.value(row, 0, UP_COLUMN)).toBe(0);
    expect(target.value(row, 0, schema.requestsIndex(0, 0))).toBeNaN();
    expect(store.query({ fn: "latest", metric: "memory_usage_ratio", across: "sum", where: {}, window: 1 }, clock.now())).toMatchObject({ kind: "absent" });
    server.answer = good;
    const again = await scrapes(3);
    expect(again.at(-1)?.up).toBe(1);
  });

  it("scrapes nothing of a service in a gap, and marks nothing stale", async () => {
    const target = add();
    await scrapes(1);
    scraper.setGap("shop", true);
    await pause(150);
    const before = served;
    await pause(300);
    expect(served).toBe(before);
    expect(store.query({ fn: "latest", metric: "up", across: "min", where: { replica: "r" }, window: 1 }, clock.now())).toMatchObject({ value: 1 });
    scraper.setGap("shop", false);
    await scrapes(1);
    expect(target.value(target.rows - 1, 0, UP_COLUMN)).toBe(1);
  });

  it("a lag keeps samples out of sight for as long", async () => {
    scraper.setLag(seconds(10), "shop");
    add();
    const [row] = await scrapes(1);
    expect(row.visibleAt - row.time).toBeGreaterThanOrEqual(seconds(10));
    expect(store.query({ fn: "latest", metric: "up", across: "min", where: {}, window: 1 }, clock.now()).kind).toBe("absent");
  });

  it("a lag of figures alone leaves replicas as they are: their pages are late by themselves", async () => {
    scraper.setLag(seconds(10), null, "figures");
    add();
    scraper.add({ id: "flag-service", labels: {}, schema: flagServiceSchema(), url: null });
    const seen = await scrapes(4);
    for (const { target, time, visibleAt } of seen) expect(visibleAt - time >= seconds(10)).toBe(target.id === "flag-service");
    expect(new Set(seen.map(({ target }) => target.id)).size).toBe(2);
  });

  it("lags of everything and of figures alone add up, and each ends alone", async () => {
    scraper.setLag(seconds(10));
    scraper.setLag(seconds(5), null, "figures");
    add();
    scraper.add({ id: "flag-service", labels: {}, schema: flagServiceSchema(), url: null });
    const late = async (): Promise<(replica: boolean) => number> => {
      const seen = await scrapes(4);
      return (replica) => Math.max(...seen.filter(({ target }) => (target.id === "r") === replica).map(({ time, visibleAt }) => visibleAt - time));
    };
    const both = await late();
    expect(both(true)).toBeGreaterThanOrEqual(seconds(10));
    expect(both(true)).toBeLessThan(seconds(12));
    expect(both(false)).toBeGreaterThanOrEqual(seconds(15));
    scraper.setLag(0);
    await scrapes(2);
    const figures = await late();
    expect(figures(true)).toBeLessThan(seconds(2));
    expect(figures(false)).toBeGreaterThanOrEqual(seconds(5));
  });

  it("misses by chance what the simulator misses for the same seed, and asks for nothing then", async () => {
    await scraper.stop();
    scraper = new LiveScraper({ store, clock, interval: INTERVAL, timeout: INTERVAL, seed: 7, missed: 0.5, onRow: (row) => rows.push(row) });
    const isMissed = missedByChance(7, 0.5, INTERVAL);
    add();
    const seen = await scrapes(8);
    for (const { time } of seen) expect(isMissed("r", time)).toBe(false);
    expect(served).toBeLessThanOrEqual(2 * (rows.length + 1));
    const instants = Math.round((seen[7].time - seen[0].time) / INTERVAL) + 1;
    expect(instants).toBeGreaterThan(8);
  });

  it("a target that moves keeps its series; one that goes ends them, and may come back", async () => {
    const target = add();
    await scrapes(1);
    const other = await fakeServer((_, response) => response.end(page(7)));
    expect(scraper.add({ id: "r", labels: LABELS, schema, url: `${other.url}/metrics` })).toBe(target);
    await scrapes(2);
    expect(target.value(target.rows - 1, 0, schema.requestsIndex(0, 0))).toBe(7);
    scraper.remove("r");
    const ended = await scrapes(1);
    expect(ended.at(-1)?.up).toBeNaN();
    expect(target.removedAt).toBeLessThan(Infinity);
    await pause(150);
    expect(await Promise.race([scrapes(1), pause(250, "quiet")])).toBe("quiet");
    expect(add()).toBe(target);
    await scrapes(1);
    expect(target.removedAt).toBe(Infinity);
    other.close();
  });

  it("takes what this process itself knows without a page", async () => {
    const flags = flagServiceSchema();
    const target = scraper.add({ id: "flag-service", labels: {}, schema: flags, url: null });
    target.live[0][flags.upIndex] = 1;
    await scrapes(1);
    expect(store.query({ fn: "latest", metric: "flag_service_up", across: "min", where: {}, window: 1 }, clock.now())).toMatchObject({ value: 1 });
    target.responding = false;
    const [row] = await scrapes(1);
    expect(row.up).toBe(0);
  });

  it("stores nothing more once it is stopped, whatever is under way", async () => {
    server.answer = (_, response) => void setTimeout(() => response.end(page(1)), 60);
    add();
    await pause(110);
    await scraper.stop();
    const before = rows.length;
    await pause(150);
    expect(rows.length).toBe(before);
  });
});

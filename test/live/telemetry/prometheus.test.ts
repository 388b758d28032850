// When Prometheus fails, or is not as the game day needs it: absent answers and an alarm, or a refusal that says why.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seconds } from "../../../src/kernel/units.js";
import { WallClock } from "../../../src/live/gameday/wall-clock.js";
import { findOnPath } from "../../../src/live/safety/children.js";
import { DiscoveryFile } from "../../../src/live/telemetry/discovery.js";
import { checkExternalPrometheus } from "../../../src/live/telemetry/external-prometheus.js";
import { PrometheusProcess } from "../../../src/live/telemetry/prometheus-process.js";
import { PrometheusTelemetry } from "../../../src/live/telemetry/prometheus-telemetry.js";
import type { TelemetryQuery, WindowSnapshot } from "../../../src/telemetry/query.js";
import { fakeServer, json, type FakeServer } from "./fake-server.js";

const ABSENT = { kind: "absent", why: "no series" };
const QUERIES: readonly TelemetryQuery[] = [
  { fn: "increase", metric: "http_requests_total", where: { service: "shop" }, window: seconds(10) },
  { fn: "latest", metric: "up", across: "min", where: {}, window: seconds(10) },
];

describe("the Telemetry port over a Prometheus in trouble", () => {
  let server: FakeServer;
  let clock: WallClock;
  let telemetry: PrometheusTelemetry;
  let troubles: string[];
  let recoveries: number;

  const good: FakeServer["answer"] = (_, response) => json(response, { status: "success", data: { resultType: "matrix", result: [] } });
  const ask = (): Promise<WindowSnapshot> => new Promise((resolve) => telemetry.ask(QUERIES, resolve));

  beforeEach(async () => {
    server = await fakeServer(good);
    clock = new WallClock({ epochMillis: Date.now(), onError: (error) => { throw error; } });
    troubles = [];
    recoveries = 0;
    telemetry = new PrometheusTelemetry({ url: server.url, clock, epochMillis: Date.now(), timeoutMillis: 300, onTrouble: (text) => troubles.push(text), onRecovery: () => (recoveries += 1) });
  });
  afterEach(async () => {
    await telemetry.close();
    clock.stop();
    server.close();
  });

  it.each<[string, FakeServer["answer"], string]>([
    ["is silent", () => undefined, "did not answer within 300 ms"],
    ["trickles", (_, response) => void response.write("{"), "did not answer within 300 ms"],
    ["hangs up", (request) => void request.socket.destroy(), "cannot be reached"],
    ["fails", (_, response) => json(response, { status: "error", error: "out of memory" }, 503), "status 503: out of memory"],
    ["fails without words", (_, response) => void (response.statusCode = 502, response.end("Bad Gateway")), "status 502"],
    ["says that all is well, with an error", (_, response) => json(response, { status: "error", error: "query timed out" }), "query timed out"],
    ["is no Prometheus", (_, response) => void response.end("<html>"), "no JSON"],
    ["is something like Prometheus", (_, response) => json(response, { status: "success", data: { resultType: "matrix", result: [{ metric: {}, values: [["1", 2]] }] } }), "unlike Prometheus (result.0.values.0.0"],
  ])("that %s: every answer is absent, and somebody is told", async (_, answer, said) => {
    server.answer = answer;
    const snapshot = await ask();
    expect(snapshot.answers).toEqual([ABSENT, ABSENT]);
    expect(snapshot.queries).toBe(QUERIES);
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toContain(said);
    expect(recoveries).toBe(0);
    server.answer = good;
    await ask();
    await ask();
    expect(troubles).toHaveLength(1);
    expect(recoveries).toBe(1);
  });

  it("that answers one question of two: none is answered", async () => {
    let asked = 0;
    server.answer = (request, response) => (asked++ === 0 ? good(request, response) : json(response, {}, 500));
    expect((await ask()).answers).toEqual([ABSENT, ABSENT]);
    expect(troubles).toHaveLength(1);
  });

  it("that is not there", async () => {
    server.close();
    expect((await ask()).answers).toEqual([ABSENT, ABSENT]);
    expect(troubles[0]).toContain("ECONNREFUSED");
  });

  it("closed, delivers nothing of what was under way and complains of nothing", async () => {
    server.answer = () => undefined;
    let delivered = false;
    telemetry.ask(QUERIES, () => (delivered = true));
    await telemetry.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(delivered).toBe(false);
    expect(troubles).toEqual([]);
  });
});

describe("a Prometheus that somebody else runs", () => {
  const wanted = { id: "shop-v1-0", labels: { service: "shop", version: "v1", replica: "shop-v1-0" }, url: "http://127.0.0.1:4711/metrics" };
  const found = { labels: { ...wanted.labels, job: "any", instance: "127.0.0.1:4711" }, scrapeUrl: wanted.url, health: "up", lastError: "", scrapeInterval: "1s" };

  async function problems(...activeTargets: object[]): Promise<readonly string[]> {
    const server = await fakeServer((_, response) => json(response, { status: "success", data: { activeTargets, droppedTargets: [] } }));
    try {
      return await checkExternalPrometheus(`${server.url}/`, [wanted], seconds(1));
    } finally {
      server.close();
    }
  }

  it("that scrapes every replica as often as needed, and finds it up, will do", async () => {
    expect(await problems({ labels: {}, scrapeUrl: "http://127.0.0.1:9090/metrics", health: "down" }, found)).toEqual([]);
    expect(await problems({ ...found, scrapeInterval: "1000ms" })).toEqual([]);
  });

  it.each<[string, object[], string]>([
    ["does not know a replica", [], "does not scrape shop-v1-0 (http://127.0.0.1:4711/metrics): let a file_sd_configs entry read the file that --sd-file names"],
    ["finds it down", [{ ...found, health: "down", lastError: "connection refused" }], "is down (connection refused)"],
    ["has not scraped it yet", [{ ...found, health: "unknown" }], "is unknown"],
    ["scrapes more rarely", [{ ...found, scrapeInterval: "15s" }], "every 15s, the game day needs 1s: set scrape_interval: 1s"],
    ["does not say how often", [{ ...found, scrapeInterval: undefined }], "every unknown time"],
    ["drops a label", [{ ...found, labels: { service: "shop", version: "v1" } }], "without its labels replica"],
  ])("that %s is refused in one line", async (_, targets, said) => {
    const lines = await problems(...targets);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(said);
    expect(lines[0]).not.toContain("\n");
  });

  it.each([["http://127.0.0.1:1", "cannot be reached"], ["127.0.0.1:9090", ""], ["nonsense", ""]])("that is not at %s is refused", async (url, said) => {
    const [line] = await checkExternalPrometheus(url, [wanted], seconds(1));
    expect(line).toContain(said);
  });
});

describe("the discovery file", () => {
  it("always holds, whole, the targets that are there", () => {
    const folder = mkdtempSync(join(tmpdir(), "shakedown-discovery-"));
    const file = new DiscoveryFile(join(folder, "targets.json"));
    const read = (): unknown => JSON.parse(readFileSync(file.path, "utf8"));
    expect(read()).toEqual([]);
    file.add({ id: "a", labels: { service: "shop", version: "v1", replica: "a" }, url: "http://127.0.0.1:81/metrics" });
    file.add({ id: "b", labels: {}, url: "http://127.0.0.1:82/platform" });
    file.add({ id: "a", labels: { service: "shop", version: "v1", replica: "a" }, url: "http://127.0.0.1:83/metrics" });
    expect(read()).toEqual([
      { targets: ["127.0.0.1:83"], labels: { service: "shop", version: "v1", replica: "a", instance: "a", __metrics_path__: "/metrics" } },
      { targets: ["127.0.0.1:82"], labels: { instance: "b", __metrics_path__: "/platform" } },
    ]);
    file.remove("a");
    file.remove("unknown");
    expect(read()).toHaveLength(1);
    rmSync(folder, { recursive: true });
  });
});

describe("a Prometheus of one's own", () => {
  const children: ChildProcess[] = [];
  const start = (folder: string, program: string): Promise<PrometheusProcess> =>
    PrometheusProcess.start({
      spawn: (name, args) => {
        const child = spawn(name, args, { stdio: ["ignore", "ignore", "pipe"] });
        children.push(child);
        return child;
      },
      folder, program, scrapeInterval: seconds(1), scrapeTimeout: seconds(1), lookback: seconds(60),
    });
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "shakedown-prometheus-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("that is not there, or ends at its start, is reported in one line", async () => {
    await expect(start(folder, "no-such-prometheus")).rejects.toThrow(/^Prometheus ended at its start \(.*ENOENT/);
    const broken = join(folder, "broken");
    writeFileSync(broken, "#!/bin/sh\necho cannot lock the folder >&2\nexit 3\n", { mode: 0o755 });
    await expect(start(folder, broken)).rejects.toThrow("Prometheus ended at its start (exit code 3): cannot lock the folder");
  });

  it.skipIf(findOnPath("prometheus") === null)("is gone after stop, and tells when it ends otherwise", async () => {
    const first = await start(folder, "prometheus");
    let told = "";
    first.onUnexpectedExit((how) => (told = how));
    expect(first.version).toMatch(/^\d+\.\d+/);
    expect(existsSync(first.discovery.path)).toBe(true);
    await first.stop();
    await first.stop();
    expect(told).toBe("");
    expect(await checkExternalPrometheus(first.url, [], seconds(1))).toHaveLength(1);

    const second = await start(folder, "prometheus");
    const ended = new Promise<string>((resolve) => second.onUnexpectedExit(resolve));
    children.at(-1)?.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    await second.stop();
  });
});

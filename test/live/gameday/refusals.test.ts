// Bad input to a game day: each is refused in plain words, with exit code 2, before anything is started.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gameDayCommand, type GameDayFlags } from "../../../src/cli/commands/gameday.js";
import { stopGameDay } from "../../../src/cli/commands/gameday-stop.js";
import { UsageError } from "../../../src/cli/exit.js";
import { planFaults } from "../../../src/live/gameday/fault-acts.js";
import { loadScenario } from "../../../src/scenario/load.js";
import { memoryFiles } from "../../scenario/fixtures.js";
import { miniText, readJournal, stillMarked } from "./mini.js";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "shakedown-refused-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Said {
  readonly printed: string;
  readonly warned: string;
  /** What ended the command: the text of a UsageError, or its exit code. */
  readonly end: string | number;
}

async function gameday(flags: Partial<GameDayFlags>, text = miniText({})): Promise<Said> {
  writeFileSync(join(folder, "package.json"), "{}");
  writeFileSync(join(folder, "mini.yaml"), text);
  let [printed, warned] = ["", ""];
  const terminal = {
    color: false, width: 100, live: false, status: () => undefined,
    print: (line: string) => void (printed += `${line}\n`), warn: (line: string) => void (warned += `${line}\n`),
  };
  const end = await gameDayCommand(join(folder, "mini.yaml"), { target: "local", yes: true, out: folder, allowPath: [], ...flags }, terminal).catch((error: unknown) => {
    if (error instanceof UsageError) return error.message;
    throw error;
  });
  return { printed, warned, end };
}

/** One clear line, and no trace of a game day. */
async function refused(flags: Partial<GameDayFlags>, text?: string): Promise<string> {
  const { end } = await gameday(flags, text);
  expect(existsSync(join(folder, "gamedays"))).toBe(false);
  expect(end).toEqual(expect.stringMatching(/^[^\n]+$/));
  return String(end);
}

/** A Prometheus that only tells its configuration. */
async function configured(yaml: string): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((_, response) => response.end(JSON.stringify({ status: "success", data: { yaml } })));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

async function withPath<T>(path: string, act: () => Promise<T>): Promise<T> {
  const before = process.env["PATH"];
  process.env["PATH"] = path;
  try {
    return await act();
  } finally {
    process.env["PATH"] = before;
  }
}

describe("a game day is refused", () => {
  it("at a target that there is none of, at a speed that is none, and without anybody's yes", async () => {
    expect(await refused({ target: "cluster" })).toBe("--target cluster: there is one target so far, local");
    expect(await refused({ speed: "fast" })).toBe("--speed fast is no number");
    expect(await refused({ speed: "4" })).toMatch(/^at speed 4 metrics would be scraped every 250 ms: .* the speed goes up to 2$/);
    expect(await refused({ yes: false })).toBe("refused: nobody is at a terminal to say yes to the plan; look at it with --dry-run, then add --yes");
  });

  it("with more processes than a machine should have to bear", async () => {
    const said = (await gameday({}, miniText({}).replace("replicas: 2", "replicas: 40"))).end;
    expect(said).toMatch(/^refused: 44 processes are too many: a game day has at most 40; give the services \(or `canary-replicas`\) fewer replicas, or the script fewer releases$/m);
    expect(existsSync(join(folder, "gamedays"))).toBe(false);
  });

  it("with a Prometheus that can't be had", async () => {
    expect(await refused({ prometheus: "9090" })).toBe("--prometheus 9090: write auto, or the address of a Prometheus, e.g. http://127.0.0.1:9090");
    expect(await refused({ prometheus: "http://127.0.0.1:9" })).toMatch(/^--prometheus URL needs --sd-file PATH/);
    expect(await refused({ sdFile: "targets.json" })).toMatch(/^--sd-file goes with --prometheus URL/);
    expect(await withPath(folder, () => refused({ prometheus: "auto" }))).toMatch(/^--prometheus auto: there is no program prometheus on PATH/);
    const { url, close } = await configured("");
    close();
    expect(await refused({ prometheus: url, sdFile: join(folder, "targets.json") })).toBe(`Prometheus at ${url} cannot be reached (ECONNREFUSED)`);
  });

  it("with a Prometheus that scrapes at another interval, or does not read the file", async () => {
    const sdFile = join(folder, "targets.json");
    const job = (interval: string, file: string): string => JSON.stringify({ scrape_configs: [{ job_name: "days", scrape_interval: interval, file_sd_configs: [{ files: [file] }] }] });
    const slow = await configured(job("15s", "/etc/prometheus/*.json"));
    expect(await refused({ prometheus: slow.url, sdFile })).toBe(`Prometheus at ${slow.url} scrapes job days every 15s, the game day needs 1s: set scrape_interval: 1s`);
    slow.close();
    const other = await configured(job("1s", "/etc/prometheus/other.json"));
    expect(await refused({ prometheus: other.url, sdFile })).toBe(`Prometheus at ${other.url} reads no file targets.json: add a scrape job with file_sd_configs: [{ files: [${sdFile}] }]`);
    other.close();
  });

  it("with a file of targets that is somebody else's, or can't be written", async () => {
    const sdFile = join(folder, "targets.json");
    writeFileSync(sdFile, '[{ "targets": ["db:9100"] }]');
    expect(await refused({ prometheus: "http://127.0.0.1:9", sdFile })).toMatch(/it holds targets already, and a game day would overwrite them/);
    expect(readFileSync(sdFile, "utf8")).toContain("db:9100");
    expect(await refused({ prometheus: "http://127.0.0.1:9", sdFile: join(folder, "no/such/targets.json") })).toMatch(/targets\.json can't be written: ENOENT/);
  });
});

describe("stopping a game day", () => {
  it("that there is none of names those that there are", async () => {
    const terminal = { color: false, width: 100, live: false, print: () => undefined, warn: () => undefined, status: () => undefined };
    await expect(stopGameDay("mini-7", terminal, { out: folder })).rejects.toThrow(/^there is no game day mini-7 in /);
  });
});

describe("a port that is taken", () => {
  it("ends the game day with Prometheus' own word for it, and nothing is left", async () => {
    const program = join(folder, "prometheus");
    writeFileSync(program, "#!/bin/sh\necho 'listen tcp 127.0.0.1: bind: address already in use' >&2\nexit 1\n");
    chmodSync(program, 0o755);
    const { end, warned } = await withPath(`${folder}:${process.env["PATH"]}`, () => gameday({ prometheus: "auto" }));
    expect(end).toBe(1);
    expect(warned).toBe("the game day ended early: Prometheus ended at its start (exit code 1): listen tcp 127.0.0.1: bind: address already in use\n");
    const journal = readJournal(join(folder, "gamedays/mini-1/journal.ndjson"));
    expect(journal.filter(({ kind }) => kind === "process-intended").map((entry) => ("role" in entry ? entry.role : ""))).toEqual(["watchdog", "prometheus", "prometheus", "prometheus"]);
    expect(stillMarked(journal)).toBe(0);
  });
});

describe("what the local target can't do is refused by name:", () => {
  const refusals = (script: string, more: (text: string) => string = (text) => text, engines: "built-in" | "prometheus" = "built-in"): readonly string[] => {
    const path = "/p/mini.yaml";
    const loaded = loadScenario(path, memoryFiles({ [path]: more(miniText({ script, lasts: "60s" })) }));
    if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message, instead }) => `${line}: ${message}; ${instead}`).join("\n"));
    return planFaults(loaded.value, engines).refusals;
  };
  const fault = (effect: string): string => `[{ at: 5s, fault: { effect: { ${effect} }, for: 5s } }]`;
  const release = (defect: string): string => `[{ at: 5s, release: { service: shop, version: v2, lines: 10, defects: [{ with: version, ${defect} }] } }]`;

  it.each([
    ["a hang above a rate", fault("on: shop, outage: true, when: { rps-above: 8rps }"), "a signal to a process can't wait for a rate"],
    ["a kill of those only that have been ready for a while", fault("on: shop, kill: 1, when: { after: 2s }"), "a signal to a process can't wait until its replica has been ready for a time"],
    ["a hang of those only that have been ready for a while", fault("on: shop, outage: true, when: { after: 2s }"), "a signal to a process can't wait until its replica has been ready for a time"],
    ["starts that fail above a rate", fault("on: shop, startup-failure: 50%, when: { rps-above: 8rps }"), "whether a start fails can't hang on a rate"],
    ["a flag service that nobody needs", fault("on: flag-service, flag-service: down"), "no release has a flag, so there is no flag service to stop"],
    ["a release that surges", release("on: traffic, surge: x2"), "a release of the local target can't carry an effect"],
    ["a release that drops scrapes", release("on: telemetry, scrapes: drop"), "a release of the local target can't carry an effect in telemetry"],
    ["a release whose platform fails", release("on: platform, action-fails: 1"), "a release of the local target can't carry an effect on the platform"],
    ["a release that kills", release("on: shop, kill: 1"), "a release of the local target can't carry kill 1 on shop"],
  ])("%s", (_, script, why) => {
    expect(refusals(script)).toEqual([expect.stringContaining(why)]);
  });

  it("late samples from a Prometheus, and replicas that come and go with the load", () => {
    expect(refusals(fault("on: telemetry, lag: +10s"))).toEqual([]);
    expect(refusals(fault("on: telemetry, lag: +10s"), undefined, "prometheus")).toEqual([expect.stringContaining("Prometheus shows every sample at once; only the built-in scraper can be late")]);
    const autoscaled = refusals("[]", (text) => text.replace("replicas: 2", "replicas: 2\n      autoscale: { min: 2, max: 4, target-cpu: 60% }"));
    expect(autoscaled).toEqual([expect.stringContaining("autoscaling of shop: the local target keeps the replicas that the strategy asks for")]);
  });

  it("scrapes that a Prometheus is to miss by chance", () => {
    const missing = (text: string): string => text.replace("lag: 0s", "lag: 0s, missed: 5%");
    expect(refusals("[]", missing)).toEqual([]);
    expect(refusals("[]", missing, "prometheus")).toEqual(["scrapes missed by chance (telemetry.missed): only the built-in scraper can leave some out"]);
  });

  it("lags that are short enough alone and too long together", () => {
    const lag = (at: string, on: string): string => `{ at: ${at}, fault: { effect: { on: ${on}, lag: +500ms }, for: 5s } }`;
    expect(refusals(`[${lag("5s", "telemetry")}, ${lag("10s", "telemetry shop")}]`)).toEqual([]);
    expect(refusals(`[${lag("5s", "telemetry")}, ${lag("9s", "telemetry shop")}]`)).toEqual([expect.stringMatching(/^fault at 9s: .*together with the lags that are on by then.*at most 800ms in all/)]);
  });

  it("and the command says each in a line of its own", async () => {
    const { end } = await gameday({}, miniText({ script: "[{ at: 5s, fault: { effect: { on: flag-service, flag-service: down }, for: 5s } }, { at: 6s, fault: { effect: { on: shop, outage: true, when: { rps-above: 8rps } }, for: 5s } }]" }));
    expect(String(end).split("\n")).toEqual([
      expect.stringContaining("the local target can't do everything in it"), expect.stringMatching(/^ {2}fault at 5s: down .*no flag service/), expect.stringMatching(/^ {2}fault at 6s: no answer .*a rate/), "`shakedown run` simulates it",
    ]);
    expect(existsSync(join(folder, "gamedays"))).toBe(false);
  });
});

describe("connections from a service to its database", () => {
  it("fail inside the caller's replicas, since no proxy stands between them", () => {
    const path = "/p/mini.yaml";
    const text = miniText({ script: "[{ at: 3s, fault: { effect: { on: shop -> stock, errors: +100% }, for: 3s } }]" })
      .replace("p95: 25ms }", "p95: 25ms, calls: [stock] }").replace("  traffic:", "  databases: { stock: { p50: 2ms, p95: 5ms, pool: 10 } }\n  traffic:");
    const loaded = loadScenario(path, memoryFiles({ [path]: text }));
    if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
    expect(planFaults(loaded.value, "built-in").acts.map(({ act }) => act)).toEqual([{ do: "order-replicas", services: ["shop"], burner: null }]);
  });
});

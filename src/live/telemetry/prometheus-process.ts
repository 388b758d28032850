// A Prometheus of the game day's own: the program on PATH with its own configuration, folder and loopback port.

import type { ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Micros } from "../../kernel/units.js";
import { DiscoveryFile } from "./discovery.js";
import { PrometheusApi, PrometheusError } from "./prometheus-api.js";
import { duration } from "./promql.js";

export interface PrometheusProcessOptions {
  /** Starts a program; the game day writes it into its journal. Standard error is a pipe, which is read here. */
  readonly spawn: (program: string, args: readonly string[]) => ChildProcess;
  /** An empty or new folder for configuration and data; whoever gives it removes it. */
  readonly folder: string;
  readonly scrapeInterval: Micros;
  /** At most the interval. */
  readonly scrapeTimeout: Micros;
  /** How far an instant query looks back (its default is 5 min). */
  readonly lookback: Micros;
  /** The program; `prometheus` when left out. */
  readonly program?: string;
}

const STARTS = 3;
const READY_WITHIN_MILLIS = 20_000;
const STOPPED_WITHIN_MILLIS = 5_000;
const REMEMBERED_LINES = 20;

/** A running Prometheus that scrapes what `discovery` lists. */
export class PrometheusProcess {
  readonly url: string;
  readonly discovery: DiscoveryFile;
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<string>;
  #stopping = false;

  private constructor(started: Started, discovery: DiscoveryFile, version: string) {
    this.url = started.url;
    this.discovery = discovery;
    this.version = version;
    this.#child = started.child;
    this.#exit = started.exit;
  }

  /** Starts it and waits until it answers. Throws a PrometheusError that says why when it does not. */
  static async start(options: PrometheusProcessOptions): Promise<PrometheusProcess> {
    mkdirSync(options.folder, { recursive: true });
    const discovery = new DiscoveryFile(join(options.folder, "targets.json"));
    writeFileSync(join(options.folder, "prometheus.yml"), configuration(options, discovery.path));
    for (let attempt = 1; ; attempt += 1) {
      const started = launch(options, await freePort());
      const api = new PrometheusApi({ url: started.url, timeoutMillis: 2_000 });
      try {
        await waitUntilReady(api, started);
        return new PrometheusProcess(started, discovery, await api.version());
      } catch (failure) {
        await end(started.child, started.exit);
        // Somebody may have taken the port between its choice and its use.
        const portTaken = started.said.some((line) => line.includes("address already in use"));
        if (!portTaken || attempt === STARTS) throw failure;
      } finally {
        await api.close();
      }
    }
  }

  /** Calls back when it ends though nobody stopped it, with how it ended. */
  onUnexpectedExit(callback: (how: string) => void): void {
    void this.#exit.then((how) => {
      if (!this.#stopping) callback(how);
    });
  }

  /** Ends it, by force after five seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await end(this.#child, this.#exit);
  }
}

interface Started {
  readonly url: string;
  readonly child: ChildProcess;
  /** How it ended. */
  readonly exit: Promise<string>;
  /** The last lines of its standard error. */
  readonly said: readonly string[];
}

/** JSON is YAML, too, and quotes what needs it. */
function configuration(options: PrometheusProcessOptions, targets: string): string {
  return JSON.stringify({
    global: { scrape_interval: duration(options.scrapeInterval), scrape_timeout: duration(options.scrapeTimeout) },
    scrape_configs: [
      { job_name: "shakedown", honor_labels: true, file_sd_configs: [{ files: [targets], refresh_interval: "1s" }] },
    ],
  });
}

function launch(options: PrometheusProcessOptions, port: number): Started {
  const child = options.spawn(options.program ?? "prometheus", [
    `--config.file=${join(options.folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(options.folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    `--query.lookback-delta=${duration(options.lookback)}`,
    "--log.level=warn",
  ]);
  const said: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said.push(...text.split("\n").filter((line) => line !== ""));
    said.splice(0, Math.max(0, said.length - REMEMBERED_LINES));
  });
  child.stdout?.resume();
  const exit = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
    child.once("error", (failure) => resolve(failure.message));
  });
  return { url: `http://127.0.0.1:${port}`, child, exit, said };
}

async function waitUntilReady(api: PrometheusApi, { exit, said }: Started): Promise<void> {
  let ended: string | null = null;
  void exit.then((how) => (ended = how));
  for (const deadline = Date.now() + READY_WITHIN_MILLIS; Date.now() < deadline; await pause(50)) {
    if (ended !== null) throw new PrometheusError(`Prometheus ended at its start (${ended})${said.length > 0 ? `: ${said.at(-1)}` : ""}`);
    if (await api.ready()) return;
  }
  throw new PrometheusError(`Prometheus was not ready within ${READY_WITHIN_MILLIS / 1000} s`);
}

async function end(child: ChildProcess, exit: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGTERM");
  const patience = new AbortController();
  const slow = pause(STOPPED_WITHIN_MILLIS, "slow" as const, { signal: patience.signal }).catch(() => "stopped" as const);
  if ((await Promise.race([exit, slow])) === "slow") {
    child.kill("SIGKILL");
    await exit;
  }
  patience.abort();
}

/** A loopback port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}

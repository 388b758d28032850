// A real redis-server on loopback for the tests of many machines, and worker processes as a user starts them.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { redisPlace, type RedisPlace } from "../../../src/lab/redis/place.js";
import { RedisRunner, type RedisRunnerOptions } from "../../../src/lab/redis/redis-runner.js";
import { RedisWorker, type RedisWorkerOptions } from "../../../src/lab/redis/redis-worker.js";
import { ROOT } from "../support/bundles.js";

export const COMMAND = join(ROOT, "dist/cli/main.js");
const ENTRY = pathToFileURL(join(ROOT, "dist/lab/worker.js"));

export const hasRedis = works("redis-server", "--version");
/** The name of a suite that needs Redis, which says why it is skipped. */
export const named = (name: string): string => (hasRedis ? name : `no redis-server on PATH: not tested: ${name}`);

export function works(program: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(program, [...args], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "shakedown-redis-"));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One server that can be killed, robbed of its data and started again on the same port. */
export class RealRedis {
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  #process: ChildProcess | null = null;

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
  }

  static async start(...args: readonly string[]): Promise<RealRedis> {
    const port = await freePort();
    const redis = new RealRedis(port, join(temporaryFolder(), "data"), args.map((each) => (each === "PORT" ? String(port) : each)));
    await redis.start();
    return redis;
  }

  get url(): string {
    return `${this.#args.includes("--tls-port") ? "rediss" : "redis"}://127.0.0.1:${this.port}`;
  }

  get place(): RedisPlace {
    return redisPlace(this.url, { environment: {} });
  }

  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    // As Debian has it: snapshots now and then, no log of every write.
    const child = spawn("redis-server", ["--port", this.#args.includes("--tls-port") ? "0" : String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder, "--save", "3600 1 300 100 60 10000", "--appendonly", "no", ...this.#args], { stdio: ["ignore", "pipe", "ignore"] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout.on("data", (data: Buffer) => {
        if (data.toString().includes("Ready to accept connections")) resolve();
      });
      child.on("exit", (code) => reject(new Error(`redis-server ended with ${code}`)));
    });
  }

  /** Starts it again if a test that failed left it dead: one failure stays one. */
  async revive(): Promise<void> {
    if (this.#process === null) await this.start();
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await killed(this.#process);
    this.#process = null;
  }

  loseData(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(join(this.#folder, ".."), { recursive: true, force: true });
  }
}

/** kill -9, and waits for the end. */
export async function killed(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

export interface CommandProcess {
  readonly child: ChildProcess;
  /** What it printed so far, errors included. */
  said(): string;
  readonly ended: Promise<number | null>;
}

export function startCommand(args: readonly string[], options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {}): CommandProcess {
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd: options.cwd, env: { ...process.env, NO_COLOR: "1", ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (data: Buffer) => (text += data.toString()));
  child.stderr.on("data", (data: Buffer) => (text += data.toString()));
  return { child, said: () => text, ended: new Promise((resolve) => child.on("close", resolve)) };
}

/** `shakedown worker`, once it works. */
export async function startWorkerProcess(url: string, workers = 1): Promise<CommandProcess> {
  const worker = startCommand(["worker", "--redis", url, "--workers", String(workers)]);
  await until(() => worker.said().includes("Ctrl-C ends"), "a worker starts");
  return worker;
}

/** A worker in this process; its threads run the built program. */
export const startWorker = (place: RedisPlace, options: Partial<RedisWorkerOptions> = {}): Promise<RedisWorker> => RedisWorker.start({ place, workers: 1, entry: ENTRY, ...options });

export const startCoordinator = (place: RedisPlace, folder: string, options: Partial<RedisRunnerOptions> = {}): Promise<RedisRunner> =>
  RedisRunner.start({ place, results: join(folder, "results.ndjson"), resume: false, ...options });

export async function until(holds: () => boolean, what: string, seconds = 25): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(20);
  }
}

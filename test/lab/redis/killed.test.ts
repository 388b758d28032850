// kill -9 of a worker, of Redis with its data, of the coordinator: nothing is lost, nothing counts twice, and the bytes are the inline runner's.

import { Redis } from "ioredis";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { InlineRunner } from "../../../src/lab/inline-runner.js";
import type { RedisRunner } from "../../../src/lab/redis/redis-runner.js";
import { jobsOf, runKey, type Job } from "../../../src/lab/runner.js";
import { tiny, tinyText } from "../support/tiny.js";
import { hasRedis, killed, named, RealRedis, startCommand, startCoordinator, startWorker, startWorkerProcess, temporaryFolder, until, type CommandProcess } from "./support.js";

const spike = tiny({ name: "spike" });
const jobs: readonly Job[] = [...jobsOf(spike, Array.from({ length: 80 }, (_, k) => k + 1), { fidelity: "cohort" })];
/** What the inline runner gives, once for all tests. */
let expected = "";

describe.skipIf(!hasRedis)(named("many machines, one of which is killed"), () => {
  let redis: RealRedis;
  let folder = "";
  let processes: CommandProcess[] = [];
  beforeAll(async () => {
    const lines: string[] = [];
    await new InlineRunner().run(jobs, (result) => void lines.push(result.ok ? result.text : "lost"));
    expected = lines.join("\n");
    redis = await RealRedis.start();
  }, 60_000);
  afterAll(async () => {
    await redis?.end();
  });
  beforeEach(async () => {
    await redis.revive();
    folder = temporaryFolder();
  });
  afterEach(async () => {
    for (const { child } of processes) await killed(child);
    processes = [];
    rmSync(folder, { recursive: true, force: true });
  });

  async function workerProcess(): Promise<CommandProcess> {
    const worker = await startWorkerProcess(redis.url);
    processes.push(worker);
    return worker;
  }

  /** Plays all jobs; `then` happens when so many results were delivered. */
  async function playAll(runner: RedisRunner, at: number, then: () => Promise<void>): Promise<string> {
    const lines: string[] = [];
    await runner.run(jobs, async (result, index) => {
      lines.push(result.ok ? result.text : `lost: ${result.failure.message}`);
      if (index === at) await then();
    });
    return lines.join("\n");
  }

  const keysIn = (file: string): readonly string[] => [...readFileSync(join(folder, file), "utf8").matchAll(/^\{"key":"([^"]+)"/gm)].map(([, key]) => key);

  it("a worker: its batches go to another one", async () => {
    const [first] = await Promise.all([workerProcess(), workerProcess()]);
    const runner = await startCoordinator(redis.place, folder);
    const played = await playAll(runner, 10, () => killed(first.child));
    await runner.close();
    expect(played).toBe(expected);
    expect([...keysIn("results.ndjson")].sort()).toEqual(jobs.map(runKey).sort());
  });

  it("Redis, whose data is deleted: all that has no result is enqueued again, and the worker is still there", async () => {
    const notices: string[] = [];
    const worker = await startWorker(redis.place);
    const runner = await startCoordinator(redis.place, folder, { onNotice: (line) => notices.push(line) });
    const played = await playAll(runner, 10, async () => {
      await redis.kill();
      redis.loseData();
      await until(() => notices.some((line) => line.includes("is away")), "the loss is noticed");
      await redis.start();
    });
    await runner.close();
    await worker.stop();
    expect(played).toBe(expected);
    expect([...keysIn("results.ndjson")].sort()).toEqual(jobs.map(runKey).sort());
    // A slow machine may hear first that no worker has answered yet.
    const ofLoss = notices.filter((line) => line.includes("is away") || line.includes("is back"));
    expect(ofLoss[0]).toMatch(/is away .*; waiting for it up to 5 min$/);
    expect(ofLoss[1]).toMatch(/is back: \d+ runs without a result are enqueued again$/);
  });

  it("the coordinator: --resume goes on with what it had, and plays only the rest", async () => {
    mkdirSync(join(folder, "s"));
    writeFileSync(join(folder, "package.json"), "{}");
    writeFileSync(join(folder, "s/spike.yaml"), tinyText({ name: "spike" }));
    const command = (...more: readonly string[]): CommandProcess => {
      const started = startCommand(["test", "s", "--seeds", "1..120", "--reporter", "json:over.json", ...more], { cwd: folder });
      processes.push(started);
      return started;
    };
    const file = "shakedown-out/test/results.ndjson";
    await workerProcess();
    const first = command("--redis", redis.url);
    await until(() => existsSync(join(folder, file)) && keysIn(file).length >= 16, "runs are played");
    await killed(first.child);
    const kept = keysIn(file).length;
    expect(kept).toBeLessThan(120);

    const forgetful = command("--redis", redis.url);
    expect(await forgetful.ended).toBe(2);
    expect(forgetful.said()).toMatch(/results\.ndjson: holds \d+ results of a command that did not come to its end: add --resume/);

    const second = command("--redis", redis.url, "--resume");
    expect(await second.ended).toBe(0);
    expect(second.said()).toContain(`results.ndjson: goes on after ${kept} runs`);
    const keys = keysIn(file);
    expect(keys).toHaveLength(120);
    expect(new Set(keys).size).toBe(120);
    const over = readFileSync(join(folder, "over.json"), "utf8");
    expect(await command().ended).toBe(0);
    expect(over).toBe(readFileSync(join(folder, "over.json"), "utf8"));
  });

  it("a worker that is asked to end finishes or returns what it plays: nobody waits for its lock", async () => {
    const first = await workerProcess();
    const client = new Redis(redis.port);
    const runner = await startCoordinator(redis.place, folder);
    const played = await playAll(runner, 10, async () => {
      first.child.kill("SIGINT");
      expect(await first.ended).toBe(0);
      expect(await client.llen("bull:shakedown:active")).toBe(0);
      await workerProcess();
    });
    client.disconnect();
    await runner.close();
    expect(played).toBe(expected);
    expect(first.said()).toMatch(/ending: .*\n.*runs played/s);
  });

  it("Redis for good: the command gives up in bounded time, keeps what it has, and says how to go on", async () => {
    const other = await RealRedis.start();
    const worker = await startWorker(other.place, { patienceSeconds: 1 });
    const ended = worker.ended.then(() => "stopped", (error: Error) => error.message);
    const runner = await startCoordinator(other.place, folder, { patienceSeconds: 1 });
    const played = playAll(runner, 10, () => other.kill());
    await expect(played).rejects.toThrow(/^redis:\/\/127\.0\.0\.1:\d+: was away for 1 s \(.*\); the results so far are kept in .*results\.ndjson, and --resume goes on from there$/);
    await runner.close();
    expect(await ended).toMatch(/was away for 1 s/);
    expect(keysIn("results.ndjson").length).toBeGreaterThan(10);
    await other.end();
  });
});

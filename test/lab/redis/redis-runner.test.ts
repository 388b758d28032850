// Runs over a real Redis: the bytes of the inline runner, in order, whoever plays; strangers, contradictions and wrong passwords are said clearly.

import { Redis } from "ioredis";
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { thisBuild } from "../../../src/lab/build.js";
import { InlineRunner } from "../../../src/lab/inline-runner.js";
import { redisPlace } from "../../../src/lab/redis/place.js";
import { KEYS, QUEUE, type ResultsAnswer } from "../../../src/lab/redis/protocol.js";
import type { RedisRunner } from "../../../src/lab/redis/redis-runner.js";
import type { RedisWorker } from "../../../src/lab/redis/redis-worker.js";
import { jobsOf, runKey, type Job, type RunResult } from "../../../src/lab/runner.js";
import { resultsOf } from "../support/bundles.js";
import { tiny } from "../support/tiny.js";
import { hasRedis, named, RealRedis, startCommand, startCoordinator, startWorker, temporaryFolder, until, works } from "./support.js";

const spike = tiny({ name: "spike" });
const healthy = tiny({ name: "healthy", errors: "+0%", expect: "classification: clean" });
const broken = tiny({ name: "broken", duration: "12" });
const cohort = { fidelity: "cohort" } as const;
const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, k) => k + 1);
const bytes = (results: readonly RunResult[]): string => results.map((result) => (result.ok ? `${result.text}\n${JSON.stringify(result.outcome)}` : JSON.stringify(result.failure))).join("\n");
const inline = new InlineRunner();

describe.skipIf(!hasRedis)(named("a runner over Redis"), () => {
  let redis: RealRedis;
  let client: Redis;
  let folder = "";
  let open: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    redis = await RealRedis.start();
    client = new Redis(redis.port);
  });
  afterAll(async () => {
    client?.disconnect();
    await redis?.end();
  });
  beforeEach(async () => {
    folder = temporaryFolder();
    await client.flushall();
  });
  afterEach(async () => {
    for (const each of open.reverse()) await each.close();
    open = [];
    rmSync(folder, { recursive: true, force: true });
  });

  async function coordinator(options: Parameters<typeof startCoordinator>[2] = {}): Promise<RedisRunner> {
    const runner = await startCoordinator(redis.place, folder, options);
    open.push(runner);
    return runner;
  }
  async function worker(options: Parameters<typeof startWorker>[1] = {}): Promise<RedisWorker> {
    const started = await startWorker(redis.place, options);
    open.push({ close: () => started.stop() });
    return started;
  }

  it("gives the inline runner's bytes in the order of the jobs: rows and outcomes, refusals, the same run twice", async () => {
    const jobs: Job[] = upTo(12).flatMap((seed) => [spike, healthy, broken].map((bundle): Job => ({ bundle, seed, fidelity: "cohort", detail: seed % 5 === 0 ? "light" : "row" })));
    jobs.push(jobs[0], jobs[4]);
    await worker();
    const runner = await coordinator();
    const over = await resultsOf(runner, jobs);
    expect(over.map(({ key }) => key)).toEqual(jobs.map(runKey));
    expect(bytes(over)).toBe(bytes(await resultsOf(inline, jobs)));
    // A second run() finds what is known in the file, though nothing is played.
    expect(bytes(await resultsOf(runner, jobs.slice(3, 5)))).toBe(bytes(over.slice(3, 5)));
  });

  it("leaves nothing in Redis but what goes by itself: no job, no answer, no sign of life", async () => {
    await worker();
    const runner = await coordinator();
    await resultsOf(runner, jobsOf(spike, upTo(20), cohort));
    await runner.close();
    const keys = await client.keys("*");
    expect(keys.filter((key) => /:wait|:active|:completed|:failed|answers|alive|-\d+$/.test(key))).toEqual([]);
    expect(await client.ttl(KEYS.bundle(spike.hash))).toBeGreaterThan(0);
  });

  it("ends early when it is aborted, and takes back what waits", async () => {
    await worker();
    const runner = await coordinator();
    const stop = new AbortController();
    const seeds: number[] = [];
    const summary = await runner.run(jobsOf(spike, upTo(50_000), cohort), ({ job }) => {
      seeds.push(job.seed);
      if (job.seed === 30) stop.abort();
    }, { signal: stop.signal });
    expect(summary).toEqual({ delivered: 30, aborted: true });
    expect(seeds).toEqual(upTo(30));
    await runner.close();
    expect(await client.llen(`bull:${QUEUE}:wait`)).toBe(0);
  });

  it("puts a bundle again that Redis lost", async () => {
    const runner = await coordinator();
    const results = resultsOf(runner, jobsOf(spike, upTo(4), cohort));
    let waiting = 0;
    while (waiting === 0) waiting = await client.llen(`bull:${QUEUE}:wait`);
    expect(await client.del(KEYS.bundle(spike.hash))).toBe(1);
    await worker();
    expect(bytes(await results)).toBe(bytes(await resultsOf(inline, jobsOf(spike, upTo(4), cohort))));
  });

  it("puts a bundle once for all batches that need it at the same time", async () => {
    const monitor = await client.monitor();
    const puts: string[] = [];
    monitor.on("monitor", (_at: string, [command, key]: readonly string[]) => {
      if (command.toLowerCase() === "set" && key.startsWith(KEYS.bundle(""))) puts.push(key);
    });
    const runner = await coordinator();
    const stop = new AbortController();
    const run = runner.run([...jobsOf(spike, upTo(400), cohort), ...jobsOf(healthy, upTo(400), cohort)], () => undefined, { signal: stop.signal });
    let waiting = 0;
    while (waiting < 100) waiting = await client.llen(`bull:${QUEUE}:wait`);
    await client.set(KEYS.bundle("last"), "1");
    await until(() => puts.includes(KEYS.bundle("last")), "all that was put is seen");
    stop.abort();
    await run;
    monitor.disconnect();
    expect(puts).toEqual([spike.hash, healthy.hash, "last"].map(KEYS.bundle));
  });

  it("takes no bundle for what its hash does not say", async () => {
    const runner = await coordinator();
    const results = resultsOf(runner, jobsOf(spike, upTo(2), cohort));
    let waiting = 0;
    while (waiting === 0) waiting = await client.llen(`bull:${QUEUE}:wait`);
    await client.set(KEYS.bundle(spike.hash), JSON.stringify({ ...healthy, hash: spike.hash }));
    await worker();
    expect(bytes(await results)).toBe(bytes(await resultsOf(inline, jobsOf(spike, upTo(2), cohort))));
  });

  it("is refused by a worker of another build, who says so once and leaves the runs to others", async () => {
    const said: string[] = [];
    await worker({ build: { ...thisBuild(), package: "9.9.9" }, onNotice: (line) => said.push(line) });
    const notices: string[] = [];
    const runner = await coordinator({ onNotice: (line) => notices.push(line) });
    const results = resultsOf(runner, jobsOf(spike, upTo(20), cohort));
    await until(() => notices.length > 0, "the stranger is noticed");
    await worker();
    expect(await results).toHaveLength(20);
    expect(said).toEqual([expect.stringMatching(/^this worker runs shakedown 9\.9\.9, model .* and leaves batches of shakedown 0\.1\.0\+[0-9a-f]{12}, .* to others/)]);
    expect(notices).toEqual([expect.stringMatching(/^the worker .* runs shakedown 9\.9\.9, .* leaves our runs to others/)]);
  });

  it("shouts when a second result differs, naming both workers and builds", async () => {
    await worker();
    const runner = await coordinator();
    const [first] = await resultsOf(runner, jobsOf(spike, [1], cohort));
    if (!first.ok) throw new Error("it runs");
    const session = await sessionOf(client);
    const answer = (row: string): ResultsAnswer => ({
      kind: "results", batch: 0, by: { worker: "liar:1", build: thisBuild(), threads: 1 }, millis: 1, left: null,
      groups: [{ hash: spike.hash, fidelity: "cohort", detail: "row", runs: [{ seed: 1, row, outcome: null }] }],
    });
    await client.rpush(KEYS.answers(session), JSON.stringify(answer(first.text)));
    await resultsOf(runner, jobsOf(spike, [2], cohort));
    await client.rpush(KEYS.answers(session), JSON.stringify(answer(first.text.replace('"passed":true', '"passed":false'))));
    await expect(resultsOf(runner, jobsOf(spike, upTo(2000), cohort))).rejects.toThrow(new RegExp(`${spike.hash}:cohort:1 came to two different results: one by .*shakedown 0\\.1\\.0.*, one by liar:1 \\(shakedown 0\\.1\\.0`));
  });

  it("gives a run that its workers vanish over again and again as lost", async () => {
    const runner = await coordinator();
    const results = resultsOf(runner, jobsOf(spike, [1], cohort));
    const session = await sessionOf(client);
    // What a worker says when BullMQ gives the batch up: first of the batch, then of the run by itself.
    for (const batch of [0, 1]) await client.rpush(KEYS.answers(session), JSON.stringify({ kind: "died", batch, reason: "job stalled more than allowable limit" }));
    const [lost] = await results;
    expect(lost.ok ? null : lost.failure).toEqual({ kind: "crashed", message: "its workers vanished again and again: job stalled more than allowable limit" });
  });

  it("throws rubbish in the queue away, and goes on", async () => {
    const said: string[] = [];
    const { Queue } = await import("bullmq");
    const queue = new Queue(QUEUE, { connection: { host: "127.0.0.1", port: redis.port } });
    await queue.add("batch", { path: "/etc/passwd", code: "process.exit()" });
    await worker({ onNotice: (line) => said.push(line) });
    await until(() => said.length > 0, "rubbish is noticed");
    expect(said[0]).toContain("was not understood and thrown away");
    const runner = await coordinator();
    expect(await resultsOf(runner, jobsOf(spike, upTo(3), cohort))).toHaveLength(3);
    await queue.close();
  });
});

describe.skipIf(!hasRedis)(named("a Redis with a password"), () => {
  let redis: RealRedis;
  beforeAll(async () => {
    redis = await RealRedis.start("--requirepass", "s3cret");
  });
  afterAll(async () => {
    await redis?.end();
  });

  it("lets in who has it, and ends the command with one line and 2 for who has not", async () => {
    const folder = temporaryFolder();
    const place = (environment: Readonly<Record<string, string>>) => redisPlace(redis.url, { environment });
    const worker = await startWorker(place({ SHAKEDOWN_REDIS_PASSWORD: "s3cret" }));
    const runner = await startCoordinator(place({ SHAKEDOWN_REDIS_PASSWORD: "s3cret" }), folder);
    expect(await resultsOf(runner, jobsOf(spike, [1], cohort))).toHaveLength(1);
    await runner.close();
    await worker.stop();
    await expect(startWorker(place({}))).rejects.toThrow(/wants a password: put it into SHAKEDOWN_REDIS_PASSWORD/);
    const wrong = startCommand(["worker", "--redis", redis.url], { env: { SHAKEDOWN_REDIS_PASSWORD: "guess" } });
    expect(await wrong.ended).toBe(2);
    expect(wrong.said()).toBe(`redis://127.0.0.1:${redis.port}: wrong user or password; they come from SHAKEDOWN_REDIS_USER, SHAKEDOWN_REDIS_PASSWORD or --redis-password-file\n`);
    rmSync(folder, { recursive: true });
  });

  it("is not found where nobody listens: one line, in bounded time", async () => {
    const { reachRedis } = await import("../../../src/lab/redis/connect.js");
    await expect(reachRedis(redisPlace("redis://127.0.0.1:1", { environment: {} }), 0.6)).rejects.toThrow("redis://127.0.0.1:1: not reachable: nobody listens there (tried for 0.6 s)");
    await expect(reachRedis(redisPlace("redis://no-such-host.invalid", { environment: {} }), 0.6)).rejects.toThrow(/not reachable: (no such host|the name cannot be looked up)/);
  });
});


const hasTls = hasRedis && works("openssl", "version");
describe.skipIf(!hasTls)(hasTls ? "a Redis behind TLS" : "no redis-server or openssl on PATH: not tested: TLS", () => {
  it("is reached with the authority's file, and not without; plain Redis is told apart", async () => {
    const folder = temporaryFolder();
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "ca.pem")];
    execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=shakedown", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], { stdio: "ignore" });
    const redis = await RealRedis.start("--tls-port", "PORT", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no");
    const { reachRedis } = await import("../../../src/lab/redis/connect.js");
    try {
      const trusting = redisPlace(redis.url, { environment: {}, ca: certificate });
      const worker = await startWorker(trusting);
      const runner = await startCoordinator(trusting, folder);
      expect(await resultsOf(runner, jobsOf(spike, [1], cohort))).toHaveLength(1);
      await runner.close();
      await worker.stop();
      await expect(reachRedis(redis.place, 5)).rejects.toThrow(/its certificate is not trusted \(\w*SELF_SIGNED\w*\); name the authority's file with --redis-ca FILE/);
      await expect(reachRedis(redisPlace(redis.url.replace("rediss", "redis"), { environment: {} }), 1)).rejects.toThrow(/not reachable|no Redis/);
    } finally {
      await redis.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** The coordinator that is there. */
async function sessionOf(client: Redis): Promise<string> {
  for (;;) {
    const [alive] = await client.keys("shakedown:alive:*");
    if (alive !== undefined) return alive.split(":")[2];
  }
}

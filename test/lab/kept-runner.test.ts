// What was played stays played: a runner that is cut off anywhere goes on from its file, with the bytes of one that never was.

import { appendFileSync, readFileSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InlineRunner } from "../../src/lab/inline-runner.js";
import { KeptRunner, type KeptRunnerOptions } from "../../src/lab/kept-runner.js";
import { filesOf } from "../../src/lab/storage/result-head.js";
import { runKey, type Job, type Runner } from "../../src/lab/runner.js";
import { StorageError } from "../../src/lab/storage/storage-error.js";
import { resultsOf } from "./support/bundles.js";
import { FakeRunner } from "./support/fake-runner.js";
import { tiny } from "./support/tiny.js";

const [spike, healthy] = [tiny({ name: "spike" }), tiny({ name: "healthy", errors: "+0%", expect: "classification: clean" })];
const jobs: readonly Job[] = [1, 2, 3, 4, 5, 6].flatMap((seed) => [spike, healthy].map((bundle): Job => ({ bundle, seed, fidelity: "cohort", detail: seed % 3 === 0 ? "light" : "row" })));

let folder = "";
let results = "";
let notices: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shakedown-kept-"));
  results = join(folder, "out/results.ndjson");
  notices = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kept = (inner: Runner, options: Partial<KeptRunnerOptions> = {}): Promise<KeptRunner> =>
  KeptRunner.start({ results, resume: false, interrupted: new AbortController().signal, files: filesOf([spike, healthy]), onNotice: (line) => notices.push(line), ...options }, async () => inner);

/** Counts what is really played. */
class Counting extends InlineRunner {
  played: string[] = [];
  override run(...[source, onResult, options]: Parameters<Runner["run"]>): ReturnType<Runner["run"]> {
    return super.run(source, (result, index) => {
      this.played.push(result.key);
      return onResult(result, index);
    }, options);
  }
}

/** All that a runner gives, as text. */
const bytes = async (runner: Runner, asked: readonly Job[] = jobs): Promise<string> => JSON.stringify((await resultsOf(runner, asked)).map((result) => [result.key, result.ok ? [result.text, result.row, result.outcome] : result.failure]));

/** Plays until so many results were given, as Ctrl-C would cut it off. */
async function playTo(count: number, options: Partial<KeptRunnerOptions> = {}): Promise<void> {
  const stop = new AbortController();
  const runner = await kept(new InlineRunner(), { interrupted: stop.signal, ...options });
  const summary = await runner.run(jobs, (_result, index) => (index + 1 === count ? stop.abort() : undefined), { signal: stop.signal });
  expect(summary).toEqual({ delivered: count, aborted: count < jobs.length });
  await runner.close();
}

describe("a runner that keeps results", () => {
  it("gives what it would give alone, and after an interruption plays only the rest", async () => {
    const alone = await bytes(new InlineRunner());
    await playTo(5);
    expect(notices).toEqual([`${results} keeps what was played; --resume goes on from there`]);
    const inner = new Counting();
    const runner = await kept(inner, { resume: true });
    expect(notices.at(-1)).toBe(`${results}: goes on after 5 runs`);
    expect(await bytes(runner)).toBe(alone);
    expect(inner.played).toEqual(jobs.slice(5).map(runKey));
    await runner.close();
  });

  it("finds kept results wherever they are among the jobs, and each detail by itself", async () => {
    await playTo(4);
    const [third, ...more] = [...jobs].reverse();
    const mixed: readonly Job[] = [third, ...more, { ...jobs[0], detail: "light" }, jobs[0], jobs[0]];
    const inner = new Counting();
    const runner = await kept(inner, { resume: true });
    expect(await bytes(runner, mixed)).toBe(await bytes(new InlineRunner(), mixed));
    expect(inner.played).toHaveLength(jobs.length - 4 + 1);
    await runner.close();
  });

  it("survives a kill in the middle of a line, and ends with the same file as an undisturbed command", async () => {
    const runner = await kept(new InlineRunner());
    await resultsOf(runner, jobs);
    await runner.close();
    const whole = readFileSync(results, "utf8");
    const upTo = (lines: number): number => Buffer.byteLength(whole.split("\n").slice(0, lines).join("\n")) + 1;
    for (const size of [upTo(4), upTo(4) + 30, upTo(8) - 1]) {
      truncateSync(results, 0);
      appendFileSync(results, Buffer.from(whole).subarray(0, size));
      const again = await kept(new InlineRunner(), { resume: true });
      await resultsOf(again, jobs);
      await again.close();
      expect(readFileSync(results, "utf8")).toBe(whole);
    }
  });

  it("keeps no run that was lost: another try may do better", async () => {
    const first = await kept(new FakeRunner((seed) => (seed === 2 ? "it broke" : {})));
    await resultsOf(first, jobs);
    await first.close();
    const second = new FakeRunner(() => ({}));
    const runner = await kept(second, { resume: true });
    expect((await resultsOf(runner, jobs)).every(({ ok }) => ok)).toBe(true);
    expect(second.played).toEqual([2, 2]);
    await runner.close();
  });

  it("hears Ctrl-C while it gives what was kept", async () => {
    await playTo(jobs.length);
    const stop = new AbortController();
    const runner = await kept(new InlineRunner(), { resume: true, interrupted: stop.signal });
    expect(await runner.run(jobs, (_result, index) => (index === 2 ? stop.abort() : undefined), { signal: stop.signal })).toEqual({ delivered: 3, aborted: true });
    await runner.close();
    await expect(kept(new InlineRunner())).rejects.toThrow(`holds ${jobs.length} results of a command that did not come to its end: add --resume`);
  });

  it("goes on with the same files only, and names the one that differs", async () => {
    await playTo(3);
    const changed = tiny({ name: "spike", errors: "+5%" });
    const started = (files: NonNullable<KeptRunnerOptions["files"]>) => kept(new InlineRunner(), { resume: true, files });
    await expect(started(filesOf([changed, healthy]))).rejects.toThrow(/spike\.yaml has changed since, and results of before do not go with it; put it back as it was, or take the results away, or choose another --out$/);
    await expect(started(filesOf([spike, healthy, tiny({ name: "third" })]))).rejects.toThrow(/was begun without third\.yaml, with healthy\.yaml, spike\.yaml/);
    await expect(started(filesOf([spike]))).rejects.toThrow(/was begun with healthy\.yaml too/);
    await (await started(filesOf([healthy, spike]))).close();
  });

  it("ends in one line when the disk is full, and what was written before is gone on with", async () => {
    await playTo(3);
    const begun = readFileSync(results);
    // Every write to /dev/full fails as on a full disk.
    rmSync(results);
    symlinkSync("/dev/full", `${results}.open`);
    const error: unknown = await kept(new InlineRunner()).then(() => null, (thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StorageError);
    expect(String(error)).toMatch(/results\.ndjson: cannot be written: the disk is full; what was written before is kept, and --resume goes on from there$/);
    rmSync(`${results}.open`);
    appendFileSync(results, begun);
    const runner = await kept(new InlineRunner(), { resume: true });
    expect(await bytes(runner)).toBe(await bytes(new InlineRunner()));
    await runner.close();
  });

  it("leaves no lock behind when its runner cannot start", async () => {
    await expect(KeptRunner.start({ results, resume: false, interrupted: new AbortController().signal }, () => Promise.reject(new Error("no threads")))).rejects.toThrow("no threads");
    await (await kept(new InlineRunner())).close();
  });
});

// Whenever a game day is killed together with its watchdog, while starting, breaking or ending, recover leaves nothing of it.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { identify, isStill, signalIf, type ProcessIdentity } from "../../../src/live/safety/identity.js";
import { recover } from "../../../src/live/safety/recover.js";
import { BUILT } from "./game-day.js";
import { temporaryFolder, tidy, until } from "./programs.js";

/** Inherited by every process of the game day; the code under test knows nothing of it. */
const MARK = "SHAKEDOWN_TEST_MARK";

interface Marked {
  readonly identity: ProcessIdentity;
  readonly command: string;
}

function marked(mark: string): readonly Marked[] {
  return readdirSync("/proc").flatMap((name) => {
    const identity = /^\d+$/.test(name) && Number(name) !== process.pid ? identify(Number(name)) : null;
    if (identity === null || !isStill(identity)) return [];
    try {
      if (!readFileSync(`/proc/${name}/environ`, "latin1").includes(`${MARK}=${mark}`)) return [];
      return [{ identity, command: readFileSync(`/proc/${name}/cmdline`, "latin1").replaceAll("\0", " ") }];
    } catch {
      return [];
    }
  });
}

const marks: string[] = [];
afterEach(() => {
  for (const mark of marks.splice(0)) for (const { identity } of marked(mark)) signalIf(identity, "SIGKILL");
  tidy();
});

describe("a game day that is killed with its watchdog", () => {
  // The moments lie in its start, its faults and its end, wherever this machine's speed puts them.
  it.each([60, 200, 350, 500, 700, 1_000])("%d ms after its start is cleaned up by recover", async (afterMs) => {
    const mark = randomUUID();
    marks.push(mark);
    const root = temporaryFolder();
    const main = spawn(process.execPath, [join(import.meta.dirname, "main-program.mjs"), BUILT, join(root, "g1"), "g1", "stop=400", "foreign", "limit=200"], { stdio: "ignore", env: { ...process.env, [MARK]: mark } });
    await sleep(afterMs);
    const before = marked(mark);
    for (const { identity } of before.filter(({ command }) => /main-program|watchdog-main/.test(command))) signalIf(identity, "SIGKILL");
    await until("main is gone", () => main.exitCode !== null || main.signalCode !== null);
    // One that was just being spawned as main died shows up a moment later, and is killed with it.
    for (const { identity, command } of marked(mark)) if (command.includes("watchdog-main")) signalIf(identity, "SIGKILL");
    expect((await recover(root)).clean).toBe(true);
    await until("nothing of it is left", () => marked(mark).length === 0, 5_000);
    expect(await recover(root)).toEqual({ lines: ["nothing to recover"], clean: true });
  });
});

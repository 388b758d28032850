// The kill switch: from elsewhere by the game day's id, and in main by signals.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { recoverGameDays } from "../../../src/cli/commands/gameday-recover.js";
import { stopGameDay } from "../../../src/cli/commands/gameday-stop.js";
import type { Terminal } from "../../../src/cli/terminal.js";
import { isStill, signalIf, stateOf } from "../../../src/live/safety/identity.js";
import { onStopRequest } from "../../../src/live/safety/stop.js";
import { endGameDays, startGameDay } from "./game-day.js";
import { temporaryFolder, tidy, until } from "./programs.js";

afterEach(() => {
  endGameDays();
  tidy();
});

class Heard implements Terminal {
  readonly color = false;
  readonly width = 100;
  readonly live = false;
  readonly printed: string[] = [];
  readonly warned: string[] = [];
  print(text: string): void {
    this.printed.push(text);
  }
  warn(text: string): void {
    this.warned.push(text);
  }
  status(): void {
    // Nobody watches.
  }
}

describe("shakedown gameday stop", () => {
  it("ends a running game day as its own Ctrl-C would, and waits for it", async () => {
    const out = temporaryFolder();
    const day = await startGameDay(join(out, "gamedays"), "g1", "stop=30000");
    const terminal = new Heard();
    expect(await stopGameDay("g1", terminal, { out })).toBe(0);
    expect(terminal.printed[0]).toMatch(/^g1 ended after .*: revert and report$/);
    await until("nothing of it is left", () => day.left().length === 0, 2_000);
    expect(await stopGameDay("g1", terminal, { out })).toBe(0);
    expect(terminal.printed[1]).toMatch(/^g1 had ended already, at .*: revert and report$/);
  });

  it("reaches a main that was put to sleep with Ctrl-Z", async () => {
    const out = temporaryFolder();
    const day = await startGameDay(join(out, "gamedays"), "g1");
    signalIf(day.main, "SIGSTOP");
    await until("main sleeps", () => stateOf(day.main) === "stopped");
    expect(await stopGameDay("g1", new Heard(), { out })).toBe(0);
  });

  it("says what to do for one whose main was killed, and recover does it", async () => {
    const out = temporaryFolder();
    const day = await startGameDay(join(out, "gamedays"), "g1", "stop=30000");
    signalIf(day.main, "SIGKILL");
    signalIf(day.watchdog, "SIGKILL");
    await until("main is gone", () => !isStill(day.main));
    const terminal = new Heard();
    expect(await stopGameDay("g1", terminal, { out })).toBe(1);
    expect(terminal.warned[0]).toMatch(/shakedown gameday recover/);
    expect(await recoverGameDays(terminal, { out })).toBe(0);
    expect(terminal.printed.join("\n")).toMatch(/g1: ended shop v1 #1 .* by SIGCONT and SIGKILL/);
    expect(await recoverGameDays(terminal, { out })).toBe(0);
    expect(terminal.printed.at(-1)).toBe("nothing to recover");
  });

  it("knows the game day that a wrong id nearly names", async () => {
    const out = temporaryFolder();
    await startGameDay(join(out, "gamedays"), "replica-stop-1");
    await expect(stopGameDay("replica-stop-2", new Heard(), { out })).rejects.toThrow(/no game day replica-stop-2 .*replica-stop-1/);
  });
});

describe("a request to stop", () => {
  it("means revert and report the first time and at once after that; a signal that came twice counts once", async () => {
    const heard: string[] = [];
    const off = onStopRequest((request, signal) => heard.push(`${signal}: ${request}`));
    process.emit("SIGINT", "SIGINT");
    process.emit("SIGINT", "SIGINT");
    expect(heard).toEqual(["SIGINT: revert and report"]);
    await sleep(350);
    process.emit("SIGTERM", "SIGTERM");
    expect(heard).toEqual(["SIGINT: revert and report", "SIGTERM: at once"]);
    off();
    expect(process.listenerCount("SIGHUP")).toBe(0);
  });
});

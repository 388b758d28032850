// The watchdog: reverts what outlives its time, cleans up when main is gone, and goes when there is nothing left to watch.

import { existsSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { isStill, signalIf, stateOf } from "../../../src/live/safety/identity.js";
import { endGameDays, startGameDay, stateIn } from "./game-day.js";
import { temporaryFolder, tidy, until } from "./programs.js";

afterEach(() => {
  endGameDays();
  tidy();
});

describe("the watchdog", () => {
  it("ends everything when main is killed with -9, a stopped replica and a foreign program included", async () => {
    const day = await startGameDay(temporaryFolder(), "g1", "stop=30000", "foreign");
    expect(stateOf(day.children[0])).toBe("stopped");
    expect(existsSync(day.temporary)).toBe(true);
    process.kill(day.main.pid, "SIGKILL");
    await until("nothing of it is left", () => day.left().length === 0);
    expect(existsSync(day.temporary)).toBe(false);
    const state = stateIn(day.journal);
    expect(state.ended).toMatchObject({ by: "watchdog", reason: "main is gone" });
    expect(state.openFaults).toEqual([]);
  });

  it("reverts a fault whose time is over when main hangs, and leaves main and the others alone", async () => {
    const day = await startGameDay(temporaryFolder(), "g1", "stop=3000", "hang");
    // On a busy machine a process that was just sent SIGSTOP still has to get its turn to stop.
    await until("the replica is stopped", () => stateOf(day.children[0]) === "stopped");
    await until("the replica goes on", () => stateOf(day.children[0]) === "running");
    await until("it is written", () => stateIn(day.journal).openFaults.length === 0);
    expect(day.left()).toHaveLength(4);
  });

  it("ends the process whose own fault has outlived main's care by seconds", async () => {
    const day = await startGameDay(temporaryFolder(), "g1", "tell", "hang");
    await until("the process is gone", () => !isStill(day.children[0]), 9_000);
    await until("it is written", () => stateIn(day.journal).openFaults.length === 0);
    expect(day.left()).toHaveLength(3);
  });

  it("ends a game day whose own time is over: main is asked first, and everything goes when it does not listen", async () => {
    const day = await startGameDay(temporaryFolder(), "g1", "limit=300");
    await until("main has ended", () => !isStill(day.main));
    expect(stateIn(day.journal).ended).toMatchObject({ by: "main", reason: "revert and report" });
    await until("nothing of it is left", () => day.left().length === 0);
  });

  it("goes by itself, soon after the game day ended", async () => {
    const day = await startGameDay(temporaryFolder(), "g1");
    process.kill(day.main.pid, "SIGTERM");
    await until("main has ended", () => !isStill(day.main));
    expect(stateIn(day.journal).ended?.by).toBe("main");
    expect(existsSync(day.temporary)).toBe(false);
    expect(day.left()).toEqual([]);
  });

  it("is missed by main when it is killed: main reverts and ends", async () => {
    const day = await startGameDay(temporaryFolder(), "g1", "stop=30000");
    signalIf(day.watchdog, "SIGKILL");
    await until("nothing of it is left", () => day.left().length === 0);
    expect(day.said.at(-1)).toMatchObject({ lost: "watchdog", text: "the watchdog ended by SIGKILL" });
    expect(stateIn(day.journal).ended?.by).toBe("main");
  });

  it("is missed by main when it is only stopped", async () => {
    const day = await startGameDay(temporaryFolder(), "g1");
    signalIf(day.watchdog, "SIGSTOP");
    await until("nothing of it is left", () => day.left().length === 0, 8_000);
    expect(day.said.at(-1)).toMatchObject({ lost: "watchdog", text: "the watchdog is stopped" });
  });
});

describe("the pipe from the parent", () => {
  it("takes the children along when main and watchdog are both killed", async () => {
    const day = await startGameDay(temporaryFolder(), "g1", "foreign");
    signalIf(day.watchdog, "SIGKILL");
    signalIf(day.main, "SIGKILL");
    await until("nothing of it is left", () => day.left().length === 0, 2_000);
  });
});

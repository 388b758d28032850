// What the watchdog does at a look, decided from the journal's state, the clock and whether main is there.

import { describe, expect, it } from "vitest";
import type { JournalEntry, Revert } from "../../../src/live/safety/entries.js";
import { GameDayState } from "../../../src/live/safety/state.js";
import { dutyAt, END_GRACE_MS, TELL_GRACE_MS, TTL_GRACE_MS } from "../../../src/live/safety/watch.js";

const PROCESS = { pid: 4_242, startTicks: 7, bootId: "b" };
const STAMP = { at: "2026-11-21T12:00:00.000Z", by: "main" } as const;

function stateOf(...entries: readonly JournalEntry[]): GameDayState {
  const state = new GameDayState();
  state.apply({ kind: "game-day-started", ...STAMP, version: 1, id: "g1", main: PROCESS, pidNamespace: "n", folder: "/x", untilMonotonicMs: 100_000 });
  for (const entry of entries) state.apply(entry);
  return state;
}

const fault = (name: string, untilMonotonicMs: number, revert: Revert = { how: "continue", victim: PROCESS }): JournalEntry =>
  ({ kind: "fault-begun", ...STAMP, fault: name, what: "SIGSTOP", victim: "shop", untilMonotonicMs, until: "", revert });
const reverted = (name: string): JournalEntry => ({ kind: "fault-reverted", ...STAMP, fault: name, how: "SIGCONT" });

const faultsAt = (now: number, state: GameDayState): readonly string[] => {
  const duty = dutyAt(now, state, true);
  return duty.duty === "revert" ? duty.faults.map((each) => each.fault) : [duty.duty];
};

describe("the watchdog's duty", () => {
  it("is to revert what main did not revert in time, and nothing before", () => {
    const state = stateOf(fault("a", 1_000), fault("b", 2_000), fault("c", 1_000), reverted("c"));
    expect(faultsAt(1_000 + TTL_GRACE_MS, state)).toEqual([]);
    expect(faultsAt(1_001 + TTL_GRACE_MS, state)).toEqual(["a"]);
    expect(faultsAt(9_000, state)).toEqual(["b", "a"]);
  });

  it("leaves a process longer to end a fault inside itself, before the process is ended for it", () => {
    const state = stateOf(fault("slow", 1_000, { how: "tell", victims: [PROCESS] }));
    expect(faultsAt(1_000 + TELL_GRACE_MS, state)).toEqual([]);
    expect(faultsAt(1_001 + TELL_GRACE_MS, state)).toEqual(["slow"]);
  });

  it("is to clean up when main is gone, whatever else", () => {
    expect(dutyAt(0, stateOf(fault("a", 1_000)), false)).toEqual({ duty: "clean up", reason: "main is gone" });
  });

  it("is to ask main when the game day's own time is over, and to clean up when main does not listen", () => {
    expect(faultsAt(100_000 + TTL_GRACE_MS, stateOf())).toEqual([]);
    expect(faultsAt(100_001 + TTL_GRACE_MS, stateOf())).toEqual(["end main's time"]);
    expect(faultsAt(100_001 + END_GRACE_MS, stateOf())).toEqual(["clean up"]);
  });

  it("is over when the game day has ended, main there or not", () => {
    const ended = stateOf(fault("a", 1_000), { kind: "game-day-ended", ...STAMP, reason: "done" });
    expect([dutyAt(0, ended, true).duty, dutyAt(1e9, ended, false).duty]).toEqual(["leave", "leave"]);
  });
});

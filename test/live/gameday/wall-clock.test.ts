// The wall's clock keeps run time and the order of timers.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventClass } from "../../../src/kernel/clock.js";
import { millis, seconds } from "../../../src/kernel/units.js";
import { WallClock } from "../../../src/live/gameday/wall-clock.js";

const EPOCH = 1_700_000_000_000;

beforeEach(() => void vi.useFakeTimers({ now: EPOCH }));
afterEach(() => void vi.useRealTimers());

const clockAt = (epochMillis: number, errors: unknown[] = []): WallClock => new WallClock({ epochMillis, onError: (error) => errors.push(error), wall: () => Date.now() });

describe("the wall clock", () => {
  it("counts microseconds since the epoch, below zero before it", () => {
    const clock = clockAt(EPOCH + 3_000);
    expect(clock.now()).toBe(-seconds(3));
    vi.advanceTimersByTime(4_500);
    expect(clock.now()).toBe(millis(1_500));
  });

  it("fires timers that are due before the epoch when they are due", () => {
    const clock = clockAt(EPOCH + 3_000);
    const fired: string[] = [];
    clock.setTimer(seconds(1), () => fired.push("before"));
    clock.at(0, EventClass.script, () => fired.push("epoch"));
    vi.advanceTimersByTime(1_001);
    expect(fired).toEqual(["before"]);
    vi.advanceTimersByTime(2_000);
    expect(fired).toEqual(["before", "epoch"]);
  });

  it("fires timers of one instant by class, then in the order they were set", () => {
    const clock = clockAt(EPOCH);
    const fired: string[] = [];
    clock.at(seconds(1), EventClass.script, () => fired.push("script"));
    clock.at(seconds(1), EventClass.engine, () => fired.push("engine 1"));
    clock.at(seconds(1), EventClass.engine, () => fired.push("engine 2"));
    clock.at(seconds(1), EventClass.world, () => fired.push("world"));
    vi.advanceTimersByTime(999);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(fired).toEqual(["world", "engine 1", "engine 2", "script"]);
  });

  it("fires an earlier timer that is set while a later one is waited for", () => {
    const clock = clockAt(EPOCH);
    const fired: number[] = [];
    clock.setTimer(seconds(60), () => fired.push(60));
    clock.setTimer(seconds(1), () => fired.push(1));
    vi.advanceTimersByTime(1_001);
    expect(fired).toEqual([1]);
    vi.advanceTimersByTime(60_000);
    expect(fired).toEqual([1, 60]);
  });

  it("fires what lies in the past at once, and a timer that a callback sets for now", () => {
    const clock = clockAt(EPOCH - 10_000);
    const fired: string[] = [];
    clock.at(seconds(2), EventClass.script, () => {
      fired.push("late");
      clock.setTimer(0, () => fired.push("follow-up"));
    });
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(["late", "follow-up"]);
  });

  it("forgets timers that are cleared, and all of them when it is stopped", () => {
    const clock = clockAt(EPOCH);
    const fired: string[] = [];
    clock.clearTimer(clock.setTimer(seconds(1), () => fired.push("cleared")));
    clock.setTimer(seconds(2), () => {
      fired.push("stops");
      clock.stop();
    });
    clock.setTimer(seconds(3), () => fired.push("after the stop"));
    vi.advanceTimersByTime(10_000);
    expect(fired).toEqual(["stops"]);
  });

  it("hands on what a callback throws, and goes on with the others", () => {
    const errors: unknown[] = [];
    const clock = clockAt(EPOCH, errors);
    const fired: string[] = [];
    clock.setTimer(seconds(1), () => {
      throw new Error("ours");
    });
    clock.setTimer(seconds(1), () => fired.push("next"));
    vi.advanceTimersByTime(1_010);
    expect(errors).toEqual([new Error("ours")]);
    expect(fired).toEqual(["next"]);
  });

  it("begins where the wall's clock is now, though it was set or the machine slept since the process began", () => {
    vi.useRealTimers();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    const clock = new WallClock({ epochMillis: Date.now(), onError: () => undefined });
    expect(Math.abs(clock.now())).toBeLessThan(seconds(1));
  });

  it("keeps the wall's own time, well below a second of drift", async () => {
    vi.useRealTimers();
    const clock = new WallClock({ epochMillis: Date.now(), onError: () => undefined });
    await clock.until(millis(30));
    expect(clock.now()).toBeGreaterThanOrEqual(millis(29));
    expect(Math.abs(clock.now() - millis(30))).toBeLessThan(seconds(1));
  });
});

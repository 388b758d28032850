// The virtual clock fires timers by time, class and insertion, and statecharts can live on it.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createActor, createMachine } from "xstate";
import { EventClass, VirtualClock, xstateClock } from "../../src/kernel/clock.js";
import { minutes, seconds } from "../../src/kernel/units.js";

const ignore = (): void => undefined;

describe("VirtualClock", () => {
  it("fires simultaneous timers by class, and within a class in the order they were set", () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.at(5, EventClass.script, () => fired.push("script"));
    clock.at(5, EventClass.engine, () => fired.push("engine 1"));
    clock.at(5, EventClass.scrape, () => fired.push("scrape"));
    clock.at(5, EventClass.engine, () => fired.push("engine 2"));
    clock.runUntil(5, ignore);
    expect(fired).toEqual(["scrape", "engine 1", "engine 2", "script"]);
  });

  it("lets the world catch up to a timer's time before the timer fires, and to the end of the run", () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    clock.setTimer(10, () => log.push(`timer at ${clock.now()}`));
    clock.runUntil(30, (at) => log.push(`world to ${at}`));
    expect(log).toEqual(["world to 10", "timer at 10", "world to 30"]);
    expect(clock.now()).toBe(30);
  });

  it("fires a timer that another timer set within the stretch", () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const again = (): void => {
      times.push(clock.now());
      clock.setTimer(seconds(15), again);
    };
    clock.setTimer(seconds(15), again);
    clock.runUntil(minutes(1), ignore);
    expect(times).toEqual([15, 30, 45, 60].map(seconds));
    expect(clock.nextAt()).toBe(seconds(75));
  });

  it("takes a delay below zero as now, and refuses a time in the past", () => {
    const clock = new VirtualClock();
    clock.runUntil(100, ignore);
    clock.setTimer(-5, ignore);
    expect(clock.nextAt()).toBe(100);
    expect(() => clock.at(99, EventClass.world, ignore)).toThrow("lies in the future");
    expect(() => clock.setTimer(NaN, ignore)).toThrow("lies in the future");
  });

  it("fires every timer that was not cleared, once, in order, whatever is set and cleared", () => {
    const timers = fc.array(fc.record({ at: fc.nat(20), rank: fc.constantFrom(0, 1, 2, 3), cleared: fc.boolean() }));
    fc.assert(
      fc.property(timers, (list) => {
        const clock = new VirtualClock();
        const fired: number[] = [];
        const ids = list.map(({ at, rank }, i) => clock.at(at, rank as EventClass, () => fired.push(i)));
        list.forEach(({ cleared }, i) => {
          if (cleared) clock.clearTimer(ids[i]);
        });
        clock.runUntil(20, ignore);
        const expected = list
          .map((timer, i) => ({ ...timer, i }))
          .filter((timer) => !timer.cleared)
          .sort((a, b) => a.at - b.at || a.rank - b.rank || a.i - b.i)
          .map((timer) => timer.i);
        expect(fired).toEqual(expected);
        expect(clock.nextAt()).toBe(Infinity);
      }),
    );
  });
});

describe("xstateClock", () => {
  it("runs a statechart's delays in virtual time", () => {
    const machine = createMachine({
      initial: "baking",
      states: { baking: { after: { 900_000: "promoted" } }, promoted: { type: "final" } },
    });
    const clock = new VirtualClock();
    const actor = createActor(machine, { clock: xstateClock(clock) });
    actor.start();
    clock.runUntil(minutes(15) - 1, ignore);
    expect(actor.getSnapshot().value).toBe("baking");
    clock.runUntil(minutes(15), ignore);
    expect(actor.getSnapshot().value).toBe("promoted");
  });
});

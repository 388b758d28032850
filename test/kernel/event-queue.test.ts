// The event queue hands events out by time, class and insertion, whatever the order of pushes, takes and cancels.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventClass } from "../../src/kernel/clock.js";
import { EventQueue } from "../../src/kernel/event-queue.js";

function push(queue: EventQueue, at: number, a: number, rank: EventClass = EventClass.world, kind = 1): void {
  queue.time[0] = at;
  queue.push(rank, kind, a);
}

function drain(queue: EventQueue): { at: number; a: number }[] {
  const taken = [];
  while (queue.next()) taken.push({ at: queue.time[0], a: queue.a });
  return taken;
}

/** The queue as a list that is searched in full: too simple to be wrong. */
class ListQueue {
  #entries: { at: number; rank: number; sequence: number; a: number; live: boolean }[] = [];
  #sequence = 0;

  push(at: number, rank: number, a: number): void {
    this.#entries.push({ at, rank, sequence: this.#sequence++, a, live: true });
  }

  cancel(a: number, rank: number): void {
    for (const entry of this.#entries) if (entry.a === a && entry.rank === rank) entry.live = false;
  }

  next(until: number): { at: number; a: number } | null {
    const due = this.#entries.filter((entry) => entry.live && entry.at <= until);
    due.sort((x, y) => x.at - y.at || x.rank - y.rank || x.sequence - y.sequence);
    if (due.length === 0) return null;
    due[0].live = false;
    return { at: due[0].at, a: due[0].a };
  }
}

describe("EventQueue", () => {
  it("hands simultaneous events out by class, and within a class in the order of insertion", () => {
    const queue = new EventQueue();
    push(queue, 5, 1, EventClass.script);
    push(queue, 5, 2, EventClass.world);
    push(queue, 5, 3, EventClass.scrape);
    push(queue, 5, 4, EventClass.world);
    push(queue, 5, 5, EventClass.engine);
    expect(drain(queue).map((event) => event.a)).toEqual([2, 4, 3, 5, 1]);
  });

  it("keeps what lies after `until` for later", () => {
    const queue = new EventQueue();
    push(queue, 10, 1);
    queue.until[0] = 9;
    expect(queue.next()).toBe(false);
    queue.until[0] = 10;
    expect(queue.next()).toBe(true);
    expect(queue.a).toBe(1);
  });

  it("says when the next event is due, Infinity when there is none", () => {
    const queue = new EventQueue();
    queue.peek();
    expect(queue.time[0]).toBe(Infinity);
    const lane = queue.addLane(EventClass.world, 2);
    push(queue, 20, 1);
    queue.time[0] = 15;
    lane.push(3);
    queue.peek();
    expect(queue.time[0]).toBe(15);
    lane.cancel(3);
    queue.peek();
    expect(queue.time[0]).toBe(20);
  });

  it("sorts 20,000 events, as many again pushed while they are taken", () => {
    const queue = new EventQueue();
    for (let i = 0; i < 20_000; i += 1) push(queue, (i * 7919) % 10_007, i);
    let last = -1;
    let taken = 0;
    while (queue.next()) {
      const now = queue.time[0];
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
      taken += 1;
      if (taken <= 20_000) push(queue, now + ((taken * 31) % 977), taken);
    }
    expect(taken).toBe(40_000);
    expect(queue.size).toBe(0);
  });

  it("agrees with a plain list under any sequence of pushes, lane pushes, cancels and takes", () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant("push" as const), after: fc.nat(9), rank: fc.constantFrom(0, 1, 2, 3) }),
      fc.record({ do: fc.constant("wait" as const), a: fc.nat(5), lane: fc.nat(2) }),
      fc.record({ do: fc.constant("cancel" as const), a: fc.nat(5), lane: fc.nat(2) }),
      fc.record({ do: fc.constant("take" as const), within: fc.nat(12) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const queue = new EventQueue();
        const list = new ListQueue();
        const waits = [
          { rank: EventClass.scrape, delay: 7 },
          { rank: EventClass.world, delay: 7 },
          { rank: EventClass.script, delay: 3 },
        ];
        const lanes = waits.map(({ rank }, i) => queue.addLane(rank, 10 + i));
        let now = 0;
        let subject = 100;
        for (const step of commands) {
          if (step.do === "push") {
            subject += 1;
            // Subjects of the heap are numbered apart from the lane's, so that a cancel means the lane's.
            push(queue, now + step.after, subject, step.rank as EventClass);
            list.push(now + step.after, step.rank, subject);
          } else if (step.do === "wait") {
            const { rank, delay } = waits[step.lane];
            queue.time[0] = now + delay;
            lanes[step.lane].push(step.a);
            list.push(now + delay, rank, step.a);
          } else if (step.do === "cancel") {
            lanes[step.lane].cancel(step.a);
            list.cancel(step.a, waits[step.lane].rank);
          } else {
            queue.until[0] = now + step.within;
            const expected = list.next(now + step.within);
            expect(queue.next()).toBe(expected !== null);
            if (expected !== null) {
              expect({ at: queue.time[0], a: queue.a }).toEqual(expected);
              now = expected.at;
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("FifoLane", () => {
  it("fires what was not cancelled, in order, and what was added again after a cancel", () => {
    const queue = new EventQueue();
    const lane = queue.addLane(EventClass.world, 4);
    for (let a = 0; a < 5000; a += 1) {
      queue.time[0] = 100 + a;
      lane.push(a);
    }
    for (let a = 0; a < 5000; a += 1) if (a % 1000 !== 0) lane.cancel(a);
    queue.time[0] = 9000;
    lane.push(7);
    expect(drain(queue).map((event) => event.a)).toEqual([0, 1000, 2000, 3000, 4000, 7]);
  });

  it("grows while it is in use, and keeps the order round the ring's end", () => {
    const queue = new EventQueue();
    const lane = queue.addLane(EventClass.world, 4);
    let added = 0;
    let taken = 0;
    for (let round = 0; round < 40; round += 1) {
      for (let i = 0; i < 100; i += 1) {
        queue.time[0] = added;
        lane.push(added++);
      }
      for (let i = 0; i < 60; i += 1) {
        expect(queue.next()).toBe(true);
        expect(queue.a).toBe(taken++);
      }
    }
    expect(drain(queue).length).toBe(added - taken);
  });

  it("refuses an event that lies before the last one added", () => {
    const queue = new EventQueue();
    const lane = queue.addLane(EventClass.world, 4);
    queue.time[0] = 10;
    lane.push(1);
    queue.time[0] = 9;
    expect(() => lane.push(2)).toThrow("in the order of their times");
  });
});

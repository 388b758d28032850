// The hold model: the event queue's classic test. It keeps a number of events pending: take one, put one back.

import { EventClass } from "../src/kernel/clock.js";
import { exponentialFrom } from "../src/kernel/distributions/exponential.js";
import { streamKey, uniform } from "../src/kernel/draws.js";
import { EventQueue } from "../src/kernel/event-queue.js";

/** The increments are drawn beforehand, so that the queue alone is measured. */
const INCREMENTS = 1 << 16;

/**
 * Prepares a queue with `pending` events; the function returned does `count` holds and returns the time reached.
 * Increments are exponential with the mean that keeps one event per unit of time. Source: Jones (1986), CACM 29.
 */
export function holdModel(pending: number): (count: number) => number {
  const key = streamKey(1, "hold");
  const increments = new Float64Array(INCREMENTS);
  for (let i = 0; i < INCREMENTS; i += 1) increments[i] = exponentialFrom(uniform(key, i, 0), pending);
  const queue = new EventQueue();
  const time = queue.time;
  for (let i = 0; i < pending; i += 1) {
    time[0] = increments[i & (INCREMENTS - 1)];
    queue.push(EventClass.world, 0, i);
  }
  let draw = 0;
  return (count) => {
    for (let i = 0; i < count; i += 1) {
      queue.next();
      draw = (draw + 1) & (INCREMENTS - 1);
      time[0] += increments[draw];
      queue.push(EventClass.world, 0, queue.a);
    }
    return time[0];
  };
}

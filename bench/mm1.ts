// One M/M/1 station, written for three simulators that make the same draws: ours, simjs, and a bare loop.

import { EventClass } from "../src/kernel/clock.js";
import { exponentialFrom } from "../src/kernel/distributions/exponential.js";
import { streamKey, uniform } from "../src/kernel/draws.js";
import { EventQueue } from "../src/kernel/event-queue.js";
import type { Simjs } from "./simjs.js";

/** Arrivals come at rate 0.7, services end at rate 1. */
const MEAN_GAP = 1 / 0.7;
const MEAN_SERVICE = 1;
const arrivals = streamKey(1, "arrivals");
const services = streamKey(1, "services");

/** Room for those waiting; at 70 % load a line of 65,536 has a chance of 1e-10,000. */
const RING = 1 << 16;

const ARRIVAL = 0;
const DEPARTURE = 1;

/** Returns the mean time of `customers` in the system, simulated on the kernel's event queue. */
export function mm1OnKernel(customers: number): number {
  const queue = new EventQueue();
  const time = queue.time;
  const cameAt = new Float64Array(RING);
  let head = 0;
  let tail = 0;
  let total = 0;
  time[0] = exponentialFrom(uniform(arrivals, 0, 0), MEAN_GAP);
  queue.push(EventClass.world, ARRIVAL, 0);
  while (queue.next()) {
    const now = time[0];
    const customer = queue.a;
    if (queue.kind === ARRIVAL) {
      cameAt[tail & (RING - 1)] = now;
      tail += 1;
      if (customer + 1 < customers) {
        time[0] = now + exponentialFrom(uniform(arrivals, customer + 1, 0), MEAN_GAP);
        queue.push(EventClass.world, ARRIVAL, customer + 1);
      }
      if (tail - head > 1) continue;
    } else {
      total += now - cameAt[head & (RING - 1)];
      head += 1;
      if (head === tail) continue;
    }
    time[0] = now + exponentialFrom(uniform(services, head, 0), MEAN_SERVICE);
    queue.push(EventClass.world, DEPARTURE, head);
  }
  return total / customers;
}

/** The same with nothing in between: two times in variables instead of a queue of events. */
export function mm1Bare(customers: number): number {
  const cameAt = new Float64Array(RING);
  let head = 0;
  let tail = 0;
  let total = 0;
  let nextArrival = exponentialFrom(uniform(arrivals, 0, 0), MEAN_GAP);
  let nextDeparture = Infinity;
  while (head < customers) {
    const now = nextArrival <= nextDeparture ? nextArrival : nextDeparture;
    if (nextArrival <= nextDeparture) {
      cameAt[tail & (RING - 1)] = now;
      tail += 1;
      nextArrival =
        tail < customers ? now + exponentialFrom(uniform(arrivals, tail, 0), MEAN_GAP) : Infinity;
      if (tail - head > 1) continue;
    } else {
      total += now - cameAt[head & (RING - 1)];
      head += 1;
      nextDeparture = Infinity;
      if (head === tail) continue;
    }
    nextDeparture = now + exponentialFrom(uniform(services, head, 0), MEAN_SERVICE);
  }
  return total / customers;
}

/** The same in simjs, as its manual writes it: a facility and an entity that sets timers. */
export function mm1OnSimjs({ Sim, Facility, Entity }: Simjs, customers: number): number {
  let total = 0;
  const facility = new Facility("server");
  class Customers extends Entity {
    arrived = 0;
    override start(): void {
      this.setTimer(exponentialFrom(uniform(arrivals, 0, 0), MEAN_GAP)).done(this.arrive);
    }
    arrive(): void {
      const service = exponentialFrom(uniform(services, this.arrived, 0), MEAN_SERVICE);
      this.useFacility(facility, service).done(this.leave, this, this.time());
      this.arrived += 1;
      if (this.arrived === customers) return;
      this.setTimer(exponentialFrom(uniform(arrivals, this.arrived, 0), MEAN_GAP)).done(this.arrive);
    }
    leave(cameAt: number): void {
      total += this.time() - cameAt;
    }
  }
  const sim = new Sim();
  sim.addEntity(Customers);
  sim.simulate(Infinity);
  return total / customers;
}

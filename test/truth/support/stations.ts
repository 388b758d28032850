// Textbook stations in series, simulated on the kernel's own event queue and draws, to be held to closed forms.

import { EventClass } from "../../../src/kernel/clock.js";
import { exponentialFrom } from "../../../src/kernel/distributions/exponential.js";
import { streamKey, uniform } from "../../../src/kernel/draws.js";
import { EventQueue } from "../../../src/kernel/event-queue.js";

export interface Station {
  readonly servers: number;
  /** Places to wait; a customer who finds them taken is lost. */
  readonly places: number;
  /** The service time at a uniform draw. */
  readonly service: (u: number) => number;
}

export interface Stay {
  /** The mean time in the network minus the mean service: what waiting cost, over the served. */
  readonly meanWait: number;
  /** The share of customers turned away at the first station. */
  readonly refused: number;
}

const ARRIVAL = 0;
/** A customer who left is forgotten: the ring of start times needs to hold those present only. */
const RING = 1 << 16;

/**
 * Poisson arrivals pass through `stations` one after the other, first come first served. The first `warmUp`
 * customers are not counted; `customers` are.
 */
export function simulateStations(
  seed: number,
  customers: number,
  warmUp: number,
  arrivalRate: number,
  stations: readonly Station[],
): Stay {
  const arrivals = streamKey(seed, "arrivals");
  const services = streamKey(seed, "services");
  const gap = 1 / arrivalRate;
  const queue = new EventQueue();
  const lines = stations.map((station) => new Line(station));
  const cameAt = new Float64Array(RING);
  const last = warmUp + customers;
  let refused = 0;
  let served = 0;
  let waited = 0;

  queue.time[0] = exponentialFrom(uniform(arrivals, 0, 0), gap);
  queue.push(EventClass.world, ARRIVAL, 0);
  while (queue.next()) {
    const now = queue.time[0];
    const customer = queue.a;
    // Kind k > 0 is the end of service at station k; a customer who ends there enters the next one.
    const entering = queue.kind;
    if (entering > 0) {
      const line = lines[entering - 1];
      if (line.waiting > 0) {
        const next = line.shift();
        const time = line.service(uniform(services, next, entering - 1));
        if (next >= warmUp) waited -= time;
        queue.time[0] = now + time;
        queue.push(EventClass.world, entering, next);
      } else line.busy -= 1;
    } else if (customer + 1 < last) {
      cameAt[customer & (RING - 1)] = now;
      queue.time[0] = now + exponentialFrom(uniform(arrivals, customer + 1, 0), gap);
      queue.push(EventClass.world, ARRIVAL, customer + 1);
    } else cameAt[customer & (RING - 1)] = now;

    if (entering === lines.length) {
      if (customer < warmUp) continue;
      served += 1;
      waited += now - cameAt[customer & (RING - 1)];
      continue;
    }
    const line = lines[entering];
    if (line.busy < line.servers) {
      line.busy += 1;
      const time = line.service(uniform(services, customer, entering));
      if (customer >= warmUp) waited -= time;
      queue.time[0] = now + time;
      queue.push(EventClass.world, entering + 1, customer);
    } else if (line.waiting < line.places) line.push(customer);
    else if (customer >= warmUp) refused += 1;
  }
  return { meanWait: waited / served, refused: refused / customers };
}

/** One station's servers and its line of waiting customers, a ring. */
class Line {
  busy = 0;
  waiting = 0;
  readonly servers: number;
  readonly places: number;
  readonly service: (u: number) => number;
  #head = 0;
  readonly #customers = new Int32Array(RING);

  constructor(station: Station) {
    this.servers = station.servers;
    this.places = Math.min(station.places, RING);
    this.service = station.service;
  }

  push(customer: number): void {
    this.#customers[(this.#head + this.waiting) & (RING - 1)] = customer;
    this.waiting += 1;
  }

  shift(): number {
    const customer = this.#customers[this.#head];
    this.#head = (this.#head + 1) & (RING - 1);
    this.waiting -= 1;
    return customer;
  }
}

// Closed forms of queueing theory: what the simulated stations are held to, and what the cohort world reckons with.

import { assert } from "./assert.js";
import { exactExp } from "./exact.js";

// Throughout: `servers` is c, `load` is the offered load a = arrival rate / service rate (in erlang), and times are
// in the unit in which the rates are given.

/**
 * The chance that all `servers` are busy when nobody may wait (M/M/c/c, and M/G/c/c by insensitivity).
 * Source: Erlang (1917); the recursion in c is stable for every load.
 */
export function erlangB(servers: number, load: number): number {
  assert(servers >= 0 && load >= 0, "servers and load are not negative");
  let blocked = 1;
  for (let i = 1; i <= servers; i += 1) blocked = (load * blocked) / (i + load * blocked);
  return blocked;
}

/** The chance that an arrival must wait in M/M/c; 1 when the load is not below the servers. */
export function erlangC(servers: number, load: number): number {
  if (load >= servers) return 1;
  const blocked = erlangB(servers, load);
  return (servers * blocked) / (servers - load * (1 - blocked));
}

/** The mean wait before service in M/M/c; Infinity without a steady state. */
export function meanWaitMMc(servers: number, arrivalRate: number, serviceRate: number): number {
  const spare = servers * serviceRate - arrivalRate;
  if (spare <= 0) return Infinity;
  return erlangC(servers, arrivalRate / serviceRate) / spare;
}

/** The chance that a wait in M/M/c exceeds `time`: those who wait at all wait an exponential time. */
export function waitBeyondMMc(servers: number, arrivalRate: number, serviceRate: number, time: number): number {
  const spare = servers * serviceRate - arrivalRate;
  if (spare <= 0) return 1;
  return erlangC(servers, arrivalRate / serviceRate) * exactExp(-spare * time);
}

/**
 * The mean wait before service in M/G/1: rate E[S^2] / (2 (1 - rho)), with the service's squared coefficient of
 * variation (variance / mean^2). Source: Pollaczek (1930), Khinchine (1932).
 */
export function pollaczekKhinchine(arrivalRate: number, meanService: number, squaredVariation: number): number {
  const utilisation = arrivalRate * meanService;
  if (utilisation >= 1) return Infinity;
  return (utilisation * meanService * (1 + squaredVariation)) / (2 * (1 - utilisation));
}

/**
 * The mean wait in G/G/c, approximately: that of M/M/c times the mean of the squared coefficients of variation of
 * arrivals and service. Exact for M/M/c and M/G/1. Source: Allen and Cunneen (1978).
 */
export function meanWaitAllenCunneen(
  servers: number,
  arrivalRate: number,
  meanService: number,
  arrivalVariation: number,
  serviceVariation: number,
): number {
  return ((arrivalVariation + serviceVariation) / 2) * meanWaitMMc(servers, arrivalRate, 1 / meanService);
}

export interface BoundedQueue {
  /** The share of arrivals that find the queue full and are turned away. */
  readonly refused: number;
  /** The share of accepted arrivals that must wait. */
  readonly waiting: number;
  /** The mean wait of the accepted before service, those who need not wait included. */
  readonly meanWait: number;
  /** The mean number waiting, seen at any time. */
  readonly meanQueue: number;
  /** The mean number of busy servers. */
  readonly busy: number;
}

/**
 * M/M/c/K with room for `places` waiting beside the c in service (K = c + places): steady for every load.
 * Source: Gross and Harris, Fundamentals of Queueing Theory (1998), 2.4.
 */
export function boundedQueueMMc(
  servers: number,
  places: number,
  arrivalRate: number,
  serviceRate: number,
): BoundedQueue {
  assert(servers >= 1 && places >= 0, "a station has a server, and no negative room");
  if (arrivalRate === 0) return { refused: 0, waiting: 0, meanWait: 0, meanQueue: 0, busy: 0 };
  const load = arrivalRate / serviceRate;
  const ratio = load / servers;
  // In units of the chance that exactly c are present; below c the chances sum to 1 / B(c, a) of it.
  const below = 1 / erlangB(servers, load) - 1;
  let above = 0;
  let queued = 0;
  let weight = 1;
  let largest = 1 + below;
  for (let waiting = 1; waiting <= places; waiting += 1) {
    weight *= ratio;
    above += weight;
    queued += waiting * weight;
    largest = Math.max(largest, above);
    if (weight < largest * 1e-18 || weight > 1e250) break;
  }
  if (weight > 1e250) return saturated(servers, places, arrivalRate, serviceRate);
  const total = below + 1 + above;
  const full = (places === 0 ? 1 : weight) / total;
  const accepted = arrivalRate * (1 - full);
  const mustWait = (1 + above) / total - full;
  return {
    refused: full,
    waiting: mustWait / (1 - full),
    meanWait: queued / total / accepted,
    meanQueue: queued / total,
    busy: accepted / serviceRate,
  };
}

/** The limit of a load so far above the servers that the queue is never seen less than nearly full. */
function saturated(servers: number, places: number, arrivalRate: number, serviceRate: number): BoundedQueue {
  const capacity = servers * serviceRate;
  const meanQueue = places - capacity / (arrivalRate - capacity);
  return {
    refused: 1 - capacity / arrivalRate,
    waiting: 1,
    meanWait: meanQueue / capacity,
    meanQueue,
    busy: servers,
  };
}

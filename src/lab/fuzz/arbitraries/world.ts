// Arbitrary worlds: a few services that call each other downwards, databases, traffic that they can just about bear.

import { constantFrom } from "fast-check";
import type { Fields, Value } from "../document.js";
import { composed, type Hand } from "../hand.js";
import { duration, euro, factor, mebibytes, millis, percent, rate, secondsText, whole } from "./figures.js";

const SERVICE_NAMES = ["checkout", "payments", "catalogue", "search"] as const;
const ENDPOINT_NAMES = ["create", "list", "status"] as const;
const DATABASE_NAMES = ["orders-db", "stock-db"] as const;

/** One of the five ways to write a service time between `min` and `max` milliseconds. */
function time(hand: Hand, min: number, max: number): Fields {
  const middle = hand.count(min, max);
  return hand.weighted<() => Fields>([
    [6, () => ({ p50: `${middle}ms`, p95: `${middle * hand.count(2, 5)}ms` })],
    [1, () => ({ exponential: `${middle}ms` })],
    [1, () => ({ constant: `${middle}ms` })],
    [1, () => ({ gamma: `${middle}ms`, ...(hand.chance(0.5) ? { shape: hand.count(1, 6) } : {}) })],
    [1, () => ({ uniform: `${min}ms-${middle}ms` })],
  ])();
}

function call(hand: Hand, to: string): Value {
  if (hand.chance(0.4)) return to;
  const written: Fields = { to };
  if (hand.chance(0.3)) written.share = hand.draw(percent(10, 100));
  if (hand.chance(0.6)) written.timeout = hand.draw(millis(200, 3000));
  if (hand.chance(0.4)) written.retries = hand.chance(0.4) ? hand.count(0, 3) : retries(hand);
  if (hand.chance(0.35)) written.breaker = hand.chance(0.4) ? hand.chance(0.8) : breaker(hand);
  if (hand.chance(0.2)) written.optional = hand.chance(0.8);
  return written;
}

function retries(hand: Hand): Fields {
  return { max: hand.count(1, 3), ...(hand.chance(0.5) ? { backoff: hand.draw(millis(0, 500)) } : {}), ...(hand.chance(0.5) ? { budget: hand.draw(percent(0, 100)) } : {}) };
}

function breaker(hand: Hand): Fields {
  return {
    "failure-ratio": hand.draw(percent(5, 90)),
    ...(hand.chance(0.5) ? { "min-requests": hand.count(1, 50) } : {}),
    ...(hand.chance(0.5) ? { window: hand.draw(duration(2, 60)) } : {}),
    ...(hand.chance(0.5) ? { "open-for": hand.draw(duration(1, 60)) } : {}),
  };
}

/** Shares that sum to 100 %, or one endpoint that takes what is left. */
function shares(hand: Hand, endpoints: number): (string | null)[] {
  if (endpoints === 1) return [hand.chance(0.2) ? "100%" : null];
  const given = Array.from({ length: endpoints - 1 }, () => hand.count(5, Math.floor(90 / (endpoints - 1))));
  const rest = 100 - given.reduce((sum, share) => sum + share, 0);
  return [...given.map((share) => `${share}%`), hand.chance(0.5) ? `${rest}%` : null];
}

function endpoints(hand: Hand, callees: readonly string[]): Fields {
  const names = ENDPOINT_NAMES.slice(0, hand.weighted([[4, 1], [3, 2], [1, 3]]));
  const parts = shares(hand, names.length);
  return Object.fromEntries(names.map((name, index): [string, Fields] => {
    const endpoint: Fields = { ...(parts[index] === null ? {} : { share: parts[index] }), ...time(hand, 5, 60) };
    if (hand.chance(0.6)) endpoint.errors = hand.draw(percent(0, 0.9));
    const calls = hand.some(callees, 0.6).slice(0, 2).map((to) => call(hand, to));
    if (calls.length > 0) endpoint.calls = calls;
    if (hand.chance(0.4)) endpoint.conversion = hand.draw(percent(1, 100));
    if (endpoint.conversion !== undefined && hand.chance(0.8)) endpoint["order-value"] = hand.draw(euro(1, 200));
    return [name, endpoint];
  }));
}

function service(hand: Hand, callees: readonly string[], stable: string): Fields {
  const replicas = hand.count(1, 6);
  const written: Fields = { replicas, endpoints: endpoints(hand, callees) };
  const put = (chance: number, key: string, make: () => Value): void => {
    if (hand.chance(chance)) written[key] = make();
  };
  if (stable !== "v1") written.version = stable;
  put(0.3, "zones", () => hand.count(1, 4));
  put(0.5, "slots", () => hand.draw(whole(2, 32)));
  put(0.4, "queue", () => hand.draw(whole(0, 150)));
  put(0.3, "balancing", () => hand.pick(["round-robin", "random", "least-request", "power-of-two"]));
  put(0.3, "health-check", () => ({ interval: hand.draw(duration(1, 30)), "healthy-after": hand.count(1, 3), "unhealthy-after": hand.count(1, 4) }));
  put(0.4, "startup", () => time(hand, 500, 20_000));
  put(0.4, "warm-up", () => ({ for: hand.draw(duration(0, 180)), factor: hand.draw(factor(1, 4)) }));
  put(0.25, "liveness", () => ({ interval: hand.draw(duration(1, 30)), failures: hand.count(1, 5) }));
  put(0.3, "cpu", () => ({ idle: hand.draw(percent(0, 20)), busy: hand.draw(percent(20, 120)) }));
  put(0.3, "memory", () => ({ base: hand.draw(mebibytes(100, 500)), limit: hand.draw(mebibytes(512, 2048)) }));
  put(0.15, "autoscale", () => ({
    min: hand.count(1, replicas), max: hand.count(replicas, replicas + 4),
    ...(hand.chance(0.5) ? { "target-cpu": hand.draw(percent(20, 90)) } : {}),
    ...(hand.chance(0.5) ? { interval: hand.draw(duration(10, 60)) } : {}),
    ...(hand.chance(0.5) ? { "down-after": hand.draw(duration(0, 600)) } : {}),
  }));
  put(0.3, "cache", () => ({ hit: hand.draw(percent(10, 99)), fill: hand.draw(duration(5, 600)), miss: time(hand, 5, 60) }));
  return written;
}

function traffic(hand: Hand, enters: string): Fields {
  const written: Fields = { enters, rate: hand.draw(rate(2, 120)) };
  if (hand.chance(0.06)) {
    written.daily = { low: hand.draw(percent(5, 90)), ...(hand.chance(0.5) ? { "peak-at": `${hand.count(0, 23)}:30` } : {}), ...(hand.chance(0.5) ? { "starts-at": `${hand.count(0, 23)}:00` } : {}) };
  }
  if (hand.chance(0.06)) written.bursts = { every: hand.draw(duration(60, 900)), lasts: hand.draw(duration(5, 120)), factor: hand.draw(factor(1, 3)) };
  if (hand.chance(0.12)) {
    written.spread = hand.pick(["poisson", "gamma", null]) ?? { gamma: { cv: hand.draw(percent(1, 100)), ...(hand.chance(0.5) ? { slot: hand.draw(duration(1, 120)) } : {}) } };
  }
  return written;
}

function telemetry(hand: Hand): Fields {
  const written: Fields = { scrape: hand.draw(constantFrom("5s", "10s", "15s", "30s")) };
  if (hand.chance(0.6)) written.lag = hand.draw(duration(0, 30));
  if (hand.chance(0.3)) written.missed = hand.draw(percent(0, 20));
  if (hand.chance(0.4)) written.init = hand.pick(["lazy", "zero"]);
  if (hand.chance(0.15)) written.buckets = ["10ms", "50ms", "100ms", "250ms", "500ms", "1s", "2500ms", "5s"].filter((_, index) => index % 2 === 0 || hand.chance(0.6));
  return written;
}

const range = (hand: Hand): { readonly min: number; readonly max: number } => {
  const min = hand.count(0, 20);
  return { min, max: min + hand.count(0, 40) };
};

function clients(hand: Hand): Fields {
  return {
    ...(hand.chance(0.6) ? { timeout: hand.draw(duration(2, 30)) } : {}),
    ...(hand.chance(0.7) ? { reload: { share: hand.draw(percent(0, 90)), ...(hand.chance(0.5) ? { after: hand.draw(duration(0, 20)) } : {}), ...(hand.chance(0.5) ? { max: hand.count(0, 3) } : {}) } } : {}),
  };
}

/** A world written inside a scenario. */
export const arbitraryWorld = composed((hand): Fields => {
  const names = SERVICE_NAMES.slice(0, hand.weighted([[12, 1], [8, 2], [3, 3], [1, 4]]));
  const databases = DATABASE_NAMES.slice(0, hand.weighted([[4, 0], [4, 1], [1, 2]]));
  const services: Fields = {};
  // From the last to the first, so that calls go downwards and never in a circle.
  for (const name of [...names].reverse()) {
    const callees = [...databases, ...Object.entries(services).flatMap(([callee, written]) => Object.keys((written as Fields).endpoints as Fields).map((endpoint) => `${callee}/${endpoint}`))];
    services[name] = service(hand, callees, hand.weighted([[8, "v1"], [1, "v0"], [1, `${name}-blue`]]));
  }
  const ordered = Object.fromEntries(names.map((name) => [name, services[name]]));
  const written: Fields = { services: ordered };
  if (databases.length > 0) {
    written.databases = Object.fromEntries(databases.map((name): [string, Fields] => [name, {
      ...time(hand, 1, 10),
      ...(hand.chance(0.4) ? { errors: hand.draw(percent(0, 0.5)) } : {}),
      ...(hand.chance(0.6) ? { pool: hand.draw(whole(5, 100)) } : {}),
      ...(hand.chance(0.4) ? { wait: hand.draw(millis(0, 2000)) } : {}),
    }]));
  }
  const entries = [names[0], ...hand.some(names.slice(1), 0.2)].map((name) => traffic(hand, name));
  written.traffic = entries.length === 1 && hand.chance(0.8) ? entries[0] : entries;
  if (hand.chance(0.1)) written.name = "fuzzed-world";
  if (hand.chance(0.5)) written.users = hand.draw(whole(1, 50_000));
  if (hand.chance(0.4)) written.clients = clients(hand);
  if (hand.chance(0.6)) written.telemetry = telemetry(hand);
  if (hand.chance(0.3)) {
    const { min, max } = range(hand);
    written.flags = { propagation: hand.chance(0.5) ? `${secondsText(min)}-${secondsText(max)}` : { min: secondsText(min), max: secondsText(max) } };
  }
  if (hand.chance(0.3)) written["split-propagation"] = hand.draw(duration(0, 30));
  if (hand.chance(0.3)) written.drain = hand.draw(duration(0, 60));
  return written;
});

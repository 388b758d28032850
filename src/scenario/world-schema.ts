// The shape of a world as users write it: services, databases, traffic, clients, telemetry, with the default figures.

import { z } from "zod";

import { bytes, choice, civilTime, count, duration, durationRange, euro, factor, fields, list, name, named, oneOrMany, onOff, percent, rate, text, timeOfDay } from "./fields.js";
import { LIMITS } from "./limits.js";

/** The ways to give a service time; the loader takes exactly one of them. */
const timeShape = {
  p50: duration("Median of a lognormal service time (with `p95`).", "45ms").optional(),
  p95: duration("95th percentile of a lognormal service time (with `p50`).", "140ms").optional(),
  exponential: duration("An exponential service time with this mean.", "45ms").optional(),
  constant: duration("A service time that is always the same.", "45ms").optional(),
  gamma: duration("A gamma service time with this mean (with `shape`).", "45ms").optional(),
  shape: z.number({ error: () => "should be a number\nwrite a number, like 2" }).positive({ error: () => "should be above 0\nwrite a number, like 2" }).max(1000, { error: () => "is over 1000\nwrite at most 1000" }).meta({ description: "Shape of the gamma service time; 1 is exponential." }).optional(),
  uniform: durationRange("A service time evenly spread over a range.", "20ms-60ms").optional(),
} as const;

const time = (about: string) => fields(about, timeShape);

const retries = fields("Retries of a failed call, one after the other.", {
  max: count("Retries of one request at most.", { min: 0, max: LIMITS.retries }).prefault(1),
  backoff: duration("Pause before a retry.", "50ms").prefault("50ms"),
  budget: percent("Retries of the last 10 s as a share of first tries at most.", "20%").prefault("20%"),
}, "retries");

const breaker = fields("A circuit breaker at the caller.", {
  "failure-ratio": percent("Opens when this share of calls failed.", "50%", { positive: true }).prefault("50%"),
  "min-requests": count("Calls in the window before it may open.", { min: 1, max: 1_000_000 }).prefault(20),
  window: duration("Failures are counted over this long.", "10s", { positive: true }).prefault("10s"),
  "open-for": duration("Time until it lets a try through again.", "5s", { positive: true }).prefault("5s"),
}, "breaker");

const call = z.union([
  text("An endpoint of a service (`payments/charge`) or a database (`orders-db`).", "payments/charge", 2 * LIMITS.nameLength),
  fields("A call after the endpoint's own work, made while the caller's slot is held.", {
    to: text("An endpoint of a service (`payments/charge`) or a database (`orders-db`).", "payments/charge", 2 * LIMITS.nameLength),
    share: percent("Share of requests that make the call.", "100%").prefault("100%"),
    timeout: duration("The caller gives up after this; the callee goes on working.", "2s", { positive: true }).prefault("2s"),
    retries: z.union([count("Retries of one request at most.", { min: 0, max: LIMITS.retries }), retries]).meta({ description: "How often a failed call is tried again: a number, or a map." }).prefault(0),
    breaker: z.union([onOff("A circuit breaker with the usual figures."), breaker]).meta({ description: "A circuit breaker at the caller: on, off, or a map." }).prefault(false),
    optional: onOff("A failed optional call does not fail the request.").prefault(false),
  }, "call"),
]);

const endpoint = fields("An endpoint: its share of the traffic from outside, its own work, and what it calls.", {
  share: percent("Share of the traffic that enters the service from outside; those of a service sum to 100%. Endpoints without one share the rest.", "60%").optional(),
  ...timeShape,
  errors: percent("Base error rate of the endpoint's own work.", "0.1%").prefault("0%"),
  calls: list("Calls made one after the other when the endpoint's own work is done.", call, LIMITS.callsPerEndpoint).prefault([]),
  conversion: percent("Share of successful requests that become an order.", "4%").prefault("0%"),
  "order-value": euro("What one order is worth.", "48EUR").prefault("0EUR"),
}, "endpoint");

const service = fields("A service: replicas of one version behind a balancer.", {
  version: name("The stable version at the start.", "v1").prefault("v1"),
  replicas: count("Replicas at the start.", { min: 1, max: LIMITS.replicas, example: 6 }).prefault(3),
  zones: count("Zones that the replicas are spread over.", { min: 1, max: LIMITS.zones }).prefault(3),
  slots: count("Requests a replica works on at once.", { min: 1, max: LIMITS.slots }).prefault(16),
  queue: count("Requests a replica lets wait; one more is refused with 503.", { min: 0, max: LIMITS.queue }).prefault(200),
  endpoints: named("The endpoints by name.", "endpoint", endpoint, LIMITS.endpointsPerService),
  balancing: choice("How the balancer picks a replica.", ["round-robin", "random", "least-request", "power-of-two"]).prefault("power-of-two"),
  "health-check": fields("The balancer's own health check.", {
    interval: duration("Time between two probes (at most 30 s by the book).", "10s", { repeats: true }).prefault("10s"),
    "healthy-after": count("Probes that pass before a replica gets traffic.", { min: 1, max: 100 }).prefault(2),
    "unhealthy-after": count("Probes that fail before it gets none.", { min: 1, max: 100 }).prefault(3),
  }).prefault({}),
  startup: time("From start to ready: container pull, boot, readiness probe.").prefault({ p50: "10s", p95: "20s" }),
  "warm-up": fields("A fresh replica is slow at first.", {
    for: duration("How long it takes to get warm.", "60s").prefault("60s"),
    factor: factor("How many times as long a request takes on a cold replica.", "x2", { min: 1 }).prefault("x2"),
  }).prefault({}),
  liveness: fields("The liveness probe: an unresponsive replica is restarted.", {
    interval: duration("Time between two probes.", "10s", { repeats: true }).prefault("10s"),
    failures: count("Failures in a row before the restart.", { min: 1, max: 100 }).prefault(3),
  }).prefault({}),
  cpu: fields("CPU of a replica, of its limit: idle + busy x (work in progress / slots).", {
    idle: percent("CPU of an idle replica.", "5%").prefault("5%"),
    busy: percent("CPU that a full replica adds.", "90%", { max: 10 }).prefault("90%"),
  }).prefault({}),
  memory: fields("Memory of a replica.", {
    base: bytes("What a replica uses without a leak.", "400MiB").prefault("400MiB"),
    limit: bytes("Where it is killed.", "1GiB").prefault("1GiB"),
  }).prefault({}),
  autoscale: fields("The autoscaler (Kubernetes' rule); left out means none.", {
    min: count("Replicas at least.", { min: 1, max: LIMITS.replicas }).prefault(2),
    max: count("Replicas at most.", { min: 1, max: LIMITS.replicas }).prefault(10),
    "target-cpu": percent("Average CPU of ready replicas that it aims at.", "70%", { positive: true }).prefault("70%"),
    interval: duration("Time between two looks.", "15s", { repeats: true }).prefault("15s"),
    "down-after": duration("Scales down only after the demand was lower for this long.", "5m").prefault("5m"),
  }).optional(),
  cache: fields("A cache in each replica, cold after a start; left out means none.", {
    hit: percent("Hit ratio of a full cache.", "90%").prefault("90%"),
    fill: duration("Time constant of its filling.", "5m", { positive: true }).prefault("5m"),
    miss: time("Extra service time of a miss."),
  }).optional(),
}, "service");

const database = fields("A database: a pool of connections and a query time.", {
  ...timeShape,
  errors: percent("Base error rate of queries.", "0.01%").prefault("0%"),
  pool: count("Connections shared by all replicas that use it.", { min: 1, max: LIMITS.pool, example: 100 }).prefault(100),
  wait: duration("Longest wait for a connection.", "500ms").prefault("500ms"),
}, "database");

const traffic = fields("Client traffic into one service: a rate, or a recorded trace that is scaled.", {
  enters: name("The service that clients call.", "checkout"),
  rate: rate("Pages per second (at the peak of a daily shape).", "400rps").optional(),
  trace: text("A CSV file `timestamp,value` that gives the shape.", "../traces/elb.csv").optional(),
  "scale-to": rate("The highest rate of the trace within the scenario's stretch.", "400rps").optional(),
  starts: civilTime("The time in the trace at which the scenario starts (UTC); its first row when left out.", "2014-04-14 09:00").optional(),
  daily: fields("A daily wave between `low` and the full rate.", {
    low: percent("The lowest rate of the day as a share of the rate.", "30%"),
    "peak-at": timeOfDay("Time of day of the highest rate.", "14:00").prefault("14:00"),
    "starts-at": timeOfDay("Time of day at which the scenario starts.", "09:00").prefault("09:00"),
  }).optional(),
  bursts: fields("Short bursts at random times.", {
    every: duration("Mean time between two bursts.", "10m", { repeats: true }),
    lasts: duration("Length of a burst.", "30s", { repeats: true }),
    factor: factor("How many times the rate.", "x2", { min: 1 }),
  }).optional(),
  spread: z
    .union([
      choice("Randomness of the arrivals.", ["poisson", "gamma"]),
      fields("Arrivals that vary more than a Poisson process.", {
        gamma: fields("The rate of each slot is multiplied by a gamma draw of mean 1.", {
          cv: percent("Coefficient of variation of the draw.", "20%", { max: 5, positive: true }).prefault("20%"),
          slot: duration("Length of a slot.", "1m", { repeats: true }).prefault("1m"),
        }),
      }),
    ])
    .meta({ description: "poisson (default), gamma, or gamma with figures." })
    .prefault("poisson"),
}, "traffic");

const worldShape = {
  name: text("The world's name.", "shop", LIMITS.nameLength).optional(),
  about: text("What it stands for, in a sentence.", "A small shop: checkout, payments and a database.").optional(),
  users: count("Distinct users; a user sticks to a version.", { min: 1, max: LIMITS.users, example: 40_000 }).prefault(40_000),
  services: named("The services by name.", "service", service, LIMITS.services),
  databases: named("The databases by name.", "database", database, LIMITS.databases).prefault({}),
  traffic: oneOrMany("Client traffic: one entry, or a list of them.", traffic, LIMITS.traffics),
  clients: fields("What clients do when a page is slow or fails.", {
    timeout: duration("A client gives up after this.", "10s", { positive: true }).prefault("10s"),
    reload: fields("Failed pages are loaded again.", {
      share: percent("Share of failed pages that are loaded again.", "50%").prefault("50%"),
      after: duration("After how long.", "3s").prefault("3s"),
      max: count("How often at most.", { min: 0, max: LIMITS.reloads }).prefault(2),
    }).prefault({}),
  }).prefault({}),
  telemetry: fields("The scrape pipeline (Prometheus).", {
    scrape: duration("Scrape interval.", "15s", { repeats: true }).prefault("15s"),
    lag: duration("A sample can be queried this long after its scrape.", "5s").prefault("5s"),
    missed: percent("Share of scrapes missed by chance.", "0.1%").prefault("0%"),
    init: choice("Whether a series exists from the start (zero) or from its first event (lazy).", ["lazy", "zero"]).prefault("lazy"),
    buckets: list("Upper edges of the latency buckets, ascending; objectives add theirs.", duration("An upper edge.", "500ms", { positive: true }), LIMITS.buckets).optional(),
  }).prefault({}),
  flags: fields("The flag service.", {
    propagation: z
      .union([
        durationRange("A flag change reaches each replica within this range.", "1s-10s"),
        fields("A flag change reaches each replica within this range.", { min: duration("At the earliest.", "1s"), max: duration("At the latest.", "10s") }).transform(({ min, max }) => ({ from: min, to: max })),
      ])
      .meta({ description: "A flag change reaches each replica within this range." })
      .prefault("1s-10s"),
  }).prefault({}),
  "split-propagation": duration("A new traffic split reaches the balancer after this.", "2s").prefault("2s"),
  drain: duration("A stopping replica finishes its requests for at most this long.", "30s").prefault("30s"),
} as const;

export const headerShape = {
  shakedown: z.literal(1, { error: (issue) => (issue.input === undefined ? "is missing\nwrite `shakedown: 1` first" : "this version of the format is not known\nwrite `shakedown: 1`") }).meta({ description: "Version of the file format." }),
};

export const kind = <K extends string>(word: K) =>
  z.literal(word, { error: (issue) => (issue.input === undefined ? `is missing\nwrite \`kind: ${word}\`` : `this file should be of kind ${word}\nwrite \`kind: ${word}\`, or name the file where its kind belongs`) }).meta({ description: "What the file is." });

/** A world written inside a scenario. */
export const inlineWorldSchema = fields("The simulated world.", worldShape);
/** A world in a file of its own. */
export const worldFileSchema = fields("A world: services, databases, traffic and telemetry.", { ...headerShape, kind: kind("world"), ...worldShape });

export type WrittenWorld = z.output<typeof inlineWorldSchema>;
export type WrittenTime = Partial<Pick<z.output<typeof endpoint>, keyof typeof timeShape>>;
export type WrittenService = z.output<typeof service>;
export type WrittenEndpoint = z.output<typeof endpoint>;
export type WrittenCall = z.output<typeof call>;
export type WrittenDatabase = z.output<typeof database>;
export type WrittenTraffic = z.output<typeof traffic>;

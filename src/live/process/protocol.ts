// What a game day's main process and its children say to each other over their IPC channels.

import type { Micros, Ratio, Rps } from "../../kernel/units.js";
import type { Effect } from "../../world/effect.js";
import type { DatabaseSpec, ServiceSpec, WorldSpec } from "../../world/spec.js";
import type { VersionSpec } from "../../world/world.js";

/** A child's kind of work; its entry file is `ROLE-main.js` beside this one. */
export type Role = "replica" | "database" | "proxy" | "load" | "flags" | "burner";

/** What every child is told first. Run time is microseconds since `epochMillis` of the wall clock. */
export interface Common {
  readonly seed: number;
  readonly epochMillis: number;
  /** Releases of the script; metrics have one lane more than that (lane 0 is everything). */
  readonly releases: number;
}

/** One replica of a service version: an HTTP server with the endpoints of its service and a `/metrics` page. */
export interface ReplicaSetup extends Common {
  readonly role: "replica";
  readonly service: ServiceSpec;
  readonly version: string;
  /** Unique, e.g. `checkout-v2-3`; the scrape target's id and the `replica` label. */
  readonly replica: string;
  readonly zone: number;
  /** Flag that this version carries; null for none. */
  readonly flag: string | null;
  readonly bucketEdgesSeconds: readonly number[];
  readonly seriesInit: "lazy" | "zero";
  /** Slow past this in truth; null for no such objective. */
  readonly slowAfterSeconds: number | null;
  /** How long the start takes before it is ready; already drawn and sped up. */
  readonly startup: Micros;
  /** Ready long ago: it is warm, and its caches are full (the replicas that a game day begins with). */
  readonly warm?: boolean;
  /** It never gets ready: exits with code 1 after `startup`. */
  readonly failsToStart: boolean;
  /** Effects that can touch this replica. Carried ones follow version and flag; scripted ones wait for `effect`. */
  readonly effects: readonly Effect[];
  /** Where calls go: proxy port per service, port per database. */
  readonly servicePorts: Readonly<Record<string, number>>;
  readonly databasePorts: Readonly<Record<string, number>>;
  readonly flagPort: number | null;
  /** A changed flag is believed this long after the flag service has it. */
  readonly flagDelay: Micros;
}

/** A database: waits its service time on one of `pool` connections; no connection within `wait` is a pool timeout. */
export interface DatabaseSetup extends Common {
  readonly role: "database";
  readonly database: DatabaseSpec;
  readonly effects: readonly Effect[];
}

/** The proxy: one loopback port per service, before all replicas of all its versions. */
export interface ProxySetup extends Common {
  readonly role: "proxy";
  readonly services: readonly ServiceSpec[];
}

/** Open arrivals as the world's traffic says, pages of sticky users, reloads of failed pages. */
export interface LoadSetup extends Common {
  readonly role: "load";
  readonly world: WorldSpec;
  readonly versions: readonly VersionSpec[];
  readonly effects: readonly Effect[];
  readonly slowAfterSeconds: number | null;
  readonly servicePorts: Readonly<Record<string, number>>;
  readonly duration: Micros;
}

/** flagd's JSON format, served on a loopback port. */
export interface FlagsSetup extends Common {
  readonly role: "flags";
  readonly flags: readonly string[];
}

/** Burns `share` of a core by duty cycle at nice 19 for at most `ttl`. */
export interface BurnerSetup extends Common {
  readonly role: "burner";
  readonly share: Ratio;
  readonly ttl: Micros;
}

export type Setup = ReplicaSetup | DatabaseSetup | ProxySetup | LoadSetup | FlagsSetup | BurnerSetup;

export interface Backend {
  readonly replica: string;
  readonly version: string;
  readonly port: number;
}

/** From main to a child. */
export type Order =
  | { readonly type: "setup"; readonly setup: Setup }
  /** Replica, database: a scripted effect begins; it ends by itself after `ttl` even if nobody says so. */
  | { readonly type: "effect"; readonly id: string; readonly on: true; readonly ttl: Micros }
  | { readonly type: "effect"; readonly id: string; readonly on: false }
  /** Replica: the metrics page answers late, or not at all, for `ttl`; 0 calls the fault `id` off. */
  | { readonly type: "metrics"; readonly id: string; readonly delay: Micros | "silent"; readonly ttl: Micros }
  /** Replica: finish what runs, take nothing new (readiness fails), exit after at most `limit`. */
  | { readonly type: "drain"; readonly limit: Micros }
  /** Proxy: the replicas of a service; new ones are health-checked before they get requests. */
  | { readonly type: "backends"; readonly service: string; readonly backends: readonly Backend[] }
  /** Proxy: releases whose defects keep replicas of a version down; whoever finds none of them is their victim. */
  | { readonly type: "losses"; readonly service: string; readonly version: string; readonly mask: number }
  /** Replica: the same of its own version; whoever has to wait here waits because of them, too. */
  | { readonly type: "loss"; readonly mask: number }
  | { readonly type: "weights"; readonly service: string; readonly weights: Readonly<Record<string, Ratio>> }
  /** Proxy: connections from one service to another are refused for `ttl`, or until the fault `id` is called off. */
  | { readonly type: "refuse"; readonly id: string; readonly from: string; readonly to: string; readonly ttl: Micros }
  | { readonly type: "allow"; readonly id: string; readonly to: string }
  /** Load: the rate is multiplied for `ttl`; 0 calls the fault `id` off. */
  | { readonly type: "surge"; readonly id: string; readonly factor: number; readonly ttl: Micros }
  /** Load: begin sending at run time `at`; stop. */
  | { readonly type: "begin"; readonly at: Micros }
  | { readonly type: "end" }
  /** Flags: set a flag, unless run time is past `until` by then; answered by a `flag-set` with the same number. */
  | { readonly type: "flag"; readonly change: number; readonly flag: string; readonly on: boolean; readonly until: Micros };

/** Counts since the child began, of one endpoint in one replica: the columns of world/ledger.ts. */
export interface EndpointBooks {
  readonly endpoint: string;
  readonly totals: Float64Array;
  readonly histogram: Float64Array;
}

/** How well a child kept up in the last second: what says that a measurement is bad. */
export interface Pulse {
  readonly eventLoopP99: Micros;
  readonly cpu: Ratio;
  readonly residentBytes: number;
}

/** From a child to main. */
export type Report =
  | { readonly type: "listening"; readonly ports: Readonly<Record<string, number>> }
  /** Replica: startup is over, readiness is true. */
  | { readonly type: "ready" }
  /** Replica, each 500 ms: cumulative books and Little's law sums. */
  | {
      readonly type: "replica-books";
      readonly endpoints: readonly EndpointBooks[];
      readonly inFlight: number;
      readonly queue: number;
      readonly inFlightSeconds: number;
      readonly arrivals: number;
      readonly latencySeconds: number;
      readonly pulse: Pulse;
    }
  /** Proxy: which backends its health check admits, each time that this changes and each second. */
  | { readonly type: "proxy-state"; readonly admitted: Readonly<Record<string, readonly string[]>>; readonly ownMicrosP95: Micros; readonly pulse: Pulse }
  /** Load, each 500 ms: the edge's ledger as a whole (world/ledger.ts LedgerBook), and how well it sent. */
  | {
      readonly type: "load-books";
      readonly totals: Float64Array;
      readonly histogram: Float64Array;
      readonly firstHarmAt: Float64Array;
      readonly lastHarmAt: Float64Array;
      readonly harmBy: Float64Array;
      readonly intended: number;
      readonly sent: number;
      readonly rate: Rps;
      /** Of the requests sent since the report before. */
      readonly sendLagP50: Micros;
      readonly sendLagP99: Micros;
      /** Pages sent later than LATE_SEND after they were due, since the beginning. */
      readonly sentLate: number;
      /** Of pages since the beginning, from their intended start; NaN before the first. */
      readonly latencyP50?: Micros;
      readonly latencyP95?: Micros;
      readonly latencyP99?: Micros;
      /** Pages that found too many others under way and were not sent. */
      readonly refused?: number;
      readonly pulse: Pulse;
    }
  | { readonly type: "flag-set"; readonly change: number; readonly accepted: boolean }
  | { readonly type: "failed"; readonly why: string };

/** A page that leaves later than this was measured badly: with 1 % of them a window is not comparable. */
export const LATE_SEND: Micros = 10_000;

/** Headers that travel with requests and answers inside a game day. */
export const Header = {
  user: "x-shakedown-user",
  /** Service that makes the call; `client` at the edge. */
  from: "x-shakedown-from",
  /** On answers: the version that served. */
  version: "x-shakedown-version",
  /** `stream.arrival.base` of the request: what its draws hang on, the simulator's own; see shared/identity.ts. */
  request: "x-shakedown-request",
  /** On requests of clients: how often this page was loaded before. */
  reload: "x-shakedown-reload",
  /** On calls: `version;flag;replica` of the caller, since a defect also acts on what its carrier calls. */
  carrier: "x-shakedown-carrier",
  /** On answers: releases whose effects touched it, comma-separated, directly or in a call below. */
  touched: "x-shakedown-touched",
  /** On failed answers: releases that made it fail; `touched` also has those that only slowed it. */
  blamed: "x-shakedown-blamed",
  /** On answers: `1` when a conversion was lost to an effect. */
  lostOrder: "x-shakedown-lost-order",
  /** On answers: what conversion effects of releases take from this page on average, in euro, and the releases whose. */
  lostEuro: "x-shakedown-lost-euro",
  lostBy: "x-shakedown-lost-by",
  /** On answers: the order's value in euro when the page converted. */
  order: "x-shakedown-order",
  /** On answers: microseconds that the proxy itself added. */
  proxyMicros: "x-shakedown-proxy-micros",
} as const;

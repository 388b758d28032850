// Connections to Redis: the first one that must succeed soon, and those that are kept up while it is away.

import { Redis } from "ioredis";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { RedisPlace } from "./place.js";
import { lastingTrouble, reasonOf, RedisTrouble } from "./trouble.js";

/** How long the first connection may take. */
const REACH_SECONDS = 10;
/** Every connection of ours hears something within seconds; one that is silent for so long is dead. */
const SILENCE_MILLIS = 30_000;
/** Between tries to connect again. */
const MOST_PAUSE_MILLIS = 2000;

/** As ioredis and BullMQ both take it. */
export interface KeptUp {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly servername?: string; readonly ca?: string };
  readonly maxRetriesPerRequest: null;
  readonly socketTimeout: number;
  readonly retryStrategy: (times: number) => number;
}

/** Options of a connection that tries again for ever: whoever holds it gives up by a Patience. */
export function redisOptions({ host, port, database, tls, user, password }: RedisPlace): KeptUp {
  return {
    host,
    port,
    db: database,
    ...(user === null ? {} : { username: user }),
    ...(password === null ? {} : { password }),
    ...(tls === null ? {} : { tls: { ...(isIP(host) === 0 ? { servername: host } : {}), ...(tls.ca === null ? {} : { ca: tls.ca }) } }),
    maxRetriesPerRequest: null,
    socketTimeout: SILENCE_MILLIS,
    retryStrategy: (times: number) => Math.min(MOST_PAUSE_MILLIS, 50 * 2 ** Math.min(times, 10)),
  };
}

/** Makes sure that Redis is there and lets us in. Throws RedisTrouble. */
export async function reachRedis(place: RedisPlace, seconds = REACH_SECONDS): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    const error = await tryOnce(place, Math.max(500, until - performance.now()));
    if (error === null) return;
    const lasting = lastingTrouble(error, place.name);
    if (lasting !== null) throw lasting;
    if (performance.now() + 250 > until) throw new RedisTrouble(`${place.name}: not reachable: ${reasonOf(error)}${place.tls === null ? "" : "; does it speak TLS?"} (tried for ${seconds} s)`);
    await sleep(250);
  }
}

/** One connection and one command; gives what went wrong. */
async function tryOnce(place: RedisPlace, millis: number): Promise<unknown> {
  const client = new Redis({ ...redisOptions(place), lazyConnect: true, retryStrategy: () => null, connectTimeout: millis, commandTimeout: millis, maxRetriesPerRequest: 0 });
  let first: unknown = null;
  client.on("error", (error) => {
    first ??= error;
  });
  try {
    await client.connect();
    await client.ping();
    return first !== null && lastingTrouble(first, place.name) !== null ? first : null;
  } catch (error) {
    return first ?? error;
  } finally {
    client.disconnect();
  }
}

export interface PatienceEvents {
  readonly onAway: (reason: string) => void;
  readonly onBack: () => void;
  /** Redis will not come back, or not for us: called once. */
  readonly onLost: (trouble: RedisTrouble) => void;
}

/** Watches a connection that tries again for ever, and says when that has lasted long enough. */
export class Patience {
  readonly #place: RedisPlace;
  readonly #seconds: number;
  readonly #events: PatienceEvents;
  #timer: NodeJS.Timeout | null = null;
  #away = false;
  #lost = false;
  #closed = false;
  #reason = "the connection was cut";

  constructor(client: Redis, place: RedisPlace, seconds: number, events: PatienceEvents) {
    this.#place = place;
    this.#seconds = seconds;
    this.#events = events;
    client.on("error", (error) => this.heed(error));
    client.on("close", () => this.#goes());
    client.on("ready", () => this.#comes());
  }

  /** An error of any connection to the same Redis. */
  heed(error: unknown): void {
    const lasting = lastingTrouble(error, this.#place.name);
    if (lasting !== null) this.#lose(lasting);
    else this.#reason = reasonOf(error);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #goes(): void {
    if (this.#away || this.#closed) return;
    this.#away = true;
    this.#timer = setTimeout(() => this.#lose(new RedisTrouble(`${this.#place.name}: was away for ${durationWords(this.#seconds)} (${this.#reason})`)), this.#seconds * 1000);
    this.#events.onAway(this.#reason);
  }

  #comes(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (!this.#away || this.#closed) return;
    this.#away = false;
    this.#events.onBack();
  }

  #lose(trouble: RedisTrouble): void {
    if (this.#lost || this.#closed) return;
    this.#lost = true;
    this.#events.onLost(trouble);
  }
}

export const durationWords = (seconds: number): string => (seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${seconds} s`);

/** Ends when the promise does, or after the time: for a farewell to a Redis that may be gone. */
export async function within(millis: number, promise: Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  await Promise.race([promise.catch(() => undefined), sleep(millis, undefined, { signal: stop.signal }).catch(() => undefined)]);
  stop.abort();
}

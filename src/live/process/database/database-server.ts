// The database as a server: `/query` on one of its connections, `/gave-up` from callers, and its metrics page.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Header, type DatabaseSetup, type Order } from "../protocol.js";
import type { Obeys, Send } from "../shared/child.js";
import { callerOf, headerOf, identityOf } from "../shared/identity.js";
import { closeServer, listenOnLoopback } from "../shared/listen.js";
import { formatReleases, parseReleases } from "../shared/releases.js";
import { RunClock } from "../shared/run-clock.js";
import { DatabaseMetrics } from "./database-metrics.js";
import { EffectsOnDatabase } from "./effects-on-database.js";
import { hintTouched } from "../shared/hint.js";
import { Pool, Query, type QueryEnd } from "./pool.js";

/** Effects on pool and locks are looked at this often. */
const REFRESH_MILLIS = 100;
const STATUS: Readonly<Record<QueryEnd, number>> = { ok: 200, error: 500, "pool-timeout": 503 };

export class DatabaseServer implements Obeys {
  readonly pool: Pool;
  readonly effects: EffectsOnDatabase;
  readonly metrics: DatabaseMetrics;
  readonly #clock: RunClock;
  readonly #timers: NodeJS.Timeout[] = [];
  #server: Server | null = null;

  constructor(readonly setup: DatabaseSetup, readonly send: Send) {
    this.#clock = new RunClock(setup.epochMillis);
    this.effects = new EffectsOnDatabase(setup);
    this.pool = new Pool(setup, this.effects, this.#clock);
    this.metrics = new DatabaseMetrics(setup.releases);
  }

  async start(): Promise<number> {
    const { server, port } = await listenOnLoopback((request, response) => this.#serve(request, response));
    this.#server = server;
    this.#timers.push(setInterval(() => this.#refresh(), REFRESH_MILLIS));
    this.send({ type: "listening", ports: { http: port } });
    return port;
  }

  obey(order: Exclude<Order, { readonly type: "setup" }>): void {
    if (order.type !== "effect") {
      this.send({ type: "failed", why: `a database does not know the order ${order.type}` });
      return;
    }
    this.effects.order(order, this.#clock.now());
    this.#refresh();
    if (order.on) this.#timers.push(setTimeout(() => this.#refresh(), order.ttl / 1000 + 1));
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    if (this.#server !== null) await closeServer(this.#server);
  }

  #refresh(): void {
    this.effects.refresh(this.#clock.now());
    this.pool.serveWaiting();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    response.sendDate = false;
    const url = request.url ?? "/";
    if (url === "/query") {
      this.#query(request, response);
    } else if (url === "/gave-up") {
      this.metrics.count("queryTimeouts", parseReleases(headerOf(request, Header.blamed)));
      response.writeHead(204);
      response.end();
    } else if (url.startsWith("/metrics")) {
      this.#page(Number(/[?&]lane=(\d+)/.exec(url)?.[1] ?? "0"), response);
    } else {
      response.writeHead(url === "/healthz" ? 200 : 404, ["content-length", "0"]);
      response.end();
    }
  }

  #query(request: IncomingMessage, response: ServerResponse): void {
    const query = new Query(identityOf(request), callerOf(request), (mask) => hintTouched(response, mask), (end) => {
      const failed = end !== "ok";
      const touched = query.slow | (failed ? query.blame : 0);
      if (end === "pool-timeout") this.metrics.count("poolTimeouts", query.blame);
      else this.metrics.count("queries", query.slow | query.blame);
      const headers = ["content-length", "0"];
      if (touched !== 0) headers.push(Header.touched, formatReleases(touched));
      if (failed && query.blame !== 0) headers.push(Header.blamed, formatReleases(query.blame));
      if (response.destroyed) return;
      response.writeHead(STATUS[end], headers);
      response.end();
    });
    this.pool.enter(query);
  }

  #page(lane: number, response: ServerResponse): void {
    if (lane >= this.metrics.lanes) {
      response.writeHead(404, ["content-length", "0"]);
      response.end();
      return;
    }
    const slowed = (query: Query): boolean => lane > 0 && (query.slow & (1 << (lane - 1))) !== 0;
    const { pool, effects, setup } = this;
    const taken = effects.taken - (lane > 0 ? effects.takenBy[lane] : 0);
    const running = [...pool.running].filter((query) => !slowed(query)).length;
    const waiting = pool.waiting.filter((query) => !slowed(query)).length;
    const inUse = Math.min(1, (running + taken) / setup.database.pool);
    this.metrics.render(lane, inUse, waiting).then((text) => {
      response.writeHead(200, { "content-type": this.metrics.contentType, "content-length": Buffer.byteLength(text) });
      response.end(text);
    }, () => response.destroy());
  }
}

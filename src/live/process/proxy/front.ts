// The proxy before one service: its port, its replicas, their health, the split, and who is refused.

import { performance } from "node:perf_hooks";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Micros, Ratio } from "../../../kernel/units.js";
import type { ServiceSpec } from "../../../world/spec.js";
import { Header, type Backend } from "../protocol.js";
import { closeServer, listenOnLoopback } from "../shared/listen.js";
import type { PageKeys } from "../shared/identity.js";
import { BackendLink } from "./backend-link.js";
import { Balancing } from "./balancing.js";
import { Exchange, passedName, refuse } from "./exchange.js";
import { Split } from "./split.js";

/** Answers which version serves a user, without asking a replica: for a client that got no answer. */
export const VERSION_PATH = "/.shakedown/version";

export class Front {
  readonly split: Split;
  readonly #balancing: Balancing<BackendLink>;
  #links: BackendLink[] = [];
  /** Admitted replicas, by place of their version in the split. */
  #admitted: BackendLink[][] = [[]];
  /** Releases that keep replicas of a version down. */
  readonly #losses = new Map<string, number>();
  readonly #lossOf = (version: string): number => this.#losses.get(version) ?? 0;
  /** By fault: the caller whose connections are refused, until when in process milliseconds. */
  readonly #refused = new Map<string, { readonly from: string; readonly until: number }>();
  #server: Server | null = null;
  #probes: NodeJS.Timeout | null = null;

  constructor(readonly service: ServiceSpec, seed: number, keys: PageKeys, readonly changed: () => void, readonly took: (micros: number) => void) {
    this.split = new Split(seed, service.name, service.version);
    this.#balancing = new Balancing(service.balancing, keys);
  }

  async start(): Promise<number> {
    const { server, port } = await listenOnLoopback((request, response) => this.#serve(request, response));
    this.#server = server;
    this.#probes = setInterval(() => {
      for (const link of this.#links) link.probe(() => this.#sortAdmitted());
    }, this.service.healthCheck.interval / 1000);
    return port;
  }

  async stop(): Promise<void> {
    if (this.#probes !== null) clearInterval(this.#probes);
    for (const link of this.#links) link.close();
    if (this.#server !== null) await closeServer(this.#server);
  }

  get admitted(): readonly string[] {
    return this.#links.filter((link) => link.admitted).map((link) => link.backend.replica);
  }

  /** Replicas that stay keep their connections and their health; those that left finish what they have. */
  setBackends(backends: readonly Backend[]): void {
    const same = (a: Backend, b: Backend): boolean => a.replica === b.replica && a.port === b.port && a.version === b.version;
    const leaving = this.#links.filter((link) => !backends.some((backend) => same(backend, link.backend)));
    this.#links = backends.map((backend) =>
      this.#links.find((link) => same(link.backend, backend)) ?? new BackendLink(backend, this.service.healthCheck));
    for (const { version } of backends) this.split.know(version);
    this.#sortAdmitted();
    for (const link of leaving) link.close();
  }

  setWeights(weights: Readonly<Record<string, Ratio>>): void {
    this.split.setWeights(weights);
    this.#sortAdmitted();
  }

  setLoss(version: string, mask: number): void {
    this.#losses.set(version, mask);
  }

  refuse(fault: string, from: string, ttl: Micros): void {
    this.#refused.set(fault, { from, until: performance.now() + ttl / 1000 });
  }

  allow(fault: string): void {
    this.#refused.delete(fault);
  }

  #sortAdmitted(): void {
    this.#admitted = this.split.versions.map((version) =>
      this.#links.filter((link) => link.admitted && link.backend.version === version));
    this.changed();
  }

  #isRefused(from: string): boolean {
    if (this.#refused.size === 0) return false;
    const now = performance.now();
    for (const [fault, refused] of this.#refused) {
      if (now >= refused.until) this.#refused.delete(fault);
      else if (refused.from === from) return true;
    }
    return false;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const began = performance.now();
    response.sendDate = false;
    const raw = request.rawHeaders;
    const headers: string[] = [];
    let [user, from, identity, hasBody] = ["", "", "", false];
    for (let i = 0; i < raw.length; i += 2) {
      const name = passedName(raw[i]);
      const value = raw[i + 1];
      if (raw[i].length === 17 && name === null && raw[i].toLowerCase() === "transfer-encoding") hasBody = true;
      if (name === null || name === "host") continue;
      if (name === Header.user) user = value;
      else if (name === Header.from) from = value;
      else if (name === Header.request) identity = value;
      else if (name === "content-length") hasBody = value !== "0";
      headers.push(name, value);
    }
    if (this.#isRefused(from)) {
      request.socket.destroy();
      return;
    }
    const place = this.split.placeFor(user === "" ? 0 : Number(user));
    if (request.url === VERSION_PATH) {
      response.writeHead(204, [Header.version, this.split.versions[place]]);
      response.end();
      return;
    }
    const link = this.#balancing.pick(this.#admitted[place], identity);
    if (link === null) {
      const version = this.split.versions[place];
      refuse(response, version, this.#lossOf(version));
      return;
    }
    const exchange = new Exchange(response, link, performance.now() - began, this.took, this.#lossOf);
    link.pool.dispatch({
      path: request.url ?? "/", method: request.method ?? "GET", headers, body: hasBody ? request : null,
    }, exchange);
    exchange.before = performance.now() - began;
  }
}

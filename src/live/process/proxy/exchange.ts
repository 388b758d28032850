// One request through the proxy: the answer streams back as it comes, with what the proxy itself took of the time.

import { performance } from "node:perf_hooks";
import type { ServerResponse } from "node:http";
import { Header } from "../protocol.js";
import { formatReleases } from "../shared/releases.js";
import type { BackendLink } from "./backend-link.js";

/** Headers that belong to one connection, not to the message. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "proxy-connection", "upgrade"]);

/** Each header name that came over the wire, in lower case; null for those of one connection. Names are few. */
const knownNames = new Map<string, string | null>();
const MOST_NAMES = 1000;

/** The name to pass on, or null. */
export function passedName(name: string): string | null {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const passed = HOP_BY_HOP.has(lower) ? null : lower;
  if (knownNames.size < MOST_NAMES) knownNames.set(name, passed);
  return passed;
}

/** Hears of the backend's answer, as undici's dispatch tells it with raw headers: no object per answer. */
export class Exchange {
  #ended = false;
  #resume: (() => void) | null = null;

  constructor(
    readonly response: ServerResponse, readonly link: BackendLink,
    /** Milliseconds that the proxy took before it had sent the request on. */
    public before: number,
    readonly took: (micros: number) => void,
    /** The releases whose defects took replicas of a version away, as a mask. */
    readonly lossOf: (version: string) => number,
  ) {
    link.inFlight += 1;
  }

  onConnect(): void {
    // Nothing aborts: when a caller gives up, the replica goes on working, as one does that is not told.
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    const { response } = this;
    if (response.destroyed) return true;
    if (status < 200) {
      this.#passHint(raw);
      return true;
    }
    const began = performance.now();
    const headers: string[] = [];
    for (let i = 0; i < raw.length; i += 2) {
      const name = passedName(raw[i].toString("latin1"));
      if (name !== null) headers.push(name, raw[i + 1].toString("latin1"));
    }
    const micros = Math.round((this.before + performance.now() - began) * 1000);
    headers.push(Header.proxyMicros, String(micros));
    this.took(micros);
    response.writeHead(status, headers);
    this.#resume = resume;
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.response.destroyed || this.response.write(chunk)) return true;
    this.response.once("drain", this.#resume!);
    return false;
  }

  onComplete(): void {
    this.#end();
    this.response.end();
  }

  /** Refused, reset or silent for too long. */
  onError(): void {
    this.#end();
    const { response } = this;
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    else refuse(response, this.link.backend.version, this.lossOf(this.link.backend.version));
  }

  #passHint(raw: Buffer[]): void {
    for (let i = 0; i < raw.length; i += 2) {
      if (raw[i].toString("latin1").toLowerCase() !== Header.touched) continue;
      this.response.writeEarlyHints({ link: "</>; rel=preconnect", [Header.touched]: raw[i + 1].toString("latin1") });
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.link.inFlight -= 1;
  }
}

/** Nobody there who could answer: said at once, for which version, and which releases keep its replicas down. */
export function refuse(response: ServerResponse, version: string, blame = 0): void {
  const releases = formatReleases(blame);
  response.writeHead(503, ["content-length", "0", Header.version, version, ...(blame === 0 ? [] : [Header.touched, releases, Header.blamed, releases])]);
  response.end();
}

// Who a request is: the arrival that its draws hang on, so that life draws what the simulator drew for the same seed.

import type { IncomingMessage } from "node:http";
import { streamKey, type StreamKey } from "../../../kernel/draws.js";
import { childBase, pageBase } from "../../../world/request/hop-draws.js";
import { Header } from "../protocol.js";

export interface Identity {
  readonly stream: number;
  /** Number of the arrival in its stream. */
  readonly entity: number;
  /** Base of this hop's draws. */
  readonly base: number;
  readonly user: number;
}

/** The caller's side of a request: a client's page, or a replica with its version and flag. */
export interface Caller {
  /** `client` at the edge. */
  readonly service: string;
  readonly version: string;
  readonly flagOn: boolean;
  readonly replica: string;
}

/** A request from nowhere in particular gets an arrival number of its own, far from those of the traffic. */
let strangers = 2 ** 40;

/** One value of a header. */
export const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

export function identityOf(request: IncomingMessage): Identity {
  const user = Number(headerOf(request, Header.user) ?? "0");
  const parts = (headerOf(request, Header.request) ?? "").split(".").map(Number);
  if (parts.length === 3 && parts.every(Number.isInteger)) return { stream: parts[0], entity: parts[1], base: parts[2], user };
  strangers += 1;
  return { stream: 0, entity: strangers, base: childBase(pageBase(0), 0, 0), user };
}

export const identityHeader = (stream: number, entity: number, base: number): string => `${stream}.${entity}.${base}`;

export function callerOf(request: IncomingMessage): Caller {
  const [version = "", flag = "", replica = ""] = (headerOf(request, Header.carrier) ?? "").split(";");
  return { service: headerOf(request, Header.from) ?? "client", version, flagOn: flag === "1", replica };
}

export const carrierHeader = (version: string, flagOn: boolean, replica: string): string => `${version};${flagOn ? 1 : 0};${replica}`;

/** Keys of the first-hand draws of every traffic stream. */
export class PageKeys {
  readonly #keys: StreamKey[] = [];
  constructor(readonly seed: number) {}

  of(stream: number): StreamKey {
    return (this.#keys[stream] ??= streamKey(this.seed, `traffic/${stream}/page`));
  }
}

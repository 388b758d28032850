// Word of effects ahead of the answer: a caller that gives up before it comes still knows which releases slowed it.

import type { ServerResponse } from "node:http";
import { Header } from "../protocol.js";
import { formatReleases } from "./releases.js";

/** Sends `touched` in an informational answer (103). */
export function hintTouched(response: ServerResponse, mask: number): void {
  if (mask === 0 || response.headersSent || response.destroyed) return;
  response.writeEarlyHints({ link: "</>; rel=preconnect", [Header.touched]: formatReleases(mask) });
}

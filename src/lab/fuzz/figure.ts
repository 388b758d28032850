// Reads times out of documents.

import { parseDuration } from "../../scenario/units.js";
import type { Value } from "./document.js";

/** A written duration in whole seconds; null when it is none. */
export function secondsOf(value: Value | undefined): number | null {
  if (typeof value !== "string") return null;
  const parsed = parseDuration(value);
  return parsed.ok ? Math.round(parsed.value / 1e6) : null;
}

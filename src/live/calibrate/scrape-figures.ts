// How a game day's scrapes behaved, from its record: how regular, how late, how many failed.

import type { Micros, Ratio } from "../../kernel/units.js";
import { readRecord } from "../telemetry/replay.js";
import type { ScrapeFigures } from "./calibration.js";

/** Of the pages of services between two times. Throws a RecordError. */
export async function scrapeFigures(record: string, from: Micros, to: Micros): Promise<ScrapeFigures> {
  const services = new Set<number>();
  const last = new Map<number, Micros>();
  const [lags, jitters]: [number[], number[]] = [[], []];
  let [interval, scrapes, failed] = [0, 0, 0];
  for await (const line of readRecord(record)) {
    if (line.kind === "header") interval = line.scrape;
    if (line.kind === "target" && line.schema.kind === "service") services.add(line.target);
    if (line.kind !== "row" || !services.has(line.target) || line.time < from || line.time > to || line.up === null) continue;
    scrapes += 1;
    if (line.up === 0) failed += 1;
    else lags.push(Math.max(line.visibleAt, line.at) - line.time);
    const before = last.get(line.target);
    if (before !== undefined) jitters.push(Math.abs(line.time - before - interval));
    last.set(line.target, line.time);
  }
  return { scrapes, failed, lagP50: quantile(lags, 0.5), lagP95: quantile(lags, 0.95), jitterP95: quantile(jitters, 0.95) };
}

function quantile(values: readonly number[], q: Ratio): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

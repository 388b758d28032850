// How metrics and figures read in a reason; the numbers themselves are the kernel's to format.

import * as format from "../kernel/format.js";
import { MICROS_PER_SECOND, type Micros } from "../kernel/units.js";
import type { CheckMetric } from "./evidence.js";

/** 1240.3 -> `1,240 requests`: samples are extrapolated, so they are rounded. */
export function counted(value: number, noun: string): string {
  return format.counted(Math.round(value), noun);
}

/** 120 s -> `2 minutes`; 90 s -> `90 seconds`; from two minutes on what has seconds reads as elsewhere: `3m 41s`. */
export function span(duration: Micros): string {
  const seconds = Math.round(duration / MICROS_PER_SECOND);
  if (seconds >= 3600 && seconds % 3600 === 0) return counted(seconds / 3600, "hour");
  if (seconds >= 60 && seconds % 60 === 0) return counted(seconds / 60, "minute");
  return seconds >= 120 ? format.duration(seconds * MICROS_PER_SECOND) : counted(seconds, "second");
}

/** `in the last 2 minutes`; a span of one needs no figure: `in the last minute`. */
export const during = (duration: Micros): string => `in the last ${span(duration).replace(/^1 /, "")}`;

/** A metric's value with its unit. */
export function figure(metric: CheckMetric, value: number): string {
  switch (metric) {
    case "p50":
    case "p95":
    case "p99":
      return format.latency(value);
    case "restarts":
    case "query-timeouts":
      return `${format.significant(value, 3)} per minute`;
    case "startup-failures":
      return format.count(value);
    default:
      return format.percent(value);
  }
}

const METRIC_WORDS: Readonly<Record<CheckMetric, string>> = {
  "error-rate": "error rate",
  p50: "p50",
  p95: "p95",
  p99: "p99",
  throughput: "share of requests",
  conversion: "conversion",
  cpu: "CPU",
  memory: "memory",
  restarts: "restarts",
  pool: "database pool in use",
  "query-timeouts": "query timeouts",
  "startup-failures": "failed replica starts",
  "flag-service": "flag service downtime",
};

/** `error rate`, `p95`, ... as a reader says it. */
export const metricWords = (metric: CheckMetric): string => METRIC_WORDS[metric];

/** The text with its first letter in upper case. */
export const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** A sentence without its full stop, to go on from. */
export const withoutStop = (text: string): string => (text.endsWith(".") ? text.slice(0, -1) : text);

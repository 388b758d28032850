// From answers to a metric's value: absence is a finding of its own, never an invented zero.

import { MICROS_PER_MINUTE, type Micros } from "../../kernel/units.js";
import type { Answer, WindowSnapshot } from "../../telemetry/query.js";
import type { CheckMetric } from "../evidence.js";
import type { Slots } from "./queries.js";

/** A metric of one subject, or why there is none. */
export type Measured =
  | {
      readonly kind: "value";
      readonly value: number;
      /** Requests (for conversion: successful ones) that the value rests on. */
      readonly sample: number;
      /** Successes or failures behind a ratio; 0 where the metric is none. */
      readonly hits: number;
      readonly newest: Micros;
    }
  | { readonly kind: "absent"; readonly sample: number; readonly why: string };

type Value = Extract<Answer, { kind: "value" }>;

const isValue = (answer: Answer): answer is Value => answer.kind === "value";
const valueOf = (answer: Answer): number | null => (answer.kind === "value" ? answer.value : null);

/** Reads a metric from the snapshot that its queries were answered in. */
export function measure(metric: CheckMetric, slots: Slots, snapshot: WindowSnapshot): Measured {
  const answer = snapshot.answers[slots.value];
  switch (metric) {
    case "error-rate":
    case "conversion":
      return ratioOfRequests(metric, answer, requestsAnswer(slots, snapshot));
    case "p50":
    case "p95":
    case "p99":
      return quantile(answer, requestsAnswer(slots, snapshot));
    case "restarts":
    case "query-timeouts":
      return perMinute(counter(answer, slots, snapshot), snapshot.queries[slots.value].window);
    case "startup-failures":
      return counter(answer, slots, snapshot);
    case "pool":
      return largest([answer, ...(slots.more ?? []).map((place) => snapshot.answers[place])]);
    case "flag-service":
      // As downtime, so that more is worse, as with every other metric.
      return answer.kind === "value" ? { kind: "value", value: 1 - answer.value, sample: 0, hits: 0, newest: answer.newest } : { kind: "absent", sample: 0, why: answer.why };
    default:
      return answer.kind === "value"
        ? { kind: "value", value: answer.value, sample: metric === "throughput" ? answer.value : 0, hits: 0, newest: answer.newest }
        : { kind: "absent", sample: 0, why: answer.why };
  }
}

function requestsAnswer(slots: Slots, snapshot: WindowSnapshot): Answer {
  return slots.requests === undefined ? { kind: "absent", why: "no series" } : snapshot.answers[slots.requests];
}

/** A part of the requests. While requests are seen, an absent part means none of them. */
function ratioOfRequests(metric: "error-rate" | "conversion", part: Answer, requests: Answer): Measured {
  if (requests.kind === "absent") {
    // Every request failed: no success is seen, so nothing could convert.
    return { kind: "absent", sample: 0, why: metric === "conversion" ? `successful requests: ${requests.why}` : requests.why };
  }
  const hits = Math.min(valueOf(part) ?? 0, requests.value);
  if (!(requests.value > 0)) return { kind: "absent", sample: 0, why: "no requests" };
  return { kind: "value", value: hits / requests.value, sample: requests.value, hits, newest: requests.newest };
}

function quantile(answer: Answer, requests: Answer): Measured {
  const sample = valueOf(requests) ?? 0;
  return answer.kind === "value"
    ? { kind: "value", value: answer.value, sample, hits: 0, newest: answer.newest }
    : { kind: "absent", sample, why: sample > 0 ? answer.why : "no requests" };
}

/** A counter that appears with its first event: absent means zero while its target is scraped. */
function counter(answer: Answer, slots: Slots, snapshot: WindowSnapshot): Measured {
  const alive = slots.alive === undefined ? answer : snapshot.answers[slots.alive];
  const parts = [answer, ...(slots.more ?? []).map((place) => snapshot.answers[place])].filter(isValue);
  if (parts.length === 0 && alive.kind === "absent") return { kind: "absent", sample: 0, why: alive.why };
  const newest = parts.reduce((latest, part) => Math.max(latest, part.newest), alive.kind === "value" ? alive.newest : 0);
  const value = parts.reduce((sum, part) => sum + part.value, 0);
  return { kind: "value", value, sample: 0, hits: value, newest };
}

function perMinute(measured: Measured, window: Micros): Measured {
  if (measured.kind === "absent") return measured;
  // A short window is not scaled up: one restart in ten seconds is one, not six, per minute.
  const { value, sample, hits, newest } = measured;
  return { kind: "value", value: value / Math.max(1, window / MICROS_PER_MINUTE), sample, hits, newest };
}

/** The worst of several gauges; those that are absent do not hide the others. */
function largest(answers: readonly Answer[]): Measured {
  const values = answers.filter(isValue);
  const worst = values.reduce<Value | null>((most, one) => (most === null || one.value > most.value ? one : most), null);
  if (worst === null) return { kind: "absent", sample: 0, why: answers[0].kind === "absent" ? answers[0].why : "no series" };
  return { kind: "value", value: worst.value, sample: 0, hits: 0, newest: worst.newest };
}

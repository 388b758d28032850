// Questions as PromQL text, and what differs between the versions of Prometheus.

import { describe, expect, it } from "vitest";
import { seconds } from "../../../src/kernel/units.js";
import { duration, promql, rangeBoundsOf } from "../../../src/live/telemetry/promql.js";
import type { TelemetryQuery } from "../../../src/telemetry/query.js";

const open = { bounds: "left-open", edgesSeconds: [0.1, 0.5, 1] } as const;
const closed = { ...open, bounds: "closed" } as const;
const where = { service: "shop", version: "v2" };
const window = seconds(120);

describe("a question in PromQL", () => {
  it.each<[TelemetryQuery, string]>([
    [{ fn: "increase", metric: "http_requests_total", where: { ...where, code: "5xx", endpoints: ["buy"] }, window }, 'sum(increase(http_requests_total{service="shop",version="v2",endpoint="buy",code="5xx"}[2m]))'],
    [{ fn: "rate", metric: "http_requests_total", where: { endpoints: ["a.b", "c|d"] }, window, offset: seconds(90) }, 'sum(rate(http_requests_total{endpoint=~"a\\\\.b|c\\\\|d"}[2m] offset 90s))'],
    [{ fn: "quantile", metric: "http_request_duration_seconds", q: 0.95, where, window }, 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{service="shop",version="v2"}[2m])))'],
    [{ fn: "increase", metric: "http_request_duration_seconds_bucket", le: 0.3, where: {}, window }, 'sum(increase(http_request_duration_seconds_bucket{le=~"0\\\\.5"}[2m]))'],
    [{ fn: "increase", metric: "http_request_duration_seconds_bucket", le: 1, where: {}, window }, 'sum(increase(http_request_duration_seconds_bucket{le=~"1|1\\\\.0"}[2m]))'],
    [{ fn: "increase", metric: "http_request_duration_seconds_bucket", le: 3, where: {}, window }, 'sum(increase(http_request_duration_seconds_bucket{le=~"\\\\+Inf"}[2m]))'],
    [{ fn: "latest", metric: "replicas_desired", across: "sum", where, window, offset: seconds(30) }, 'sum(replicas_desired{service="shop",version="v2"} offset 30s)'],
    [{ fn: "max-over-time", metric: "memory_usage_ratio", across: "max", where: { replica: 'r"1' }, window }, 'max(max_over_time(memory_usage_ratio{replica="r\\"1"}[2m]))'],
    [{ fn: "avg-over-time", metric: "db_pool_in_use_ratio", across: "max", where: { database: "orders" }, window }, 'max(avg_over_time(db_pool_in_use_ratio{database="orders"}[2m]))'],
    [{ fn: "increase", metric: "http_requests_total", where: { endpoints: [] }, window }, 'sum(increase(http_requests_total{endpoint="",endpoint!=""}[2m]))'],
  ])("%j", (query, text) => expect(promql(query, open)).toBe(text.replace("90s", duration(seconds(90)))));

  it("asks Prometheus 2 for a millisecond less: its ranges take in a sample on their left end", () => {
    const query: TelemetryQuery = { fn: "rate", metric: "http_requests_total", where, window };
    expect(promql(query, closed)).toContain("[119999ms]");
    expect(promql({ ...query, window: 1_000 }, closed)).toContain("[1ms]");
  });

  it.each([["2.42.0+ds", "closed"], ["2.55.1", "closed"], ["v2.1", "closed"], ["1.8.2", "closed"], ["3.0.0", "left-open"], ["3.11.1", "left-open"], ["10.2.0", "left-open"], ["20.1", "left-open"]])("version %s has %s ranges", (version, bounds) => {
    expect(rangeBoundsOf(version)).toBe(bounds);
  });

  it.each([[seconds(15), "15s"], [seconds(60), "1m"], [seconds(90), "90s"], [seconds(7200), "2h"], [1_500_000, "1500ms"], [400, "1ms"]])("%i us are written %s", (micros, text) => {
    expect(duration(micros)).toBe(text);
  });
});

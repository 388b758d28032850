// The metric catalogue: every name, kind and label that both worlds publish and engines may ask for.

/** Counters, named as a Prometheus client library would name them. */
export type CounterName =
  | "http_requests_total" // service, version, endpoint, code
  | "conversions_total" // service, version, endpoint
  | "order_value_euro_total" // service, version, endpoint
  | "container_restarts_total" // service, version: kept by the platform, so a restart does not reset it
  | "startup_failures_total" // service, version: kept by the platform
  | "db_queries_total" // database
  | "db_pool_timeouts_total" // database
  | "db_query_timeouts_total"; // database

/** Gauges: the value at the moment of the scrape. */
export type GaugeName =
  | "up" // written by the scraper: 1 when the scrape worked, 0 when it failed
  | "cpu_usage_ratio" // service, version; of the replica's limit
  | "memory_usage_ratio" // service, version; of the replica's limit
  | "http_requests_in_flight" // service, version; in service and in queue
  | "http_queue_length" // service, version
  | "replicas_ready" // service, version: kept by the platform
  | "replicas_desired" // service, version: kept by the platform
  | "db_pool_in_use_ratio" // database
  | "db_pool_waiting" // database
  | "flag_service_up"; // 1 when flag changes are delivered

export type HistogramName = "http_request_duration_seconds"; // service, version, endpoint

export type MetricName = CounterName | GaugeName | HistogramName;

/** Status classes: 5xx is every failure a caller sees (500, 503 refused, 504 timed out). */
export type StatusCode = "2xx" | "5xx";

/** Prometheus client libraries' default bucket edges, in seconds (client_golang DefBuckets). */
export const DEFAULT_BUCKET_EDGES_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/**
 * The default edges with the objective's own edges merged in, ascending and distinct, without +Inf
 * (a last bucket for +Inf always follows implicitly).
 */
export function bucketEdgesSeconds(objectiveEdges: readonly number[]): readonly number[] {
  return [...new Set([...DEFAULT_BUCKET_EDGES_SECONDS, ...objectiveEdges])].sort((a, b) => a - b);
}

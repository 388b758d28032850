// What the cohort world leaves out or smooths over, in words that an outcome can show.

export const APPROXIMATIONS: readonly string[] = [
  "requests are counted, not followed: counts are drawn per endpoint, code and latency bucket at each scrape",
  "queues follow the pointwise stationary fluid flow; waits are gamma laws through their first two moments",
  "replicas of a version are one scrape target until an effect or a restart singles one out",
  "circuit breakers count failures as expected, and a trial call fails with the chance that a call would just then",
  "a page that a silent replica is sent counts as failed at once, not when its client gives up",
  "requests that are in flight when a replica dies are not lost",
];

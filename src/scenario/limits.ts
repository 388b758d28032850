// The bounds of what a file may ask for, by name, so that a slip of the finger never becomes an endless run.

import { MICROS_PER_HOUR, MICROS_PER_MILLI, MICROS_PER_MINUTE, type Micros } from "../kernel/units.js";

const DAY: Micros = 24 * MICROS_PER_HOUR;

export const LIMITS = {
  /** A file that a scenario names, in bytes. */
  fileBytes: 1_000_000,
  /** A YAML file, in characters; traces may be larger. */
  yamlLength: 300_000,
  /** Values in one YAML file after its aliases are expanded. */
  yamlValues: 20_000,
  yamlAliases: 100,
  yamlDepth: 24,
  /** A name or a unit's text. */
  nameLength: 64,
  textLength: 2_000,
  problems: 100,
  traceRows: 100_000,

  duration: 30 * DAY,
  /** Any single duration in a file. */
  anyDuration: 366 * DAY,
  /** The shortest time between two of what happens again and again: scrapes, probes, evaluations, bursts. */
  interval: 100 * MICROS_PER_MILLI,
  /** Scrapes of one run, and samples of one series that a window may hold: each is time or memory for every target. */
  scrapes: 3_000_000,
  samples: 20_000,
  users: 1_000_000_000,
  services: 200,
  endpointsPerService: 100,
  callsPerEndpoint: 50,
  databases: 100,
  traffics: 50,
  replicas: 10_000,
  zones: 100,
  slots: 10_000,
  queue: 1_000_000,
  pool: 100_000,
  retries: 10,
  reloads: 10,
  rate: 10_000_000,
  factor: 1_000,
  buckets: 60,
  steps: 50,
  checks: 100,
  persistence: 100,
  script: 200,
  defects: 50,
  expectations: 200,
  stopIf: 50,
  speed: 1_000,
  steadyState: 10 * MICROS_PER_MINUTE,
  lines: 10_000_000,
  seed: 2_147_483_647,
  euro: 1_000_000_000,
} as const;

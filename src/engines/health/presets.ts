// The checks of SYSTEMS.md, sections 4 and 5, with their figures: what a strategy may take as it is.

import { MICROS_PER_MINUTE, MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import type { CheckSpec, Persistence } from "../evidence.js";

const THREE_OF_FIVE: Persistence = { need: 3, of: 5 };
const TWO_OF_THREE: Persistence = { need: 2, of: 3 };
const ONCE: Persistence = { need: 1, of: 1 };

/** Checks run this often, and for this long after a deployment. */
export const STATIC_WATCH_AFTER: Micros = 10 * MICROS_PER_MINUTE;
export const BASELINE_EVERY: Micros = 30 * MICROS_PER_SECOND;

const trigger = (spec: Omit<CheckSpec, "role" | "required">): CheckSpec => ({ ...spec, role: "trigger", required: false });

/** Static thresholds: what is unhealthy whatever the baseline. */
export const STATIC_TRIGGERS: readonly CheckSpec[] = [
  trigger({ id: "trigger error-rate above 1%", metric: "error-rate", compare: { kind: "above", value: 0.01 }, persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger p95 above 2s", metric: "p95", compare: { kind: "above", value: 2 }, persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger conversion drops 20%", metric: "conversion", compare: { kind: "drops", ratio: 0.2 }, baseline: "stable", persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger cpu above 80%", metric: "cpu", compare: { kind: "above", value: 0.8 }, persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger memory above 85%", metric: "memory", compare: { kind: "above", value: 0.85 }, persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger pool above 98%", metric: "pool", compare: { kind: "above", value: 0.98 }, persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger query-timeouts above 2x baseline", metric: "query-timeouts", compare: { kind: "times-baseline", factor: 2 }, baseline: "past", persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger flag-service down", metric: "flag-service", compare: { kind: "above", value: 0.5 }, persistence: THREE_OF_FIVE }),
];

/** Baseline-relative checks, every 30 s: canary against stable in the same window. */
export const BASELINE_TRIGGERS: readonly CheckSpec[] = [
  trigger({ id: "trigger error-rate above 2x baseline", metric: "error-rate", compare: { kind: "times-baseline", factor: 2 }, baseline: "stable", persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger p95 above 1.5x baseline", metric: "p95", compare: { kind: "times-baseline", factor: 1.5 }, baseline: "stable", persistence: THREE_OF_FIVE }),
  trigger({ id: "trigger throughput drops 20%", metric: "throughput", compare: { kind: "drops", ratio: 0.2 }, persistence: THREE_OF_FIVE }),
];

/** More restarts than this in a minute are a crash loop. */
const RESTARTS_PER_MINUTE = 5;
/** Two or more failed starts are several; an extrapolated increase of one may read 1.2. */
const FAILED_STARTS = 1.5;

/** Full rollback required, whatever else is true (SYSTEMS.md section 5). */
export const HARD_TRIGGERS: readonly CheckSpec[] = [
  trigger({ id: "hard trigger cpu above 90%", metric: "cpu", compare: { kind: "above", value: 0.9 }, persistence: TWO_OF_THREE, hard: "infrastructure" }),
  trigger({ id: "hard trigger memory above 85%", metric: "memory", compare: { kind: "above", value: 0.85 }, persistence: TWO_OF_THREE, hard: "infrastructure" }),
  trigger({ id: "hard trigger restarts above 5 per minute", metric: "restarts", compare: { kind: "above", value: RESTARTS_PER_MINUTE }, persistence: ONCE, hard: "infrastructure" }),
  trigger({ id: "hard trigger pool above 98%", metric: "pool", compare: { kind: "above", value: 0.98 }, persistence: TWO_OF_THREE, hard: "infrastructure" }),
  trigger({ id: "hard trigger several startup failures", metric: "startup-failures", compare: { kind: "above", value: FAILED_STARTS }, persistence: ONCE, hard: "startup" }),
];

/** The gates of the seed canary (SYSTEMS.md section 2): what healthy means. */
export const CANARY_GATES: readonly CheckSpec[] = [
  { id: "gate error-rate below 1%", role: "gate", metric: "error-rate", compare: { kind: "below", value: 0.01 }, persistence: ONCE, required: true },
  { id: "gate p95 below 500ms", role: "gate", metric: "p95", compare: { kind: "below", value: 0.5 }, persistence: ONCE, required: true },
  { id: "gate throughput within 10%", role: "gate", metric: "throughput", compare: { kind: "within", ratio: 0.1 }, persistence: ONCE, required: true },
  { id: "gate memory below 85%", role: "gate", metric: "memory", compare: { kind: "below", value: 0.85 }, persistence: ONCE, required: true },
];

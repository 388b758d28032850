// The hard triggers of SYSTEMS.md, section 5, with their figures: every strategy has them unless it switches them off.

import type { CheckSpec, Persistence } from "../evidence.js";

const TWO_OF_THREE: Persistence = { need: 2, of: 3 };
const ONCE: Persistence = { need: 1, of: 1 };

const trigger = (spec: Omit<CheckSpec, "role" | "required">): CheckSpec => ({ ...spec, role: "trigger", required: false });

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

// The shape of an effect as users write it: on what, one kind, for whom, when. Defects and faults share it.

import { z } from "zod";

import { advice, choice, count, custom, duration, factor, fields, name, oneOrMany, onOff, percent, rate, text } from "./fields.js";
import { LIMITS } from "./limits.js";
import { parseAddedDuration, parseDuration, parseFactor, parseGrowth, parsePercent, type Parsed } from "./units.js";
import type { Micros, Ratio } from "../kernel/units.js";

/** `x3`, `+200ms`, or both: `x1.5 +20ms`. */
function parseLatency(written: string): Parsed<{ readonly factor: number; readonly add: Micros }> {
  let slower = 1;
  let add = 0;
  const parts = written.trim().split(/\s+(?=[+x×])/);
  for (const part of parts) {
    const isFactor = /[x×]/.test(part);
    const parsed = isFactor ? parseFactor(part) : parseAddedDuration(part);
    if (!parsed.ok) return { ...parsed, instead: "write it like x3 or +200ms" };
    if (isFactor) slower *= parsed.value;
    else add += parsed.value;
  }
  if (slower <= 0) return { ok: false, message: "a latency factor must be above 0", instead: "write it like x3" };
  return { ok: true, value: { factor: slower, add } };
}

/** `-20` connections, or `-90%` of the pool. */
function parsePool(written: string): Parsed<{ readonly taken: number } | { readonly share: Ratio }> {
  const compact = written.trim();
  if (compact.endsWith("%")) {
    const parsed = parsePercent(compact);
    if (!parsed.ok) return parsed;
    return parsed.value < 0 && parsed.value >= -1 ? { ok: true, value: { share: -parsed.value } } : loss("-90%");
  }
  const taken = /^-\s*(\d{1,6})$/.exec(compact);
  return taken === null ? loss("-20 or -90%") : { ok: true, value: { taken: Number(taken[1]) } };
}

const loss = <T>(example: string): Parsed<T> => ({ ok: false, message: "this takes something away, so it starts with a minus", instead: `write it like ${example}` });

/** `-30%`: what is lost, as a positive ratio. */
function parseLoss(written: string): Parsed<Ratio> {
  const parsed = parsePercent(written);
  if (!parsed.ok) return parsed;
  if (parsed.value >= 0) return loss(`-${written.trim().replace(/^\+/, "")}`);
  if (parsed.value < -1) return { ok: false, message: `\`${written.trim()}\` takes away more than there is`, instead: "write at most -100%" };
  return { ok: true, value: -parsed.value };
}

const added = (about: string, example: string) => custom(about, example, (written) => {
  const parsed = parseDuration(written.trim().replace(/^\+\s*/, ""));
  return parsed.ok ? parsed : { ...parsed, instead: `write it like ${example}` };
});

const poolKind = z
  .union([z.string(), z.number()], { error: () => advice("should say how many connections are taken", "write it like -20 or -90%") })
  .transform((written, context) => {
    const parsed = parsePool(String(written));
    if (parsed.ok) return parsed.value;
    context.issues.push({ code: "custom", message: advice(parsed.message, parsed.instead), input: written });
    return z.NEVER;
  })
  .meta({ description: "Connections taken out of the pool (database): a number, or a share of the pool.", examples: ["-20", "-90%"] });

/** One key per kind of effect. An effect has exactly one of them. */
export const effectKindShape = {
  errors: percent("Extra share of requests that fail (service, endpoint, database, link).", "+2%").optional(),
  latency: custom("Service time times a factor, plus a time (service, endpoint, database, link).", "x3", parseLatency).optional(),
  memory: custom("Memory grows until the replica is killed at its limit (service).", "+5MB/min", parseGrowth).optional(),
  cpu: percent("CPU demand added to each replica, of its limit (service, zone).", "+60%", { max: 10 }).optional(),
  conversion: custom("Fewer orders without an error (service, endpoint).", "-30%", parseLoss).optional(),
  capacity: custom("Fewer concurrency slots (service).", "-50%", parseLoss).optional(),
  pool: poolKind.optional(),
  lock: duration("Every query waits for a lock that is held this long (database).", "40s", { positive: true }).optional(),
  "restart-loop": duration("A ready replica crashes after this long, again and again (service).", "90s", { positive: true }).optional(),
  "startup-failure": percent("Share of starts that fail (service).", "100%", { positive: true }).optional(),
  kill: count("Replicas killed at the start; they start again (service, zone).", { min: 1, max: LIMITS.replicas }).optional(),
  outage: onOff("No answer at all for the effect's window (service, database, link, zone).").optional(),
  cache: choice("Caches lose their content at the start (service).", ["cold"]).optional(),
  surge: factor("Traffic times a factor (traffic).", "x2", { min: 0 }).optional(),
  scrapes: choice("Scrapes are dropped (telemetry).", ["drop"]).optional(),
  lag: added("Samples arrive later by this much (telemetry).", "+60s").optional(),
  "flag-service": choice("Flag changes are not delivered (flag-service).", ["down"]).optional(),
  "action-fails": count("The next platform commands fail, this many (platform).", { min: 1, max: 1000 }).optional(),
} as const;

export type EffectKindKey = keyof typeof effectKindShape;
export const EFFECT_KIND_KEYS = Object.keys(effectKindShape) as EffectKindKey[];

/** What every effect may say besides its kind. */
export const effectCommonShape = {
  on: text("A service (`checkout`), endpoint (`checkout/create-order`), database, link (`checkout -> payments`), `zone 1`, `telemetry`, `flag-service`, `platform roll-back` or `traffic`.", "checkout/create-order", 4 * LIMITS.nameLength).optional(),
  version: name("Only this version of the service.", "v1").optional(),
  replica: count("Only this replica of the service (counted from 0).", { min: 0, max: LIMITS.replicas }).optional(),
  zone: count("Only this zone (counted from 0).", { min: 0, max: LIMITS.zones }).optional(),
  users: percent("Share of users it touches.", "3%", { positive: true }).prefault("100%"),
  "retry-after": duration("After a failed start, the next try comes this much later (startup-failure).", "30s", { positive: true }).optional(),
  "fails-after": duration("A failing command fails after this long (action-fails).", "5s").optional(),
  when: fields("Conditions that must all hold.", {
    "rps-above": z.union([
      z.number({ error: () => advice("should be a rate", "write it like 8rps") }).min(0, { error: () => advice("a rate can't be negative", "write it like 8rps") }).max(LIMITS.rate, { error: () => advice("this rate is too high", "write a lower rate") }),
      rate("Only above this rate per ready replica.", "8rps"),
    ]).meta({ description: "Only while each ready replica of the target gets more than this rate." }).optional(),
    after: duration("Only on replicas that have been ready for this long.", "20m").optional(),
    from: duration("Starts this long after the script item.", "5m").optional(),
    to: duration("Ends this long after the script item.", "20m", { positive: true }).optional(),
  }, "when").prefault({}),
} as const;

/** An effect in full, as `fault: { effect: ... }` takes it. */
export const effectSchema = fields("An effect: on what, of what kind, for whom, when.", { ...effectCommonShape, ...effectKindShape }, "effect");
export const effectsSchema = oneOrMany("One effect, or a list of them.", effectSchema, LIMITS.defects);

export type WrittenEffect = z.output<typeof effectSchema>;

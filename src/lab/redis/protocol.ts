// What travels through Redis, and nothing else: data whose shape both sides check before they use it.

import { z } from "zod";
import { LIMITS } from "../../scenario/limits.js";
import type { Build } from "../build.js";

/** The BullMQ queue; its waiting list is `bull:shakedown:wait`, by which workers are scaled. */
export const QUEUE = "shakedown";

/** Runs of one batch at most. */
export const MOST_RUNS = 512;
const MOST_GROUPS = 512;
/** A bundle as text, in characters. */
export const MOST_BUNDLE = 64 * LIMITS.fileBytes;

export const KEYS = {
  bundle: (hash: string): string => `shakedown:bundle:${hash}`,
  /** There while a coordinator lives. */
  alive: (session: string): string => `shakedown:alive:${session}`,
  /** The list that a coordinator's answers come back by. */
  answers: (session: string): string => `shakedown:answers:${session}`,
} as const;

/** Seconds until a key goes that nobody needs any more. */
export const LIFE = { bundle: 3600, alive: 60, answers: 600 } as const;

const name = z.string().min(1).max(LIMITS.nameLength * 4);
const session = z.string().regex(/^[0-9a-f-]{36}$/);

/** Which simulator: two that differ in any of these may differ in their results. */
export const buildSchema: z.ZodType<Build> = z.strictObject({ package: name, model: name, row: z.number().int() });

/** Seeds of one bundle, played alike. */
export const groupSchema = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{32}$/),
  fidelity: z.enum(["cohort", "request"]),
  detail: z.enum(["row", "light", "full"]),
  seeds: z.array(z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)).min(1).max(MOST_RUNS),
});
export type Group = z.infer<typeof groupSchema>;

export const batchSchema = z.strictObject({
  build: buildSchema,
  session,
  batch: z.number().int().min(0),
  secondsPerRun: z.number().positive().max(86_400).nullable(),
  groups: z.array(groupSchema).min(1).max(MOST_GROUPS),
});
export type BatchJob = z.infer<typeof batchSchema>;

export const bundleSchema = z.strictObject({
  entry: z.string().max(4096),
  files: z.array(z.strictObject({ path: z.string().max(4096), text: z.string().max(LIMITS.fileBytes) })).min(1).max(200),
  hash: z.string(),
});

/** Who played: a host and process, and what it runs. */
export const playerSchema = z.strictObject({ worker: name, build: buildSchema, threads: z.number().int().min(1) });
export type WorkerName = z.infer<typeof playerSchema>;

const doneSchema = z.strictObject({ seed: z.number().int(), row: z.string(), outcome: z.string().nullable() });
const lostSchema = z.strictObject({ seed: z.number().int(), kind: z.enum(["refused", "crashed", "timed-out"]), message: z.string().max(10_000) });

const resultsSchema = z.strictObject({
  kind: z.literal("results"),
  batch: z.number().int(),
  by: playerSchema,
  /** Time that the batch took, and what stands between it and the next. */
  millis: z.number().min(0),
  /** In the order of the batch's groups; a beginning of them when the worker was asked to end. */
  groups: z.array(z.strictObject({ hash: z.string(), fidelity: z.enum(["cohort", "request"]), detail: z.enum(["row", "light", "full"]), runs: z.array(z.union([doneSchema, lostSchema])) })),
  /** Why the batch was not played to its end. */
  left: z.enum(["interrupted", "bundle"]).nullable(),
});
export type ResultsAnswer = z.infer<typeof resultsSchema>;

/** A worker of another build met our batch. */
const refusedSchema = z.strictObject({ kind: z.literal("refused"), by: playerSchema });
/** The batch's workers vanished too often. */
const diedSchema = z.strictObject({ kind: z.literal("died"), batch: z.number().int(), reason: z.string().max(10_000) });

export const answerSchema = z.discriminatedUnion("kind", [resultsSchema, refusedSchema, diedSchema]);
export type Answer = z.infer<typeof answerSchema>;

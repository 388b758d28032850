// What a game day's journal can say: every change before it is made, every revert after it, as one union.

import { z } from "zod";

const identity = z.object({ pid: z.int().positive(), startTicks: z.int().nonnegative(), bootId: z.string().min(1) });
const token = z.string().regex(/^[0-9a-f]{32}$/);
/** Who wrote an entry. */
const author = z.enum(["main", "watchdog", "recover"]);

/** How a fault is undone, as data: main, watchdog and recover all do it by the same recipe. */
const revert = z.discriminatedUnion("how", [
  /** SIGCONT to a stopped process. */
  z.object({ how: z.literal("continue"), victim: identity }),
  /** The fault is a helper process (a burner): end it. */
  z.object({ how: z.literal("end-process"), token }),
  /**
   * The fault lives inside processes of ours: main tells them over their channels to stop, and they hold the same time to
   * live themselves. Nobody else can tell them anything: the watchdog ends them.
   */
  z.object({ how: z.literal("tell"), victims: z.array(identity) }),
  /** There is nothing to undo (a killed process is started again by its platform). */
  z.object({ how: z.literal("nothing"), why: z.string() }),
]);

const stamp = { at: z.string(), by: author };

const entry = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("game-day-started"),
    ...stamp,
    version: z.literal(1),
    id: z.string().min(1),
    main: identity,
    /** Pids mean something else in another pid namespace (a container). */
    pidNamespace: z.string(),
    folder: z.string().startsWith("/"),
    /** On the monotonic clock of the boot: nothing of it may live longer. */
    untilMonotonicMs: z.number(),
  }),
  /** A process is about to be spawned; the token is in its command line or environment. */
  z.object({ kind: z.literal("process-intended"), ...stamp, token, role: z.string() }),
  z.object({ kind: z.literal("process-spawned"), ...stamp, token, role: z.string(), identity }),
  z.object({ kind: z.literal("process-ended"), ...stamp, token, how: z.string() }),
  z.object({ kind: z.literal("folder-intended"), ...stamp, path: z.string().startsWith("/") }),
  z.object({ kind: z.literal("folder-removed"), ...stamp, path: z.string() }),
  /** A file of targets that somebody else's Prometheus reads is about to be filled. */
  z.object({ kind: z.literal("targets-intended"), ...stamp, path: z.string().startsWith("/") }),
  z.object({ kind: z.literal("targets-removed"), ...stamp, path: z.string() }),
  z.object({
    kind: z.literal("fault-begun"),
    ...stamp,
    fault: z.string().min(1),
    what: z.string(),
    victim: z.string(),
    untilMonotonicMs: z.number(),
    /** The same moment for people. */
    until: z.string(),
    revert,
  }),
  z.object({ kind: z.literal("fault-reverted"), ...stamp, fault: z.string(), how: z.string() }),
  z.object({ kind: z.literal("note"), ...stamp, text: z.string() }),
  z.object({ kind: z.literal("game-day-ended"), ...stamp, reason: z.string() }),
]);

export type JournalEntry = z.output<typeof entry>;
export type JournalAuthor = z.output<typeof author>;
export type Revert = z.output<typeof revert>;
export type EntryOf<K extends JournalEntry["kind"]> = Extract<JournalEntry, { readonly kind: K }>;

type Unstamped<E> = E extends JournalEntry ? Omit<E, "at" | "by"> : never;

/** Written before it is done: without the entry it must not be done. */
export type Change = Unstamped<EntryOf<"game-day-started" | "process-intended" | "folder-intended" | "targets-intended" | "fault-begun">>;
/** Written after it is done or found: it is true whether or not it can be written. */
export type Done = Unstamped<EntryOf<"process-spawned" | "process-ended" | "folder-removed" | "targets-removed" | "fault-reverted" | "note" | "game-day-ended">>;

/** One line of a journal; null when it is torn or says something that this version does not know. */
export function parseEntry(line: string): JournalEntry | null {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = entry.safeParse(data);
  return parsed.success ? parsed.data : null;
}

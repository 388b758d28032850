// What a game day's main process works through: no process, folder or fault without a journal, a watchdog and an end.

import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanUp, endWatchdog, type CleanedUp } from "./clean-up.js";
import { spawnChild, spawnDetached, type ChildSpec, type GameDayChild } from "./children.js";
import type { Revert } from "./entries.js";
import { entryFile } from "./entry-file.js";
import { isStill, monotonicMs, pidNamespace, requireLinux, sameProcess, self, stateOf } from "./identity.js";
import { Journal, JOURNAL_FILE, type JournalFailure } from "./journal.js";
import { PLAN_LIMITS } from "./plan.js";
import { revertFault, type Reverted } from "./revert.js";
import { WATCHDOG_ROLE } from "./state.js";
import { makeTemporaryFolder } from "./temporary.js";

/** Why the game day must stop now although nobody asked for it. */
export type SafetyLoss =
  | { readonly kind: "watchdog"; readonly text: string }
  | { readonly kind: "journal"; readonly text: string; readonly failure: JournalFailure };

export interface GuardOptions {
  readonly id: string;
  /** The game day's own folder; it holds journal.ndjson. */
  readonly folder: string;
  /** Nothing of the game day may live longer than this from now. */
  readonly limitMs: number;
  /** Called once, when safety is lost: start no further fault, revert, end. */
  readonly onLost: (loss: SafetyLoss) => void;
}

/** A fault with its victim, its end and the recipe that undoes it. */
export interface FaultLease {
  /** Unique within the game day. */
  readonly fault: string;
  /** E.g. `SIGSTOP` or `latency x3`. */
  readonly what: string;
  /** For people: the role of the process, or a link. */
  readonly victim: string;
  readonly forMs: number;
  readonly revert: Revert;
  /** For `tell`: tells the processes to stop; it throws when it can't. */
  readonly tell?: () => void | Promise<void>;
}

export type RevertListener = (fault: string, by: "time" | "main", how: string) => void;

const WATCHDOG_STARTS_MS = 10_000;
const LOOK_EVERY_MS = 500;

/** One running game day, seen from its main process. */
export class GameDayGuard {
  readonly id: string;
  readonly folder: string;
  readonly #journal: Journal;
  readonly #onLost: (loss: SafetyLoss) => void;
  readonly #tells = new Map<string, () => void | Promise<void>>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #reverting = new Map<string, Promise<boolean>>();
  #watchdog: GameDayChild | null = null;
  #look: NodeJS.Timeout | null = null;
  #loss: SafetyLoss | null = null;
  readonly #hurry = new AbortController();
  #ending: Promise<CleanedUp> | null = null;

  private constructor({ id, folder, onLost }: GuardOptions, journal: Journal) {
    this.id = id;
    this.folder = folder;
    this.#onLost = onLost;
    this.#journal = journal;
    journal.onFailure((failure) => this.#lose({ kind: "journal", text: failure.message, failure }));
  }

  /** Begins the journal and starts the watchdog; when this throws, nothing of the game day runs. */
  static async begin(options: GuardOptions): Promise<GameDayGuard> {
    requireLinux();
    const journal = Journal.begin(join(options.folder, JOURNAL_FILE), {
      kind: "game-day-started",
      version: 1,
      id: options.id,
      main: self(),
      pidNamespace: pidNamespace(),
      folder: options.folder,
      untilMonotonicMs: monotonicMs() + options.limitMs,
    });
    const guard = new GameDayGuard(options, journal);
    try {
      await guard.#startWatchdog();
    } catch (error) {
      await guard.end(`the watchdog did not start: ${(error as Error).message}`);
      throw error;
    }
    return guard;
  }

  /** Spawns a process of the game day. Throws JournalFailure or why it can't start. */
  spawn(spec: ChildSpec): GameDayChild {
    this.#refuseWhenUnsafe(`start ${spec.role}`);
    // Whatever the plan foretold, the bound holds. Main itself is not among the journal's processes.
    const running = 1 + this.#journal.state.openProcesses.length;
    if (running >= PLAN_LIMITS.processes) throw new Error(`${spec.role} can't be started: ${running} processes run already, and a game day has at most ${PLAN_LIMITS.processes}`);
    return spawnChild(this.#journal, spec);
  }

  /** Makes a folder that is removed with the game day. */
  temporaryFolder(name: string): string {
    this.#refuseWhenUnsafe(`make the folder ${name}`);
    const path = join(this.folder, name);
    makeTemporaryFolder(this.#journal, this.id, path);
    return path;
  }

  /** Says that this file of targets will be filled, so that it is emptied with the game day whoever ends it. Gives its whole path. */
  targetsFile(path: string): string {
    this.#refuseWhenUnsafe(`write targets to ${path}`);
    const whole = resolve(path);
    this.#journal.before({ kind: "targets-intended", path: whole });
    return whole;
  }

  /**
   * Begins a fault: in the journal first, then `apply`, and reverted at its end at the latest. When `apply` throws, what it
   * may have done is reverted and the error thrown on. Throws JournalFailure without having done anything.
   */
  async beginFault(lease: FaultLease, apply: () => void | Promise<void>, onReverted?: RevertListener): Promise<void> {
    this.#refuseWhenUnsafe(`begin ${lease.what}`);
    if (this.#journal.state.knowsFault(lease.fault)) throw new Error(`fault ${lease.fault} was begun before: a fault has a name of its own`);
    const { fault, what, victim, revert, tell } = lease;
    if ((revert.how === "tell") !== (tell !== undefined)) throw new Error(`fault ${fault}: \`tell\` goes with a fault that is reverted by telling`);
    this.#journal.before({ kind: "fault-begun", fault, what, victim, revert, untilMonotonicMs: monotonicMs() + lease.forMs, until: new Date(Date.now() + lease.forMs).toISOString() });
    if (tell !== undefined) this.#tells.set(fault, tell);
    // Set before it is applied: an `apply` that hangs has an end too.
    this.#timers.set(fault, setTimeout(() => void this.#revert(fault, "time", onReverted), lease.forMs));
    try {
      await apply();
    } catch (error) {
      await this.#revert(fault, "main", onReverted);
      throw error;
    }
    // Reverted while it was being applied: what came last may be the fault.
    if (!this.#journal.state.isOpen(fault) && this.#holderOf(revert) === null) await this.#undo(fault, revert);
  }

  /** Reverts a fault before its time; false when it could not be reverted (the watchdog goes on trying). */
  revertFault(fault: string): Promise<boolean> {
    return this.#revert(fault, "main");
  }

  /** Reverts every fault that is on; the game day may go on without faults. */
  async revertAll(): Promise<boolean> {
    const reverted = await Promise.all(this.#journal.state.openFaults.map(({ fault }) => this.#revert(fault, "main")));
    return reverted.every(Boolean);
  }

  /** Faults that are on now. */
  get openFaults(): readonly string[] {
    return this.#journal.state.openFaults.map(({ fault }) => fault);
  }

  /** Why safety was lost; null while all is well. */
  get loss(): SafetyLoss | null {
    return this.#loss;
  }

  /** A line for people in the journal. */
  note(text: string): void {
    this.#journal.after({ kind: "note", text });
  }

  /** Reverts, ends and removes everything, writes the end, and waits until the watchdog is gone too. Safe to call twice. */
  end(reason: string): Promise<CleanedUp> {
    this.#ending ??= this.#end(reason);
    return this.#ending;
  }

  /** From now on nothing is ended politely: what still runs is killed at once. */
  hurry(): void {
    this.#hurry.abort();
  }

  async #end(reason: string): Promise<CleanedUp> {
    if (this.#look !== null) clearInterval(this.#look);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#reverting.values());
    const cleaned = await cleanUp(this.#journal, reason, this.#hurry.signal);
    const lines = [...cleaned.lines];
    if (cleaned.left.length === 0) {
      await endWatchdog(this.#journal, (line) => lines.push(line));
      this.#journal.close();
    }
    return { lines, left: cleaned.left };
  }

  #revert(fault: string, by: "time" | "main", onReverted?: RevertListener): Promise<boolean> {
    const running = this.#reverting.get(fault);
    if (running !== undefined) return running;
    const reverting = this.#revertNow(fault, by, onReverted).finally(() => this.#reverting.delete(fault));
    this.#reverting.set(fault, reverting);
    return reverting;
  }

  async #revertNow(fault: string, by: "time" | "main", onReverted?: RevertListener): Promise<boolean> {
    const open = this.#journal.state.openFaults.find((each) => each.fault === fault);
    clearTimeout(this.#timers.get(fault));
    this.#timers.delete(fault);
    if (open === undefined) return true;
    const holder = this.#holderOf(open.revert);
    const reverted: Reverted = holder === null ? await this.#undo(fault, open.revert) : { ok: true, how: `its victim stays stopped by fault ${holder}` };
    if (!reverted.ok) {
      this.#journal.after({ kind: "note", text: `fault ${fault} is not reverted: ${reverted.why}` });
      return false;
    }
    this.#journal.after({ kind: "fault-reverted", fault, how: reverted.how });
    onReverted?.(fault, by, reverted.how);
    return true;
  }

  /** Another fault that has the same victim stopped, and whose end is still to come; whichever ends last lets it go on. */
  #holderOf(revert: Revert): string | null {
    if (revert.how !== "continue") return null;
    const holds = (other: Revert): boolean => other.how === "continue" && sameProcess(other.victim, revert.victim);
    return this.#journal.state.openFaults.find((other) => this.#timers.has(other.fault) && holds(other.revert))?.fault ?? null;
  }

  async #undo(fault: string, revert: Revert): Promise<Reverted> {
    const tell = this.#tells.get(fault);
    if (revert.how !== "tell" || tell === undefined) return revertFault({ revert }, this.#journal.state);
    const there = revert.victims.filter(isStill);
    if (there.length === 0) return { ok: true, how: "gone with its process" };
    try {
      await tell();
      return { ok: true, how: `told pid ${there.map(({ pid }) => pid).join(", ")}` };
    } catch (error) {
      return { ok: false, why: (error as Error).message };
    }
  }

  async #startWatchdog(): Promise<void> {
    const watchdog = spawnDetached(this.#journal, {
      role: WATCHDOG_ROLE,
      run: { node: entryFile(import.meta.url, "./watchdog-main.js") },
      args: [this.#journal.path],
      stderr: "ignore",
    });
    this.#watchdog = watchdog;
    const isWatching = new Promise<void>((resolve, reject) => {
      watchdog.process.stdout?.once("data", () => resolve());
      watchdog.process.once("exit", (code, signal) => reject(new Error(`it ended by ${signal ?? `exit ${code}`}`)));
      watchdog.process.once("error", reject);
    });
    const tooLate = new AbortController();
    await Promise.race([
      isWatching,
      sleep(WATCHDOG_STARTS_MS, undefined, { signal: tooLate.signal }).then(() => Promise.reject(new Error(`it was not ready in ${WATCHDOG_STARTS_MS / 1_000} s`))),
    ]).finally(() => tooLate.abort());
    // Neither may keep this process from ending.
    watchdog.process.stdout?.destroy();
    watchdog.process.unref();
    watchdog.process.once("exit", (code, signal) => this.#lose({ kind: "watchdog", text: `the watchdog ended by ${signal ?? `exit ${code}`}` }));
    this.#look = setInterval(() => this.#lookAround(), LOOK_EVERY_MS);
    this.#look.unref();
  }

  /** A watchdog that is stopped watches nothing; and what it reverted is off here too. */
  #lookAround(): void {
    this.#journal.follow();
    if (this.#watchdog !== null && stateOf(this.#watchdog.identity) === "stopped") this.#lose({ kind: "watchdog", text: "the watchdog is stopped" });
  }

  #lose(loss: SafetyLoss): void {
    if (this.#loss !== null || this.#ending !== null) return;
    this.#loss = loss;
    // Not from within a write that is about to throw: its caller comes first.
    setImmediate(() => {
      void this.revertAll();
      this.#onLost(loss);
    });
  }

  #refuseWhenUnsafe(doing: string): void {
    if (this.#ending !== null) throw new Error(`the game day is ending: can't ${doing}`);
    if (this.#loss?.kind === "journal") throw this.#loss.failure;
    if (this.#loss !== null) throw new Error(`${this.#loss.text}: can't ${doing}`);
  }
}

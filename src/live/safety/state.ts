// What a journal leaves open: processes not ended, faults not reverted, folders and targets not removed.

import type { EntryOf, JournalEntry } from "./entries.js";
import type { ProcessIdentity } from "./identity.js";

export interface RecordedProcess {
  readonly token: string;
  readonly role: string;
  /** Null while only the intent is written. */
  readonly identity: ProcessIdentity | null;
}

export const WATCHDOG_ROLE = "watchdog";

/** Folds entries; the same entry twice changes nothing, so a tail may see what its reader wrote itself. */
export class GameDayState {
  started: EntryOf<"game-day-started"> | null = null;
  ended: EntryOf<"game-day-ended"> | null = null;
  readonly #processes = new Map<string, RecordedProcess>();
  readonly #endedTokens = new Set<string>();
  readonly #faults = new Map<string, EntryOf<"fault-begun">>();
  readonly #revertedFaults = new Set<string>();
  readonly #folders = new Set<string>();
  readonly #removedFolders = new Set<string>();
  readonly #targetsFiles = new Set<string>();
  readonly #emptiedFiles = new Set<string>();

  apply(entry: JournalEntry): void {
    switch (entry.kind) {
      case "game-day-started":
        this.started ??= entry;
        return;
      case "process-intended":
        if (!this.#processes.has(entry.token)) this.#processes.set(entry.token, { token: entry.token, role: entry.role, identity: null });
        return;
      case "process-spawned":
        this.#processes.set(entry.token, { token: entry.token, role: entry.role, identity: entry.identity });
        return;
      case "process-ended":
        this.#endedTokens.add(entry.token);
        return;
      case "folder-intended":
        this.#folders.add(entry.path);
        return;
      case "folder-removed":
        this.#removedFolders.add(entry.path);
        return;
      case "targets-intended":
        this.#targetsFiles.add(entry.path);
        return;
      case "targets-removed":
        this.#emptiedFiles.add(entry.path);
        return;
      case "fault-begun":
        this.#faults.set(entry.fault, entry);
        return;
      case "fault-reverted":
        this.#revertedFaults.add(entry.fault);
        return;
      case "note":
        return;
      case "game-day-ended":
        this.ended ??= entry;
        return;
    }
  }

  /** Every process that was ever intended: its token marks its own children too. */
  get tokens(): ReadonlySet<string> {
    return new Set(this.#processes.keys());
  }

  process(token: string): RecordedProcess | null {
    return this.#processes.get(token) ?? null;
  }

  isRunning(token: string): boolean {
    return this.#processes.has(token) && !this.#endedTokens.has(token);
  }

  /** Processes whose end is not written. */
  get openProcesses(): readonly RecordedProcess[] {
    return [...this.#processes.values()].filter(({ token }) => !this.#endedTokens.has(token));
  }

  /** Faults whose revert is not written, the latest first. */
  get openFaults(): readonly EntryOf<"fault-begun">[] {
    return [...this.#faults.values()].filter(({ fault }) => !this.#revertedFaults.has(fault)).reverse();
  }

  isOpen(fault: string): boolean {
    return this.#faults.has(fault) && !this.#revertedFaults.has(fault);
  }

  knowsFault(fault: string): boolean {
    return this.#faults.has(fault);
  }

  /** Temporary folders whose removal is not written. */
  get openFolders(): readonly string[] {
    return [...this.#folders].filter((path) => !this.#removedFolders.has(path));
  }

  /** Files of targets of which it is not written that they hold none of the game day's any more. */
  get openTargetsFiles(): readonly string[] {
    return [...this.#targetsFiles].filter((path) => !this.#emptiedFiles.has(path));
  }
}

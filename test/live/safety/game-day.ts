// Starts a game day's main process for the tests, and knows all of its processes.

import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Journal, JOURNAL_FILE } from "../../../src/live/safety/journal.js";
import { identify, isStill, signalIf, type ProcessIdentity } from "../../../src/live/safety/identity.js";

const HERE = import.meta.dirname;
export const BUILT = join(HERE, "../../../dist");

export interface RunningGameDay {
  readonly id: string;
  readonly root: string;
  readonly folder: string;
  readonly journal: string;
  readonly process: ChildProcess;
  readonly main: ProcessIdentity;
  readonly watchdog: ProcessIdentity;
  readonly children: readonly ProcessIdentity[];
  readonly temporary: string;
  /** What main has said since. */
  readonly said: readonly Readonly<Record<string, unknown>>[];
  /** Those of its processes that are still there. */
  left(): readonly ProcessIdentity[];
}

const begun: RunningGameDay[] = [];

/** Begins a game day in `root` with options for main-program.mjs. */
export async function startGameDay(root: string, id: string, ...options: readonly string[]): Promise<RunningGameDay> {
  const folder = join(root, id);
  const main = spawn(process.execPath, [join(HERE, "main-program.mjs"), BUILT, folder, id, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const said: Record<string, unknown>[] = [];
  const first = await new Promise<Record<string, unknown>>((resolve, reject) => {
    createInterface({ input: main.stdout }).on("line", (line) => {
      const what = JSON.parse(line) as Record<string, unknown>;
      said.push(what);
      if ("main" in what) resolve(what);
    });
    main.once("exit", (code) => reject(new Error(`main ended by exit ${code}`)));
  });
  const identity = identify(main.pid ?? 0);
  const state = stateIn(join(folder, JOURNAL_FILE));
  const watchdog = state.openProcesses.find(({ role }) => role === "watchdog")?.identity;
  if (identity === null || watchdog === undefined || watchdog === null) throw new Error("the game day did not start");
  const children = first["children"] as readonly ProcessIdentity[];
  const day: RunningGameDay = {
    id, root, folder, said, children, watchdog,
    process: main,
    main: identity,
    journal: join(folder, JOURNAL_FILE),
    temporary: String(first["temporary"]),
    left: () => [identity, watchdog, ...children].filter(isStill),
  };
  begun.push(day);
  return day;
}

/** What a journal leaves open now. */
export function stateIn(path: string): Journal["state"] {
  const journal = Journal.join(path, "recover", "read-only");
  journal.close();
  return journal.state;
}

/** After each test: nothing of it stays. */
export function endGameDays(): void {
  for (const day of begun.splice(0)) for (const identity of day.left()) signalIf(identity, "SIGKILL");
}

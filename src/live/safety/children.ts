// Spawns the processes of a game day: each is in the journal before and after, marked by a token, and tied to its parent.

import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { accessSync, constants, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { identify, signalIf, type ProcessIdentity } from "./identity.js";
import type { Journal } from "./journal.js";
import { newToken, TOKEN_ARGUMENT, TOKEN_VARIABLE } from "./tokens.js";

export interface ChildSpec {
  /** What it is for people and the journal, e.g. `checkout v2 #3`. */
  readonly role: string;
  /** A node program of ours (its built file; it calls exitWithParent first), or a program on PATH. */
  readonly run: { readonly node: string; readonly nodeOptions?: readonly string[] } | { readonly program: string };
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** `pipe` unless told otherwise; a number is an open file. Whoever pipes must read. */
  readonly stdout?: "pipe" | "ignore" | number;
  readonly stderr?: "pipe" | "ignore" | number;
  /** With a channel for messages (node programs only). */
  readonly ipc?: boolean;
}

export interface GameDayChild {
  readonly role: string;
  readonly token: string;
  readonly identity: ProcessIdentity;
  readonly process: ChildProcess;
}

/** Killed first when memory runs out, before anything that is not part of the game day. */
const EXPENDABLE = "1000";

/**
 * Spawns a process, with the intent in the journal before and its identity after. Standard input is the pipe that ties it
 * to this process. It has a process group of its own, so that a Ctrl-C at the terminal reaches main alone. Throws
 * JournalFailure (nothing runs then), or the reason why it can't start.
 */
export function spawnChild(journal: Journal, spec: ChildSpec): GameDayChild {
  if ("program" in spec.run && findOnPath(spec.run.program) === null) throw new Error(`${spec.role} can't be started: there is no program ${spec.run.program} on PATH`);
  const token = newToken();
  journal.before({ kind: "process-intended", token, role: spec.role });
  const child = startProcess(spec, token, "pipe");
  // Nothing is ever written to it: it is there to close.
  child.stdin?.on("error", () => undefined);
  const identity = identityOf(journal, spec, token, child);
  record(journal, spec, token, identity, child);
  markExpendable(identity.pid);
  return { role: spec.role, token, identity, process: child };
}

/** Spawns the watchdog: not tied to this process, and not the first to go. */
export function spawnDetached(journal: Journal, spec: ChildSpec): GameDayChild {
  const token = newToken();
  journal.before({ kind: "process-intended", token, role: spec.role });
  const child = startProcess(spec, token, "ignore");
  const identity = identityOf(journal, spec, token, child);
  record(journal, spec, token, identity, child);
  return { role: spec.role, token, identity, process: child };
}

/** Throws when it did not start. */
function identityOf(journal: Journal, spec: ChildSpec, token: string, child: ChildProcess): ProcessIdentity {
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (identity !== null) return identity;
  journal.after({ kind: "process-ended", token, how: "did not start" });
  // The event says why; without a listener it would end this process.
  child.on("error", () => undefined);
  throw new Error(`${spec.role} can't be started: ${programOf(spec)} does not run`);
}

/** A process that can't be written down is ended again: later it would be nobody's. */
function record(journal: Journal, { role }: ChildSpec, token: string, identity: ProcessIdentity, child: ChildProcess): void {
  child.once("exit", (code, signal) => {
    if (!journal.closed && journal.state.isRunning(token)) journal.after({ kind: "process-ended", token, how: signal ?? `exit ${code}` });
  });
  if (journal.after({ kind: "process-spawned", token, role, identity })) return;
  signalIf(identity, "SIGKILL");
  throw journal.failure ?? new Error("the journal can't be written");
}

function startProcess(spec: ChildSpec, token: string, stdin: "pipe" | "ignore"): ChildProcess {
  const stdio: StdioOptions = [stdin, spec.stdout ?? "pipe", spec.stderr ?? "pipe", ...(spec.ipc === true ? (["ipc"] as const) : [])];
  // Messages hold typed arrays.
  const options = { stdio, serialization: "advanced" as const, detached: true, env: { ...process.env, ...spec.env, [TOKEN_VARIABLE]: token }, ...(spec.folder === undefined ? {} : { cwd: spec.folder }) };
  if ("node" in spec.run) return spawn(process.execPath, [...(spec.run.nodeOptions ?? []), spec.run.node, ...spec.args, `${TOKEN_ARGUMENT}${token}`], options);
  // A foreign program does not watch its standard input: the kernel ends it when its parent goes, where setpriv can ask for that.
  const tie = findOnPath("setpriv");
  return tie === null ? spawn(spec.run.program, [...spec.args], options) : spawn(tie, ["--pdeathsig", "KILL", "--", spec.run.program, ...spec.args], options);
}

const programOf = ({ run }: ChildSpec): string => ("node" in run ? run.node : run.program);

/** A program's path; null when PATH has none of that name. */
export function findOnPath(program: string): string | null {
  if (program.includes("/")) return isExecutable(program) ? program : null;
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, program);
    if (isExecutable(path)) return path;
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function markExpendable(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, EXPENDABLE);
  } catch {
    // It may have ended already.
  }
}

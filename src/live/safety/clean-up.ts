// Undoes everything that a game day left open: faults, processes, folders, targets; then writes its end.

import { ENDING_TIMES, endProcesses, waitGone } from "./ending.js";
import { isStill, sameProcess, signalIf, type ProcessIdentity } from "./identity.js";
import type { Journal } from "./journal.js";
import { revertFault } from "./revert.js";
import { WATCHDOG_ROLE } from "./state.js";
import { removeTargets } from "./targets-file.js";
import { removeTemporaryFolder } from "./temporary.js";
import { findMarked } from "./tokens.js";

export interface CleanedUp {
  /** One line for each thing that was done. */
  readonly lines: readonly string[];
  /** What is still there; empty when the game day's end could be declared. */
  readonly left: readonly string[];
}

/** A process may spawn another one right before it is ended: look again, but not for ever. */
const SCANS = 4;

/**
 * Reverts, ends, removes, and writes the end with its reason. Safe to call on what is half cleaned up already. The watchdog
 * itself is spared: it goes when it sees the end. When `hurry` is aborted, nothing is asked politely any more.
 */
export async function cleanUp(journal: Journal, reason: string, hurry?: AbortSignal): Promise<CleanedUp> {
  const lines: string[] = [];
  const left: string[] = [];
  const say = (line: string): void => void lines.push(line);
  await revertWhatNeedsItsProcess(journal, say, left);
  await endAll(journal, say, left, hurry);
  for (const { fault, what } of journal.state.openFaults) {
    // Every process is gone, and with it what lived inside.
    if (left.length === 0) journal.after({ kind: "fault-reverted", fault, how: "ended with its process" });
    else left.push(`fault ${fault} (${what})`);
  }
  removeFolders(journal, say, left);
  emptyTargetsFiles(journal, say, left);
  if (left.length === 0) journal.after({ kind: "game-day-ended", reason });
  else journal.after({ kind: "note", text: `cleaning up left ${left.join("; ")}` });
  return { lines, left };
}

/** What is stopped is continued and what burns is ended; what lives inside a process ends with it, without asking. */
async function revertWhatNeedsItsProcess(journal: Journal, say: (line: string) => void, left: string[]): Promise<void> {
  for (const open of journal.state.openFaults) {
    const { how } = open.revert;
    // Continuing a process that is about to be ended anyway would let it run wild for a moment: SIGCONT comes with SIGKILL.
    if (how === "continue" || how === "tell") continue;
    const reverted = await revertFault(open, journal.state);
    if (!reverted.ok) {
      left.push(`fault ${open.fault} (${open.what}): ${reverted.why}`);
      continue;
    }
    journal.after({ kind: "fault-reverted", fault: open.fault, how: reverted.how });
    say(`reverted ${open.what} on ${open.victim}: ${reverted.how}`);
  }
}

interface Target {
  readonly identity: ProcessIdentity;
  readonly token: string;
}

/** Everything to end now: what is recorded, what was intended but never written down, and children of both. */
function targets({ state }: Journal, watchdog: ReadonlySet<string>): readonly Target[] {
  const recorded = state.openProcesses.flatMap(({ token, identity }) => (identity === null || watchdog.has(token) ? [] : [{ token, identity }]));
  const marked = findMarked(new Set([...state.tokens].filter((token) => !watchdog.has(token))));
  const unrecorded = marked.filter((found) => !recorded.some(({ identity }) => sameProcess(identity, found.identity)));
  return [...recorded, ...unrecorded].filter(({ identity }) => isStill(identity));
}

async function endAll(journal: Journal, say: (line: string) => void, left: string[], hurry?: AbortSignal): Promise<void> {
  const { state } = journal;
  const watchdog = new Set(state.openProcesses.filter(({ role }) => role === WATCHDOG_ROLE).map(({ token }) => token));
  const stuck = new Set<string>();
  for (let scan = 1; scan <= SCANS; scan += 1) {
    const ending = targets(journal, watchdog).filter(({ identity }) => !stuck.has(String(identity.pid)));
    if (ending.length === 0) break;
    const how = await endProcesses(ending.map(({ identity }) => identity), ENDING_TIMES, hurry);
    ending.forEach(({ token, identity }, index) => {
      const role = state.process(token)?.role ?? "a process";
      if (how[index] === "still there") {
        stuck.add(String(identity.pid));
        left.push(`${role} (pid ${identity.pid})`);
        return;
      }
      const isRecorded = state.process(token)?.identity?.pid === identity.pid;
      if (isRecorded && state.isRunning(token)) journal.after({ kind: "process-ended", token, how: how[index] });
      say(`ended ${role} (pid ${identity.pid}${isRecorded ? "" : ", found by its token"}) by ${how[index]}`);
    });
  }
  for (const { token, identity } of state.openProcesses) {
    if (!watchdog.has(token) && (identity === null || !isStill(identity))) journal.after({ kind: "process-ended", token, how: "was gone" });
  }
}

function removeFolders(journal: Journal, say: (line: string) => void, left: string[]): void {
  const { state } = journal;
  const id = state.started?.id ?? "";
  for (const path of state.openFolders) {
    const removal = removeTemporaryFolder(path, id);
    switch (removal.how) {
      case "removed":
        say(`removed ${path}`);
        journal.after({ kind: "folder-removed", path });
        break;
      case "was gone":
        journal.after({ kind: "folder-removed", path });
        break;
      case "not ours":
        say(`left ${path} alone: nothing in it says that it belongs to game day ${id}`);
        journal.after({ kind: "note", text: `left the folder ${path} alone` });
        break;
      case "failed":
        left.push(`the folder ${path} (${removal.why})`);
    }
  }
}

/** A Prometheus that goes on running must not ask for ports that are nobody's, or somebody else's, by now. */
function emptyTargetsFiles(journal: Journal, say: (line: string) => void, left: string[]): void {
  const { state } = journal;
  for (const path of state.openTargetsFiles) {
    const removal = removeTargets(path, state.started?.folder ?? "");
    switch (removal.how) {
      case "removed":
        say(`took its targets out of ${path}`);
        journal.after({ kind: "targets-removed", path });
        break;
      case "was empty":
        journal.after({ kind: "targets-removed", path });
        break;
      case "not ours":
        say(`left ${path} alone: it holds more than targets of this game day`);
        journal.after({ kind: "note", text: `left the targets in ${path} alone` });
        break;
      case "failed":
        left.push(`its targets in ${path} (${removal.why})`);
    }
  }
}

const WATCHDOG_LEAVES_MS = 1_500;

/** After the end is written the watchdog goes by itself; one that can't (stopped, hung) is ended. */
export async function endWatchdog(journal: Journal, say: (line: string) => void): Promise<void> {
  const recorded = journal.state.openProcesses.filter(({ role }) => role === WATCHDOG_ROLE);
  const known = recorded.flatMap(({ identity }) => (identity === null ? [] : [identity]));
  const marked = findMarked(new Set(recorded.map(({ token }) => token))).map(({ identity }) => identity);
  const stayed = await waitGone([...known, ...marked.filter((found) => !known.some((one) => sameProcess(one, found)))], WATCHDOG_LEAVES_MS);
  for (const identity of stayed) {
    signalIf(identity, "SIGCONT");
    signalIf(identity, "SIGKILL");
    say(`ended the watchdog (pid ${identity.pid}) by SIGKILL`);
  }
  await waitGone(stayed, WATCHDOG_LEAVES_MS);
  for (const { token } of recorded.filter((each) => journal.state.isRunning(each.token))) journal.after({ kind: "process-ended", token, how: stayed.length > 0 ? "SIGKILL" : "by itself" });
}

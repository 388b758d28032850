// Undoes one fault by its recipe: the same code in main, watchdog and recover.

import { endProcesses } from "./ending.js";
import type { Revert } from "./entries.js";
import { isStill, signalIf, type ProcessIdentity } from "./identity.js";
import type { GameDayState } from "./state.js";
import { findMarked } from "./tokens.js";

/** Undone (and how, for the journal), or not (and why). */
export type Reverted = { readonly ok: true; readonly how: string } | { readonly ok: false; readonly why: string };

/** Undoes a fault without main's help. A victim that is gone took its fault with it. */
export async function revertFault(fault: { readonly revert: Revert }, state: GameDayState): Promise<Reverted> {
  const { revert: recipe } = fault;
  switch (recipe.how) {
    case "continue":
      return afterSignal(recipe.victim, "SIGCONT");
    case "end-process":
      return endByToken(recipe.token, state);
    case "tell":
      return endVictims(recipe.victims);
    case "nothing":
      return { ok: true, how: `nothing to undo: ${recipe.why}` };
  }
}

function afterSignal(victim: ProcessIdentity, signal: NodeJS.Signals): Reverted {
  switch (signalIf(victim, signal)) {
    case "sent":
      return { ok: true, how: `${signal} to ${victim.pid}` };
    case "gone":
      return { ok: true, how: "gone with its process" };
    case "not permitted":
      return { ok: false, why: `${signal} to ${victim.pid} is not permitted` };
  }
}

async function endVictims(victims: readonly ProcessIdentity[]): Promise<Reverted> {
  const there = victims.filter(isStill);
  if (there.length === 0) return { ok: true, how: "gone with its process" };
  const how = await endProcesses(there);
  const pids = there.map(({ pid }) => pid).join(", ");
  return how.includes("still there") ? { ok: false, why: `its process does not end (pid ${pids})` } : { ok: true, how: `its process was ended (pid ${pids})` };
}

/** There is nothing polite about a burner. Only one that was never written down is searched for: that takes a while. */
async function endByToken(token: string, state: GameDayState): Promise<Reverted> {
  const recorded = state.process(token)?.identity ?? null;
  const all = recorded === null ? findMarked(new Set([token])).map(({ identity }) => identity) : [recorded];
  for (const identity of all) {
    signalIf(identity, "SIGCONT");
    signalIf(identity, "SIGKILL");
  }
  const how = await endProcesses(all);
  return how.includes("still there") ? { ok: false, why: "its process does not end" } : { ok: true, how: "its process ended" };
}

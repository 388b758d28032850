// Undoes one fault by its recipe: the same code in main, watchdog and recover.

import { request } from "node:http";
import { endProcesses } from "./ending.js";
import type { Revert } from "./entries.js";
import { isStill, signalIf, type ProcessIdentity } from "./identity.js";
import type { GameDayState } from "./state.js";
import { findMarked } from "./tokens.js";

/** Undone (and how, for the journal), or not (and why). */
export type Reverted = { readonly ok: true; readonly how: string } | { readonly ok: false; readonly why: string };

const ASK_TIMEOUT_MS = 1_000;

/** Undoes a fault. A victim that is gone took its fault with it. */
export async function revertFault(fault: { readonly revert: Revert }, state: GameDayState): Promise<Reverted> {
  const { revert: recipe } = fault;
  switch (recipe.how) {
    case "continue":
      return afterSignal(recipe.victim, "SIGCONT");
    case "end-process":
      return endByToken(recipe.token, state);
    case "ask":
      return isStill(recipe.victim) ? ask(recipe) : { ok: true, how: "gone with its process" };
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

/** Every process that bears the token, the recorded one first; there is nothing polite about a burner. */
async function endByToken(token: string, state: GameDayState): Promise<Reverted> {
  const recorded = state.process(token)?.identity ?? null;
  const marked = findMarked(new Set([token])).map(({ identity }) => identity);
  const all = [...(recorded === null ? [] : [recorded]), ...marked];
  for (const identity of all) {
    signalIf(identity, "SIGCONT");
    signalIf(identity, "SIGKILL");
  }
  const how = await endProcesses(all);
  return how.includes("still there") ? { ok: false, why: "its process does not end" } : { ok: true, how: "its process ended" };
}

/** Asks a process's own control, on the loopback only. */
function ask({ port, method, path, body }: Extract<Revert, { readonly how: "ask" }>): Promise<Reverted> {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, method, path, agent: false, timeout: ASK_TIMEOUT_MS, headers: body === undefined ? {} : { "content-type": "application/json" } }, (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 300 ? { ok: true, how: `${method} ${path} on port ${port}` } : { ok: false, why: `${method} ${path} on port ${port} answered ${status}` });
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer in ${ASK_TIMEOUT_MS} ms`)));
    asked.on("error", (error) => resolve({ ok: false, why: `${method} ${path} on port ${port}: ${error.message}` }));
    asked.end(body);
  });
}

// Marks every process of a game day with a random token, so that one is found even when its pid was never written down.

import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { identify, type ProcessIdentity } from "./identity.js";

export const TOKEN_ARGUMENT = "--shakedown-token=";
/** Programs that know no such argument carry it in their environment, as do the children of all. */
export const TOKEN_VARIABLE = "SHAKEDOWN_TOKEN";

/** 128 random bits: nobody else's process carries it by chance. */
export const newToken = (): string => randomBytes(16).toString("hex");

export interface MarkedProcess {
  readonly identity: ProcessIdentity;
  readonly token: string;
}

/** Processes of this user that carry one of the tokens, in their command line or environment. */
export function findMarked(tokens: ReadonlySet<string>): readonly MarkedProcess[] {
  if (tokens.size === 0) return [];
  const uid = process.getuid?.() ?? -1;
  const found: MarkedProcess[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid) continue;
    // Identified before it is read: if it goes in between, the identity is of nobody.
    const identity = identify(pid);
    if (identity === null || ownerOf(pid) !== uid) continue;
    const token = tokenOf(pid, tokens);
    if (token !== null) found.push({ identity, token });
  }
  return found;
}

function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

function tokenOf(pid: number, tokens: ReadonlySet<string>): string | null {
  for (const [file, prefix] of [["cmdline", TOKEN_ARGUMENT], ["environ", `${TOKEN_VARIABLE}=`]]) {
    for (const part of readParts(`/proc/${pid}/${file}`)) {
      if (part.startsWith(prefix) && tokens.has(part.slice(prefix.length))) return part.slice(prefix.length);
    }
  }
  return null;
}

function readParts(path: string): readonly string[] {
  try {
    return readFileSync(path, "latin1").split("\0");
  } catch {
    return [];
  }
}

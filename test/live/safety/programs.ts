// Small real processes for the safety tests, and helpers that wait for what must become true.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawn, type ChildProcess } from "node:child_process";
import { identify, type ProcessIdentity } from "../../../src/live/safety/identity.js";

const started: ChildProcess[] = [];
const folders: string[] = [];

/** A process that does nothing for a minute, or what `code` says. */
export function sleeper(code = "", args: readonly string[] = []): ChildProcess & { readonly identity: ProcessIdentity } {
  const child = spawn(process.execPath, ["-e", `${code}; setTimeout(() => {}, 60_000)`, "--", ...args], { stdio: ["pipe", "pipe", "inherit"] });
  started.push(child);
  const identity = identify(child.pid ?? 0);
  if (identity === null) throw new Error("the sleeper did not start");
  return Object.assign(child, { identity });
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "shakedown-safety-"));
  folders.push(folder);
  return folder;
}

/** After each test: nothing of it stays. */
export function tidy(): void {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Whether a child program is up and stubborn: from then on it does not hear SIGTERM. */
export const isStubborn = (pid: number): boolean => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "stubborn";

/** Waits until `holds`; throws after `ms`. */
export async function until(what: string, holds: () => boolean, ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not so within ${ms} ms: ${what}`);
    await sleep(20);
  }
}

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

/** Whether a process has a handler of its own for SIGTERM: it can be asked to end only then. */
export function hearsSigterm(pid: number): boolean {
  const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${caught}`) & (1n << 14n)) !== 0n;
}

/** Waits until `holds`; throws after `ms`. */
export async function until(what: string, holds: () => boolean, ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not so within ${ms} ms: ${what}`);
    await sleep(20);
  }
}

// Knows a process for certain: by pid, start time and boot, so that a signal never reaches a stranger who got the pid later.

import { readFileSync, readlinkSync } from "node:fs";

/** One process of one boot of this machine; a pid alone is handed out again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks from boot to start. */
  readonly startTicks: number;
  /** Of the boot that it ran in. */
  readonly bootId: string;
}

export type ProcessState = "running" | "stopped" | "gone";

/** Game days need /proc; elsewhere nothing is started. */
export class UnsupportedMachine extends Error {
  override readonly name = "UnsupportedMachine";
}

/** Throws UnsupportedMachine unless processes can be known for certain here. */
export function requireLinux(platform: string = process.platform): void {
  if (platform === "linux") return;
  throw new UnsupportedMachine(`game days run on Linux only: on ${platform} a process can't be known for certain before it gets a signal`);
}

let knownBootId: string | null = null;

/** The boot that this machine is in. */
export function bootId(): string {
  knownBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return knownBootId;
}

/** Pids are numbers of one namespace; another container counts anew. */
export function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "unknown";
  }
}

interface Stat {
  readonly state: string;
  readonly startTicks: number;
}

const STATE_FIELD = 3;
const START_FIELD = 22;

/** The two fields of /proc/PID/stat that matter; null when there is no such process. */
function readStat(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // The name (field 2) is in brackets and may itself hold brackets and blanks.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const startTicks = Number(fields[START_FIELD - STATE_FIELD]);
  return Number.isSafeInteger(startTicks) ? { state: fields[0] ?? "", startTicks } : null;
}

/** A process that ended stays listed until its parent takes note of it. */
const hasEnded = (state: string): boolean => state === "Z" || state === "X" || state === "x";

/** Who has this pid now, one that has just ended included; null when nobody has. */
export function identify(pid: number): ProcessIdentity | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  const stat = readStat(pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks, bootId: bootId() };
}

/** This process. */
export function self(): ProcessIdentity {
  const identity = identify(process.pid);
  if (identity === null) throw new UnsupportedMachine("/proc does not show this process");
  return identity;
}

export const sameProcess = (a: ProcessIdentity, b: ProcessIdentity): boolean => a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;

/** Whether that very process runs, is stopped (SIGSTOP), or is gone. */
export function stateOf(identity: ProcessIdentity): ProcessState {
  if (identity.bootId !== bootId()) return "gone";
  const stat = readStat(identity.pid);
  if (stat === null || stat.startTicks !== identity.startTicks || hasEnded(stat.state)) return "gone";
  return stat.state === "T" || stat.state === "t" ? "stopped" : "running";
}

/** Whether that very process is still there. */
export const isStill = (identity: ProcessIdentity): boolean => stateOf(identity) !== "gone";

/** What became of a signal. */
export type Signalled = "sent" | "gone" | "not permitted";

/** Sends a signal to that very process and to no other: it is checked right before. */
export function signalIf(identity: ProcessIdentity, signal: NodeJS.Signals): Signalled {
  // 0 and negative numbers mean groups, 1 is init: none of them is ever a process of a game day.
  if (identity.pid <= 1 || !isStill(identity)) return "gone";
  try {
    process.kill(identity.pid, signal);
    return "sent";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "not permitted" : "gone";
  }
}

/** Milliseconds of the clock that all processes of one boot share and nobody can set. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

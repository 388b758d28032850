// What a game day is going to do to this machine, as data, and the bounds that it may not leave.

import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { bytes, counted, duration, perSecond } from "../../kernel/format.js";
import { MICROS_PER_HOUR, type Micros, type Rps } from "../../kernel/units.js";

/** Processes of one kind. */
export interface PlannedProcesses {
  /** E.g. `checkout v1`, `proxy`, `prometheus`. */
  readonly role: string;
  readonly count: number;
  /** Resident memory of each, at most, what faults make of it included. */
  readonly memoryBytes: number;
}

export interface PlannedFault {
  /** E.g. `SIGSTOP` or `latency x3`. */
  readonly what: string;
  /** E.g. `checkout v2, replica 1`. */
  readonly victim: string;
  /** How far it can reach, for people: `one replica of three; its callers retry`. */
  readonly blastRadius: string;
  readonly at: Micros;
  readonly lasts: Micros;
  /** E.g. `SIGCONT`, `the replica stops it by itself`. */
  readonly reverts: string;
}

export interface PlannedPort {
  /** What listens there. */
  readonly what: string;
  readonly host: string;
  /** Null: any free one. */
  readonly port: number | null;
}

/** All that a game day does: nothing else may be started or broken. */
export interface GameDayPlan {
  readonly id: string;
  readonly scenario: string;
  readonly speed: number;
  /** The whole of it, ramp and clean-up included. */
  readonly takes: Micros;
  /** The highest rate that is sent. */
  readonly load: Rps;
  readonly processes: readonly PlannedProcesses[];
  readonly faults: readonly PlannedFault[];
  /** What its releases bring along and do to requests; it ends with their processes. */
  readonly defects?: readonly string[];
  readonly ports: readonly PlannedPort[];
  /** Where it writes; temporary folders inside are removed at the end. */
  readonly folder: string;
  readonly temporaryFolders: readonly string[];
  /** Abort conditions as the scenario says them. */
  readonly stopIf: readonly string[];
  /** What must hold before the first fault, one line each. */
  readonly steadyState: readonly string[];
}

/** What the machine and the way of calling allow. */
export interface MachineNow {
  readonly platform: string;
  readonly availableMemoryBytes: number;
  /** Somebody can answer at a terminal. */
  readonly interactive: boolean;
  readonly yes: boolean;
}

/** Why a plan is refused, and what to do instead. */
export interface PlanRefusal {
  readonly message: string;
  readonly instead: string;
}

export const PLAN_LIMITS = {
  /** Main and the watchdog included. */
  processes: 40,
  /** Of the memory that is free now. */
  memoryShare: 0.25,
  load: 2_000,
  takes: 2 * MICROS_PER_HOUR,
} as const;

/** The memory that new processes can have without pushing others out, in this container. */
export function availableMemoryBytes(): number {
  const inContainer = process.availableMemory();
  const onMachine = memAvailable() ?? freemem();
  return inContainer > 0 ? Math.min(inContainer, onMachine) : onMachine;
}

function memAvailable(): number | null {
  try {
    const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null;
  }
}

/** This machine, and whether somebody is there to be asked. */
export const machineNow = (yes: boolean): MachineNow => ({
  platform: process.platform,
  availableMemoryBytes: availableMemoryBytes(),
  interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
  yes,
});

export const plannedProcesses = ({ processes }: GameDayPlan): number => processes.reduce((sum, { count }) => sum + count, 0);
export const plannedMemoryBytes = ({ processes }: GameDayPlan): number => processes.reduce((sum, { count, memoryBytes }) => sum + count * memoryBytes, 0);

const FEWER_REPLICAS = "give the services (or `canary-replicas`) fewer replicas, or the script fewer releases";

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);
export const isLoopback = (host: string): boolean => LOOPBACK.has(host);

/** Every reason not to start; empty when it may start (after a yes at the terminal, unless `yes` is given). */
export function checkPlan(plan: GameDayPlan, machine: MachineNow): readonly PlanRefusal[] {
  const refusals: PlanRefusal[] = [];
  const refuse = (message: string, instead: string): void => void refusals.push({ message, instead });
  if (machine.platform !== "linux") refuse(`game days run on Linux only, not on ${machine.platform}`, "use `shakedown run`, which simulates the same scenario");
  const count = plannedProcesses(plan);
  if (count > PLAN_LIMITS.processes) refuse(`${counted(count, "process", "processes")} are too many: a game day has at most ${PLAN_LIMITS.processes}`, FEWER_REPLICAS);
  const memory = plannedMemoryBytes(plan);
  const allowed = machine.availableMemoryBytes * PLAN_LIMITS.memoryShare;
  if (memory > allowed) refuse(`it needs up to ${bytes(memory)}, more than a quarter of the ${bytes(machine.availableMemoryBytes)} that are free`, `${FEWER_REPLICAS}, or free some memory`);
  if (!(plan.load > 0 && plan.load <= PLAN_LIMITS.load)) refuse(`a load of ${perSecond(plan.load)} is out of bounds: a game day sends at most ${perSecond(PLAN_LIMITS.load)}`, "lower the scenario's traffic");
  if (!(plan.takes > 0 && plan.takes <= PLAN_LIMITS.takes)) refuse(`it would take ${duration(plan.takes)}: a game day takes at most ${duration(PLAN_LIMITS.takes)}`, "raise --speed, or shorten the scenario's `for`");
  for (const { what, host } of plan.ports.filter((port) => !isLoopback(port.host))) {
    refuse(`${what} would listen on ${host}: a game day stays on the loopback`, "use 127.0.0.1");
  }
  for (const { what, victim, lasts } of plan.faults) {
    if (!Number.isFinite(lasts) || lasts > plan.takes) refuse(`${what} on ${victim} has no end within the game day`, "give the fault a `for`");
  }
  if (!machine.interactive && !machine.yes) refuse("nobody is at a terminal to say yes to the plan", "look at it with --dry-run, then add --yes");
  return refusals;
}

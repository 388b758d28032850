// Works out what a game day of a scenario will do to this machine, before anything is started.

import { seconds, type Micros } from "../../kernel/units.js";
import { replicasFor } from "../../delivery/capacity.js";
import type { Scenario } from "../../scenario/compiled.js";
import { worldInputOf } from "../../sim/play.js";
import { releasesOf } from "../../sim/stage.js";
import { compileModel } from "../../world/model.js";
import { rateCurve } from "../../world/traffic.js";
import { steadyStateText } from "../safety/conditions.js";
import type { GameDayPlan, PlannedProcesses } from "../safety/plan.js";
import { MOST_BALLAST } from "../process/replica/ballast.js";
import type { FaultAct } from "./fault-acts.js";
import { platformFaults, plannedDefects } from "./planned-effects.js";
import { join } from "node:path";

/** How the engines get their telemetry. */
export type TelemetrySource =
  | { readonly kind: "built-in" }
  | { readonly kind: "prometheus"; readonly program: string }
  | { readonly kind: "external"; readonly url: string; readonly sdFile: string };

const MIB = 1024 * 1024;
/** Resident sizes measured on Node 20, with room: a replica takes 75 MB, the proxy and the load generator 90 MB under load. */
const MEMORY = { main: 220 * MIB, small: 90 * MIB, busy: 140 * MIB, prometheus: 150 * MIB } as const;

/** How long a small process of Node takes to start, alone on a calm machine; a replica has more to load. */
export const CALM_BOOT: Micros = seconds(0.25);
const REPLICA_BOOTS = 1.8;
const BOOT_ALL: Micros = seconds(2);
/** However busy the machine: who has to wait longer should come back later. */
const LONGEST_RAMP: Micros = seconds(90);
/** It follows its file of targets every five seconds only, then scrapes once. */
const PROMETHEUS_BOOT: Micros = seconds(8);
const PROMETHEUS_BOOTS = 4;
/** Ending all and writing the report; and a busy machine may take its time before. */
const CLEAN_UP: Micros = seconds(20);
export const PATIENCE: Micros = LONGEST_RAMP;

export interface PlanInput {
  readonly id: string;
  /** At its speed already. */
  readonly scenario: Scenario;
  readonly speed: number;
  readonly acts: readonly FaultAct[];
  readonly source: TelemetrySource;
  readonly folder: string;
}

/**
 * From the first process to run time 0: everything is started and healthy by then, or the game day does not begin. The
 * processes must know run time 0 when they start, so it is foretold from how long a first small one took to start.
 */
export function rampOf({ scenario, source }: Pick<PlanInput, "scenario" | "source">, boot: Micros = CALM_BOOT): Micros {
  const { services, databases, telemetry } = scenario.world;
  const processes = services.reduce((sum, { replicas }) => sum + replicas, 0) + databases.length + 3;
  const probes = services.reduce((longest, { healthCheck }) => Math.max(longest, healthCheck.interval * (healthCheck.healthyAfter + 1)), 0);
  const prometheus = source.kind === "built-in" ? 0 : PROMETHEUS_BOOT + 2 * telemetry.scrape + PROMETHEUS_BOOTS * boot;
  return Math.min(LONGEST_RAMP, BOOT_ALL + processes * REPLICA_BOOTS * boot + probes + prometheus);
}

export function planGameDay(input: PlanInput): GameDayPlan {
  const { id, scenario, speed, acts, source, folder } = input;
  const { world, gameDay } = scenario;
  return {
    id, scenario: scenario.name, speed, folder,
    takes: rampOf(input) + scenario.duration + CLEAN_UP,
    load: highestRate(scenario),
    processes: [...fixedProcesses(scenario, source), ...replicaProcesses(scenario), ...burners(acts)],
    faults: [...acts.map(({ what, victim, blastRadius, at, lasts, reverts }) => ({ what, victim, blastRadius, at, lasts, reverts })), ...platformFaults(scenario)].sort((a, b) => a.at - b.at),
    defects: plannedDefects(scenario),
    ports: [
      ...world.services.map(({ name }) => ({ what: `proxy of ${name}`, host: "127.0.0.1", port: null })),
      { what: "replicas, databases and the flag service, one each", host: "127.0.0.1", port: null },
      ...(source.kind === "built-in" ? [] : [{ what: "main's own figures, for Prometheus", host: "127.0.0.1", port: null }]),
      ...(source.kind === "prometheus" ? [{ what: "prometheus", host: "127.0.0.1", port: null }] : []),
    ],
    temporaryFolders: source.kind === "prometheus" ? [join(folder, "prometheus")] : [],
    stopIf: gameDay.stopIf.map(({ text }) => text),
    steadyState: steadyStateText(gameDay.steadyState),
  };
}

function fixedProcesses({ world, script }: Scenario, source: TelemetrySource): readonly PlannedProcesses[] {
  const hasFlags = script.some((item) => item.kind === "release" && item.release.flag !== null);
  return [
    { role: "main", count: 1, memoryBytes: MEMORY.main },
    { role: "watchdog", count: 1, memoryBytes: MEMORY.small },
    { role: "proxy", count: 1, memoryBytes: MEMORY.busy },
    { role: "load generator", count: 1, memoryBytes: MEMORY.busy },
    ...world.databases.map(({ name }) => ({ role: `database ${name}`, count: 1, memoryBytes: MEMORY.small })),
    ...(hasFlags ? [{ role: "flag service", count: 1, memoryBytes: MEMORY.small }] : []),
    ...(source.kind === "prometheus" ? [{ role: "prometheus", count: 1, memoryBytes: MEMORY.prometheus }] : []),
  ];
}

/**
 * Stable and canary stand side by side, each as large as it gets. Releases of one service come one after the other, but
 * a version that was replaced may still be kept when the next one comes: then each counts.
 */
function replicaProcesses(scenario: Scenario): readonly PlannedProcesses[] {
  const { steps, canaryReplicas, surge, rollback } = scenario.strategy;
  return scenario.world.services.flatMap(({ name, version, replicas }) => {
    const memoryBytes = MEMORY.small + (growsIn(scenario, name) ? MOST_BALLAST : 0);
    const count = steps.reduce((most, { weight }) => Math.max(most, replicasFor(weight, replicas, canaryReplicas, surge)), 0);
    const releases = releasesOf(scenario).filter(({ release }) => release.service === name);
    // What a flag has switched off stays, and a stable that is kept does for its time.
    const stay = rollback.stableKeptFor > 0 || releases.some(({ release }) => release.flag !== null);
    const atOnce = stay ? releases : releases.slice(0, 1);
    const role = atOnce.length > 1 ? (release: string): string => `${name} ${release}` : (): string => `${name}, the release`;
    return [{ role: `${name} ${version}`, count: replicas, memoryBytes }, ...atOnce.map(({ release }) => ({ role: role(release.version), count, memoryBytes }))];
  });
}

const growsIn = ({ effects }: Scenario, service: string): boolean =>
  effects.some(({ what, target }) => what.kind === "memory-growth" && (target.on !== "service" || target.service === service));

function burners(acts: readonly FaultAct[]): readonly PlannedProcesses[] {
  const count = acts.filter(({ act }) => act.do === "order-replicas" && act.burner !== null).length;
  return count === 0 ? [] : [{ role: "burner", count, memoryBytes: MEMORY.small }];
}

/** The highest rate of all streams together, surges included. */
function highestRate(scenario: Scenario): number {
  const model = compileModel(worldInputOf({ scenario, seed: scenario.seed, noiseFree: false, detail: "light", fidelity: "live", seen: false, driver: { kind: "strategy" } }));
  return model.traffic.reduce((sum, traffic) => {
    const curve = rateCurve(model, traffic, scenario.duration, false);
    return sum + [...curve.rateFrom, ...curve.rateTo].reduce((most, rate) => Math.max(most, rate), 0);
  }, 0);
}

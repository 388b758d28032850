// Fits a world to a stretch of a game day: its times are moved until the simulator's answers take as long as the real ones.

import { millis, seconds, type Micros } from "../../kernel/units.js";
import type { Scenario } from "../../scenario/compiled.js";
import type { Window } from "../../lab/predict/figures.js";
import { quantileOf, stretchOf, together, type Stretch } from "../../lab/predict/stretch.js";
import { API_LATENCY } from "../../sim/control-plane.js";
import type { Simulation } from "../../sim/play.js";
import { cellsWhere, type Recorder } from "../../sim/recording.js";
import { simulate } from "../../sim/simulate.js";
import { durationSampler } from "../../world/durations.js";
import type { DurationSpec } from "../../world/spec.js";
import type { Calibration, Excess, FittedEndpoint, FittedTime } from "./calibration.js";

/** What replicas that just began and empty queues do is left out. */
export const SETTLING: Micros = seconds(5);
/** Fewer requests fit no p95. */
const FEWEST_REQUESTS = 100;
const ROUNDS = 8;
const SHORTEST: Micros = millis(0.1);
/** A lognormal's p95 lies above its median. */
const LEAST_SPREAD = 1.02;

interface Endpoint {
  readonly service: string;
  readonly endpoint: string;
  readonly time: FittedTime;
}

type Fit = Pick<Calibration, "endpoints" | "hop" | "startup" | "split">;

/**
 * `observed` is a game day of this scenario, and `windows` are those of it that count. It is played again in the simulator with the same seed, so that both have the
 * same arrivals and demands, request by request: what differs is what real processes add, hardly any of it chance.
 */
export function fit(scenario: Scenario, observed: Simulation, windows: readonly Window[]): Fit {
  const before = play(scenario);
  const start = scenario.world.services.flatMap((service) => service.endpoints.map(({ name, time }): Endpoint => ({ service: service.name, endpoint: name, time: lognormalOf(time) })));
  const seen = start.map((each) => answersOf(observed.recorder, each, windows));
  let fitted = start;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { recorder } = play(withTimes(scenario, fitted));
    fitted = fitted.map((each, k) => (seen[k].requests < FEWEST_REQUESTS ? each : { ...each, time: moved(each.time, seen[k].time, answersOf(recorder, each, windows).time) }));
  }
  return {
    endpoints: start.map(({ service, endpoint }, k): FittedEndpoint => ({
      service, endpoint, requests: seen[k].requests, observed: seen[k].time, before: answersOf(before.recorder, start[k], windows).time,
      fitted: seen[k].requests < FEWEST_REQUESTS ? null : fitted[k].time,
    })),
    hop: hopOf(observed.recorder, scenario, windows),
    startup: startupExcess(observed, before), split: splitExcess(observed, scenario),
  };
}

const play = (scenario: Scenario): Simulation =>
  simulate({ scenario, seed: scenario.seed, fidelity: "request", noiseFree: false, detail: "full", seen: false, driver: { kind: "strategy" }, queryLatency: 0 });

function lognormalOf(spec: DurationSpec): FittedTime {
  if (spec.kind === "lognormal") return spec;
  const sampler = durationSampler(spec);
  return { p50: sampler.from(0.5), p95: Math.max(sampler.from(0.95), LEAST_SPREAD * sampler.from(0.5)) };
}

function withTimes(scenario: Scenario, times: readonly Endpoint[]): Scenario {
  const services = scenario.world.services.map((service) => ({
    ...service,
    endpoints: service.endpoints.map((endpoint) => {
      const found = times.find((each) => each.service === service.name && each.endpoint === endpoint.name);
      return found === undefined ? endpoint : { ...endpoint, time: { kind: "lognormal" as const, ...found.time } };
    }),
  }));
  return { ...scenario, world: { ...scenario.world, services } };
}

/** A step towards what was observed; the caller's answers move with the callee's, so it takes a few. */
function moved(time: FittedTime, observed: FittedTime, simulated: FittedTime): FittedTime {
  const p50 = Math.max(SHORTEST, time.p50 + observed.p50 - simulated.p50);
  return { p50, p95: Math.max(LEAST_SPREAD * p50, time.p95 + observed.p95 - simulated.p95) };
}

function answersOf(recorder: Recorder, { service, endpoint }: Pick<Endpoint, "service" | "endpoint">, windows: readonly Window[]): { readonly requests: number; readonly time: FittedTime } {
  const cells = cellsWhere(recorder.cells, (cell) => cell.scope === "service" && cell.service === service && cell.endpoint === endpoint);
  const stretch = during(recorder, cells, windows);
  const quantile = (q: number): Micros => seconds(quantileOf(stretch, q, recorder) ?? 0);
  return { requests: stretch.requests, time: { p50: quantile(0.5), p95: quantile(0.95) } };
}

const during = (recorder: Recorder, cells: readonly number[], windows: readonly Window[]): Stretch =>
  together(windows.map(({ from, to }) => stretchOf(recorder, cells, from, to)));

/** Means add up exactly, so the difference of clients' and replicas' means is what lies between them. */
function hopOf(recorder: Recorder, { world }: Scenario, windows: readonly Window[]): Excess {
  const entries = new Set(world.traffic.map(({ enters }) => enters));
  const of = (scope: "edge" | "service"): Stretch => during(recorder, cellsWhere(recorder.cells, (cell) => cell.scope === scope && entries.has(cell.service)), windows);
  const [edge, service] = [of("edge"), of("service")];
  if (edge.requests === 0 || service.requests === 0) return { by: 0, samples: 0 };
  return { by: Math.max(0, seconds(edge.latencySeconds / edge.requests - service.latencySeconds / service.requests)), samples: edge.requests };
}

const mean = (values: readonly number[]): Excess | null =>
  values.length === 0 ? null : { by: values.reduce((sum, value) => sum + value, 0) / values.length, samples: values.length };

/** Both worlds draw the same start-up for the same replica: the rest is the process's boot. */
function startupExcess(observed: Simulation, simulated: Simulation): Excess | null {
  const planned = startsOf(simulated);
  return mean([...startsOf(observed)].flatMap(([name, took]) => {
    const drawn = planned.get(name);
    return drawn === undefined ? [] : [took - drawn];
  }));
}

/** How long each replica's first start took. */
function startsOf({ world }: Simulation): ReadonlyMap<string, Micros> {
  const begun = new Map<string, Micros>();
  const took = new Map<string, Micros>();
  for (const { at, kind, text } of world.events) {
    const [name] = text.split(" ");
    const began = begun.get(name);
    if (kind === "replica-started" && began === undefined) begun.set(name, at);
    if (kind === "replica-ready" && began !== undefined && !took.has(name)) took.set(name, at - began);
  }
  return took;
}

function splitExcess({ journals }: Simulation, { world }: Scenario): Excess | null {
  const actions = journals.flatMap((journal) => journal.actions).filter(({ command }) => command.kind === "set-weight");
  return mean(actions.flatMap(({ at, event, command }) => {
    if (event !== null) return [];
    const done = actions.find((other) => other.command === command && other.event?.type === "action.done");
    return done === undefined ? [] : [done.at - at - API_LATENCY - world.splitPropagation];
  }));
}

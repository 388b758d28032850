// One run: wires a scenario's world to the engines through the three ports and plays it to the end.

import { StoreTelemetry } from "../telemetry/snapshot.js";
import { EventClass, VirtualClock } from "../kernel/clock.js";
import { assert } from "../kernel/assert.js";
import { millis, minutes, seconds, type Micros } from "../kernel/units.js";
import type { CanaryStrategy } from "../delivery/strategy.js";
import type { Scenario } from "../scenario/compiled.js";
import { createCohortWorld } from "../world/cohort/cohort-world.js";
import { createRequestWorld } from "../world/request/request-world.js";
import type { VersionSpec, World, WorldInput } from "../world/world.js";
import { emptyJournal, type ReleaseJournal } from "./journal.js";
import { Recorder, type TrackedVersion } from "./recording.js";
import { SimulatedPlatform } from "./simulated-platform.js";
import { runDeliveries } from "./deliveries.js";
import { runFullExposure } from "./full-exposure.js";
import { releasesOf, type SimulationInput, type Stage } from "./stage.js";

/** How long a telemetry query takes to answer. */
export const QUERY_LATENCY: Micros = millis(200);
/** A decision may rest on, and its cause be asked of, an evaluation that lies this far back. */
const QUERY_SLACK: Micros = minutes(10);
/** At most this many record rows, so that a run of weeks stays small. */
const MAX_ROWS = 4_000;

/** What a finished simulation leaves behind. */
export interface Simulation {
  readonly input: SimulationInput;
  readonly world: World;
  readonly platform: SimulatedPlatform;
  readonly recorder: Recorder;
  readonly journals: readonly ReleaseJournal[];
}

/** Plays the scenario to its end under the given driver. */
export function simulate(input: SimulationInput): Simulation {
  const { scenario } = input;
  const clock = new VirtualClock();
  const world = createWorld(input);
  world.telemetry.retain(longestWindow(scenario.strategy) + QUERY_SLACK);
  const platform = new SimulatedPlatform({
    world,
    spec: scenario.world,
    clock,
    effects: scenario.effects,
    timeout: scenario.strategy.actionTimeout,
    stableKeptFor: scenario.strategy.rollback.stableKeptFor,
  });
  const telemetry = new StoreTelemetry(world.telemetry, clock, QUERY_LATENCY);
  const recorder = new Recorder({
    world,
    tracked: trackedVersions(scenario),
    services: servicesInRules(scenario),
    window: scenario.strategy.window,
    settle: input.noiseFree,
    seen: input.seen,
  });
  const journals = releasesOf(scenario).map((item) => emptyJournal(item.index, item.at));
  const stage: Stage = { input, clock, world, platform, telemetry, journals };

  if (input.driver.kind === "full") runFullExposure(stage, input.driver);
  else runDeliveries(stage, input.driver);
  scheduleRecords(stage, recorder);
  clock.runUntil(scenario.duration, (at) => world.advanceTo(at));
  world.settle();
  recorder.record();
  return { input, world, platform, recorder, journals };
}

function longestWindow({ window, gates, triggers }: CanaryStrategy): Micros {
  return [...gates, ...triggers].reduce((longest, check) => Math.max(longest, check.window ?? 0), window);
}

function createWorld(input: SimulationInput): World {
  assert(!input.noiseFree || input.fidelity === "cohort", "only cohort has a noise-free mode");
  const worldInput = worldInputOf(input);
  return input.fidelity === "cohort" ? createCohortWorld(worldInput) : createRequestWorld(worldInput);
}

/** The world of a scenario as its model wants it. */
export function worldInputOf({ scenario, seed, noiseFree, detail }: SimulationInput): WorldInput {
  const p95 = scenario.objectives.find((objective) => objective.metric === "p95");
  return {
    spec: scenario.world,
    effects: scenario.effects,
    versions: releasesOf(scenario).map(
      ({ release }): VersionSpec => ({
        service: release.service,
        version: release.version,
        flag: release.flag?.name ?? null,
      }),
    ),
    seed,
    horizon: scenario.duration,
    slowAfterSeconds: p95 !== undefined && "limitSeconds" in p95 ? p95.limitSeconds : null,
    noiseFree,
    detail,
  };
}

/** Stable first, then each release's version, service by service in script order. */
function trackedVersions(scenario: Scenario): readonly TrackedVersion[] {
  const tracked: TrackedVersion[] = [];
  for (const { release, index } of releasesOf(scenario)) {
    const { service } = release;
    const stable = scenario.world.services.find((candidate) => candidate.name === service);
    assert(stable !== undefined, "the loader checked the release's service");
    if (!tracked.some((known) => known.service === service)) {
      tracked.push({ service, version: stable.version, release: null });
    }
    tracked.push({ service, version: release.version, release: index });
  }
  return tracked;
}

/** The services that some rule names as a whole. */
function servicesInRules({ expectations, world }: Scenario): readonly string[] {
  const named = new Set(expectations.flatMap((each) => (each.kind === "rule" ? [each.claim.of, ...(each.while === null ? [] : [each.while.of])] : [])));
  return world.services.flatMap(({ name }) => (named.has(name) ? [name] : []));
}

/** The interval between record rows: one scrape, or more in runs of days. */
export function recordInterval(scenario: Scenario): Micros {
  const { scrape } = scenario.world.telemetry;
  const perRow = Math.ceil(scenario.duration / MAX_ROWS / scrape);
  return Math.max(seconds(1), scrape * Math.max(1, perRow));
}

function scheduleRecords({ input, clock }: Stage, recorder: Recorder): void {
  const interval = recordInterval(input.scenario);
  const next = (at: Micros): void => {
    recorder.record();
    const following = at + interval;
    if (following <= input.scenario.duration) {
      clock.at(following, EventClass.script, () => next(following));
    }
  };
  clock.at(0, EventClass.script, () => next(0));
}

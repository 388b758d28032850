// Prepares a run on a stage whose parts are given, simulated or real, and closes it when its time is over.

import { assert } from "../kernel/assert.js";
import { EventClass } from "../kernel/clock.js";
import { minutes, seconds, type Micros } from "../kernel/units.js";
import type { Platform } from "../delivery/platform.js";
import type { CanaryStrategy } from "../delivery/strategy.js";
import { longestWindow } from "../delivery/reach.js";
import type { Objective, Scenario } from "../scenario/compiled.js";
import type { VersionSpec, WorldInput } from "../world/world.js";
import { emptyJournal, type ReleaseJournal } from "./journal.js";
import { Recorder, type TrackedVersion } from "./recording.js";
import { releasesOf, type PlayedWorld, type PlayInput, type Stage, type StageParts } from "./stage.js";

/** A decision may rest on, and its cause be asked of, an evaluation that lies this far back. */
const QUERY_SLACK: Micros = minutes(10);
/** At most this many record rows, so that a run of weeks stays small. */
const MAX_ROWS = 4_000;

/** What a finished run leaves behind, whichever world it was played in. */
export interface Simulation {
  readonly input: PlayInput;
  readonly world: PlayedWorld;
  readonly platform: Platform;
  readonly recorder: Recorder;
  readonly journals: readonly ReleaseJournal[];
}

/** A run that is ready to be played: its clock only has to go on to the scenario's end. */
export interface Prepared<Parts extends StageParts = StageParts> {
  readonly stage: Parts & Stage;
  readonly recorder: Recorder;
}

/** Lays out journals and record, and lets `drive` put its appointments on the stage's clock. */
export function prepare<Parts extends StageParts>(parts: Parts, drive: (stage: Parts & Stage) => void): Prepared<Parts> {
  const { input, world, clock } = parts;
  const { scenario } = input;
  world.telemetry.retain(retentionOf(scenario.strategy));
  const recorder = new Recorder({
    world,
    tracked: trackedVersions(scenario),
    services: servicesInRules(scenario),
    window: scenario.strategy.window,
    settle: input.noiseFree,
    seen: input.seen,
  });
  const journals = releasesOf(scenario).map((item) => emptyJournal(item.index, item.at));
  const stage = { ...parts, journals };
  drive(stage);
  scheduleRecords(clock, scenario, recorder);
  return { stage, recorder };
}

/** Closes the books when the run's time is over. */
export function finish<Parts extends StageParts>({ stage, recorder }: Prepared<Parts>): Parts & Simulation {
  stage.world.settle();
  recorder.record();
  return { ...stage, recorder };
}

/** How long samples are kept for a strategy's queries; a store must know it before its first scrape. */
export const retentionOf = (strategy: CanaryStrategy): Micros => longestWindow(strategy) + QUERY_SLACK;

/** The world of a scenario as its model wants it. */
export function worldInputOf({ scenario, seed, noiseFree, detail }: PlayInput): WorldInput {
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
    slowAfterSeconds: slowAfterSeconds(scenario.objectives),
    noiseFree,
    detail,
  };
}

/** Past the tightest latency objective a slowed request is harmed, whichever quantile it is for; null without one. */
function slowAfterSeconds(objectives: readonly Objective[]): number | null {
  const limits = objectives.flatMap((objective) => ("limitSeconds" in objective ? [objective.limitSeconds] : []));
  return limits.length === 0 ? null : Math.min(...limits);
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

/** The services that some rule looks at as a whole. */
function servicesInRules({ expectations, world }: Scenario): readonly string[] {
  const named = new Set(expectations.flatMap((each) => (each.kind === "rule" ? [each.claim.subject, ...(each.while === null ? [] : [each.while.subject])] : []))
    .flatMap(({ service, version }) => (version === null ? [service] : [])));
  return world.services.flatMap(({ name }) => (named.has(name) ? [name] : []));
}

/** The interval between record rows: one scrape, or more in runs of days. */
export function recordInterval(scenario: Scenario): Micros {
  const { scrape } = scenario.world.telemetry;
  const perRow = Math.ceil(scenario.duration / MAX_ROWS / scrape);
  return Math.max(seconds(1), scrape * Math.max(1, perRow));
}

function scheduleRecords(clock: StageParts["clock"], scenario: Scenario, recorder: Recorder): void {
  const interval = recordInterval(scenario);
  const next = (at: Micros): void => {
    recorder.record();
    const following = at + interval;
    if (following <= scenario.duration) {
      clock.at(following, EventClass.script, () => next(following));
    }
  };
  clock.at(0, EventClass.script, () => next(0));
}

// One game day from beginning to end: start, wait until steady, play the scenario on real processes, revert, judge.

import type { Micros } from "../../kernel/units.js";
import { seconds } from "../../kernel/units.js";
import type { Scenario } from "../../scenario/compiled.js";
import { runDeliveries } from "../../sim/deliveries.js";
import type { Outcome } from "../../sim/outcome.js";
import { finish, prepare, type Prepared, type Simulation } from "../../sim/play.js";
import { outcomeOf } from "../../sim/run.js";
import type { CleanedUp } from "../safety/clean-up.js";
import { END_EVENT } from "../replay/history.js";
import { GameDayGuard } from "../safety/guard.js";
import type { GameDayPlan } from "../safety/plan.js";
import { onStopRequest } from "../safety/stop.js";
import { Ending, type EarlyEnd } from "./ending.js";
import type { FaultAct } from "./fault-acts.js";
import { CALM_BOOT, PATIENCE, rampOf, type TelemetrySource } from "./game-day-plan.js";
import { buildLiveStage, type LiveStage } from "./live-stage.js";
import type { GameDayView } from "./live-view.js";
import type { Quality } from "./quality.js";
import { Watch } from "./watch.js";

export interface GameDayOptions {
  /** At its speed already. */
  readonly scenario: Scenario;
  /** Agreed to: what it says is what is done. */
  readonly plan: GameDayPlan;
  readonly acts: readonly FaultAct[];
  readonly source: TelemetrySource;
  readonly replay: string;
  readonly about: unknown;
  readonly view: GameDayView;
}

export interface GameDayResult {
  /** Null when it ended before run time 0: then there is nothing to judge. */
  readonly outcome: Outcome | null;
  /** What was judged, for whoever compares. */
  readonly simulation: Simulation | null;
  readonly quality: Quality | null;
  /** How far it came: its duration unless it ended early. */
  readonly lasted: Micros;
  /** Why it ended before its time; null when it did not. */
  readonly early: EarlyEnd | null;
  readonly cleaned: CleanedUp;
}

/** After the load has ended, the last books come within this. */
const LAST_BOOKS_MS = 700;

/** Plays it. Throws only when it could not even begin: then nothing was started. */
export async function runGameDay(options: GameDayOptions): Promise<GameDayResult> {
  const { plan, view } = options;
  const ending = new Ending();
  const startedAt = performance.now();
  const guard = await GameDayGuard.begin({
    id: plan.id, folder: plan.folder, limitMs: (plan.takes + PATIENCE) / 1_000,
    onLost: ({ text }) => ending.because({ kind: "lost", why: text }),
  });
  // The watchdog is the first process: how long it took says how busy the machine is.
  const boot = Math.max(CALM_BOOT, (performance.now() - startedAt) * 1_000);
  const hurry = new AbortController();
  const atOnce = new Promise<null>((resolve): void => hurry.signal.addEventListener("abort", () => resolve(null)));
  const stopListening = onStopRequest((request, signal) => {
    if (request === "at once") {
      guard.hurry();
      return hurry.abort();
    }
    view.say(`${signal === "SIGINT" ? "Ctrl-C" : signal}: reverting, then the report (once more: at once)`);
    ending.because({ kind: "asked", why: `asked to end (${signal})` });
  });
  const opening = openStage(options, guard, ending, boot);
  let stage: LiveStage | null = null;
  let simulation: Simulation | null;
  let lasted: Micros;
  let cleaned: CleanedUp;
  try {
    stage = await ending.orEnd(opening);
    const begun = stage === null ? null : await begin(options, stage, ending);
    if (stage !== null && begun !== null) await ending.orEnd(stage.parts.clock.until(options.scenario.duration));
    lasted = Math.max(0, Math.min(options.scenario.duration, stage?.parts.clock.now() ?? 0));
    simulation = await Promise.race([closeDown(stage, begun, guard), atOnce]);
    // Prometheus first: ended by the guard it would look like an accident.
    await Promise.race([stage?.close(), atOnce]);
  } finally {
    // Whatever else fails, nothing of the game day outlives it.
    cleaned = await guard.end(ending.end?.why ?? "its time was over");
    // One that was still opening when the game day ended closes when it is open.
    await (stage ?? (await opening.catch(() => null)))?.close();
    stopListening();
    view.end();
  }
  const outcome = simulation === null ? null : judged(simulation, ending.end, lasted);
  return { outcome, simulation, quality: stage?.quality ?? null, lasted, early: ending.end, cleaned };
}

function openStage({ scenario, acts, source, replay, about, view }: GameDayOptions, guard: GameDayGuard, ending: Ending, boot: Micros): Promise<LiveStage> {
  return buildLiveStage({
    scenario, acts, guard, source, replay, about,
    epochMillis: Date.now() + rampOf({ scenario, source }, boot) / 1_000,
    onLost: (why) => ending.because({ kind: "lost", why }),
    onTrouble: (text) => {
      view.say(text);
      guard.note(text);
    },
    onError: (error) => ending.because({ kind: "error", why: error instanceof Error ? error.message : String(error), error }),
  });
}

/** Starts every process, waits until all is well, and puts the scenario on the clock; null when the game day ended meanwhile. */
async function begin({ scenario, plan, view }: GameDayOptions, stage: LiveStage, ending: Ending): Promise<Begun | null> {
  const { parts, supervisor, faults, engineTelemetry } = stage;
  view.say(`game day ${plan.id}: starting its processes`);
  const timeIsUp = parts.clock.until(0);
  const up = await ending.orEnd(Promise.race([supervisor.begin().then(() => true), timeIsUp]));
  if (up !== true) ending.because({ kind: "lost", why: `not up at run time 0: ${supervisor.missing.join(", ")}; this machine is too busy for a game day, or they can't start (see processes.log)` });
  if (ending.end !== null) return null;
  const problems = await ending.orEnd(Promise.race([engineTelemetry.check(), timeIsUp.then(() => ["Prometheus did not see every target by run time 0"])]));
  if (problems !== null && problems.length > 0) ending.because({ kind: "lost", why: problems.join("\n") });
  if (ending.end !== null) return null;
  supervisor.sendTraffic();
  const prepared = prepare(parts, (prepared) => runDeliveries({ ...prepared, clock: stage.engineClock }, parts.input.driver));
  faults.schedule();
  const watch = new Watch(scenario, stage, prepared.stage.journals, ending, view);
  stage.engineClock.onTurn = () => watch.recordDecisions();
  watch.begin();
  view.say(`all processes are up; traffic begins${parts.clock.now() < 0 ? ` in ${secondsText(-parts.clock.now())}` : ""}`);
  return { prepared, watch };
}

/** A game day whose scenario is on the clock. */
interface Begun {
  readonly prepared: Prepared;
  readonly watch: Watch;
}

/** Ends what can still go wrong, waits for the last books, and closes the record; null when it never began. */
async function closeDown(stage: LiveStage | null, begun: Begun | null, guard: GameDayGuard): Promise<Simulation | null> {
  if (stage === null) return null;
  const { faults, supervisor, parts } = stage;
  faults.stop();
  await guard.revertAll();
  supervisor.close();
  parts.clock.stop();
  if (begun === null || parts.clock.now() < 0) return null;
  await new Promise((resolve) => setTimeout(resolve, LAST_BOOKS_MS));
  begun.watch.recordDecisions();
  stage.record.event(END_EVENT, {});
  return finish(begun.prepared);
}

/** The world's own clock has run on since the game day ended. */
function judged(simulation: Simulation, early: EarlyEnd | null, lasted: Micros): Outcome {
  const outcome = outcomeOf(simulation, "full");
  const troubles = simulation.world.events.filter(({ kind }) => kind === "telemetry-lost");
  const alerts = troubles.map(({ at, text }) => ({ at, severity: "critical" as const, channel: "pager" as const, text }));
  return {
    ...outcome,
    passed: outcome.passed && early === null,
    approximations: early === null ? outcome.approximations : [`It ended early, after ${secondsText(lasted)}: ${early.why}`, ...outcome.approximations],
    alerts: [...outcome.alerts, ...alerts].sort((a, b) => a.at - b.at),
  };
}

const secondsText = (time: Micros): string => `${(time / seconds(1)).toFixed(1)} s`;


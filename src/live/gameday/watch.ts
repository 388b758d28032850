// Looks at a running game day once a second: is it steady before its first fault, may it go on, what do people see?

import { EventClass } from "../../kernel/clock.js";
import { clock as clockText } from "../../kernel/format.js";
import { seconds, type Micros } from "../../kernel/units.js";
import type { Scenario } from "../../scenario/compiled.js";
import type { ReleaseJournal } from "../../sim/journal.js";
import { releasesOf } from "../../sim/stage.js";
import { abortReason, SteadyState, unsteady } from "../safety/conditions.js";
import type { Ending } from "./ending.js";
import type { LiveStage } from "./live-stage.js";
import type { LiveStatus, GameDayView } from "./live-view.js";
import { SeenNow, type EdgeFigures } from "./seen-figures.js";

const LOOK: Micros = seconds(1);
/** Figures of the edge are of so long. */
const EDGE_WINDOW: Micros = seconds(5);

export class Watch {
  readonly #scenario: Scenario;
  readonly #stage: LiveStage;
  readonly #journals: readonly ReleaseJournal[];
  readonly #ending: Ending;
  readonly #view: GameDayView;
  readonly #seen: SeenNow;
  /** When the script first does something: until then the system must have shown that it is steady. */
  readonly #firstAct: Micros;
  /** When it first breaks something, which may come long after. */
  readonly #firstHarm: Micros;
  #steady: SteadyState | null;
  #lastReasons: readonly string[] = [];
  #recorded = 0;

  constructor(scenario: Scenario, stage: LiveStage, journals: readonly ReleaseJournal[], ending: Ending, view: GameDayView) {
    this.#scenario = scenario;
    this.#stage = stage;
    this.#journals = journals;
    this.#ending = ending;
    this.#view = view;
    this.#seen = new SeenNow(scenario, stage.parts.world);
    this.#firstAct = scenario.script.reduce((first, { at }) => Math.min(first, at), Infinity);
    this.#firstHarm = firstHarmOf(scenario);
    this.#steady = this.#firstAct === Infinity ? null : new SteadyState(scenario.gameDay.steadyState, 0);
  }

  /** Puts the looks on the clock; one comes right before the first act, and one right before the first harm. */
  begin(): void {
    const { clock } = this.#stage.parts;
    for (const at of new Set([this.#firstAct, this.#firstHarm])) {
      // A microsecond earlier: what is broken was put on the clock before.
      if (at !== Infinity) clock.at(at - 1, EventClass.world, () => this.#mustBeSteady(at));
    }
    const next = (at: Micros): void => {
      clock.at(at, EventClass.script, () => {
        this.#look();
        if (this.#ending.end === null) next(at + LOOK);
      });
    };
    next(LOOK);
  }

  /** Writes decisions that came since the last look into the record. */
  recordDecisions(): void {
    const decisions = this.#journals.flatMap((journal) => journal.decisions).sort((a, b) => a.id - b.id);
    for (const decision of decisions.slice(this.#recorded)) this.#stage.record.event("decided", decision);
    this.#recorded = decisions.length;
  }

  #look(): void {
    const { clock } = this.#stage.parts;
    const at = clock.now();
    const edge = this.#seen.look(EDGE_WINDOW);
    this.recordDecisions();
    if (this.#steady !== null) this.#watchSteadiness(at, edge);
    const reason = abortReason(this.#scenario.gameDay.stopIf, (comparison) => this.#seen.figure(comparison));
    if (reason !== null) this.#ending.because({ kind: "aborted", why: reason });
    this.#view.status(this.#status(at, edge));
  }

  #watchSteadiness(at: Micros, edge: EdgeFigures): void {
    const verdict = this.#steady?.look(at, { ...edge, replicasDown: this.#seen.replicasDownBut([]) });
    if (verdict?.state === "steady") {
      this.#steady = null;
      this.#view.say(`steady at ${clockText(at)}: the script may begin`);
    } else if (verdict?.state === "not steady") {
      this.#ending.because({ kind: "aborted", why: `the system is not steady before the first fault: ${verdict.reasons.join("; ")}` });
    } else {
      this.#lastReasons = verdict?.reasons ?? [];
    }
  }

  /** The script is about to act: nothing is broken in a system that has not shown that it is whole, or no longer is. */
  #mustBeSteady(at: Micros): void {
    if (this.#ending.end !== null) return;
    const seen = this.#seen.look(EDGE_WINDOW);
    if (this.#steady !== null) this.#watchSteadiness(this.#stage.parts.clock.now(), seen);
    if (this.#steady !== null) {
      const why = this.#lastReasons.length > 0 ? this.#lastReasons.join("; ") : "it has not been steady for long enough";
      this.#ending.because({ kind: "aborted", why: `the system is not steady when the script begins at ${clockText(at)}: ${why}` });
    } else {
      // A release under way starts replicas: that is no harm.
      const released = at === this.#firstAct ? [] : releasesOf(this.#scenario).map(({ release }) => release);
      const reasons = unsteady(this.#scenario.gameDay.steadyState, { ...seen, replicasDown: this.#seen.replicasDownBut(released) });
      if (reasons.length > 0) this.#ending.because({ kind: "aborted", why: `the system is no longer steady at ${clockText(at)}, right before ${at === this.#firstHarm ? "the first harm" : "the script begins"}: ${reasons.join("; ")}` });
    }
    if (this.#ending.end === null) return;
    // What is due at the same moment must not happen any more.
    this.#stage.faults.stop();
    this.#stage.parts.clock.stop();
  }

  #status(at: Micros, edge: EdgeFigures): LiveStatus {
    const { world } = this.#stage.parts;
    const released = [...new Set(releasesOf(this.#scenario).map(({ release }) => release.service))];
    const decisions = this.#journals.flatMap((journal) => journal.decisions).sort((a, b) => a.id - b.id);
    return {
      at, duration: this.#scenario.duration, edge,
      split: released.map((service) => ({ service, versions: world.status(service).filter(({ weight, ready, starting }) => weight > 0 || ready + starting > 0) })),
      states: releasesOf(this.#scenario).flatMap(({ index, release }) => {
        const state = this.#journals[index].states.at(-1);
        return state === undefined ? [] : [`${release.version}: ${state.label}`];
      }),
      decision: decisions.at(-1) ?? null,
      faults: this.#stage.faults.active,
    };
  }
}

/** The first fault, or the first release that brings a defect; Infinity where nothing is broken. */
export function firstHarmOf({ script }: Pick<Scenario, "script">): Micros {
  const harmful = script.filter((item) => item.kind === "fault" || (item.kind === "release" && item.defects.length > 0));
  return harmful.reduce((first, { at }) => Math.min(first, at), Infinity);
}

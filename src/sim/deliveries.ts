// Drives the scripted releases with the real delivery statecharts, one at a time per service, and answers their pages.

import { createCanary } from "../delivery/canary.js";
import type { DeliveryActor, DeliveryObserver } from "../delivery/observer.js";
import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../delivery/platform.js";
import type { CanaryStrategy } from "../delivery/strategy.js";
import { EventClass } from "../kernel/clock.js";
import { seconds, type Micros } from "../kernel/units.js";
import type { Scenario } from "../scenario/compiled.js";
import type { Driver, ForcedAction } from "./driver.js";
import { passesWithoutRelease } from "./cause.js";
import { isActing, noteBreach, type ReleaseJournal } from "./journal.js";
import { OracleHand } from "./oracle-hand.js";
import type { ReleaseItem, Stage } from "./stage.js";

/** One release's delivery, and the hand that can take it from its statechart. */
interface Delivery {
  readonly item: ReleaseItem;
  readonly journal: ReleaseJournal;
  readonly platform: DetachablePlatform;
  readonly actor: DeliveryActor;
  /** The version it was built on, to which an oracle returns even after the promotion. */
  readonly base: string;
}

/** Schedules releases and scripted answers. */
export function runDeliveries(stage: Stage, driver: Driver): void {
  const { clock, input } = stage;
  const queue = new DeliveryQueue(stage, driver);
  for (const item of input.scenario.script) {
    if (item.kind === "release" && !(driver.kind === "schedule" && !driver.made.includes(item.index))) clock.at(item.at, EventClass.script, () => queue.submit(item));
    if (item.kind === "answer" && driver.kind !== "schedule") {
      clock.at(item.at, EventClass.script, () => queue.answer(item.answer));
    }
  }
  if (driver.kind !== "oracle") return;
  const { release, action } = driver;
  if (action !== null) awaitHarm(stage, release, () => queue.takeOver(release, action));
}

/** How often an oracle looks for the first harmed request. */
const HARM_LOOK: Micros = seconds(1);

/**
 * Calls `act` at the first scrape after the release's first harmed request. It looks at the books as they stand:
 * closing them would make cohort draw at other instants than in the run that the oracle is held against.
 */
function awaitHarm({ clock, world, input, journals }: Stage, release: number, act: () => void): void {
  const { scrape } = input.scenario.world.telemetry;
  const look = (): void => {
    const harmAt = world.ledger.firstHarmAt[release];
    if (Number.isNaN(harmAt)) {
      clock.at(clock.now() + HARM_LOOK, EventClass.script, look);
      return;
    }
    clock.at(Math.max(clock.now(), Math.ceil(harmAt / scrape) * scrape), EventClass.script, () => {
      journals[release].oracleActedAt = clock.now();
      act();
    });
  };
  look();
}

/** Releases of one service wait for each other: the next one is built on the one before. */
class DeliveryQueue {
  readonly #stage: Stage;
  readonly #driver: Driver;
  /** Every delivery that was begun, in order. */
  readonly #begun: Delivery[] = [];
  /** Per service: the delivery under way, a held one included. */
  readonly #running = new Map<string, Delivery>();
  readonly #waiting: ReleaseItem[] = [];
  #decisions = 0;

  constructor(stage: Stage, driver: Driver) {
    this.#stage = stage;
    this.#driver = driver;
  }

  submit(item: ReleaseItem): void {
    if (this.#running.has(item.release.service)) this.#waiting.push(item);
    else this.#start(item);
  }

  /** A scripted answer goes to the delivery whose question is the newest; without a question, to the newest delivery. */
  answer(answer: "roll-back" | "promote" | "hold"): void {
    const open = this.#begun.filter(({ actor, item }) => !actor.done && !this.#isOnSchedule(item));
    const asked = ({ journal }: Delivery): Micros => journal.pages.findLast(({ asks }) => asks)?.at ?? -1;
    const [addressee] = [...open].reverse().sort((a, b) => asked(b) - asked(a));
    addressee?.actor.answer(answer);
  }

  /** The oracle's hand: the statechart loses its platform, and the action is carried out directly. */
  takeOver(release: number, action: ForcedAction): void {
    const delivery = this.#begun.find((candidate) => candidate.item.index === release);
    if (delivery === undefined) return;
    delivery.platform.detach();
    const { journals, input, platform, world } = this.#stage;
    const { service, version, flag } = delivery.item.release;
    const task = { service, version, flag: flag?.name ?? null, base: delivery.base, attempts: input.scenario.strategy.rollback.attempts };
    new OracleHand(platform, world, task, (command, event) => {
      journals[release].actions.push({ at: event.at, text: "the oracle's action", command, event });
    }).act(action);
  }

  #start(item: ReleaseItem): void {
    const { clock, telemetry, input, journals } = this.#stage;
    const journal = journals[item.index];
    journal.startedAt = clock.now();
    const platform = new DetachablePlatform(this.#stage.platform);
    const { scrape, lag } = input.scenario.world.telemetry;
    const actor = (input.createDelivery ?? createCanary)({
      release: item.release,
      strategy: this.#isOnSchedule(item) ? scheduleOnly(input.scenario.strategy) : input.scenario.strategy,
      ports: { clock, telemetry, platform },
      timing: { scrape, propagation: input.scenario.world.splitPropagation + lag },
      observer: this.#observer(item, journal),
      databases: databasesOf(input.scenario, item.release.service),
      nextDecisionId: () => (this.#decisions += 1),
    });
    const delivery: Delivery = { item, journal, platform, actor, base: platform.stable(item.release.service).version };
    this.#running.set(item.release.service, delivery);
    this.#begun.push(delivery);
    actor.start();
  }

  /** Nothing stops such a release, and nobody is asked about it. */
  #isOnSchedule({ index }: ReleaseItem): boolean {
    const driver = this.#driver;
    return driver.kind === "schedule" || (driver.kind === "oracle" && driver.release === index);
  }

  #observer(item: ReleaseItem, journal: ReleaseJournal): DeliveryObserver {
    const { clock, input, world } = this.#stage;
    const { person } = input.scenario;
    // A statechart that lost its platform to an oracle runs into time-outs; they are nobody's cost.
    const guarded = <Heard extends readonly unknown[]>(hear: (...heard: Heard) => void) => (...heard: Heard): void => {
      if (journal.oracleActedAt === null) hear(...heard);
    };
    return {
      evaluated: guarded((results, at) => {
        journal.alarms.hear(results, { at, heardAt: clock.now(), window: input.scenario.strategy.window });
        noteBreach(journal, results, clock.now());
      }),
      decided: guarded((decision, basis) => {
        journal.decisions.push(decision);
        journal.passesWithoutRelease.push(
          isActing(decision) || decision.actions.includes("ask") ? passesWithoutRelease(world.telemetry, item.index, basis) : null,
        );
      }),
      entered: guarded((state, label, at, why) => journal.states.push({ state, label, at, why })),
      action: guarded((text, command, event, at) => journal.actions.push({ at, text, command, event })),
      paged: guarded((message, asks, at) => {
        journal.pages.push({ at, message, asks });
        const { answersAfter, answer } = person;
        // A statechart that is done hears nothing more; one that holds still does.
        const delivery = this.#begun.find((candidate) => candidate.item === item);
        if (asks && answersAfter !== null) clock.setTimer(answersAfter, () => delivery?.actor.answer(answer));
      }),
      finished: guarded((result) => {
        journal.result = result;
        // A held release may still be answered or rolled back: what waits for it goes on waiting.
        if (result.kind !== "held") this.#next(item, result.kind === "rolled-back");
      }),
    };
  }

  /** Starts the service's next waiting release; those built on a release that was rolled back are invalid. */
  #next(finished: ReleaseItem, rolledBack: boolean): void {
    const { service } = finished.release;
    this.#running.delete(service);
    const waiting = this.#waiting.filter((item) => item.release.service === service);
    if (waiting.length === 0) return;
    const leaving = rolledBack ? waiting : waiting.slice(0, 1);
    for (const item of leaving) this.#waiting.splice(this.#waiting.indexOf(item), 1);
    if (rolledBack) {
      for (const item of leaving) this.#stage.journals[item.index].invalidated = true;
      return;
    }
    // A statechart that is just finishing must not start its successor from within its own step.
    this.#stage.clock.setTimer(0, () => this.#start(leaving[0]));
  }
}

/** The databases that the service's endpoints call. */
function databasesOf(scenario: Scenario, service: string): readonly string[] {
  const calls = scenario.world.services
    .filter((candidate) => candidate.name === service)
    .flatMap(({ endpoints }) => endpoints.flatMap((endpoint) => endpoint.calls));
  return [...new Set(calls.flatMap(({ to }) => (to.kind === "database" ? [to.database] : [])))];
}

/** The strategy's steps with nothing that could stop them: what the schedule alone would do. */
export function scheduleOnly(strategy: CanaryStrategy): CanaryStrategy {
  return {
    ...strategy,
    gates: [],
    triggers: [],
    steps: strategy.steps.map((step) => ({ ...step, minRequests: 0, onInconclusive: "promote" as const })),
  };
}

/** A platform that stops listening to its statechart once detached. */
class DetachablePlatform implements Platform {
  readonly #platform: Platform;
  #attached = true;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  detach(): void {
    this.#attached = false;
  }

  stable(service: string): { readonly version: string; readonly replicas: number } {
    return this.#platform.stable(service);
  }

  send(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void): void {
    if (!this.#attached) return;
    this.#platform.send(id, command, (event) => {
      if (this.#attached) heard(event);
    });
  }
}

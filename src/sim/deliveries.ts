// Drives the scripted releases with the real delivery statecharts, one at a time per service, and answers their pages.

import { createCanary } from "../delivery/canary.js";
import type { DeliveryActor, DeliveryObserver } from "../delivery/observer.js";
import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../delivery/platform.js";
import type { CanaryStrategy } from "../delivery/strategy.js";
import { EventClass } from "../kernel/clock.js";
import type { Scenario } from "../scenario/compiled.js";
import type { Driver, ForcedAction } from "./driver.js";
import { passesWithoutRelease } from "./cause.js";
import { isActing, type ReleaseJournal } from "./journal.js";
import type { ReleaseItem, Stage } from "./stage.js";

/** One release's delivery, and the hand that can take it from its statechart. */
interface Delivery {
  readonly item: ReleaseItem;
  readonly journal: ReleaseJournal;
  readonly platform: DetachablePlatform;
  readonly actor: DeliveryActor;
}

/** The oracle's commands need no number of their own: nobody waits for them. */
const ORACLE_ACTION: ActionId = -1;

/** Schedules releases and scripted answers. */
export function runDeliveries(stage: Stage, driver: Driver): void {
  const { clock, input } = stage;
  const queue = new DeliveryQueue(stage, driver);
  for (const item of input.scenario.script) {
    if (item.kind === "release" && !(driver.kind === "schedule" && !driver.made.includes(item.index))) clock.at(item.at, EventClass.script, () => queue.submit(item));
    if (item.kind === "answer" && driver.kind === "strategy") {
      clock.at(item.at, EventClass.script, () => queue.answer(item.answer));
    }
  }
  if (driver.kind === "oracle") {
    clock.at(driver.actsAt, EventClass.script, () => queue.takeOver(driver.release, driver.action));
  }
}

/** Releases of one service wait for each other: the next one is built on the one before. */
class DeliveryQueue {
  readonly #stage: Stage;
  readonly #driver: Driver;
  readonly #running = new Map<string, Delivery>();
  readonly #waiting: ReleaseItem[] = [];
  #latest: Delivery | null = null;
  #decisions = 0;

  constructor(stage: Stage, driver: Driver) {
    this.#stage = stage;
    this.#driver = driver;
  }

  submit(item: ReleaseItem): void {
    if (this.#running.has(item.release.service)) this.#waiting.push(item);
    else this.#start(item);
  }

  answer(answer: "roll-back" | "promote" | "hold"): void {
    this.#latest?.actor.answer(answer);
  }

  /** The oracle's hand: the statechart loses its platform, and the action is carried out directly. */
  takeOver(release: number, action: ForcedAction): void {
    const delivery = [...this.#running.values()].find((candidate) => candidate.item.index === release);
    if (delivery === undefined) return;
    delivery.platform.detach();
    const { platform, journals, input } = this.#stage;
    const { service, version, flag } = delivery.item.release;
    const command: PlatformCommand =
      action === "disable-flag" && flag !== null
        ? { kind: "set-flag", flag: flag.name, on: false }
        : { kind: "roll-back", service, version, to: platform.stable(service).version };
    this.#insist(command, input.scenario.strategy.rollback.attempts, (event) => {
      journals[release].actions.push({ at: event.at, text: "the oracle's action", command, event });
    });
  }

  /** The oracle meets the same failures as everyone, and tries as often as the strategy would. */
  #insist(command: PlatformCommand, attempts: number, heard: (event: ActionEvent) => void): void {
    this.#stage.platform.send(ORACLE_ACTION, command, (event) => {
      heard(event);
      if (event.type !== "action.done" && attempts > 1) this.#insist(command, attempts - 1, heard);
    });
  }

  #start(item: ReleaseItem): void {
    const { clock, telemetry, input, journals } = this.#stage;
    const journal = journals[item.index];
    journal.startedAt = clock.now();
    const platform = new DetachablePlatform(this.#stage.platform);
    const { scrape, lag } = input.scenario.world.telemetry;
    const actor = createCanary({
      release: item.release,
      strategy: this.#driver.kind === "strategy" ? input.scenario.strategy : scheduleOnly(input.scenario.strategy),
      ports: { clock, telemetry, platform },
      timing: { scrape, propagation: input.scenario.world.splitPropagation + lag },
      observer: this.#observer(item, journal),
      databases: databasesOf(input.scenario, item.release.service),
      nextDecisionId: () => (this.#decisions += 1),
    });
    const delivery: Delivery = { item, journal, platform, actor };
    this.#running.set(item.release.service, delivery);
    this.#latest = delivery;
    actor.start();
  }

  #observer(item: ReleaseItem, journal: ReleaseJournal): DeliveryObserver {
    const { clock, input, world } = this.#stage;
    const { person } = input.scenario;
    return {
      evaluated: (results, at) => journal.health.push({ at, results }),
      decided: (decision, basis) => {
        journal.decisions.push(decision);
        journal.passesWithoutRelease.push(
          isActing(decision) ? passesWithoutRelease(world.telemetry, item.index, basis) : null,
        );
      },
      entered: (state, label, at, why) => journal.states.push({ state, label, at, why }),
      action: (text, command, event, at) => journal.actions.push({ at, text, command, event }),
      paged: (message, asks, at) => {
        journal.pages.push({ at, message, asks });
        const { answersAfter, answer } = person;
        if (asks && answersAfter !== null) {
          clock.setTimer(answersAfter, () => this.#running.get(item.release.service)?.actor.answer(answer));
        }
      },
      finished: (result) => {
        journal.result = result;
        this.#next(item, result.kind === "promoted");
      },
    };
  }

  /** Starts the service's next waiting release; those built on a release that was taken back are invalid. */
  #next(finished: ReleaseItem, promoted: boolean): void {
    const { service } = finished.release;
    this.#running.delete(service);
    const at = this.#waiting.findIndex((item) => item.release.service === service);
    if (at < 0) return;
    if (!promoted) {
      for (const item of this.#waiting) {
        if (item.release.service === service) this.#stage.journals[item.index].invalidated = true;
      }
      for (let k = this.#waiting.length - 1; k >= 0; k -= 1) {
        if (this.#waiting[k].release.service === service) this.#waiting.splice(k, 1);
      }
      return;
    }
    const [next] = this.#waiting.splice(at, 1);
    // A statechart that is just finishing must not start its successor from within its own step.
    this.#stage.clock.setTimer(0, () => this.#start(next));
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

// Tries another strategy on a game day's recorded telemetry, up to where it would have done something else.

import type { Decision } from "../../engines/decision.js";
import type { CanaryStrategy } from "../../delivery/strategy.js";
import { commandText } from "../../delivery/canary-commands.js";
import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../../delivery/platform.js";
import { EventClass, VirtualClock } from "../../kernel/clock.js";
import { clock as clockText } from "../../kernel/format.js";
import { seconds, type Micros } from "../../kernel/units.js";
import type { Scenario } from "../../scenario/compiled.js";
import { runDeliveries } from "../../sim/deliveries.js";
import type { Stage } from "../../sim/stage.js";
import { StoreTelemetry } from "../../telemetry/snapshot.js";
import { replayRecord } from "../telemetry/replay.js";
import { readHistory, type History, type SentCommand } from "./history.js";
import { StableVersions } from "./pinned-ports.js";
import { replayStage } from "./recorded-world.js";
import { same } from "./replay-same.js";

/** From here on the record does not answer any more: what it tells of came from what the game day did. */
export interface Parting {
  readonly at: Micros;
  readonly text: string;
}

export interface OtherReplay {
  readonly history: History;
  /** Up to the parting. */
  readonly decisions: readonly Decision[];
  /** Null: to the end of the record it does the same. */
  readonly parting: Parting | null;
}

/** The same command within this is the same action: real timers are a few milliseconds late. One tick earlier is another. */
const sameTime = ({ every }: CanaryStrategy): Micros => Math.min(seconds(1), every / 2);

/** `scenario` is the game day's, with the other strategy in it. Throws a RecordError when the record can't be used. */
export async function replayOther(path: string, scenario: Scenario): Promise<OtherReplay> {
  const history = await readHistory(path);
  const clock = new VirtualClock();
  const platform = new FollowingPlatform(clock, scenario, history);
  let stage: Stage | null = null;
  await replayRecord(path, clock, {
    begin: (_, store) => {
      stage = replayStage(scenario, store, { clock, platform, telemetry: new StoreTelemetry(store, clock, 0) });
      runDeliveries(stage, stage.input.driver);
      platform.watch();
    },
  });
  const until = platform.parting?.at ?? Infinity;
  return { history, parting: platform.parting, decisions: decisionsOf(stage).filter(({ at }) => at <= until) };
}

const decisionsOf = (stage: Stage | null): readonly Decision[] =>
  (stage?.journals ?? []).flatMap((journal) => journal.decisions).sort((a, b) => a.id - b.id);

/** Commands end as they did in the game day, as long as they are the same ones at the same time. */
class FollowingPlatform implements Platform {
  parting: Parting | null = null;
  readonly #clock: VirtualClock;
  readonly #stable: StableVersions;
  /** Calling a person changes nothing in the system: such commands are nobody's parting. */
  readonly #recorded: readonly SentCommand[];
  readonly #sameTime: Micros;
  #sent = 0;

  constructor(clock: VirtualClock, { world, strategy }: Scenario, { commands }: History) {
    this.#clock = clock;
    this.#sameTime = sameTime(strategy);
    this.#stable = new StableVersions(world);
    this.#recorded = commands.filter(({ command }) => command.kind !== "page");
  }

  stable(service: string): { readonly version: string; readonly replicas: number } {
    return this.#stable.of(service);
  }

  /** Notices what the game day did and this strategy does not. */
  watch(): void {
    this.#recorded.forEach(({ at, command }, place) => {
      this.#clock.at(at + this.#sameTime, EventClass.script, () => {
        if (this.#sent <= place) this.#part(at, `the game day did this and the strategy does not: ${textOf(command)}`);
      });
    });
  }

  send(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void): void {
    if (this.parting !== null) return;
    const now = this.#clock.now();
    if (command.kind === "page") {
      this.#clock.setTimer(0, () => heard({ type: "action.done", id, at: this.#clock.now(), effectiveAt: this.#clock.now() }));
      return;
    }
    const recorded = this.#recorded[this.#sent];
    this.#sent += 1;
    if (recorded === undefined || !same(recorded.command, command)) return this.#part(now, `it does this and the game day did not: ${textOf(command)}`);
    if (Math.abs(recorded.at - now) > this.#sameTime) return this.#part(Math.min(now, recorded.at), `it does this at ${clockText(now)} and the game day did at ${clockText(recorded.at)}: ${textOf(command)}`);
    if (recorded.ended === null) return;
    const { event, at } = recorded.ended;
    this.#clock.setTimer(at - recorded.at, () => {
      const ended = shifted(event, id, this.#clock.now() - event.at);
      this.#stable.hear(command, ended);
      heard(ended);
    });
  }

  #part(at: Micros, text: string): void {
    this.parting ??= { at, text };
  }
}

const textOf = (command: PlatformCommand): string => commandText(command);

/** How a command ended, as of a command that began at another time. */
const shifted = (event: ActionEvent, id: ActionId, by: Micros): ActionEvent =>
  event.type === "action.done" ? { ...event, id, at: event.at + by, effectiveAt: event.effectiveAt + by } : { ...event, id, at: event.at + by };

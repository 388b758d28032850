// Replays a record under the strategy that the game day had: its engines must decide the same, word by word.

import type { Decision } from "../../engines/decision.js";
import type { PlatformCommand } from "../../delivery/platform.js";
import type { Micros } from "../../kernel/units.js";
import type { Scenario } from "../../scenario/compiled.js";
import { runDeliveries } from "../../sim/deliveries.js";
import type { Stage } from "../../sim/stage.js";
import type { Answer } from "../../telemetry/query.js";
import { RecordedStore, readRecord } from "../telemetry/replay.js";
import { engineEvent, readHistory, type EngineEvent, type History } from "./history.js";
import { PinnedClock, PinnedPlatform, PinnedTelemetry } from "./pinned-ports.js";
import { replayStage } from "./recorded-world.js";

export interface SameReplay {
  readonly history: History;
  readonly decisions: readonly Decision[];
  /** Commands that the engines sent, in order. */
  readonly commands: readonly { readonly at: Micros; readonly command: PlatformCommand }[];
  /** In words, where the replay parts from the record; empty when it is the same. */
  readonly differences: readonly string[];
  /** Answers that were computed again from the recorded scrapes, and how many came out as recorded. */
  readonly answers: { readonly computed: number; readonly equal: number };
}

const BUILT_IN = "built-in";

/** Throws a RecordError when the record can't be used. */
export async function replaySame(path: string, scenario: Scenario): Promise<SameReplay> {
  const history = await readHistory(path);
  const replay = new Replay(scenario, history);
  const recorded = new RecordedStore(history.header);
  let stage: Stage | null = null;
  for await (const line of readRecord(path)) {
    if (line.kind === "header") {
      stage = replayStage(scenario, recorded.store, replay);
      runDeliveries(stage, stage.input.driver);
    } else if (line.kind === "event") {
      const event = engineEvent(line);
      if (event !== null && stage !== null) replay.take(event, stage);
    } else {
      recorded.take(line);
    }
  }
  const decisions = (stage?.journals ?? []).flatMap((journal) => journal.decisions).sort((a, b) => a.id - b.id);
  const { sent } = replay.platform;
  return {
    history, decisions, commands: sent, answers: { ...replay.answers },
    differences: [
      ...replay.differences,
      ...decisionDifferences(history.decisions, recordable(decisions, history.decisions.length, history)),
      ...commandDifferences(history, recordable(sent, history.commands.length, history)),
    ],
  };
}

/** What came of the last turn may not have been written any more where the record was cut short: its absence is no difference. */
function recordable<Done extends { readonly at: Micros }>(done: readonly Done[], recorded: number, { isWhole, lastTurnAt }: History): readonly Done[] {
  return isWhole ? done : done.filter(({ at }, place) => place < recorded || at < lastTurnAt);
}

class Replay {
  readonly clock = new PinnedClock();
  readonly telemetry = new PinnedTelemetry();
  readonly platform: PinnedPlatform;
  readonly answers = { computed: 0, equal: 0 };
  readonly differences: string[] = [];
  readonly #history: History;

  constructor(scenario: Scenario, history: History) {
    this.platform = new PinnedPlatform(this.clock, scenario.world);
    this.#history = history;
  }

  take(event: EngineEvent, stage: Stage): void {
    if (event.type === "sent" || event.type === "decided") return;
    this.clock.standAt(event.now);
    const heard = this.#turn(event, stage);
    if (!heard) this.differences.push(`at ${event.now} us the game day's engines were told of a ${event.type} that nobody waits for here`);
  }

  #turn(event: Exclude<EngineEvent, { readonly type: "sent" | "decided" }>, stage: Stage): boolean {
    switch (event.type) {
      case "timer":
        return this.clock.fire(event.timer);
      case "heard":
        return this.platform.end(event.event);
      case "answered": {
        const queries = this.telemetry.questions(event.ask);
        if (queries === undefined) return false;
        this.telemetry.answer(event.ask, event.at, this.#answers(event, stage));
        return true;
      }
    }
  }

  /** What a Prometheus answered is taken as it is: its scrapes were others than the record's. */
  #answers({ ask, at, answers: recorded }: Extract<EngineEvent, { readonly type: "answered" }>, { world }: Stage): readonly Answer[] {
    if (this.#history.about.telemetry !== BUILT_IN) return recorded;
    const computed = (this.telemetry.questions(ask) ?? []).map((query) => world.telemetry.query(query, at));
    computed.forEach((answer, place) => {
      this.answers.computed += 1;
      if (same(answer, recorded[place])) this.answers.equal += 1;
    });
    return computed;
  }
}

/** As JSON has it, whatever the order of keys and whether they are undefined or left out. */
export function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b || (typeof a === "number" && !Number.isFinite(a) && b === null);
  const keysOf = (value: object): string[] => Object.entries(value).flatMap(([key, each]) => (each === undefined ? [] : [key])).sort();
  const keys = keysOf(a);
  if (keys.join() !== keysOf(b).join()) return false;
  return keys.every((key) => same(a[key as keyof typeof a], b[key as keyof typeof b]));
}

function decisionDifferences(recorded: readonly Decision[], replayed: readonly Decision[]): string[] {
  const differences = recorded.flatMap((decision, place) => {
    const again = replayed[place];
    if (again === undefined) return [`decision ${decision.id} of the game day (${decision.reason}) does not come in the replay`];
    const fields = (Object.keys(decision) as (keyof Decision)[]).filter((field) => !same(decision[field], again[field]));
    return fields.length === 0 ? [] : [`decision ${decision.id}: ${fields.join(", ")} differ: "${decision.reason}" in the game day, "${again.reason}" in the replay`];
  });
  return [...differences, ...replayed.slice(recorded.length).map(({ id, reason }) => `decision ${id} comes only in the replay: ${reason}`)];
}

function commandDifferences({ commands }: History, sent: SameReplay["commands"]): string[] {
  const place = Array.from({ length: Math.max(commands.length, sent.length) }, (_, k) => k).find((k) => !same(commands[k]?.command, sent[k]?.command));
  return place === undefined ? [] : [`command ${place + 1} differs: ${JSON.stringify(commands[place]?.command ?? null)} in the game day, ${JSON.stringify(sent[place]?.command ?? null)} in the replay`];
}

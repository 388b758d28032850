// A game day small and short enough for a test: one service of two replicas, a canary of seconds.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planFaults } from "../../../src/live/gameday/fault-acts.js";
import { planGameDay, type TelemetrySource } from "../../../src/live/gameday/game-day-plan.js";
import type { LiveStatus } from "../../../src/live/gameday/live-view.js";
import { runGameDay, type GameDayResult } from "../../../src/live/gameday/run-game-day.js";
import { parseEntry, type JournalEntry } from "../../../src/live/safety/entries.js";
import { JOURNAL_FILE } from "../../../src/live/safety/journal.js";
import { findMarked } from "../../../src/live/safety/tokens.js";
import { loadScenario } from "../../../src/scenario/load.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { memoryFiles } from "../../scenario/fixtures.js";

export interface Mini {
  readonly script?: string;
  readonly lasts?: string;
}

/** The file of it, for a command. */
export const miniText = ({ script = "[]", lasts = "9s" }: Mini): string => `shakedown: 1
kind: scenario
name: mini
for: ${lasts}
objectives: { error-rate: 5%, p95: 1s }
strategy:
  steps: [{ weight: 50%, bake: 3s }, { weight: 100%, bake: 2s }]
  window: 2s
  every: 1s
  gates: { error-rate: { below: 5% } }
  triggers: { error-rate: { above: 20%, for: 2 of 3 } }
  thin-data: { min-requests: 5, max-hold: 60s }
  action-timeout: 20s
world:
  users: 500
  services:
    shop:
      replicas: 2
      startup: { constant: 100ms }
      warm-up: { for: 0s, factor: x1 }
      health-check: { interval: 250ms, healthy-after: 1, unhealthy-after: 2 }
      liveness: { interval: 500ms, failures: 2 }
      endpoints: { order: { p50: 10ms, p95: 25ms } }
  traffic: { enters: shop, rate: 60rps }
  clients: { timeout: 1s, reload: { share: 0% } }
  telemetry: { scrape: 1s, lag: 0s }
  split-propagation: 100ms
  drain: 1s
script: ${script}
game-day: { steady-state: { p95: 2s, error-rate: 30%, for: 500ms } }
`;

export function miniScenario(mini: Mini): Scenario {
  const path = "/p/mini.yaml";
  const loaded = loadScenario(path, memoryFiles({ [path]: miniText(mini) }));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message, instead }) => `${line}: ${message}; ${instead}`).join("\n"));
  return loaded.value;
}

export const RELEASE = "[{ at: 3s, release: { service: shop, version: v2, lines: 10 } }]";

/** What a journal says; nothing when there is none yet. */
export const readJournal = (path: string): readonly JournalEntry[] =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").flatMap((line) => parseEntry(line) ?? []) : [];

/** How many processes are there that carry a token of this journal. */
export const stillMarked = (entries: readonly JournalEntry[]): number =>
  findMarked(new Set(entries.flatMap((entry) => (entry.kind === "process-intended" ? [entry.token] : [])))).length;

/** A running or finished game day, with what its journal and its processes say. */
export class MiniGameDay {
  readonly folder = join(mkdtempSync(join(tmpdir(), "shakedown-mini-")), "day");
  readonly said: string[] = [];
  readonly looks: LiveStatus[] = [];
  readonly done: Promise<GameDayResult>;
  readonly #waiting: { readonly until: (look: LiveStatus) => boolean; readonly resolve: () => void }[] = [];

  constructor(scenario: Scenario, source: TelemetrySource = { kind: "built-in" }) {
    const { acts, refusals } = planFaults(scenario, source.kind === "built-in" ? "built-in" : "prometheus");
    if (refusals.length > 0) throw new Error(refusals.join("\n"));
    const plan = planGameDay({ id: "day", scenario, speed: 1, acts, source, folder: this.folder });
    const status = (look: LiveStatus): void => {
      this.looks.push(look);
      for (const { until, resolve } of this.#waiting) if (until(look)) resolve();
    };
    this.done = runGameDay({ scenario, plan, acts, source, replay: "", about: {}, view: { say: (line) => this.said.push(line), status, end: () => undefined } });
  }

  /** Resolves at the first look that shows this, or when the game day is over. */
  until(shows: (look: LiveStatus) => boolean): Promise<unknown> {
    return Promise.race([new Promise<void>((resolve) => this.#waiting.push({ until: shows, resolve })), this.done]);
  }

  get journal(): readonly JournalEntry[] {
    return readJournal(join(this.folder, JOURNAL_FILE));
  }

  /** The pid of the newest process of that role. */
  pid(role: string): number {
    const spawned = this.journal.flatMap((entry) => (entry.kind === "process-spawned" && entry.role === role ? [entry.identity.pid] : []));
    const pid = spawned.at(-1);
    if (pid === undefined) throw new Error(`there is no ${role}`);
    return pid;
  }

  /** Processes of the game day that are still there. */
  get left(): number {
    return stillMarked(this.journal);
  }

  forget(): void {
    rmSync(join(this.folder, ".."), { recursive: true, force: true });
  }
}

// Plays one job: where a bundle becomes a scenario, a scenario an Outcome, and an Outcome a result as text.

import { createHash } from "node:crypto";
import type { CreateDelivery } from "../delivery/canary.js";
import type { Scenario } from "../scenario/compiled.js";
import { runScenario } from "../sim/run.js";
import type { Fidelity } from "../world/world.js";
import { scenarioOf, type Bundle } from "./bundle.js";
import { rowOf } from "./run-row.js";
import type { Detail, JobFailure } from "./runner.js";

/** Scenarios kept compiled; a search seldom goes back further. */
const MAX_SCENARIOS = 64;
/** Worlds whose twins are kept. */
const MAX_WORLDS = 16;

/** What a thread is asked to play; the bundle is asked for only when it is not known yet. */
export interface PlayRequest {
  readonly key: string;
  readonly hash: string;
  readonly seed: number;
  readonly fidelity: Fidelity;
  readonly detail: Detail;
}

/** Texts of JSON: they cross threads and machines as they are. */
export type Played = { readonly ok: true; readonly row: string; readonly outcome: string | null } | { readonly ok: false; readonly failure: JobFailure };

type Compiled = { readonly ok: true; readonly scenario: Scenario } | { readonly ok: false; readonly failure: JobFailure };

/** Plays jobs one after the other and remembers what several of them share: compiled scenarios and twins. */
export class Player {
  readonly #compiled = new Map<string, Compiled>();
  readonly #worlds = new Map<string, Scenario>();
  readonly #createDelivery: CreateDelivery | null;
  readonly #scenarios: number;

  /** `scenarios`: how many are kept compiled, with their twins and laws, which take some 10 MB each. */
  constructor(createDelivery: CreateDelivery | null = null, scenarios = MAX_SCENARIOS) {
    this.#createDelivery = createDelivery;
    this.#scenarios = scenarios;
  }

  /** Plays one run. Never throws: what goes wrong is the run's result. */
  play(request: PlayRequest, bundle: () => Bundle): Played {
    const { key, hash, seed, fidelity, detail } = request;
    const compiled = this.#scenario(hash, fidelity, bundle);
    if (!compiled.ok) return compiled;
    try {
      const outcome = runScenario(compiled.scenario, { seed, fidelity, detail: detail === "full" ? "full" : "light", ...(this.#createDelivery === null ? {} : { createDelivery: this.#createDelivery }) });
      return { ok: true, row: JSON.stringify(rowOf(outcome, key, hash)), outcome: detail === "row" ? null : JSON.stringify(outcome) };
    } catch (error) {
      return { ok: false, failure: { kind: "crashed", message: messageOf(error) } };
    }
  }

  #scenario(hash: string, fidelity: Fidelity, bundle: () => Bundle): Compiled {
    const key = `${hash}:${fidelity}`;
    const known = this.#compiled.get(key) ?? this.#compile(bundle(), fidelity);
    remember(this.#compiled, key, known, this.#scenarios);
    return known;
  }

  #compile(bundle: Bundle, fidelity: Fidelity): Compiled {
    try {
      const loaded = scenarioOf(bundle, { fidelity });
      if (loaded.ok) return { ok: true, scenario: this.#shared(loaded.value) };
      const [first] = loaded.problems;
      const advice = first.instead === null ? "" : `; ${first.instead}`;
      return { ok: false, failure: { kind: "refused", message: `${first.file}:${first.line}:${first.column}: ${first.message}${advice}` } };
    } catch (error) {
      return { ok: false, failure: { kind: "crashed", message: `while loading: ${messageOf(error)}` } };
    }
  }

  /** Strategies of one world and script share its twins: they get the very same world, which twins are kept by. */
  #shared(scenario: Scenario): Scenario {
    const { world, script, effects, objectives, duration } = scenario;
    const key = createHash("sha256").update(JSON.stringify([world, script, effects, objectives, duration], plainArrays)).digest("hex");
    const first = this.#worlds.get(key) ?? scenario;
    remember(this.#worlds, key, first, Math.min(MAX_WORLDS, this.#scenarios));
    return { ...scenario, world: first.world, script: first.script, effects: first.effects, objectives: first.objectives };
  }
}

/** JSON of a typed array is a map, ten times as long; JSON has no Infinity, which must not read like null. */
function plainArrays(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** Puts an entry last, and drops the one unused for longest when there are too many. */
function remember<V>(entries: Map<string, V>, key: string, value: V, most: number): void {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries.keys();
  if (entries.size > most) entries.delete(oldest);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

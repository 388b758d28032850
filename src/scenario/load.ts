// Loads a scenario with its world, strategy and traces, or says everything that is wrong with them.

import type { z } from "zod";

import type { CanaryStrategy } from "../delivery/strategy.js";
import { HARD_TRIGGERS } from "../engines/health/presets.js";
import { toSeconds, type Micros } from "../kernel/units.js";
import type { RateShape, WorldSpec } from "../world/spec.js";
import type { FileAccess } from "./access.js";
import { at, checkShape } from "./check.js";
import type { CostWeights, Objective, Scenario } from "./compiled.js";
import type { Sight } from "./decidable.js";
import { reportUnreached } from "./effect-reach.js";
import { compileExpectation } from "./expectation-compile.js";
import { Findings, type Place } from "./findings.js";
import { compileGameDay } from "./game-day-compile.js";
import { LIMITS } from "./limits.js";
import { sortProblems, type LoadResult, type Problem } from "./problem.js";
import { scenarioSchema, type WrittenScenario } from "./scenario-schema.js";
import { compileOverall } from "./overall.js";
import { compileScript, type CompiledScript } from "./script-compile.js";
import { expectationNames } from "./rule-names.js";
import { reportSamples } from "./samples.js";
import { readSource, type Data, type Source } from "./source.js";
import { compileStrategy, type StrategyContext } from "./strategy-compile.js";
import { strategyFileSchema, type WrittenStrategy } from "./strategy-schema.js";
import { cutTrace, parseTrace, type Trace } from "./trace.js";
import { compileWorld, worldNames } from "./world-compile.js";
import { worldFileSchema, type WrittenTraffic, type WrittenWorld } from "./world-schema.js";

/** What a fidelity can't do with a scenario, by name. */
export interface Refusal {
  readonly message: string;
  readonly instead: string | null;
  /** The effect that it is about; null when it is about the whole scenario. */
  readonly effect: string | null;
}

export interface LoadOptions {
  /** Asked for a scenario that is well so far: what its fidelity refuses. */
  readonly refuse?: (scenario: Scenario) => readonly Refusal[];
}

/** Loads the scenario at `path` with all that it refers to. All problems are reported together, by position. */
export function loadScenario(path: string, access: FileAccess, options: LoadOptions = {}): LoadResult<Scenario> {
  const loader = new Loader(access, access.root(path));
  return loader.result(loader.scenario(path, options));
}

/** Loads a strategy by itself, for releases of services with these endpoints. */
export function loadStrategy(path: string, access: FileAccess, endpoints: readonly string[] | null): LoadResult<CanaryStrategy> {
  const loader = new Loader(access, access.root(path));
  return loader.result(loader.strategy(path, endpoints));
}

/** Everything that is wrong with one file of any kind; a scenario's world and strategy are looked at with it. */
export function validateFile(path: string, access: FileAccess, options: LoadOptions = {}): readonly Problem[] {
  const loader = new Loader(access, access.root(path));
  const result = loader.result(loader.any(path, options));
  return result.ok ? [] : result.problems;
}

/** What is wrong with the scenario at `path`, what its fidelity refuses included; empty when it is well. */
export function validateScenario(path: string, access: FileAccess, options: LoadOptions = {}): readonly Problem[] {
  const result = loadScenario(path, access, options);
  return result.ok ? [] : result.problems;
}

/** Which kind a file says it is; null when it does not say, or can't be read. */
export function kindOf(path: string, access: FileAccess): string | null {
  const read = access.read(path, null);
  if ("error" in read) return null;
  const { source } = readSource(path, read.text);
  const kind = source === null ? undefined : at(source.data, ["kind"]);
  return typeof kind === "string" ? kind : null;
}

/** What a strategy delivers, as far as it is known. */
type Scene = Pick<StrategyContext, "endpoints" | "sight" | "flagged">;
/** Nothing is known of it: the strategy is looked at by itself. */
const ANYWHERE: Scene = { endpoints: null, sight: null, flagged: false };

const KINDS = ["scenario", "world", "strategy"] as const;
type Kind = (typeof KINDS)[number];

interface Opened<T> {
  readonly value: T | null;
  readonly findings: Findings;
}

/** One load: the files read so far, in order, and their problems. */
class Loader {
  readonly #access: FileAccess;
  readonly #root: string;
  readonly #problems: Problem[] = [];
  readonly #findings: Findings[] = [];
  readonly #files: string[] = [];
  readonly #traces = new Map<string, Trace | null>();

  constructor(access: FileAccess, root: string) {
    this.#access = access;
    this.#root = root;
  }

  result<T>(value: T | null): LoadResult<T> {
    const all = [...this.#problems, ...this.#findings.flatMap(({ problems }) => problems)];
    const problems = sortProblems(all, this.#files).slice(0, LIMITS.problems);
    if (problems.length > 0) return { ok: false, problems };
    return value === null ? { ok: false, problems: [nothingToSay(this.#files[0] ?? "")] } : { ok: true, value };
  }

  strategy(path: string, endpoints: readonly string[] | null): CanaryStrategy | null {
    return this.#strategyFile(path, null, { ...ANYWHERE, endpoints })?.strategy ?? null;
  }

  any(path: string, options: LoadOptions): unknown {
    const kind = kindOf(path, this.#access);
    if (kind === "world") return this.#worldFile(path, null, null, []);
    if (kind === "strategy") return this.#strategyFile(path, null, ANYWHERE);
    return this.scenario(path, options);
  }

  scenario(path: string, options: LoadOptions): Scenario | null {
    const opened = this.#open(path, "scenario", scenarioSchema, null);
    if (opened === null) return null;
    const place = opened.findings.root();
    const written = opened.value;
    const raw = (key: string): Data | undefined => at(opened.findings.source.data, [key]);
    if (written === null) {
      // The scenario itself is broken; what it refers to may still be looked at.
      const [world, strategy] = [raw("world"), raw("strategy")];
      if (typeof world === "string") this.#worldFile(world, place.in("world"), null, []);
      if (typeof strategy === "string") this.#strategyFile(strategy, place.in("strategy"), ANYWHERE);
      return null;
    }
    const objectives = compileObjectives(written);
    // Nothing may be said to come after an end that is only a guess.
    const lasts = opened.findings.isGuess("for") ? null : written.for;
    const world = typeof written.world === "string"
      ? this.#worldFile(written.world, place.in("world"), lasts, latencyEdges(objectives))
      : this.#inlineWorld(written.world, place.in("world"), lasts, objectives);
    const scene: Scene = {
      endpoints: world === null ? null : releasedEndpoints(written, world.place),
      sight: world === null ? null : sightOf(world.world),
      flagged: written.script.some(({ release }) => release?.flag !== undefined),
    };
    const worldIsWell = world !== null && this.#isWell(world.file);
    const strategy = typeof written.strategy === "string"
      ? this.#strategyFile(written.strategy, place.in("strategy"), scene)
      : { strategy: compileStrategy(written.strategy, place.in("strategy"), { defaultName: "inline strategy", hardTriggers: HARD_TRIGGERS, ...scene }), file: path };
    if (world === null) return null;
    const script = compileScript(written.script, place.in("script"), world.place, world.world, lasts ?? LIMITS.duration);
    const names = expectationNames(place, world.place, script);
    if (worldIsWell) reportUnreached(script.effects, script.places, world.world);
    const expectations = written.expect.flatMap((expectation, index) => compileExpectation(expectation, place.in("expect", index), names) ?? []);
    const overall = written["expect-overall"].flatMap((claim, index) => compileOverall(claim, place.in("expect-overall", index), names.releases) ?? []);
    const gameDay = compileGameDay(written["game-day"], place.in("game-day"), objectives, names.rules);
    if (strategy === null) return null;
    const scenario: Scenario = {
      name: written.name ?? baseName(path),
      about: written.about,
      file: path,
      worldFile: world.file,
      strategyFile: strategy.file,
      seed: written.seed,
      duration: written.for,
      fidelity: written.fidelity,
      world: world.world,
      strategy: strategy.strategy,
      objectives,
      cost: compileCost(written),
      script: script.script,
      effects: script.effects,
      person: { answersAfter: written.person["answers-after"], answer: written.person.answer },
      expectIn: written["expect-in"],
      expectations,
      overall,
      gameDay,
    };
    if (lasts !== null) reportSamples(scenario, place);
    this.#refuse(scenario, script, place, options);
    return scenario;
  }

  #refuse(scenario: Scenario, script: CompiledScript, place: Place, options: LoadOptions): void {
    const clean = this.#problems.length === 0 && this.#findings.every(({ problems }) => problems.length === 0);
    if (options.refuse === undefined || !clean) return;
    for (const { message, instead, effect } of options.refuse(scenario)) {
      const here = effect === null ? place.in("fidelity") : (script.places.get(effect) ?? place);
      here.wrong(message, instead ?? "write fidelity: request");
    }
  }

  #isWell(file: string): boolean {
    return !this.#problems.some((problem) => problem.file === file) && this.#findings.every(({ source, problems }) => source.file !== file || problems.length === 0);
  }

  #inlineWorld(written: WrittenWorld, place: Place, lasts: Micros | null, objectives: readonly Objective[]) {
    const world = compileWorld(written, place, {
      defaultName: "inline world",
      objectiveEdges: latencyEdges(objectives),
      trace: (traffic, at) => this.#trace(traffic, at, lasts),
    });
    return { world, file: place.file, place };
  }

  /** A world in a file; `reference` is where it is named, null when it is looked at by itself. */
  #worldFile(written: string, reference: Place | null, duration: Micros | null, objectiveEdges: readonly number[]): { world: WorldSpec; file: string; place: Place } | null {
    const path = reference === null ? written : this.#access.resolve(reference.file, written);
    const opened = this.#open(path, "world", worldFileSchema, reference);
    if (opened === null || opened.value === null) return null;
    const place = opened.findings.root();
    const world = compileWorld(opened.value, place, {
      defaultName: baseName(path),
      objectiveEdges,
      trace: (traffic, at) => this.#trace(traffic, at, duration),
    });
    return { world, file: path, place };
  }

  /** A strategy in a file, for what it delivers. */
  #strategyFile(written: string, reference: Place | null, scene: Scene) {
    const path = reference === null ? written : this.#access.resolve(reference.file, written);
    const opened = this.#open<WrittenStrategy>(path, "strategy", strategyFileSchema, reference);
    if (opened === null || opened.value === null) return null;
    return { strategy: compileStrategy(opened.value, opened.findings.root(), { defaultName: baseName(path), hardTriggers: HARD_TRIGGERS, ...scene }), file: path };
  }

  #trace(traffic: WrittenTraffic, place: Place, duration: Micros | null): RateShape | null {
    if (traffic.trace === undefined) return null;
    const path = this.#access.resolve(place.file, traffic.trace);
    let trace = this.#traces.get(path);
    if (trace === undefined) {
      const text = this.#read(path, place.in("trace"));
      const parsed = text === null ? null : parseTrace(path, text);
      if (parsed !== null) {
        this.#files.push(path);
        this.#problems.push(...parsed.problems);
      }
      trace = parsed?.trace ?? null;
      this.#traces.set(path, trace);
    }
    return trace === null ? null : cutTrace(trace, traffic.starts ?? null, duration, place);
  }

  /** Reads and checks one YAML file; null when there is no data at all. */
  #open<T>(path: string, kind: Kind, schema: z.ZodType<T>, reference: Place | null): Opened<T> | null {
    const text = this.#read(path, reference);
    if (text === null) return null;
    this.#files.push(path);
    const { source, problems } = readSource(path, text);
    this.#problems.push(...problems);
    if (source === null || this.#isOfAnotherKind(source, kind, reference)) return null;
    const checked = checkShape(schema, source);
    this.#problems.push(...checked.problems);
    const findings = new Findings(source, checked.wrong);
    this.#findings.push(findings);
    return { value: checked.value, findings };
  }

  /** A file of another kind is wrong as a whole: its keys would all be unknown. */
  #isOfAnotherKind(source: Source, wanted: Kind, reference: Place | null): boolean {
    const kind = KINDS.find((known) => known === at(source.data, ["kind"]));
    if (kind === undefined || kind === wanted) return false;
    if (reference !== null) reference.wrong(`this names a ${kind}, and a ${wanted} is wanted here`, `name a file of kind ${wanted}`);
    else this.#problems.push(source.problem(["kind"], "value", `this file is a ${kind}, and a ${wanted} is wanted`, kind === "scenario" ? `name a file of kind ${wanted}` : `name a scenario that uses it, or write kind: ${wanted}`));
    return true;
  }

  #read(path: string, reference: Place | null): string | null {
    const read = this.#access.read(path, reference === null ? null : this.#root);
    if (!("error" in read)) return read.text;
    if (reference !== null) reference.wrong(read.error, read.instead);
    else this.#problems.push({ file: path, line: 1, column: 1, path: "", message: read.error, instead: read.instead, frame: "" });
    return null;
  }
}

const nothingToSay = (file: string): Problem => ({ file, line: 1, column: 1, path: "", message: "the file can't be used", instead: "start from a template: `shakedown new NAME`", frame: "" });

/** The file's name without folder and ending. */
function baseName(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return name.replace(/\.ya?ml$/i, "");
}

/** Endpoints of the services that the script releases; null when it releases none. */
function releasedEndpoints({ script }: WrittenScenario, worldPlace: Place): readonly string[] | null {
  const services = new Set(script.flatMap(({ release }) => (release === undefined ? [] : [release.service])));
  const names = worldNames(worldPlace);
  const known = [...services].filter((service) => names.services.includes(service));
  return known.length === 0 ? null : known.flatMap((service) => names.endpoints(service));
}

const sightOf = ({ telemetry: { scrape, lag } }: WorldSpec): Sight => ({ scrape, lag });

function compileObjectives({ objectives }: WrittenScenario): Objective[] {
  const compiled: Objective[] = [];
  if (objectives["error-rate"] !== undefined) compiled.push({ metric: "error-rate", limit: objectives["error-rate"] });
  for (const metric of ["p50", "p95", "p99"] as const) {
    const limit = objectives[metric];
    if (limit !== undefined) compiled.push({ metric, limitSeconds: toSeconds(limit) });
  }
  if (objectives.conversion !== undefined) compiled.push({ metric: "conversion", limit: objectives.conversion });
  return compiled;
}

const latencyEdges = (objectives: readonly Objective[]): number[] =>
  objectives.flatMap((objective) => ("limitSeconds" in objective ? [objective.limitSeconds] : []));

function compileCost({ cost }: WrittenScenario): CostWeights {
  return {
    failedRequest: cost["failed-request"],
    slowRequest: cost["slow-request"],
    lostOrder: cost["lost-order"],
    delayPerHour: cost["delay-per-hour"],
    rollback: cost.rollback,
    page: cost.page,
  };
}

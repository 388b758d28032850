// Turns documents into cases that can be played: within a frame that keeps a user's world or strategy, loaded and found well.

import type { Problem } from "../../scenario/problem.js";
import type { Scenario } from "../../scenario/compiled.js";
import type { Fidelity } from "../../world/world.js";
import { bundleOf, scenarioOf, type Bundle, type BundleFile } from "../bundle.js";
import type { ScenarioFrame } from "./arbitraries/scenario.js";
import { copyOf, fieldsOf, isFields, listOf, yamlOf, type Fields, type Value } from "./document.js";

/** A rule that must hold, as a scenario expects it. */
export interface WrittenRule {
  readonly temporal: "never" | "always" | "eventually-within";
  readonly text: string;
}

export const ruleName = ({ temporal, text }: WrittenRule): string => `${temporal} ${text}`;

/** What all cases of one fuzz have in common. */
export interface CaseFrame {
  readonly scenario: ScenarioFrame;
  /** The path under which a case is loaded, and from which it names other files. */
  readonly entry: string;
  /** Files that cases name: a world, a strategy, a trace. */
  readonly files: readonly BundleFile[];
  readonly rules: readonly WrittenRule[];
}

/** A document that the loader takes, and how it is played. */
export interface FuzzCase {
  readonly document: Fields;
  readonly text: string;
  readonly bundle: Bundle;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly fidelity: Fidelity;
}

export type CaseResult = { readonly ok: true; readonly value: FuzzCase } | { readonly ok: false; readonly problems: readonly Problem[] };

/** The case of a document as it stands; rules about names that it does not have are left out. */
export function caseOf(document: Fields, frame: CaseFrame, fidelity: Fidelity = fidelityOf(document)): CaseResult {
  let expected: readonly Value[] = [...listOf(document.expect).filter((each) => !isRule(each, frame.rules)), ...frame.rules.map(({ temporal, text }): Fields => ({ [temporal]: text }))];
  for (;;) {
    const written: Fields = { ...document, expect: copyOf([...expected]) };
    if (expected.length === 0) delete written.expect;
    const text = yamlOf(written);
    const bundle = bundleOf(frame.entry, [{ path: frame.entry, text }, ...frame.files]);
    const loaded = scenarioOf(bundle, { fidelity });
    if (loaded.ok) return { ok: true, value: { document: written, text, bundle, scenario: loaded.value, seed: loaded.value.seed, fidelity } };
    const fits = expected.filter((each, index) => !isRule(each, frame.rules) || !loaded.problems.some(({ path }) => path.startsWith(`expect[${index}]`)));
    if (fits.length === expected.length) return { ok: false, problems: loaded.problems };
    expected = fits;
  }
}

const isRule = (written: Value, rules: readonly WrittenRule[]): boolean => rules.some(({ temporal, text }) => fieldsOf(written)[temporal] === text);
const fidelityOf = ({ fidelity }: Fields): Fidelity => (fidelity === "request" ? "request" : "cohort");

/** How often traffic is lowered until cohort can play the world. */
const MOST_REDUCTIONS = 3;
const REDUCTION = 4;
/** A case that only request can play needs twenty more runs for its truth: it has to be small. */
const MOST_PAGES_IN_REQUEST = 4_000;

/** The case of a drawn document: with less traffic when it is too much for its world, in `request` when cohort refuses it; null when neither goes. */
export function settled(document: Fields, frame: CaseFrame, onProblem: (problem: Problem) => void = () => undefined): FuzzCase | null {
  let written = document;
  for (let tries = 0; ; tries += 1) {
    const made = caseOf(written, frame);
    if (made.ok) return made.value;
    onProblem(made.problems[0]);
    if (!made.problems.every(({ message }) => message.includes("cohort cannot do"))) return null;
    if (tries === MOST_REDUCTIONS || frame.scenario.world !== undefined) break;
    written = { ...written, world: withLessTraffic(fieldsOf(written.world)) };
  }
  const inRequest = caseOf({ ...written, fidelity: "request" }, frame);
  return inRequest.ok && pagesOf(inRequest.value.scenario) <= MOST_PAGES_IN_REQUEST ? inRequest.value : null;
}

function withLessTraffic(world: Fields): Fields {
  const less = (entry: Value): Value => {
    if (!isFields(entry) || typeof entry.rate !== "string") return entry;
    return { ...entry, rate: `${Math.max(1, Math.round(Number.parseFloat(entry.rate) / REDUCTION))}rps` };
  };
  return { ...world, traffic: Array.isArray(world.traffic) ? world.traffic.map(less) : less(world.traffic) };
}

/** Client pages at the full rate, for the whole run. */
export const pagesOf = ({ world, duration }: Scenario): number => world.traffic.reduce((sum, { rate }) => sum + rate, 0) * (duration / 1e6);

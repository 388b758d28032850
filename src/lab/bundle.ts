// A bundle: everything that a scenario is made of, as text, so that a run can travel to any thread or machine as data.

import { createHash } from "node:crypto";
import { dirname, isAbsolute, join } from "node:path";

import type { FileAccess, FileRead } from "../scenario/access.js";
import type { Scenario } from "../scenario/compiled.js";
import { loadScenario, type Refusal } from "../scenario/load.js";
import type { LoadResult } from "../scenario/problem.js";
import type { Fidelity } from "../world/world.js";
import { refusalsOf } from "./refusals.js";

/** One file of a bundle, under the path that its user gave it; the path is a name and is never opened. */
export interface BundleFile {
  readonly path: string;
  readonly text: string;
}

/** Data only: it can be cloned, sent and stored as it is. */
export interface Bundle {
  /** The scenario's path; one of `files`. */
  readonly entry: string;
  /** The scenario, then what it refers to, in the order in which the loader read it. */
  readonly files: readonly BundleFile[];
  /** 32 hexadecimal digits over all of the above. */
  readonly hash: string;
}

/** A bundle of these files; the hash follows from them. */
export function bundleOf(entry: string, files: readonly BundleFile[]): Bundle {
  const plain = files.map(({ path, text }) => ({ path, text }));
  const sorted = plain.map(({ path, text }) => [path, text]).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const hash = createHash("sha256").update(JSON.stringify([entry, sorted])).digest("hex").slice(0, 32);
  return { entry, files: plain, hash };
}

export interface BundleOptions {
  /** The fidelity that will be played, whose refusals are problems; the scenario's own when left out. */
  readonly fidelity?: Fidelity | null;
}

/** Loads a scenario and keeps each text that the loader read: the bundle, or all that is wrong with the scenario. */
export function collectBundle(path: string, access: FileAccess, options: BundleOptions = {}): LoadResult<Bundle> {
  const files = new Map<string, string>();
  const keeping: FileAccess = {
    root: (of) => access.root(of),
    resolve: (from, reference) => access.resolve(from, reference),
    read: (of, root) => {
      const read = access.read(of, root);
      if ("text" in read) files.set(of, read.text);
      return read;
    },
  };
  const loaded = loadScenario(path, keeping, refusing(options));
  if (!loaded.ok) return loaded;
  return { ok: true, value: bundleOf(path, [...files].map(([of, text]) => ({ path: of, text }))) };
}

/** The bundle's scenario, or what is wrong with it: the loader, its limits and refusals as for files on disk. */
export function scenarioOf(bundle: Bundle, options: BundleOptions = {}): LoadResult<Scenario> {
  return loadScenario(bundle.entry, bundleAccess(bundle), refusing(options));
}

/** The bundle's scenario, whichever fidelity can play it: for what is read out of it before something else is made of it. */
export const readScenario = (bundle: Bundle): LoadResult<Scenario> => loadScenario(bundle.entry, bundleAccess(bundle));

/** The files of a bundle through the loader's port: nothing else can be read. */
export function bundleAccess(bundle: Bundle): FileAccess {
  const texts = new Map(bundle.files.map(({ path, text }) => [path, text]));
  return {
    root: () => "",
    resolve: resolveInBundle,
    read: (path): FileRead => {
      const text = texts.get(path);
      if (text !== undefined) return { text, bytes: Buffer.byteLength(text) };
      return { error: `the bundle holds no file ${path}`, instead: `it holds ${[...texts.keys()].join(", ")}` };
    },
  };
}

/** The path that `reference`, written in the file `from`, leads to: as for files on disk. */
export const resolveInBundle = (from: string, reference: string): string => (isAbsolute(reference) ? reference : join(dirname(from), reference));

/** The text of a bundle's file; null when it holds no such file. */
export const textIn = (bundle: Bundle, path: string): string | null => bundle.files.find((file) => file.path === path)?.text ?? null;

/** The bundle with one text replaced or added. */
export function withText(bundle: Bundle, path: string, text: string): Bundle {
  const known = bundle.files.some((file) => file.path === path);
  const files = bundle.files.map((file) => (file.path === path ? { path, text } : file));
  return bundleOf(bundle.entry, known ? files : [...files, { path, text }]);
}

const refusing = ({ fidelity }: BundleOptions): { refuse: (scenario: Scenario) => readonly Refusal[] } => ({
  refuse: (scenario) => ((fidelity ?? scenario.fidelity) === "cohort" ? refusalsOf(scenario) : []),
});

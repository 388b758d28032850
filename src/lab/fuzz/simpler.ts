// Ways to make a document simpler, from the coarsest to the finest: each gives candidates, the loader and the run decide.

import type { ScenarioFrame } from "./arbitraries/scenario.js";
import { secondsText } from "./arbitraries/figures.js";
import { copyOf, fieldsOf, isFields, listOf, pathsOf, textOf, valueAt, withValue, type Fields, type Path, type Value } from "./document.js";
import { calleeOf } from "./names.js";
import { secondsOf } from "./figure.js";

/** From a document to simpler ones; what the frame keeps is left alone. */
export type Pass = (frame: ScenarioFrame) => (document: Fields) => readonly Fields[];

/** Chunks of a list, halves first, single items last. */
function chunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  const all: (readonly T[])[] = [];
  for (let size = items.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < items.length; from += size) all.push(items.slice(from, from + size));
  }
  return all;
}

const dropScriptItems: Pass = () => (document) => {
  const script = listOf(document.script);
  return chunks(script.map((_, index) => index)).map((dropped) => ({ ...document, script: script.filter((_, index) => !dropped.includes(index)) }));
};

/** Everything that may be left out, at once, in halves, one by one. */
const KEPT_KEYS: readonly string[] = ["objectives", "shakedown", "kind", "for", "seed", "world", "strategy", "script", "fidelity"];
const isKept = (frame: ScenarioFrame, path: Path): boolean =>
  (path.length === 1 && KEPT_KEYS.includes(String(path[0]))) || String(path[0]) in (frame.kept ?? {}) || (path[0] === "world" && frame.world !== undefined) || (path[0] === "strategy" && frame.strategy !== undefined);

const dropParts: Pass = (frame) => (document) => {
  const paths = pathsOf(document).filter((path) => !isKept(frame, path) && !(path[0] === "script" && path.length <= 2));
  // Without its last parts first, so that places in lists stay what they are.
  return partsByDepth(paths).flatMap((level) => chunks(level)).map((dropped) => [...dropped].reverse().reduce((rest, path) => withValue(rest, path, undefined), document));
};

/** Coarse parts before fine ones. */
function partsByDepth(paths: readonly Path[]): readonly (readonly Path[])[] {
  const levels = new Map<number, Path[]>();
  for (const path of paths) levels.set(path.length, [...(levels.get(path.length) ?? []), path]);
  return [...levels].sort(([a], [b]) => a - b).map(([, level]) => level);
}

/** A service or database goes, with all that speaks of it. */
const dropServices: Pass = (frame) => (document) => {
  if (frame.world !== undefined || !isFields(document.world)) return [];
  const world = document.world;
  const names = [...Object.keys(fieldsOf(world.services)), ...Object.keys(fieldsOf(world.databases))];
  return names.map((name) => withoutName(document, world, name));
};

function withoutName(document: Fields, world: Fields, name: string): Fields {
  const rest = copyOf(world);
  delete fieldsOf(rest.services)[name];
  delete fieldsOf(rest.databases)[name];
  if (Object.keys(fieldsOf(rest.databases)).length === 0) delete rest.databases;
  for (const service of Object.values(fieldsOf(rest.services))) {
    for (const endpoint of Object.values(fieldsOf(fieldsOf(service).endpoints))) {
      const fields = fieldsOf(endpoint);
      if (Array.isArray(fields.calls)) fields.calls = fields.calls.filter((call) => calleeOf(call) !== name);
    }
  }
  const traffic = (Array.isArray(rest.traffic) ? rest.traffic : [rest.traffic]).filter((entry) => fieldsOf(entry).enters !== name);
  // A world whose entrance goes is entered at another door.
  const [door] = Object.keys(fieldsOf(rest.services));
  const first = Array.isArray(rest.traffic) ? rest.traffic[0] : rest.traffic;
  rest.traffic = traffic.length > 0 ? traffic : [{ ...fieldsOf(first), enters: door ?? "" }];
  const speaks = (value: Value): boolean => JSON.stringify(value).includes(`"${name}`) || JSON.stringify(value).includes(`> ${name}`) || JSON.stringify(value).includes(` ${name}"`);
  const script = listOf(copyOf(document.script ?? [])).flatMap((item): Value[] => {
    const release = fieldsOf(fieldsOf(item).release);
    if (Array.isArray(release.defects)) release.defects = release.defects.filter((defect) => !speaks(defect));
    if (Array.isArray(release.schema)) release.schema = release.schema.filter((change) => fieldsOf(change).database !== name);
    return release.service === name || (Object.keys(release).length === 0 && speaks(item)) ? [] : [item];
  });
  return { ...document, world: rest, script };
}

/** Calls, shares and other traffic that make a world more than one service with one endpoint. */
const plainWorld: Pass = (frame) => (document) => {
  if (frame.world !== undefined || !isFields(document.world)) return [];
  const world = document.world;
  const candidates: Fields[] = [];
  const traffic = Array.isArray(world.traffic) ? world.traffic : [world.traffic];
  for (const entry of traffic.map(fieldsOf)) candidates.push({ ...world, traffic: { enters: entry.enters, rate: entry.rate ?? "20rps" } });
  candidates.push(...["100rps", "20rps", "10rps"].map((rate): Fields => ({ ...world, traffic: { enters: fieldsOf(traffic[0]).enters, rate } })));
  for (const [name, service] of Object.entries(fieldsOf(world.services))) {
    for (const endpoint of Object.keys(fieldsOf(fieldsOf(service).endpoints))) {
      const only: Fields = { [endpoint]: { constant: "10ms" } };
      candidates.push(withValue(world, ["services", name], { endpoints: only }), withValue(world, ["services", name, "endpoints"], only), withValue(world, ["services", name, "endpoints", endpoint], { constant: "10ms" }));
    }
  }
  return candidates.map((each) => ({ ...document, world: each }));
};

const PLAIN_STEPS: readonly Value[] = [[{ weight: "100%", bake: "5m" }], [{ weight: "100%", bake: "1m" }], [{ weight: "50%", bake: "1m" }, { weight: "100%", bake: "1m" }]];

const plainStrategy: Pass = (frame) => (document) => {
  if (frame.strategy !== undefined || !isFields(document.strategy)) return [];
  const strategy = document.strategy;
  return [
    ...PLAIN_STEPS.map((steps): Fields => ({ ...document, strategy: { steps } })),
    ...PLAIN_STEPS.map((steps): Fields => ({ ...document, strategy: { ...strategy, steps } })),
    ...listOf(strategy.steps).map((_, index): Fields => ({ ...document, strategy: withValue(strategy, ["steps", index], undefined) })),
  ];
};

/** What is wrong with a release becomes the plainest thing that can be. */
const PLAIN_DEFECTS: readonly Fields[] = [{ errors: "100%" }, { errors: "50%" }, { errors: "10%" }, { latency: "x5" }, { "startup-failure": "100%" }, { "restart-loop": "30s" }];

const plainDefects: Pass = () => (document) =>
  listOf(document.script).flatMap((item, place) => {
    const release = fieldsOf(fieldsOf(item).release);
    if (!Array.isArray(release.defects)) return [];
    return [undefined, ...PLAIN_DEFECTS].map((defect) => withValue(document, ["script", place, "release", "defects"], defect === undefined ? undefined : [defect]));
  });

/** Figures: rounder, and times shorter. */
const rounderFigures: Pass = (frame) => (document) =>
  pathsOf(document)
    .filter((path) => path[0] !== "shakedown" && (!isKept(frame, path) || path[0] === "for" || path[0] === "seed") && !(path[0] === "world" && frame.world !== undefined) && path[0] !== "expect")
    .flatMap((path) => simplerValues(path, valueAt(document, path)).map((value) => withValue(document, path, value)));

function simplerValues(path: Path, value: Value | undefined): readonly Value[] {
  if (typeof value === "number") return [1, roundNumber(value), Math.floor(value / 2)].filter((each) => each !== value && each >= 0);
  const text = textOf(value);
  if (text === null) return [];
  const seconds = secondsOf(text);
  if (seconds !== null && /^\d+(s|m)+/.test(text)) return shorterTimes(seconds, path[path.length - 1] === "at").filter((each) => each !== text);
  const number = /^([+x-]?)(\d+(?:\.\d+)?)(\D*)$/.exec(text);
  if (number === null) return [];
  const [, sign, digits, unit] = number;
  const rounded = roundNumber(Number(digits));
  return [...(unit === "%" ? ["100", "50", "10", "5"] : []), String(rounded), String(Math.max(1, roundNumber(Number(digits) / 2)))].map((each) => `${sign}${each}${unit}`).filter((each) => each !== text);
}

const shorterTimes = (seconds: number, mayBeNothing: boolean): readonly string[] => [
  ...(mayBeNothing ? ["0s"] : []),
  ...new Set([60, 600, roundHalf(seconds), Math.round(seconds / 120) * 60, Math.floor(seconds / 2), Math.round(seconds / 60) * 60, roundNumber(seconds), roundLess(seconds), seconds - 60].filter((each) => each > 0 && each <= seconds * 1.5)),
].map((each) => (typeof each === "string" ? each : secondsText(each)));

/** A time is read in minutes, as far as it has any. */
const unitOf = (seconds: number): number => (seconds < 60 ? 1 : 60);

/** Half of it, as round as it is: of 50 minutes 30, of 30 minutes 20. Its exact half has more digits, and would be no simpler. */
const roundHalf = (seconds: number): number => roundNumber(seconds / 2 / unitOf(seconds)) * unitOf(seconds);

/** The next shorter one with one digit that counts: of 50 minutes 40, of 10 minutes 9. */
function roundLess(seconds: number): number {
  const time = seconds / unitOf(seconds);
  const round = roundNumber(time);
  if (round < time) return round * unitOf(seconds);
  const digit = 10 ** Math.floor(Math.log10(round));
  return (round - (round > digit ? digit : digit / 10)) * unitOf(seconds);
}

/** To one digit that counts: 37 is 40, 0.42 is 0.4. */
function roundNumber(value: number): number {
  if (!(value > 0)) return value;
  return Number(value.toPrecision(1));
}

/** What users are promised goes first where it is written, and its key last of all: without it, every run is judged by the usual promises. */
const noPromises: Pass = (frame) => (document) => (frame.kept === undefined ? [{ ...document, objectives: {} }] : []);
export const LAST_PASS: Pass = (frame) => (document) => (frame.kept !== undefined ? [] : [withValue(document, ["objectives"], undefined)]);

/** In the order in which they pay: what takes most away comes first. */
export const PASSES: readonly Pass[] = [noPromises, dropScriptItems, dropServices, plainWorld, plainStrategy, plainDefects, dropParts, rounderFigures];

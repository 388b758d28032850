// Changes a document a little: another script item, another time, a figure, a policy.

import { arbitraryStrategy, sightOf } from "./arbitraries/strategy.js";
import { arbitraryWorld } from "./arbitraries/world.js";
import { duration, secondsText } from "./arbitraries/figures.js";
import { LONGEST_OF_A_USER, person, type ScenarioFrame } from "./arbitraries/scenario.js";
import { releasedEndpoints, scriptItem } from "./arbitraries/script.js";
import { copyOf, fieldsOf, isFields, listOf, pathsOf, valueAt, withValue, type Fields, type Path, type Value } from "./document.js";
import type { Hand } from "./hand.js";
import { namesOf, type Names } from "./names.js";
import { secondsOf } from "./figure.js";

type Mutation = (hand: Hand, document: Fields, names: Names) => Fields;

const scriptOf = (document: Fields): Value[] => listOf(document.script);
const withScript = (document: Fields, script: Value[]): Fields => ({ ...document, script });

const addItem: Mutation = (hand, document, names) => withScript(document, [...scriptOf(document), scriptItem(hand, names, scriptOf(document))]);

const replaceItem: Mutation = (hand, document, names) => {
  const script = [...scriptOf(document)];
  if (script.length === 0) return addItem(hand, document, names);
  const place = hand.count(0, script.length - 1);
  const item = scriptItem(hand, names, script.filter((_, index) => index !== place));
  script[place] = hand.chance(0.5) ? { ...item, at: fieldsOf(script[place]).at ?? "0s" } : item;
  return withScript(document, script);
};

const dropItem: Mutation = (hand, document) => {
  const script = scriptOf(document);
  const place = hand.count(0, Math.max(0, script.length - 1));
  return withScript(document, script.filter((_, index) => index !== place));
};

/** The same thing happens at another time; the order of things is half of every bug. */
const moveItem: Mutation = (hand, document, names) => {
  const script = copyOf(scriptOf(document));
  if (script.length === 0) return document;
  const item = fieldsOf(hand.pick(script));
  const [earliest, latest] = hand.chance(0.5) ? [0, names.lasts - 1] : [Math.max(0, (secondsOf(item.at) ?? 0) - 120), Math.min(names.lasts - 1, (secondsOf(item.at) ?? 0) + 120)];
  item.at = secondsText(hand.count(earliest, Math.max(earliest, latest)));
  return withScript(document, script);
};

const anotherStrategy: Mutation = (hand, document, names) => {
  const fresh = hand.draw(arbitraryStrategy(releasedEndpoints(names, scriptOf(document)), sightOf(document.world)));
  if (hand.chance(0.3) || !isFields(document.strategy)) return { ...document, strategy: fresh };
  const key = hand.pick(Object.keys(fresh));
  return { ...document, strategy: { ...document.strategy, [key]: fresh[key] } };
};

const anotherWorld: Mutation = (hand, document) => ({ ...document, world: hand.draw(arbitraryWorld) });
const anotherPerson: Mutation = (hand, document) => ({ ...document, person: person(hand) });
const anotherSeed: Mutation = (hand, document) => ({ ...document, seed: hand.count(1, 1_000) });

/** A key that may be left out is left out. */
const dropKey: Mutation = (hand, document) => {
  const paths = pathsOf(document).filter((path) => path.length > 1 && typeof path[path.length - 1] === "string");
  return paths.length === 0 ? document : withValue(document, hand.pick(paths), undefined);
};

/** A time or a number becomes about half or twice of itself. */
const scaleFigure: Mutation = (hand, document) => {
  const paths = pathsOf(document).filter((path) => path[0] !== "shakedown" && isScalable(valueAt(document, path)));
  if (paths.length === 0) return document;
  const path: Path = hand.pick(paths);
  const value = valueAt(document, path);
  const times = hand.pick([0.25, 0.5, 0.8, 1.25, 2, 4]);
  if (typeof value === "number") return withValue(document, path, Math.max(1, Math.round(value * times)));
  const text = String(value);
  return withValue(document, path, text.replace(/\d+(\.\d+)?/, (number) => String(Math.max(1, Math.round(Number(number) * times)))));
};

const isScalable = (value: Value | undefined): boolean => typeof value === "number" || (typeof value === "string" && /^[+x-]?\d+(\.\d+)?(ms|s|m|%|rps|MiB|EUR)?$/.test(value));

/** A mutation of any part, which leaves alone what the frame keeps. */
const changing = (frame: ScenarioFrame, mutation: Mutation): Mutation => (hand, document, names) => {
  const changed = mutation(hand, document, names);
  return {
    ...changed, ...frame.kept,
    ...(frame.world === undefined ? {} : { world: document.world, for: document.for }),
    ...(frame.strategy === undefined ? {} : { strategy: document.strategy }),
  };
};

/** The mutations of what the frame does not keep, by weight. */
function mutationsIn(frame: ScenarioFrame): readonly (readonly [number, Mutation])[] {
  const keepsWorld = frame.world !== undefined;
  return [
    [5, addItem], [5, replaceItem], [2, dropItem], [5, moveItem], [1, anotherSeed], [4, changing(frame, scaleFigure)], [2, changing(frame, dropKey)],
    ...(frame.kept === undefined ? [[2, anotherPerson] as const] : []),
    ...(frame.strategy === undefined ? [[4, anotherStrategy] as const] : []),
    ...(keepsWorld ? [] : [[1, anotherWorld] as const]),
  ];
}

/** The document with one to three changes. It may be one that the loader refuses. */
export function mutated(hand: Hand, document: Fields, frame: ScenarioFrame): Fields {
  const mutations = mutationsIn(frame);
  let changed = copyOf(document);
  for (let changes = hand.weighted([[4, 1], [3, 2], [2, 3]]); changes > 0; changes -= 1) {
    const names = frame.world?.names ?? namesOf(fieldsOf(changed.world), secondsOf(changed.for) ?? 600);
    if (names.services.length === 0) return changed;
    changed = hand.weighted(mutations)(hand, changed, names);
  }
  // A case that never ends would not be played.
  const most = frame.strategySeconds === undefined ? MOST_SECONDS : LONGEST_OF_A_USER;
  return frame.world === undefined && (secondsOf(changed.for) ?? 0) > most ? { ...changed, for: hand.draw(duration(600, most)) } : changed;
}

const MOST_SECONDS = 45 * 60;

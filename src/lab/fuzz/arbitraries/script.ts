// Arbitrary scripts: releases with and without something wrong, faults around them, answers of a person.

import { fieldsOf, isFields, type Fields, type Value } from "../document.js";
import { secondsOf } from "../figure.js";
import type { Hand } from "../hand.js";
import { releasesOf, type Names, type ReleaseNames, type ServiceNames } from "../names.js";
import { defect, fault } from "./effects.js";
import { secondsText } from "./figures.js";

const MOST_RELEASES = 4;

/** Versions by service: the stable one, and what these releases bring. */
const versionsOf = ({ services }: Names, releases: readonly ReleaseNames[]) => (service: string): readonly string[] => [
  ...services.filter(({ name }) => name === service).map(({ stable }) => stable),
  ...releases.flatMap((release) => (release.service === service ? [release.version] : [])),
];

/** A time of the run, in its first part or anywhere. */
function time(hand: Hand, lasts: number, latest: number): string {
  const seconds = hand.count(0, Math.max(0, Math.floor(lasts * latest) - 1));
  return secondsText(hand.chance(0.6) ? Math.floor(seconds / 30) * 30 : seconds);
}

function flag(hand: Hand, { name }: ServiceNames, version: string, served: readonly string[]): Fields {
  return { name: `flag-${version}`, endpoints: served.map((endpoint) => (hand.chance(0.5) ? `${name}/${endpoint}` : endpoint)) };
}

/** A release of `version`. */
export function release(hand: Hand, names: Names, { service: name, version }: ReleaseNames, releases: readonly ReleaseNames[]): Fields {
  const service = names.services.find((each) => each.name === name) ?? names.services[0];
  const written: Fields = { service: service.name, version };
  const some = hand.some(service.endpoints, 0.6);
  const flagged = hand.chance(0.4) ? (some.length === 0 ? service.endpoints.slice(0, 1) : some) : [];
  if (hand.chance(0.2)) written.lines = hand.count(0, 2000);
  if (flagged.length > 0) written.flag = flag(hand, service, version, flagged);
  if (names.databases.length > 0 && hand.chance(0.2)) {
    written.schema = [{ database: hand.pick(names.databases), ...(hand.chance(0.7) ? { kind: hand.pick(["additive", "contracting"]) } : {}), ...(hand.chance(0.3) ? { about: "add a column" } : {}) }];
  }
  const defects = Array.from({ length: hand.weighted([[3, 0], [7, 1], [2, 2]]) }, () => defect(hand, names, versionsOf(names, releases), service, flagged));
  if (defects.length > 0) written.defects = defects;
  return written;
}

/** The next version that no release of the script has yet. */
export function nextVersion(releases: readonly ReleaseNames[]): string {
  let number = 2;
  while (releases.some(({ version }) => version === `v${number}`)) number += 1;
  return `v${number}`;
}

/** The item with effects that begin before it is over: those that would not, begin with it. */
function begun(item: Fields, lasts: number): Fields {
  const fault = fieldsOf(item.fault);
  const written = [fault, ...Object.values(fault).map(fieldsOf)].map((part) => secondsOf(part.for)).find((each) => each !== null);
  const left = Math.min(lasts - (secondsOf(item.at) ?? 0), written ?? lasts);
  const drop = (value: Value | undefined): void => {
    if (Array.isArray(value)) value.forEach(drop);
    if (!isFields(value)) return;
    const condition = fieldsOf(value.when);
    if ((secondsOf(condition.from) ?? 0) >= left) delete condition.from;
    Object.values(value).forEach(drop);
  };
  drop(item);
  return item;
}

/** One more thing that happens, beside what the script already holds. */
export function scriptItem(hand: Hand, names: Names, script: readonly Value[]): Fields {
  const releases = releasesOf([...script]);
  const kind = hand.weighted([[releases.length < MOST_RELEASES ? 2 : 0, "release"], [5, "fault"], [1, "answer"]] as const);
  if (kind === "release") {
    const next = { service: hand.pick(names.services).name, version: nextVersion(releases) };
    return begun({ at: time(hand, names.lasts, 0.7), release: release(hand, names, next, [...releases, next]) }, names.lasts);
  }
  if (kind === "fault") return begun({ at: time(hand, names.lasts, 0.95), fault: fault(hand, names, versionsOf(names, releases)) }, names.lasts);
  return { at: time(hand, names.lasts, 0.99), answer: hand.pick(["roll-back", "promote", "hold"]) };
}

/** A script of `services` that get releases, v2 first, with faults and answers. */
export function script(hand: Hand, names: Names): Value[] {
  const count = hand.weighted([[6, 1], [2, 2], [1, 3]]);
  const released: ReleaseNames[] = [];
  for (let index = 0; index < count; index += 1) {
    const service = index > 0 && hand.chance(0.6) ? released[0].service : hand.pick(names.services).name;
    released.push({ service, version: `v${index + 2}` });
  }
  const items: Value[] = released.map((each): Fields => begun({ at: time(hand, names.lasts, 0.35), release: release(hand, names, each, released) }, names.lasts));
  for (let faults = hand.weighted([[3, 0], [4, 1], [3, 2], [1, 3]]); faults > 0; faults -= 1) {
    items.push(begun({ at: time(hand, names.lasts, 0.9), fault: fault(hand, names, versionsOf(names, released)) }, names.lasts));
  }
  if (hand.chance(0.12)) items.push({ at: time(hand, names.lasts, 0.99), answer: hand.pick(["roll-back", "promote", "hold"]) });
  return items;
}

/** Endpoints of the services that the script releases: what a strategy's check may name. */
export const releasedEndpoints = (names: Names, script: readonly Value[]): readonly string[] => {
  const services = new Set(script.map((item) => fieldsOf(fieldsOf(item).release).service));
  return [...new Set(names.services.flatMap(({ name, endpoints }) => (services.has(name) ? endpoints : [])))];
};

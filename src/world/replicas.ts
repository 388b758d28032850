// How replicas are named, numbered and placed: the same in both fidelities.

import { streamKey, uniform, type StreamKey } from "../kernel/draws.js";
import type { Ratio } from "../kernel/units.js";

/** The replica's target id and `replica` label; numbers of a version count up and are never used twice. */
export const replicaName = (service: string, version: string, number: number): string => `${service}-${version}-${number}`;

/** Replicas are spread over zones in turn. */
export const zoneOf = (number: number, zones: number): number => number % zones;

/** Slots of a replica when effects leave this share of them: whole ones, and one at least as long as it answers at all. */
export const slotsLeft = (slots: number, kept: Ratio): number => (kept >= 1 ? slots : Math.max(1, Math.round(slots * kept)));

/** Draws of one version's replicas: the entity is the replica's number, the index its start or change, and the purpose. */
export const replicaStream = (seed: number, service: string, version: string): StreamKey =>
  streamKey(seed, `replica/${service}/${version}`);

/** Room for the purposes below in the index of a draw. */
const PURPOSES = 4;

/** The startup time of the replica's n-th start. */
export const startupDraw = (key: StreamKey, number: number, start: number): number => uniform(key, number, start * PURPOSES);

/** Whether the replica's n-th start fails. */
export const startupFailureDraw = (key: StreamKey, number: number, start: number): number =>
  uniform(key, number, start * PURPOSES + 1);

/** When the replica sees the n-th change of a flag, within the propagation range. */
export const flagDraw = (key: StreamKey, number: number, change: number): number =>
  uniform(key, number, change * PURPOSES + 2);

// A world as its file has it, as plain data: what a calibration starts from.

import { parseDocument } from "yaml";
import type { FileAccess } from "../../scenario/access.js";

export type Written = Readonly<Record<string, unknown>>;

/** What is asked to be calibrated, when its text can't be read or holds no world. */
export class NoWorldError extends Error {
  override readonly name = "NoWorldError";
}

export interface WrittenWorld {
  /** The file that the world stands in: its own, or its scenario's. */
  readonly file: string;
  /** Its name there, for a scenario beside `file`; null where it is written inside. */
  readonly reference: string | null;
  readonly world: Written;
}

export const isMap = (value: unknown): value is Written => typeof value === "object" && value !== null && !Array.isArray(value);

/** The world of a file of either kind. Throws NoWorldError. */
export function writtenWorld(target: string, access: FileAccess): WrittenWorld {
  const data = mapIn(target, access);
  if (data["kind"] === "world") return { file: target, reference: target, world: data };
  const { world } = data;
  if (isMap(world)) return { file: target, reference: null, world };
  if (typeof world !== "string") throw new NoWorldError(`${target} is neither a world nor a scenario with one`);
  const file = access.resolve(target, world);
  return { file, reference: file, world: mapIn(file, access) };
}

function mapIn(path: string, access: FileAccess): Written {
  const read = access.read(path, null);
  if ("error" in read) throw new NoWorldError(`${read.error}; ${read.instead}`);
  let data: unknown;
  try {
    data = parseDocument(read.text).toJS({ maxAliasCount: 1_000 });
  } catch {
    data = null;
  }
  if (!isMap(data)) throw new NoWorldError(`${path} is no world and no scenario`);
  return data;
}

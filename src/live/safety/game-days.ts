// Finds the game days of an output folder, each by its journal.

import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { JOURNAL_FILE } from "./journal.js";

/** Where a run of the command keeps its game days. */
export const gameDaysFolder = (out: string): string => resolve(out, "gamedays");

/** The folder of one game day. */
export const gameDayFolder = (out: string, id: string): string => join(gameDaysFolder(out), id);

export interface GameDayPlace {
  readonly id: string;
  readonly folder: string;
  readonly journal: string;
}

/** Every game day of the folder that has a journal, by name. */
export function gameDays(root: string): readonly GameDayPlace[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ id: name, folder: join(root, name), journal: join(root, name, JOURNAL_FILE) }))
    .filter(({ journal }) => existsSync(journal))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

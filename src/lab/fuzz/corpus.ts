// A folder of cases that were worth keeping: what failed, and what reached something new; each under its content's name.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { writeFileWhole } from "../storage/whole-file.js";
import { isFields, yamlOf, type Fields, type Value } from "./document.js";

/** Files of a corpus: 16 hexadecimal digits of what they hold. */
const NAME = /^[0-9a-f]{16}\.yaml$/;

export const corpusName = (document: Fields): string => `${createHash("sha256").update(yamlOf(document)).digest("hex").slice(0, 16)}.yaml`;

export interface Corpus {
  readonly documents: readonly Fields[];
  /** Files that are no documents: they are left alone. */
  readonly unreadable: readonly string[];
}

/** The documents of a folder in the order of their names; none when there is no such folder. */
export function readCorpus(folder: string): Corpus {
  if (!existsSync(folder)) return { documents: [], unreadable: [] };
  const documents: Fields[] = [];
  const unreadable: string[] = [];
  for (const name of readdirSync(folder).filter((each) => NAME.test(each)).sort()) {
    try {
      const read = parse(readFileSync(join(folder, name), "utf8"), { maxAliasCount: 0 }) as Value;
      if (isFields(read)) documents.push(read);
      else unreadable.push(name);
    } catch {
      unreadable.push(name);
    }
  }
  return { documents, unreadable };
}

/** Adds what the folder does not hold yet; gives how many were new. */
export function keepInCorpus(folder: string, documents: readonly Fields[]): number {
  let added = 0;
  for (const document of documents) {
    const path = join(folder, corpusName(document));
    if (existsSync(path)) continue;
    writeFileWhole(path, yamlOf(document));
    added += 1;
  }
  return added;
}

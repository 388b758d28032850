// A folder of cases that were worth keeping: what failed, and what reached something new; each under its content's name.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { replaceFile } from "../storage/whole-file.js";
import { isFields, yamlOf, type Fields, type Value } from "./document.js";

/** Whoever put it there: a case written by hand is played as well as one that was kept. */
const NAME = /\.ya?ml$/;

/** The file of a case that is kept: 16 hexadecimal digits of what it holds. */
export const corpusName = (document: Fields): string => `${createHash("sha256").update(yamlOf(document)).digest("hex").slice(0, 16)}.yaml`;

export interface Corpus {
  readonly documents: readonly Fields[];
  /** The file of each document. */
  readonly names: readonly string[];
  /** Files that are no documents: they are left alone. */
  readonly unreadable: readonly string[];
}

/** The documents of a folder in the order of their names; none when there is no such folder. */
export function readCorpus(folder: string): Corpus {
  const documents: Fields[] = [];
  const names: string[] = [];
  const unreadable: string[] = [];
  if (!existsSync(folder)) return { documents, names, unreadable };
  for (const name of readdirSync(folder).filter((each) => NAME.test(each)).sort()) {
    try {
      const read = parse(readFileSync(join(folder, name), "utf8"), { maxAliasCount: 0 }) as Value;
      if (!isFields(read)) unreadable.push(name);
      else {
        documents.push(read);
        names.push(name);
      }
    } catch {
      unreadable.push(name);
    }
  }
  return { documents, names, unreadable };
}

/** Adds what the folder does not hold yet; gives how many were new. Throws what `write` throws. */
export function keepInCorpus(folder: string, documents: readonly Fields[], write: (path: string, text: string) => void = replaceFile): number {
  let added = 0;
  for (const document of documents) {
    const path = join(folder, corpusName(document));
    if (existsSync(path)) continue;
    write(path, yamlOf(document));
    added += 1;
  }
  return added;
}

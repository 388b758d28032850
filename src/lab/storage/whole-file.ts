// Files that appear whole or not at all: a reader never meets half of one, and a failure leaves the one before as it was.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder } from "./folder.js";
import { storageError } from "./storage-error.js";

/** Puts a text into a file, whose folder is made when it is not there. Throws what the file system says. */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.part`;
  try {
    makeFolder(dirname(path));
    const file = openSync(temporary, "w");
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

/** The same beside results that are kept. Throws StorageError. */
export function writeFileWhole(path: string, text: string): void {
  try {
    replaceFile(path, text);
  } catch (error) {
    throw storageError(path, error);
  }
}

/** Removes a file, if it can be. */
export function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What cannot be made cannot always be removed either; the reason why is told already.
  }
}

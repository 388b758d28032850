// Paths that a file system will not follow, however well they are meant: what is wrong with them, and what to name instead.

import { statSync, type Stats } from "node:fs";
import { messageOf, UsageError } from "./exit.js";

export interface PathTrouble {
  readonly why: string;
  readonly instead: string;
}

/** Null where it is no trouble with the path itself. */
export function pathTrouble(error: unknown): PathTrouble | null {
  switch (codeOf(error)) {
    case "ELOOP":
      return { why: "its symbolic links lead round in a circle", instead: "name the file itself, or mend the link" };
    case "ENAMETOOLONG":
      return { why: "the name is too long for a file", instead: "check the path: something else may have been pasted in its place" };
    case "EACCES":
    case "EPERM":
      return { why: "no permission to look there", instead: "change the permissions of its folder" };
    default:
      return null;
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);

/** What stands at a path that was typed, null for nothing. Throws UsageError for a path that cannot be followed: Node throws there, whatever `throwIfNoEntry` says. */
export function standsAt(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    // A part of the path is a file: nothing can stand below it.
    if (codeOf(error) === "ENOTDIR") return null;
    const trouble = pathTrouble(error);
    throw new UsageError(trouble === null ? `${path}: cannot be read (${messageOf(error)})` : `${path}: ${trouble.why}; ${trouble.instead}`);
  }
}

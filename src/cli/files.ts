// Files for the scenario language: what may be read, from where, and how large; the only place that touches the disk for it.

import { closeSync, existsSync, fstatSync, lstatSync, openSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";

import type { FileAccess, FileRead } from "../scenario/access.js";
import { LIMITS } from "../scenario/limits.js";
import { nearestName } from "../scenario/nearest.js";
import { pathTrouble } from "./path-trouble.js";

/** A folder with one of these is a project's root. */
const ROOT_MARKS = ["shakedown.yaml", "package.json", ".git"] as const;

const refused = (error: string, instead: string): FileRead => ({ error, instead });

/** Reads scenario files. What a scenario names must lie in its root or under one of `allowPaths`, symlinks resolved. */
export function nodeFiles(options: { readonly allowPaths?: readonly string[] } = {}): FileAccess {
  const allowed = (options.allowPaths ?? []).map((path) => real(resolve(path)));
  return {
    read: (path, root) => {
      if (path.includes("\0")) return refused("a path can't hold a NUL character", "write a plain path");
      // Outside is said first, so that a refusal tells nothing about what lies there.
      if (root !== null && ![real(root), ...allowed].some((folder) => contains(folder, realNearest(resolve(path))))) {
        return refused(`the file lies outside the project's root ${display(root)}: ${display(path)}`, "move it inside, or add its folder with --allow-path DIR");
      }
      return readWithin(path, root === null ? "it counts from the folder you are in" : "it counts from the file that names it");
    },
    resolve: (from, reference) => {
      if (isAbsolute(reference)) return reference;
      return relativeAsGiven(from, join(dirname(from), reference));
    },
    root: (path) => findRoot(path),
  };
}

/** The folders outside the project of `entry` that these files lie in: who plays it must allow them. */
export function foldersOutside(entry: string, files: readonly string[]): readonly string[] {
  const root = real(findRoot(entry));
  const outside = files.map((path) => realNearest(resolve(path))).filter((path) => !contains(root, path)).map((path) => dirname(path));
  const widest = outside.filter((folder) => !outside.some((other) => other !== folder && contains(other, folder)));
  return [...new Set(widest)].sort().map(display);
}

/** A path is shown as the user gave it: relative stays relative. */
const relativeAsGiven = (from: string, path: string): string => (isAbsolute(from) ? resolve(path) : path);

function findRoot(path: string): string {
  const start = dirname(realNearest(resolve(path)));
  for (let folder = start; ; folder = dirname(folder)) {
    if (ROOT_MARKS.some((mark) => existsSync(join(folder, mark)))) return folder;
    if (dirname(folder) === folder) return start;
  }
}

function readWithin(path: string, pathAdvice: string): FileRead {
  let descriptor: number;
  try {
    // A pipe or device would block or never end: only plain files are opened.
    const found = statSync(path);
    if (found.isDirectory()) return refused(`this is a folder, not a file: ${display(path)}`, "name a file in it");
    if (!found.isFile()) return refused(`this is no plain file: ${display(path)}`, "name a YAML file");
    descriptor = openSync(path, "r");
  } catch (error) {
    return missing(path, error, pathAdvice);
  }
  try {
    // The size is asked before a byte is read.
    const { size } = fstatSync(descriptor);
    if (size > LIMITS.fileBytes) {
      return refused(`the file is too large: ${(size / 1e6).toFixed(1)} MB, and ${LIMITS.fileBytes / 1e6} MB is the most: ${display(path)}`, "split it, or cut the trace");
    }
    return decode(path, readFileSync(descriptor));
  } catch (error) {
    return missing(path, error, pathAdvice);
  } finally {
    closeSync(descriptor);
  }
}

function decode(path: string, bytes: Buffer): FileRead {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), bytes: bytes.length };
  } catch {
    return refused(`the file is not text in UTF-8: ${display(path)}`, "save it as UTF-8");
  }
}

function missing(path: string, error: unknown, pathAdvice: string): FileRead {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EACCES" || code === "EPERM") return refused(`no permission to read ${display(path)}`, "change the file's permissions");
  const trouble = pathTrouble(error);
  if (trouble !== null) return refused(`${trouble.why}: ${display(path)}`, trouble.instead);
  if (code !== "ENOENT" && code !== "ENOTDIR") return refused(`the file can't be read: ${display(path)}`, "check the file");
  if (isLink(path)) return refused(`the symbolic link leads to no file: ${display(path)}`, "mend the link, or name the file itself");
  const near = nearFile(path);
  return refused(`there is no file ${display(path)}`, near === null ? `check the path: ${pathAdvice}` : `write ${near}`);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** A file in the same folder with nearly this name. */
function nearFile(path: string): string | null {
  try {
    const names = readdirSync(dirname(resolve(path))).filter((name) => /\.(ya?ml|csv)$/i.test(name));
    return nearestName(basename(path), names);
  } catch {
    return null;
  }
}

const contains = (folder: string, path: string): boolean => {
  const steps = relative(folder, path);
  return steps === "" || (!steps.startsWith("..") && !isAbsolute(steps));
};

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** The real path of what exists of it: a missing file is placed by its folder. */
export function realNearest(path: string): string {
  if (existsSync(path)) return real(path);
  const parent = dirname(path);
  return parent === path ? path : join(realNearest(parent), basename(path));
}

const display = (path: string): string => {
  const here = relative(process.cwd(), path);
  return here !== "" && !here.startsWith("..") && here.length < path.length ? here : path;
};

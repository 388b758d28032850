// The command that plays one run again, as a shell takes it: with all that the run needed to be found.

import type { Fidelity } from "../../world/world.js";

export interface Replay {
  readonly file: string;
  readonly seed: number | string;
  readonly fidelity: Fidelity;
  /** Folders outside the project that the files lie in. */
  readonly allowPaths?: readonly string[];
}

export const runCommandWords = ({ file, seed, fidelity, allowPaths = [] }: Replay): string =>
  ["shakedown run", fileWord(file), "--seed", seed, "--fidelity", fidelity, ...allowPaths.flatMap((path) => ["--allow-path", shellWord(path)])].join(" ");

/** A word that a shell leaves as it is. */
export const shellWord = (text: string): string => (/^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`);

/** A file as a command takes it: a name that begins with a dash would be read as an option. */
export const fileWord = (file: string): string => shellWord(file.startsWith("-") ? `./${file}` : file);

// How the language gets at files: through this port, which the command passes in. No file system below.

export type FileRead =
  | { readonly text: string; readonly bytes: number }
  | { readonly error: string; readonly instead: string };

export interface FileAccess {
  /** The text of a file, or why it can't be had. With a `root`, only what lies inside it (or an allowed path). */
  read(path: string, root: string | null): FileRead;
  /** The path that `reference`, written in the file `from`, leads to. */
  resolve(from: string, reference: string): string;
  /** The nearest ancestor of a file that marks a project: files may refer to each other inside it. */
  root(path: string): string;
}

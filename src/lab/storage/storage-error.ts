// What a file system refused, as one clear line that says how to go on.

/** The disk would not take or give something; a line for the user, nothing that was written before is lost. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full", EDQUOT: "the quota is used up", EACCES: "no permission", EPERM: "no permission", EROFS: "the disk is read-only", ENOTDIR: "a part of the path is a file, not a folder",
};

/** A failure of the file system as one clear line. */
export function storageError(path: string, error: unknown): StorageError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = REASONS[code] ?? (error instanceof Error ? error.message : String(error));
  return new StorageError(`${path}: cannot be written: ${why}; what was written before is kept, and --resume goes on from there`);
}

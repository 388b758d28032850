// The exit codes, and the one error type that ends a command with a clear line instead of a stack trace.

/** 0 all well; 1 an expectation failed; 2 the input is wrong; 3 our fault; 130 interrupted. */
export const ExitCode = { ok: 0, failed: 1, badInput: 2, ourFault: 3, interrupted: 130 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Something the user can put right: printed as is, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The text of an error that came from outside (a file system, a library). */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

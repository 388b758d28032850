// One way to say what must hold: a broken assertion is our fault, never the user's.

/** Thrown when the program contradicts itself; the command turns it into exit code 3. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/** Throws an InternalError that says `what` must hold unless `condition` does. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InternalError(`internal: ${what}`);
}

/** For the default branch of a switch over a union: a type error when a case is missing. */
export function unreachable(value: never): never {
  throw new InternalError(`internal: unexpected case ${JSON.stringify(value)}`);
}

// The constant distribution: what never varies, with the face of the others.

/** The value itself, whatever the uniform draw. */
export function constantFrom(_u: number, value: number): number {
  return value;
}

/** Thrown when the model contradicts itself: always a defect of the simulator, never of its input. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * Throws {@link AssertionError} unless `condition` holds. `message` is evaluated at
 * every call: on the hot path a plain text, elsewhere one with the numbers in it.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** A snapshot cannot be read, or is not of this machine; or a machine holds what no snapshot can say. One line. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';

  /** @param problem what is wrong, without a capital letter at its beginning. */
  constructor(problem: string) {
    super(`snapshot: ${problem}`);
  }
}

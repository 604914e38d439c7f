/** The command line is wrong. The message is one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

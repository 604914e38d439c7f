import { type AerError, CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS } from './aer.ts';

/** The bit of the error that has that name in the specification. */
function bitOf(errors: readonly AerError[], name: string): number {
  const error = errors.find((each) => each[1] === name);
  if (error === undefined) throw new RangeError(`name must be that of an error, got "${name}"`);
  return error[0];
}

const uncorrectable = (name: string) => bitOf(UNCORRECTABLE_ERRORS, name);
const correctable = (name: string) => bitOf(CORRECTABLE_ERRORS, name);

/** Uncorrectable errors by name: the bit of each in status, mask and severity (PCIe 3.0 7.10.2). */
export const UncorrectableError = {
  dataLinkProtocol: uncorrectable('Data Link Protocol Error'),
  poisonedTlp: uncorrectable('Poisoned TLP'),
  flowControlProtocol: uncorrectable('Flow Control Protocol Error'),
  completionTimeout: uncorrectable('Completion Timeout'),
  completerAbort: uncorrectable('Completer Abort'),
  unexpectedCompletion: uncorrectable('Unexpected Completion'),
  receiverOverflow: uncorrectable('Receiver Overflow'),
  malformedTlp: uncorrectable('Malformed TLP'),
  ecrc: uncorrectable('ECRC Error'),
  unsupportedRequest: uncorrectable('Unsupported Request Error'),
  acsViolation: uncorrectable('ACS Violation'),
} as const;

/** Correctable errors by name: the bit of each in status and mask (7.10.5). */
export const CorrectableError = {
  receiverError: correctable('Receiver Error'),
  badTlp: correctable('Bad TLP'),
  badDllp: correctable('Bad DLLP'),
  replayRollover: correctable('REPLAY_NUM Rollover'),
  replayTimeout: correctable('Replay Timer Timeout'),
  advisoryNonFatal: correctable('Advisory Non-Fatal Error'),
} as const;

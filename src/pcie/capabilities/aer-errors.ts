import { CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS } from './aer.ts';

const [
  dataLinkProtocol,
  poisonedTlp,
  flowControlProtocol,
  completionTimeout,
  completerAbort,
  unexpectedCompletion,
  receiverOverflow,
  malformedTlp,
  ecrc,
  unsupportedRequest,
  acsViolation,
] = UNCORRECTABLE_ERRORS.map(([bit]) => bit);
const [receiverError, badTlp, badDllp, replayRollover, replayTimeout, advisoryNonFatal] =
  CORRECTABLE_ERRORS.map(([bit]) => bit);

/** Uncorrectable errors by name: the bit of each in status, mask and severity (PCIe 3.0 7.10.2). */
export const UncorrectableError = {
  dataLinkProtocol,
  poisonedTlp,
  flowControlProtocol,
  completionTimeout,
  completerAbort,
  unexpectedCompletion,
  receiverOverflow,
  malformedTlp,
  ecrc,
  unsupportedRequest,
  acsViolation,
} as const;

/** Correctable errors by name: the bit of each in status and mask (7.10.5). */
export const CorrectableError = {
  receiverError,
  badTlp,
  badDllp,
  replayRollover,
  replayTimeout,
  advisoryNonFatal,
} as const;

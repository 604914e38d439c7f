import { UncorrectableError } from '../capabilities/aer.ts';
import { reportUncorrectable } from '../error-report.ts';
import type { PcieFunction } from '../function.ts';
import {
  STATUS,
  STATUS_RECEIVED_MASTER_ABORT,
  STATUS_RECEIVED_TARGET_ABORT,
  STATUS_SIGNALED_TARGET_ABORT,
} from '../header.ts';

/** Secondary Status of a type 1 header. */
export const SECONDARY_STATUS = 0x1e;

/** Notes an Unsupported Request in the function that found it: advisory where a completion tells the requester. */
export function noteUnsupportedRequest(fn: PcieFunction, isRead: boolean, header: readonly number[]): void {
  reportUncorrectable(fn, UncorrectableError.unsupportedRequest, isRead, header);
}

/**
 * Notes an ACS Violation (PCIe 3.0 6.12.4). A read is answered with Completer Abort, which is logged as the violation alone,
 * and in Signaled Target Abort: a port's side towards the requester is its secondary one.
 */
export function noteAcsViolation(
  fn: PcieFunction,
  isPort: boolean,
  isRead: boolean,
  header: readonly number[],
): void {
  if (isRead) setBits(fn, isPort ? SECONDARY_STATUS : STATUS, STATUS_SIGNALED_TARGET_ABORT);
  reportUncorrectable(fn, UncorrectableError.acsViolation, isRead, header);
}

/** Notes a completion that nobody has asked for. */
export function noteUnexpectedCompletion(fn: PcieFunction): void {
  reportUncorrectable(fn, UncorrectableError.unexpectedCompletion, true);
}

/** Notes in the requester that a read ended without data (7.5.1.2). */
export function noteFailedRead(fn: PcieFunction, status: 'unsupported-request' | 'completer-abort'): void {
  const bit = status === 'unsupported-request' ? STATUS_RECEIVED_MASTER_ABORT : STATUS_RECEIVED_TARGET_ABORT;
  setBits(fn, STATUS, bit);
}

/** Notes in the requester that no completion came. */
export function noteTimeout(fn: PcieFunction): void {
  reportUncorrectable(fn, UncorrectableError.completionTimeout, false);
}

function setBits(fn: PcieFunction, offset: number, bits: number): void {
  fn.config.poke16(offset, fn.config.read16(offset) | bits);
}

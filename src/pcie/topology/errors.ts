import { SECONDARY_STATUS } from '../bridge.ts';
import { UncorrectableError } from '../capabilities/aer-errors.ts';
import { reportToAll, reportUncorrectable } from '../error-report.ts';
import type { PcieFunction } from '../function.ts';
import {
  STATUS,
  STATUS_RECEIVED_MASTER_ABORT,
  STATUS_RECEIVED_TARGET_ABORT,
  STATUS_SIGNALED_TARGET_ABORT,
} from '../header.ts';

/**
 * Notes an Unsupported Request in the function that found it, or in all of a device of which none claims the address (6.2.4):
 * advisory where a completion tells the requester.
 */
export function noteUnsupportedRequest(
  functions: readonly PcieFunction[],
  isRead: boolean,
  header: readonly number[],
): void {
  reportToAll(functions, UncorrectableError.unsupportedRequest, isRead, header);
}

/**
 * Notes an ACS Violation (PCIe 3.0 6.12.4). The request is completed as Completer Abort, of which a read is told; that is
 * logged as the violation alone, and in Signaled Target Abort, for a write too (7.5.1.2): a port's side towards the
 * requester is its secondary one.
 */
export function noteAcsViolation(
  fn: PcieFunction,
  isPort: boolean,
  isRead: boolean,
  header: readonly number[],
): void {
  setBits(fn, isPort ? SECONDARY_STATUS : STATUS, STATUS_SIGNALED_TARGET_ABORT);
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

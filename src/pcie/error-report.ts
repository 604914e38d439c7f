import {
  ADVISORY_NON_FATAL,
  AER_CONTROL,
  AER_CORRECTABLE_MASK,
  AER_CORRECTABLE_STATUS,
  AER_HEADER_LOG,
  AER_UNCORRECTABLE_MASK,
  AER_UNCORRECTABLE_SEVERITY,
  AER_UNCORRECTABLE_STATUS,
  type AerError,
  CORRECTABLE_ERRORS,
  DEFAULT_SEVERITY,
  UNCORRECTABLE_ERRORS,
  UNSUPPORTED_REQUEST,
} from './capabilities/aer.ts';
import { CAP_PCI_EXPRESS, ECAP_AER } from './capabilities/ids.ts';
import { PCIE_DEVICE_CONTROL, PCIE_DEVICE_STATUS } from './capabilities/pci-express.ts';
import type { PcieFunction } from './function.ts';
import { COMMAND, COMMAND_SERR, STATUS, STATUS_SIGNALED_SYSTEM_ERROR } from './header.ts';

/** Message Code of each severity: ERR_COR, ERR_NONFATAL, ERR_FATAL (PCIe 3.0 2.2.8.3). */
export const ERROR_MESSAGES: readonly number[] = [0x30, 0x31, 0x33];
/** Severities, as the bits of Device Status and the enables of Device Control count them (7.8.4, 7.8.5). */
const CORRECTABLE_ERROR = 0;
const NON_FATAL = 1;
const FATAL = 2;
/** Unsupported Request Detected, and its Reporting Enable. */
const UNSUPPORTED_DETECTED = 8;
const FIRST_ERROR_MASK = 0x1f;
const NOTHING: readonly number[] = [];

/**
 * A function has found the uncorrectable error with this bit: notes it in Device Status and in AER, by the masks and
 * severities of the function, or of a VF's PF, and sends the error message that they ask for (PCIe 3.0 6.2.5, SR-IOV 1.1
 * 4.2).
 *
 * @param isAdvisory whether the function goes on in a way that makes a non-fatal one advisory (6.2.3.2.4).
 * @param header double words of the TLP's header, for the Header Log. Default none: the error has no TLP.
 */
export function reportUncorrectable(
  fn: PcieFunction,
  error: number,
  isAdvisory: boolean,
  header: readonly number[] = NOTHING,
): void {
  reportToAll([fn], error, isAdvisory, header);
}

/** As {@link reportUncorrectable}, for an error that is no single function's: all note it, one of each severity says so (6.2.4). */
export function reportToAll(
  functions: readonly PcieFunction[],
  error: number,
  isAdvisory: boolean,
  header: readonly number[],
): void {
  const found = functions.map((fn) => noteUncorrectable(fn, error, isAdvisory, header));
  found.forEach((severity, i) => {
    if (severity >= 0 && found.indexOf(severity) === i) sendMessage(functions[i], severity);
  });
}

/** A function has found the correctable error with this bit. */
export function reportCorrectable(fn: PcieFunction, error: number): void {
  noteDetected(fn, 1 << CORRECTABLE_ERROR);
  if (noteCorrectable(fn, error) && canSend(fn, CORRECTABLE_ERROR)) sendMessage(fn, CORRECTABLE_ERROR);
}

/** Notes an uncorrectable error; returns the severity of the message that it asks for, -1 for none. */
function noteUncorrectable(
  fn: PcieFunction,
  error: number,
  isAdvisory: boolean,
  header: readonly number[],
): number {
  const bit = 1 << error;
  const rules = rulesOf(fn);
  const isFatal = (rules(AER_UNCORRECTABLE_SEVERITY) & bit) !== 0;
  const severity = isFatal ? FATAL : isAdvisory ? CORRECTABLE_ERROR : NON_FATAL;
  const isUnsupported = error === UNSUPPORTED_REQUEST;
  noteDetected(fn, (1 << severity) | (isUnsupported ? UNSUPPORTED_DETECTED : 0));
  if (severity === CORRECTABLE_ERROR && !noteCorrectable(fn, ADVISORY_NON_FATAL)) return -1;
  const at = fn.findExtendedCapability(ECAP_AER);
  if (at > 0) {
    const { config } = fn;
    const status = config.read32(at + AER_UNCORRECTABLE_STATUS);
    config.poke32(at + AER_UNCORRECTABLE_STATUS, status | bit);
    const isMasked = (rules(AER_UNCORRECTABLE_MASK) & bit) !== 0;
    const control = config.read32(at + AER_CONTROL);
    // Pointer and log hold the first error as long as that is in the status. Bit 0 is no error's (6.2.4.2).
    if (((status >>> (control & FIRST_ERROR_MASK)) & 1) === 0) {
      config.poke32(at + AER_CONTROL, (control & ~FIRST_ERROR_MASK) | (isMasked ? 0 : error));
      for (let i = isMasked ? 4 : 0; i < 4; i++) config.poke32(at + AER_HEADER_LOG + 4 * i, header[i] ?? 0);
    }
    // An advisory one has a mask of its own: this one keeps it out of the log alone (6.2.4.3).
    if (isMasked && severity !== CORRECTABLE_ERROR) return -1;
  } else if (severity === CORRECTABLE_ERROR) return -1;
  return canSend(fn, severity, isUnsupported) ? severity : -1;
}

/** Notes a correctable error; returns whether it is not masked. */
function noteCorrectable(fn: PcieFunction, error: number): boolean {
  const at = fn.findExtendedCapability(ECAP_AER);
  const { config } = fn;
  if (at > 0)
    config.poke32(at + AER_CORRECTABLE_STATUS, config.read32(at + AER_CORRECTABLE_STATUS) | (1 << error));
  return (rulesOf(fn)(AER_CORRECTABLE_MASK) & (1 << error)) === 0;
}

/** Whether Device Control, or SERR# Enable, of a function or a VF's PF has errors of this severity reported (6.2.5). */
export function canSend(fn: PcieFunction, severity: number, isUnsupported = false): boolean {
  const owner = fn.physical ?? fn;
  const control = owner.config.read16(owner.findCapability(CAP_PCI_EXPRESS) + PCIE_DEVICE_CONTROL);
  const needed = (1 << severity) | (isUnsupported ? UNSUPPORTED_DETECTED : 0);
  return (control & needed) === needed || sendsSystemError(fn, severity);
}

/** Notes in Status that a function sends a message, if that is by SERR# Enable (7.5.1.2). */
export function noteSent(fn: PcieFunction, severity: number): void {
  const { config } = fn;
  if (sendsSystemError(fn, severity))
    config.poke16(STATUS, config.read16(STATUS) | STATUS_SIGNALED_SYSTEM_ERROR);
}

function sendsSystemError(fn: PcieFunction, severity: number): boolean {
  const owner = fn.physical ?? fn;
  return severity > CORRECTABLE_ERROR && (owner.config.read16(COMMAND) & COMMAND_SERR) !== 0;
}

function sendMessage(fn: PcieFunction, severity: number): void {
  noteSent(fn, severity);
  (fn.physical ?? fn).sendError?.(fn.routingId, ERROR_MESSAGES[severity]);
}

/** Reads the registers of AER that rule over a function's errors; where there are none it is as after reset. */
function rulesOf(fn: PcieFunction): (offset: number) => number {
  const owner = fn.physical ?? fn;
  const at = owner.findExtendedCapability(ECAP_AER);
  if (at > 0) return (offset) => owner.config.read32(at + offset);
  return (offset) => (offset === AER_UNCORRECTABLE_SEVERITY ? DEFAULT_SEVERITY : 0);
}

function noteDetected(fn: PcieFunction, bits: number): void {
  const at = fn.findCapability(CAP_PCI_EXPRESS) + PCIE_DEVICE_STATUS;
  fn.config.poke16(at, fn.config.read16(at) | bits);
}

/** The errors of Device Status, as lspci names them. */
const DEVICE_ERRORS: readonly AerError[] = ['CorrErr', 'NonFatalErr', 'FatalErr', 'UnsupReq'].map(
  (name, bit) => [bit, name, name],
);

/** What a function has noted of errors, as lspci shows it: `DevSta NonFatalErr+, UESta CmpltTO+`. */
export function describeErrors(fn: PcieFunction): string {
  const { config } = fn;
  const express = fn.findCapability(CAP_PCI_EXPRESS);
  const at = fn.findExtendedCapability(ECAP_AER);
  const part = (name: string, status: number, errors: readonly AerError[]) => {
    const set = errors.filter(([bit]) => ((status >>> bit) & 1) !== 0);
    return set.length === 0 ? [] : [`${name} ${set.map(([, , lspci]) => `${lspci}+`).join(' ')}`];
  };
  return [
    ...part('DevSta', config.read16(express + PCIE_DEVICE_STATUS), DEVICE_ERRORS),
    ...part('UESta', at === 0 ? 0 : config.read32(at + AER_UNCORRECTABLE_STATUS), UNCORRECTABLE_ERRORS),
    ...part('CESta', at === 0 ? 0 : config.read32(at + AER_CORRECTABLE_STATUS), CORRECTABLE_ERRORS),
  ].join(', ');
}

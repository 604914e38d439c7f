import {
  AER_CONTROL,
  AER_CORRECTABLE_MASK,
  AER_CORRECTABLE_STATUS,
  AER_UNCORRECTABLE_MASK,
  AER_UNCORRECTABLE_SEVERITY,
  AER_UNCORRECTABLE_STATUS,
} from './capabilities/aer.ts';
import { CAP_PCI_EXPRESS, ECAP_AER } from './capabilities/ids.ts';
import { PCIE_DEVICE_STATUS } from './capabilities/pci-express.ts';
import type { PcieFunction } from './function.ts';

/** Bits of Device Status (PCIe 3.0 7.8.5). */
const CORRECTABLE_DETECTED = 1;
const NON_FATAL_DETECTED = 2;
const FATAL_DETECTED = 4;
/** Bit of Correctable Error Status and Mask. */
const ADVISORY_NON_FATAL = 13;
const FIRST_ERROR_MASK = 0x1f;

/**
 * A function has found the uncorrectable error with this bit: notes it in Device Status and in AER, by the masks and
 * severities of the function, or of a VF's PF (PCIe 3.0 6.2.5, SR-IOV 1.1 4.2). No message is sent, and no header logged.
 *
 * @param isAdvisory whether the function goes on in a way that makes a non-fatal one advisory (6.2.3.2.4).
 */
export function reportUncorrectable(fn: PcieFunction, error: number, isAdvisory: boolean): void {
  const bit = 1 << error;
  const at = fn.findExtendedCapability(ECAP_AER);
  const rules = rulesOf(fn);
  const isFatal = (rules(AER_UNCORRECTABLE_SEVERITY) & bit) !== 0;
  if (isAdvisory && !isFatal) {
    reportCorrectable(fn, ADVISORY_NON_FATAL);
    if ((rules(AER_CORRECTABLE_MASK) & (1 << ADVISORY_NON_FATAL)) !== 0) return;
  } else {
    noteDetected(fn, isFatal ? FATAL_DETECTED : NON_FATAL_DETECTED);
  }
  if (at === 0) return;
  const { config } = fn;
  const status = config.read32(at + AER_UNCORRECTABLE_STATUS);
  config.poke32(at + AER_UNCORRECTABLE_STATUS, status | bit);
  if ((rules(AER_UNCORRECTABLE_MASK) & bit) !== 0) return;
  // The pointer holds the first error as long as that is in the status.
  const control = config.read32(at + AER_CONTROL);
  const isHeld = ((status >>> (control & FIRST_ERROR_MASK)) & 1) !== 0;
  if (!isHeld) config.poke32(at + AER_CONTROL, (control & ~FIRST_ERROR_MASK) | error);
}

/** A function has found the correctable error with this bit. */
export function reportCorrectable(fn: PcieFunction, error: number): void {
  noteDetected(fn, CORRECTABLE_DETECTED);
  const at = fn.findExtendedCapability(ECAP_AER);
  if (at === 0) return;
  const { config } = fn;
  config.poke32(at + AER_CORRECTABLE_STATUS, config.read32(at + AER_CORRECTABLE_STATUS) | (1 << error));
}

/** Reads the registers of AER that rule over a function's errors; 0 where there are none. */
function rulesOf(fn: PcieFunction): (offset: number) => number {
  const owner = fn.physical ?? fn;
  const at = owner.findExtendedCapability(ECAP_AER);
  return (offset) => (at === 0 ? 0 : owner.config.read32(at + offset));
}

function noteDetected(fn: PcieFunction, bit: number): void {
  const at = fn.findCapability(CAP_PCI_EXPRESS) + PCIE_DEVICE_STATUS;
  fn.config.poke16(at, fn.config.read16(at) | bit);
}

/** Errors by the names that lspci has for their bits. */
const DEVICE_ERRORS = ['CorrErr', 'NonFatalErr', 'FatalErr', 'UnsupReq'];
const UNCORRECTABLE = {
  4: 'DLP',
  5: 'SDES',
  12: 'TLP',
  14: 'CmpltTO',
  15: 'CmpltAbrt',
  20: 'UnsupReq',
  21: 'ACSViol',
};
const CORRECTABLE = {
  0: 'RxErr',
  6: 'BadTLP',
  7: 'BadDLLP',
  8: 'Rollover',
  12: 'Timeout',
  13: 'AdvNonFatalErr',
};

/** What a function has noted of errors, as lspci shows it: `DevSta NonFatalErr+, UESta CmpltTO+`. */
export function describeErrors(fn: PcieFunction): string {
  const { config } = fn;
  const express = fn.findCapability(CAP_PCI_EXPRESS);
  const at = fn.findExtendedCapability(ECAP_AER);
  const part = (
    name: string,
    status: number,
    names: Readonly<Record<number, string>> | readonly string[],
  ) => {
    const set = Object.entries(names).filter(([bit]) => ((status >>> Number(bit)) & 1) !== 0);
    return set.length === 0 ? [] : [`${name} ${set.map(([, error]) => `${error}+`).join(' ')}`];
  };
  return [
    ...part('DevSta', config.read16(express + PCIE_DEVICE_STATUS), DEVICE_ERRORS),
    ...part('UESta', at === 0 ? 0 : config.read32(at + AER_UNCORRECTABLE_STATUS), UNCORRECTABLE),
    ...part('CESta', at === 0 ? 0 : config.read32(at + AER_CORRECTABLE_STATUS), CORRECTABLE),
  ].join(', ');
}

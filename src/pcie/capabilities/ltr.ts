import { bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { ECAP_LTR } from './ids.ts';

/** Offsets within the capability. */
export const LTR_MAX_SNOOP = 0x04;
export const LTR_MAX_NO_SNOOP = 0x06;

/** Where the LTR capability is. */
export interface LtrOptions {
  readonly at?: number;
}

const SCALES = {
  0: '1 ns',
  1: '32 ns',
  2: '1,024 ns',
  3: '32,768 ns',
  4: '1,048,576 ns',
  5: '33,554,432 ns',
};

/**
 * Latency Tolerance Reporting (PCIe 3.0 6.18 and 7.25): the longest latencies that software lets the device ask for. It is in
 * function 0 alone and speaks for all functions of the device, VFs too.
 *
 * @throws RangeError when a function other than function 0 is built with it.
 */
export function ltr(options: LtrOptions = {}): Capability {
  return {
    id: ECAP_LTR,
    extended: true,
    version: 1,
    name: 'LTR',
    bytes: 8,
    at: options.at,
    rows(context) {
      if (context.virtual || context.number !== 0) {
        throw new RangeError(
          `LTR must be in function 0, got ${context.virtual ? 'a VF' : `function ${context.number}`}`,
        );
      }
      return ltrRows();
    },
  };
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function ltrRows(): RegisterRow[] {
  return (
    [
      ['Max Snoop Latency', LTR_MAX_SNOOP, '7.25.2'],
      ['Max No-Snoop Latency', LTR_MAX_NO_SNOOP, '7.25.3'],
    ] as const
  ).map(([name, offset, section]) => ({
    name: `${name} Register`,
    offset,
    bytes: 2,
    access: 'RsvdP',
    phrase: 'longest latency that may be asked for',
    section: `PCIe 3.0 ${section}`,
    fields: [
      bits(`${name}Value`, 0, 10, 'RW', 'in units of the scale'),
      bits(`${name}Scale`, 10, 3, 'RW', 'unit', { values: SCALES }),
    ],
  }));
}

/** The latency in ns that one of the registers holds; NaN for the two scales that are not permitted (PCIe 3.0 6.18). */
export function ltrLatencyNs(register: number): number {
  const scale = (register >> 10) & 7;
  return scale > 5 ? Number.NaN : (register & 0x3ff) * 2 ** (5 * scale);
}

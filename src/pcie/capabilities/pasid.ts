import { checkInteger } from '../../base/index.ts';
import { type Access, bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { ECAP_PASID } from './ids.ts';

/** Offsets within the capability. */
export const PASID_CAPABILITY = 0x04;
export const PASID_CONTROL = 0x06;

/** What a function can do about process address spaces. */
export interface PasidOptions {
  readonly at?: number;
  /** Bits of a PASID, 1 to 20. Default 20. */
  readonly maxWidth?: number;
  /** Can ask for permission to execute. Default false. */
  readonly executePermission?: boolean;
  /** Can send requests in privileged mode. Default false. */
  readonly privilegedMode?: boolean;
}

/**
 * Process Address Space ID (PCIe 4.0 7.8.8). It is in the PF and holds for its VFs, which do not have it (7.8.8). Execute
 * Permission Enable and Privileged Mode Enable are there where the function has the feature.
 *
 * @throws RangeError if the width is out of range, or when a VF is built with it.
 */
export function pasid(options: PasidOptions = {}): Capability {
  const { maxWidth = 20, executePermission = false, privilegedMode = false } = options;
  checkInteger('maxWidth', maxWidth, 1, 20);
  return {
    id: ECAP_PASID,
    extended: true,
    version: 1,
    name: 'PASID',
    bytes: 8,
    at: options.at,
    rows(context) {
      if (context.virtual) throw new RangeError('PASID must be in the PF, got a VF with it');
      return pasidRows((executePermission ? 2 : 0) | (privilegedMode ? 4 : 0) | (maxWidth << 8));
    },
  };
}

/**
 * The registers of the capability behind its header; also used to explain a dump.
 *
 * @param capability the PASID Capability Register.
 */
export function pasidRows(capability: number): RegisterRow[] {
  const has = (mask: number): Access => ((capability & mask) !== 0 ? 'RW' : 'RO');
  const at = (lsb: number, width = 1) => ({ reset: (capability >> lsb) & ((1 << width) - 1) });
  return [
    {
      name: 'PASID Capability Register',
      offset: PASID_CAPABILITY,
      bytes: 2,
      access: 'RO',
      phrase: 'what a PASID can say',
      section: 'PCIe 4.0 7.8.8.2',
      fields: [
        bit('Execute Permission Supported', 1, 'RO', 'can ask for permission to execute', at(1)),
        bit('Privileged Mode Supported', 2, 'RO', 'can send in privileged mode', at(2)),
        bits('Max PASID Width', 8, 5, 'RO', 'bits of a PASID', at(8, 5)),
      ],
    },
    {
      name: 'PASID Control Register',
      offset: PASID_CONTROL,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'what requests may carry',
      section: 'PCIe 4.0 7.8.8.3',
      fields: [
        bit('PASID Enable', 0, 'RW', 'requests may carry a PASID'),
        bit('Execute Permission Enable', 1, has(2), 'may ask for permission to execute'),
        bit('Privileged Mode Enable', 2, has(4), 'may send in privileged mode'),
      ],
    },
  ];
}

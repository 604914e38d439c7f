import { bit, bits } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { ECAP_ARI } from './ids.ts';

/** Offset of the ARI Capability Register within the capability. */
export const ARI_CAPABILITY = 0x04;

/** Where the ARI capability is. */
export interface AriOptions {
  readonly at?: number;
}

/**
 * Alternative Routing-ID Interpretation (PCIe 3.0 7.23). Next Function Number links the functions of a device; it is
 * 0 in the last one and in VFs. Neither MFVC nor ACS function groups are offered.
 */
export function ari(options: AriOptions = {}): Capability {
  return {
    id: ECAP_ARI,
    extended: true,
    version: 1,
    name: 'ARI',
    bytes: 8,
    at: options.at,
    rows: (context) => [
      {
        name: 'ARI Capability Register',
        offset: ARI_CAPABILITY,
        bytes: 2,
        access: 'RO',
        phrase: 'function groups, and the next function',
        section: 'PCIe 3.0 7.23.2',
        fields: [
          bit('MFVC Function Groups Capability', 0, 'RO', 'arbitration by function groups'),
          bit('ACS Function Groups Capability', 1, 'RO', 'access control by function groups'),
          bits('Next Function Number', 8, 8, 'RO', 'next higher function, 0 at the end', {
            reset: context.virtual ? 0 : context.nextFunction,
          }),
        ],
      },
      {
        name: 'ARI Control Register',
        offset: 6,
        bytes: 2,
        access: 'RO',
        phrase: 'function groups in use',
        section: 'PCIe 3.0 7.23.3',
        fields: [
          bit('MFVC Function Groups Enable', 0, 'RO', 'arbitration by function groups'),
          bit('ACS Function Groups Enable', 1, 'RO', 'access control by function groups'),
          bits('Function Group', 4, 3, 'RO', 'group of this function'),
        ],
      },
    ],
  };
}

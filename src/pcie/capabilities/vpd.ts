import { bit, bits } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { CAP_VPD } from './ids.ts';

const FLAG = 1 << 31;

/** The Vital Product Data of a device. */
export interface VpdOptions {
  readonly at?: number;
  /** The Vital Product Data; read-only. Default: none, all zero. */
  readonly data?: Uint8Array;
}

/**
 * Vital Product Data (PCI 3.0 6.4 and appendix I): an address and four bytes of data. Writing the address with flag 0 reads;
 * the flag turns to 1 when the data is there. Writing it with flag 1 writes; the flag turns to 0 when it is done. The
 * transfer takes no time here, and a write to the data, which is read-only, changes nothing.
 */
export function vpd(options: VpdOptions = {}): Capability {
  const data = options.data ?? new Uint8Array(0);
  return {
    id: CAP_VPD,
    extended: false,
    name: 'VPD',
    bytes: 8,
    at: options.at,
    rows: () => [
      {
        name: 'VPD Address',
        offset: 2,
        bytes: 2,
        access: 'RW',
        phrase: 'which four bytes to move',
        section: 'PCI 3.0 I',
        fields: [
          bits('VPD Address', 0, 15, 'RW', 'byte address, a multiple of 4'),
          bit('F', 15, 'RW', 'direction, and whether the transfer is done'),
        ],
      },
      { name: 'VPD Data', offset: 4, access: 'RW', phrase: 'the four bytes', section: 'PCI 3.0 I' },
    ],
    written(host, base, offset, written, lanes) {
      if (offset !== 0 || (lanes & FLAG) === 0) return;
      const address = host.config.read16(base + 2) & 0x7ffc;
      if ((written & FLAG) !== 0) {
        host.config.poke16(base + 2, address);
        return;
      }
      let value = 0;
      for (let i = 0; i < 4; i++) value |= (data[address + i] ?? 0) << (8 * i);
      host.config.poke32(base + 4, value);
      host.config.poke16(base + 2, address | 0x8000);
    },
  };
}

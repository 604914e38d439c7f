import { checkOneOf } from '../../base/index.ts';
import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { CAP_MSI } from './ids.ts';

/** Offset of Message Control within the capability. */
export const MSI_CONTROL = 0x02;
/** Bit of Message Control: MSI Enable. */
export const MSI_ENABLE = 1 << 0;

/** The shape of an MSI capability. */
export interface MsiOptions {
  readonly at?: number;
  /** Vectors that the function can ask for: 1, 2, 4, 8, 16 or 32. Default 1. */
  readonly vectors?: number;
  /** 64-bit message addresses. Default true. */
  readonly address64?: boolean;
  /** Per-vector masking. Default true. */
  readonly maskable?: boolean;
}

/**
 * Message Signalled Interrupts (PCI 3.0 6.8.1).
 *
 * @throws RangeError if `vectors` is no power of two up to 32.
 */
export function msi(options: MsiOptions = {}): Capability {
  const { vectors = 1, address64 = true, maskable = true } = options;
  checkOneOf('vectors', vectors, [1, 2, 4, 8, 16, 32]);
  return {
    id: CAP_MSI,
    extended: false,
    name: 'MSI',
    bytes: (address64 ? 0x0e : 0x0a) + (maskable ? 0x0a : 0),
    at: options.at,
    rows: () => msiRows(vectors, address64, maskable),
    decode(host, base) {
      host.msiEnabled = (host.config.read16(base + MSI_CONTROL) & MSI_ENABLE) !== 0;
    },
  };
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function msiRows(vectors: number, address64: boolean, maskable: boolean): RegisterRow[] {
  const data = address64 ? 0x0c : 0x08;
  const rows: RegisterRow[] = [
    {
      name: 'Message Control',
      offset: MSI_CONTROL,
      bytes: 2,
      access: 'RO',
      phrase: 'what MSI can do, and whether it is on',
      section: 'PCI 3.0 6.8.1.3',
      fields: [
        bit('MSI Enable', 0, 'RW', 'interrupts are sent as MSI'),
        bits('Multiple Message Capable', 1, 3, 'RO', 'log2 of the vectors asked for', {
          reset: 31 - Math.clz32(vectors),
        }),
        bits('Multiple Message Enable', 4, 3, 'RW', 'log2 of the vectors granted'),
        bit('64 bit Address Capable', 7, 'RO', 'has an upper address', { reset: address64 ? 1 : 0 }),
        bit('Per-vector Masking Capable', 8, 'RO', 'has mask and pending bits', { reset: maskable ? 1 : 0 }),
      ],
    },
    {
      name: 'Message Address',
      offset: 0x04,
      access: 'RO',
      phrase: 'where the message is written',
      section: 'PCI 3.0 6.8.1.4',
      fields: [bits('Message Address', 2, 30, 'RW', 'address, in dwords')],
    },
    {
      name: 'Message Data',
      offset: data,
      bytes: 2,
      access: 'RW',
      phrase: 'what is written',
      section: 'PCI 3.0 6.8.1.6',
    },
  ];
  if (address64) {
    rows.push({
      name: 'Message Upper Address',
      offset: 0x08,
      access: 'RW',
      phrase: 'upper half of the address',
      section: 'PCI 3.0 6.8.1.5',
    });
  }
  if (maskable) {
    rows.push(
      {
        name: 'Mask Bits',
        offset: data + 4,
        access: 'RsvdP',
        phrase: 'vectors that must not be sent',
        section: 'PCI 3.0 6.8.1.7',
        fields: [bits('Mask', 0, vectors, 'RW', 'one bit a vector')],
      },
      {
        name: 'Pending Bits',
        offset: data + 8,
        access: 'RsvdZ',
        phrase: 'masked vectors that wait',
        section: 'PCI 3.0 6.8.1.8',
        fields: [bits('Pending', 0, vectors, 'RO', 'one bit a vector')],
      },
    );
  }
  return rows;
}

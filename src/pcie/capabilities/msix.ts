import { checkInteger } from '../../base/index.ts';
import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { CAP_MSIX } from './ids.ts';

/** Offsets within the capability. */
export const MSIX_CONTROL = 0x02;
export const MSIX_TABLE = 0x04;
export const MSIX_PBA = 0x08;
/** Bits of Message Control. */
export const MSIX_ENABLE = 1 << 15;
export const MSIX_FUNCTION_MASK = 1 << 14;

/** Size and place of an MSI-X table. */
export interface MsixOptions {
  readonly at?: number;
  /** Vectors, 1 to 2,048. */
  readonly vectors: number;
  /** BAR that holds the table, and the offset of the table in it. */
  readonly tableBar: number;
  readonly tableOffset: number;
  /** BAR that holds the pending bits, and their offset in it. */
  readonly pbaBar: number;
  readonly pbaOffset: number;
}

/** The capability, with what it was made of: where the table is. */
export interface MsixCapability extends Capability {
  readonly options: MsixOptions;
}

/**
 * MSI-X (PCI 3.0 6.8.2). The table itself is in the memory of a BAR, see {@link MsixTable}.
 *
 * @throws RangeError if vectors, a BAR number or an offset is out of range.
 */
export function msix(options: MsixOptions): MsixCapability {
  checkInteger('vectors', options.vectors, 1, 2048);
  for (const [bar, offset] of [
    [options.tableBar, options.tableOffset],
    [options.pbaBar, options.pbaOffset],
  ]) {
    checkInteger('BAR of MSI-X', bar, 0, 5);
    checkInteger('offset of MSI-X / 8', offset / 8, 0, 2 ** 29 - 1);
  }
  return {
    id: CAP_MSIX,
    extended: false,
    name: 'MSI-X',
    bytes: 12,
    at: options.at,
    options,
    rows: () => msixRows(options),
    decode(host, base) {
      const control = host.config.read16(base + MSIX_CONTROL);
      host.msixEnabled = (control & MSIX_ENABLE) !== 0;
      host.msixMasked = (control & MSIX_FUNCTION_MASK) !== 0;
    },
  };
}

/** The registers of the capability behind its header; also used to explain a dump. */
export function msixRows(options: Omit<MsixOptions, 'at'>): RegisterRow[] {
  const place = (name: string, offset: number, bar: number, at: number, section: string): RegisterRow => ({
    name,
    offset,
    access: 'RO',
    phrase: name === 'Table' ? 'where the table is' : 'where the pending bits are',
    section,
    fields: [
      bits('BIR', 0, 3, 'RO', 'BAR', { reset: bar }),
      bits('Offset', 3, 29, 'RO', 'offset in the BAR / 8', { reset: at / 8 }),
    ],
  });
  return [
    {
      name: 'Message Control',
      offset: MSIX_CONTROL,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'size of the table, and whether MSI-X is on',
      section: 'PCI 3.0 6.8.2.3',
      fields: [
        bits('Table Size', 0, 11, 'RO', 'vectors - 1', { reset: options.vectors - 1 }),
        bit('Function Mask', 14, 'RW', 'masks all vectors'),
        bit('MSI-X Enable', 15, 'RW', 'interrupts are sent as MSI-X'),
      ],
    },
    place('Table', MSIX_TABLE, options.tableBar, options.tableOffset, 'PCI 3.0 6.8.2.4'),
    place('PBA', MSIX_PBA, options.pbaBar, options.pbaOffset, 'PCI 3.0 6.8.2.5'),
  ];
}

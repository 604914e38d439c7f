import { intel82599 } from '../../profiles/index.ts';
import { elementCount, elementOffset } from '../../registers/index.ts';

/** Registers within the 64 bytes of a receive queue and of a transmit queue (82599 datasheet 8.2.3.8, 8.2.3.9). */
export const RECEIVE_REGISTERS: Readonly<Record<number, string>> = {
  0: 'RDBAL',
  4: 'RDBAH',
  8: 'RDLEN',
  16: 'RDH',
  20: 'SRRCTL',
  24: 'RDT',
  40: 'RXDCTL',
};
export const TRANSMIT_REGISTERS: Readonly<Record<number, string>> = {
  0: 'TDBAL',
  4: 'TDBAH',
  8: 'TDLEN',
  16: 'TDH',
  24: 'TDT',
  40: 'TXDCTL',
  56: 'TDWBAL',
  60: 'TDWBAH',
};

/** Registers of a VF beside its queues' (8.3); those of several words as [name, first offset, words]. */
const VF_REGISTERS: readonly (readonly [string, number, number?])[] = [
  ['VFCTRL', 0x000],
  ['VFSTATUS', 0x008],
  ['VFLINKS', 0x010],
  ['VTEICR', 0x100],
  ['VTEICS', 0x104],
  ['VTEIMS', 0x108],
  ['VTEIMC', 0x10c],
  ['VTEIAC', 0x110],
  ['VTEIAM', 0x114],
  ['VTIVAR', 0x120, 4],
  ['VTIVAR_MISC', 0x140],
  ['VFMBMEM', 0x200, 16],
  ['VFMAILBOX', 0x2fc],
  ['VTEITR', 0x820, 3],
];

/** Registers of the PF's BAR 0 or of a VF's beside those of queues, by their offsets. */
export function registerNames(of: 'PF' | 'VF'): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  if (of === 'VF') {
    for (const [name, offset, words] of VF_REGISTERS)
      for (let i = 0; i < (words ?? 1); i++)
        names.set(offset + 4 * i, words === undefined ? name : `${name}[${i}]`);
    return names;
  }
  for (const row of intel82599.registers.rows) {
    const count = elementCount(row);
    for (let i = 0; i < count; i++)
      names.set(elementOffset(row, i), row.count === undefined ? row.name : `${row.name}[${i}]`);
  }
  return names;
}

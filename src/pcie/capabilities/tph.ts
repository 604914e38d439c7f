import { checkInteger } from '../../base/index.ts';
import { bit, bits, type RegisterRow } from '../../registers/index.ts';
import type { Capability } from './capability.ts';
import { ECAP_TPH } from './ids.ts';

/** Offsets within the capability. */
export const TPH_CAPABILITY = 0x04;
export const TPH_CONTROL = 0x08;
export const TPH_TABLE = 0x0c;

/** What a function can do about processing hints. */
export interface TphOptions {
  readonly at?: number;
  /** Steering tags by interrupt vector. Default false. */
  readonly interruptVectorMode?: boolean;
  /** Steering tags in a way of the device's own. Default false. */
  readonly deviceSpecificMode?: boolean;
  /** Steering tags of 16 bits. Default false. */
  readonly extended?: boolean;
  /** Where the steering tags are: nowhere, in this capability, or in the MSI-X table. Default `none`. */
  readonly table?: 'none' | 'capability' | 'msix';
  /** Steering tags: 1 to 64 in the capability, 1 to 2,048 in the MSI-X table. Needed with a table. */
  readonly tableEntries?: number;
}

const LOCATIONS = ['none', 'capability', 'msix'] as const;

/**
 * TPH Requester (PCIe 3.0 6.17 and 7.26). A mode that is not supported cannot be selected; a write of one leaves the mode as
 * it is.
 *
 * @throws RangeError if the number of steering tags does not fit where they are.
 */
export function tph(options: TphOptions = {}): Capability {
  const { table = 'none' } = options;
  const entries = options.tableEntries ?? 0;
  const [least, most] = table === 'none' ? [0, 0] : [1, table === 'msix' ? 2048 : 64];
  checkInteger('tableEntries', entries, least, most);
  const modes =
    1 | (options.interruptVectorMode === true ? 2 : 0) | (options.deviceSpecificMode === true ? 4 : 0);
  return {
    id: ECAP_TPH,
    extended: true,
    version: 1,
    name: 'TPH',
    bytes: TPH_TABLE + (table === 'capability' ? 2 * entries : 0),
    at: options.at,
    rows: () =>
      tphRows(
        modes |
          (options.extended ? 0x100 : 0) |
          (LOCATIONS.indexOf(table) << 9) |
          (Math.max(entries - 1, 0) << 16),
      ),
    guarded: [TPH_CONTROL],
    guard: (_host, _base, _offset, mask, value) =>
      (value & 7) < 3 && ((modes >> (value & 7)) & 1) === 1 ? mask : mask & ~7,
  };
}

/**
 * The registers of the capability behind its header; also used to explain a dump.
 *
 * @param capability the TPH Requester Capability Register.
 */
export function tphRows(capability: number): RegisterRow[] {
  const extended = (capability & 0x100) !== 0;
  const at = (lsb: number, width = 1) => ({ reset: (capability >>> lsb) & ((1 << width) - 1) });
  const rows: RegisterRow[] = [
    {
      name: 'TPH Requester Capability Register',
      offset: TPH_CAPABILITY,
      access: 'RO',
      phrase: 'kinds of hints it can send',
      section: 'PCIe 3.0 7.26.2',
      fields: [
        bit('No ST Mode Supported', 0, 'RO', 'hints without steering tags', at(0)),
        bit('Interrupt Vector Mode Supported', 1, 'RO', 'steering tags by interrupt vector', at(1)),
        bit('Device Specific Mode Supported', 2, 'RO', 'steering tags in a way of its own', at(2)),
        bit('Extended TPH Requester Supported', 8, 'RO', 'steering tags of 16 bits', at(8)),
        bits('ST Table Location', 9, 2, 'RO', 'where the steering tags are', {
          ...at(9, 2),
          values: { 0: 'not present', 1: 'in this capability', 2: 'in the MSI-X table' },
        }),
        bits('ST Table Size', 16, 11, 'RO', 'steering tags - 1', at(16, 11)),
      ],
    },
    {
      name: 'TPH Requester Control Register',
      offset: TPH_CONTROL,
      access: 'RsvdP',
      phrase: 'the mode in use',
      section: 'PCIe 3.0 7.26.3',
      fields: [
        bits('ST Mode Select', 0, 3, (capability & 6) !== 0 ? 'RW' : 'RO', 'how a steering tag is chosen', {
          values: { 0: 'no steering tags', 1: 'interrupt vector', 2: 'device specific' },
        }),
        bit('TPH Requester Enable', 8, 'RW', 'may send hints'),
        bit('Extended TPH Requester Enable', 9, extended ? 'RW' : 'RO', 'may send tags of 16 bits'),
      ],
    },
  ];
  const entries = ((capability >>> 9) & 3) === 1 ? Math.min(((capability >>> 16) & 0x7ff) + 1, 64) : 0;
  for (let i = 0; i < entries; i++) {
    rows.push({
      name: `ST Table Entry ${i}`,
      offset: TPH_TABLE + 2 * i,
      bytes: 2,
      access: 'RsvdP',
      phrase: 'a steering tag',
      section: 'PCIe 3.0 7.26.4',
      fields: [
        bits('ST Lower', 0, 8, 'RW', 'steering tag'),
        bits('ST Upper', 8, 8, extended ? 'RW' : 'RO', 'upper half, for extended TPH'),
      ],
    });
  }
  return rows;
}

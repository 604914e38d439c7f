import { checkInteger, checkOneOf, isPowerOfTwo, log2Exact } from '../base/index.ts';
import { bit, bits, type RegisterRow } from '../registers/index.ts';

/** A Base Address Register, as a device asks for it. */
export interface BarDefinition {
  /** 0 to 5; a 64-bit one takes the next number too. */
  readonly index: number;
  readonly kind: 'memory32' | 'memory64' | 'io';
  /** A power of two: memory from 128 (PCIe 3.0 7.5.2.1), I/O from 4 to 256. */
  readonly bytes: number;
  /** Reads have no side effects. Default false. */
  readonly prefetchable?: boolean;
}

/** What answers to accesses within a BAR: the device model behind it. */
export interface BarTarget {
  /** Reads the dword at `offset` (a multiple of four); `bytes` of it are wanted. Unsigned. */
  read32(offset: number, bytes: number): number;
  /** Writes the dword at `offset` (a multiple of four): byte i if bit i of `byteEnables` is set. */
  write32(offset: number, value: number, byteEnables: number): void;
}

/** Number of the expansion ROM among the BARs of a function. */
export const ROM_BAR = 6;

/** Low bits of a BAR that are no address (PCI 3.0 6.2.5.1). */
const MEMORY_FLAGS = 0xf;
const IO_FLAGS = 0x3;

/**
 * Checks the BARs of one function.
 *
 * @throws RangeError if one is malformed, or two take the same register.
 */
export function checkBars(bars: readonly BarDefinition[], count = 6): void {
  const taken = new Set<number>();
  for (const { index, kind, bytes } of bars) {
    checkOneOf('kind of BAR', kind, ['memory32', 'memory64', 'io']);
    checkInteger('index of BAR', index, 0, count - (kind === 'memory64' ? 2 : 1));
    const smallest = kind === 'io' ? 4 : 128;
    const largest = kind === 'io' ? 256 : kind === 'memory32' ? 2 ** 31 : 2 ** 48;
    if (!(bytes >= smallest && bytes <= largest && exponentOf(bytes) >= 0)) {
      throw new RangeError(
        `bytes of BAR ${index} must be a power of two from ${smallest} to ${largest}, got ${bytes}`,
      );
    }
    for (let i = index; i <= index + (kind === 'memory64' ? 1 : 0); i++) {
      if (taken.has(i)) throw new RangeError(`BAR ${i} is taken twice`);
      taken.add(i);
    }
  }
}

/** The registers of BARs that start at offset `base`, named `prefix` and number. */
export function barRows(
  bars: readonly BarDefinition[],
  base: number,
  prefix: string,
  section: string,
): RegisterRow[] {
  return bars.flatMap((bar) => {
    const offset = base + 4 * bar.index;
    const name = `${prefix}${bar.index}`;
    const phrase = `${bar.kind === 'io' ? 'I/O' : 'memory'} base address, ${bar.bytes} bytes`;
    const low: RegisterRow = { name, offset, access: 'RO', phrase, section, fields: lowFields(bar) };
    if (bar.kind !== 'memory64') return [low];
    const upper = addressField(Math.max(0, exponentOf(bar.bytes) - 32), 'Base Address, upper');
    return [
      low,
      {
        name: `${name} upper`,
        offset: offset + 4,
        access: 'RO',
        phrase: 'upper half',
        section,
        fields: upper,
      },
    ];
  });
}

function lowFields(bar: BarDefinition) {
  const log2 = exponentOf(bar.bytes);
  if (bar.kind === 'io') {
    return [bit('Space', 0, 'RO', 'I/O', { reset: 1 }), ...addressField(log2, 'Base Address')];
  }
  return [
    bit('Space', 0, 'RO', 'memory'),
    bits('Type', 1, 2, 'RO', '32-bit or 64-bit', {
      reset: bar.kind === 'memory64' ? 2 : 0,
      values: { 0: '32-bit', 2: '64-bit' },
    }),
    bit('Prefetchable', 3, 'RO', 'reads have no side effects', { reset: bar.prefetchable ? 1 : 0 }),
    ...addressField(log2, 'Base Address'),
  ];
}

function addressField(lsb: number, name: string) {
  return lsb < 32 ? [bits(name, lsb, 32 - lsb, 'RW', 'address, 0 below the size')] : [];
}

/** The Expansion ROM Base Address register (PCI 3.0 6.2.5.2). */
export function romRow(bytes: number, offset: number): RegisterRow {
  const log2 = exponentOf(bytes);
  if (log2 < 11 || log2 > 24) {
    throw new RangeError(
      `bytes of the expansion ROM must be a power of two from 2 KiB to 16 MiB, got ${bytes}`,
    );
  }
  return {
    name: 'Expansion ROM Base Address',
    offset,
    access: 'RO',
    phrase: `expansion ROM, ${bytes} bytes`,
    section: 'PCI 3.0 6.2.5.2',
    fields: [bit('Enable', 0, 'RW', 'the ROM answers'), ...addressField(log2, 'Base Address')],
  };
}

/** The address that the dwords of a BAR hold; a number above 2^53 is exact because its low bits are zero. */
export function barAddress(kind: BarDefinition['kind'], low: number, high: number): number {
  if (kind === 'io') return (low & ~IO_FLAGS) >>> 0;
  const address = (low & ~MEMORY_FLAGS) >>> 0;
  return kind === 'memory64' ? address + (high >>> 0) * 2 ** 32 : address;
}

/** What sizing finds: the BAR that reads back `low` and `high` after all ones were written (PCI 3.0 6.2.5.1). */
export function barFromProbe(index: number, low: number, high: number): BarDefinition | null {
  if (low === 0) return null;
  if ((low & 1) !== 0) {
    // The upper 16 bits of an I/O BAR may be hardwired to zero.
    const size = (~(low & ~IO_FLAGS) + 1) & 0xffff;
    return { index, kind: 'io', bytes: size };
  }
  const prefetchable = (low & 8) !== 0;
  const mask = (low & ~MEMORY_FLAGS) >>> 0;
  if ((low & 6) === 4) {
    const bytes = mask !== 0 ? 2 ** 32 - mask : (2 ** 32 - (high >>> 0)) * 2 ** 32;
    return { index, kind: 'memory64', bytes, prefetchable };
  }
  return { index, kind: 'memory32', bytes: 2 ** 32 - mask, prefetchable };
}

/** The exponent of a power of two below 2^62, or -1 for any other number. */
function exponentOf(value: number): number {
  const isHigh = value >= 2 ** 31;
  const part = isHigh ? value / 2 ** 31 : value;
  if (!Number.isInteger(part) || !isPowerOfTwo(part)) return -1;
  return log2Exact(part) + (isHigh ? 31 : 0);
}

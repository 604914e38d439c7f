import type { PhysicalMemory } from '../../src/base/index.ts';

/** Where the tables are and what the hardware supports. */
export interface ReferenceSetup {
  memory: PhysicalMemory;
  rootTable: number;
  hostAddressBits: number;
  inputAddressBits: number;
  levels: readonly number[];
  /** Highest level at which leaves are allowed. */
  largestLeaf: number;
  /** Addresses from here on cannot be read. */
  memoryLimit: number;
}

/** A host physical address, or the number of the fault reason. */
export type ReferenceOutcome = { hostPhysical: number } | { reason: number };

/**
 * The whole translation of one request, written for clarity alone: 64-bit entries as BigInt, nothing cached, the order of
 * the checks as in VT-d chapter 3 and 7.
 */
export function referenceWalk(
  setup: ReferenceSetup,
  routingId: number,
  address: number,
  isWrite: boolean,
): ReferenceOutcome {
  const fault = (reason: number): ReferenceOutcome => ({ reason });
  const readable = (at: number) => at < setup.memoryLimit;
  const beyondHost = (entry: bigint) => bits(entry, 63, setup.hostAddressBits) !== 0n;

  const rootEntry = setup.rootTable + (routingId >> 8) * 16;
  if (!readable(rootEntry)) return fault(0x8);
  const [rootLow, rootHigh] = [read64(setup.memory, rootEntry), read64(setup.memory, rootEntry + 8)];
  if (bits(rootLow, 0, 0) === 0n) return fault(0x1);
  if (bits(rootLow, 11, 1) !== 0n || beyondHost(rootLow) || rootHigh !== 0n) return fault(0xa);

  const contextEntry = pointer(rootLow) + (routingId & 0xff) * 16;
  if (!readable(contextEntry)) return fault(0x9);
  const [low, high] = [read64(setup.memory, contextEntry), read64(setup.memory, contextEntry + 8)];
  if (bits(low, 0, 0) === 0n) return fault(0x2);
  const reserved = bits(low, 11, 4) | bits(high, 7, 7) | bits(high, 63, 24);
  if (reserved !== 0n || beyondHost(low)) return fault(0xb);
  const levels = Number(bits(high, 2, 0)) + 2;
  const type = Number(bits(low, 3, 2));
  if (!setup.levels.includes(levels)) return fault(0x3);
  if (type === 1 || type === 3) return fault(0x3);

  const width = type === 2 ? setup.inputAddressBits : Math.min(setup.inputAddressBits, 12 + 9 * levels);
  if (address >= 2 ** width) return fault(0x4);
  if (type === 2) return { hostPhysical: address };

  let table = pointer(low);
  for (let level = levels; ; level--) {
    const index = Number(bits(BigInt(address), 12 + 9 * level - 1, 12 + 9 * (level - 1)));
    const at = table + index * 8;
    if (!readable(at)) return fault(level === levels ? 0x3 : 0x7);
    const entry = read64(setup.memory, at);
    if (isWrite && bits(entry, 1, 1) === 0n) return fault(0x5);
    if (!isWrite && bits(entry, 0, 0) === 0n) return fault(0x6);
    // Bit 11 and bit 62 are for Snoop Control and device TLBs; 63 and 61:52 are ignored.
    if (bits(entry, 11, 11) !== 0n || bits(entry, 62, 62) !== 0n) return fault(0xc);
    if (bits(entry, 51, setup.hostAddressBits) !== 0n && setup.hostAddressBits < 52) return fault(0xc);
    const isLeaf = level === 1 || bits(entry, 7, 7) === 1n;
    if (!isLeaf) {
      table = pointer(entry);
      continue;
    }
    if (level > 1 && level > setup.largestLeaf) return fault(0xc);
    const pageBits = 12 + 9 * (level - 1);
    if (pageBits > 12 && bits(entry, pageBits - 1, 12) !== 0n) return fault(0xc);
    return { hostPhysical: pointer(entry) + Number(bits(BigInt(address), pageBits - 1, 0)) };
  }
}

/** Bits `from` down to `to` of a 64-bit value. */
function bits(value: bigint, from: number, to: number): bigint {
  return (value >> BigInt(to)) & ((1n << BigInt(from - to + 1)) - 1n);
}

function pointer(entry: bigint): number {
  return Number(bits(entry, 51, 12) << 12n);
}

function read64(memory: PhysicalMemory, address: number): bigint {
  return BigInt(memory.read32(address)) | (BigInt(memory.read32(address + 4)) << 32n);
}

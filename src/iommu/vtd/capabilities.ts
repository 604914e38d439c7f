import { MAX_LEAF_LEVEL } from '../page-size.ts';
import type { WalkerLimits } from '../page-walker.ts';

/** Where the registers lie that a capability register says the place of. Bytes from the unit's base, multiples of 16. */
export const IOTLB_OFFSET = 0x200;
/** The records of a Xeon E5's units begin here; more than 16 find no room and begin behind the IOTLB registers. */
const FEW_RECORDS_OFFSET = 0x100;
const MANY_RECORDS_OFFSET = 0x400;
const FEW_RECORDS = 16;

/** Offset of the first fault recording register. */
export function faultRecordingOffset(records: number): number {
  return records <= FEW_RECORDS ? FEW_RECORDS_OFFSET : MANY_RECORDS_OFFSET;
}

/** What a unit can do, as far as its capability registers say it. */
export interface Capabilities {
  readonly limits: WalkerLimits;
  /** Fault recording registers. */
  readonly faultRecords: number;
  /** MAMV: the largest address mask of a page-selective invalidation. */
  readonly maxAddressMask: number;
  /** RWBF: writes of software must be flushed. */
  readonly writeBufferFlush: boolean;
  /** EIM: destinations of 32 bits. */
  readonly extendedInterrupts: boolean;
  /** PI: interrupts can be posted. */
  readonly postedInterrupts: boolean;
}

/** MHMV: the largest mask of interrupt indexes of one invalidation. */
export const MAX_HANDLE_MASK = 15;

/** A 64-bit register as two words. */
export interface Pair {
  readonly low: number;
  readonly high: number;
}

/** CAP_REG (11.4.2). */
export function capabilityRegister(of: Capabilities): Pair {
  const { limits, faultRecords, maxAddressMask } = of;
  // ND 6: domains of 16 bits.
  let low = 6 | ((limits.inputAddressBits - 1) << 16) | ((faultRecordingOffset(faultRecords) >> 4) << 24);
  if (of.writeBufferFlush) low |= 1 << 4;
  // SAGAW: bit 1 for three levels, bit 2 for four.
  for (const levels of limits.levels) low |= 1 << (8 + levels - 2);
  // FRO has ten bits, of which two lie in the upper half; its greatest value here needs none of them.
  let high = (1 << 7) | ((faultRecords - 1) << 8) | (maxAddressMask << 16);
  if (of.postedInterrupts) high |= 1 << 27;
  for (let level = 2; level <= MAX_LEAF_LEVEL; level++) {
    if (level <= limits.largestLeaf) high |= 1 << level;
  }
  return { low, high };
}

/** ECAP_REG (11.4.3): coherent, queued invalidation, interrupt remapping, pass-through. */
export function extendedCapabilityRegister(of: Capabilities): Pair {
  const offset = (IOTLB_OFFSET >> 4) << 8;
  let low = (1 << 0) | (1 << 1) | (1 << 3) | (1 << 6) | offset | (MAX_HANDLE_MASK << 20);
  if (of.limits.deviceTlbs) low |= 1 << 2;
  if (of.extendedInterrupts) low |= 1 << 4;
  return { low, high: 0 };
}

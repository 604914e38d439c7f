import type { PhysicalMemory } from '../base/index.ts';

/**
 * Formats of the VT-d tables: root entry (9.1), context entry (9.3) and second-stage paging entry (9.8).
 *
 * All are little-endian. Entries are seen as 32-bit words here, because a 64-bit entry does not fit into a number.
 */

/** Bytes of a root entry and of a context entry. A table of either has 256 of them: one page. */
export const ROOT_ENTRY_BYTES = 16;
export const CONTEXT_ENTRY_BYTES = 16;

/** P of a root entry and of a context entry. */
const PRESENT = 1 << 0;
const ROOT_RESERVED_LOW = 0xffe;

/** FPD: faults of this function are not recorded. */
const FAULT_PROCESSING_DISABLE = 1 << 1;
const TRANSLATION_TYPE_SHIFT = 2;
const CONTEXT_RESERVED_LOW = 0xff0;
/** Bits 71 and 95:88, seen from bit 64; bits 127:96 are reserved altogether. */
const CONTEXT_RESERVED_HIGH = 0xff000080;
const DOMAIN_SHIFT = 8;

/** R of a paging entry; the same bit says that a translation permits reads. */
export const PERMIT_READ = 1 << 0;
/** W of a paging entry: writes are permitted. */
export const PERMIT_WRITE = 1 << 1;
/** PS: the entry is a leaf, although its table is not at level 1. */
const PAGE_SIZE = 1 << 7;
/** SNP, reserved without Snoop Control. */
const SNOOP = 1 << 11;
/** TM, seen from bit 32: reserved without device TLBs. */
const TRANSIENT_MAPPING = 1 << 30;

/** T of a context entry (9.3). */
export const TranslationType = {
  /** Requests are translated by the second-stage table. */
  SECOND_STAGE: 0,
  /** The same, and the function may have a device TLB. */
  SECOND_STAGE_DEVICE_TLB: 1,
  /** Addresses pass unchanged. */
  PASS_THROUGH: 2,
} as const;

/** One of {@link TranslationType}. */
export type TranslationType = (typeof TranslationType)[keyof typeof TranslationType];

/** The address in bits 51:12 of an entry. */
export function pointerOf(low: number, high: number): number {
  return ((low & ~0xfff) >>> 0) + (high & 0xfffff) * 2 ** 32;
}

/** The upper word of the bits that lie beyond the host's physical addresses: 63:`hostAddressBits`. */
export function beyondHostMask(hostAddressBits: number): number {
  return -1 << (hostAddressBits - 32);
}

/** Whether a root entry (its four words) sets reserved bits; `beyondHost` is {@link beyondHostMask}. */
export function rootReserved(w0: number, w1: number, w2: number, w3: number, beyondHost: number): boolean {
  return ((w0 & ROOT_RESERVED_LOW) | (w1 & beyondHost) | w2 | w3) !== 0;
}

/** Whether a context entry sets reserved bits. */
export function contextReserved(w0: number, w1: number, w2: number, w3: number, beyondHost: number): boolean {
  return ((w0 & CONTEXT_RESERVED_LOW) | (w1 & beyondHost) | (w2 & CONTEXT_RESERVED_HIGH) | w3) !== 0;
}

/** P of a root or a context entry. */
export function isPresent(w0: number): boolean {
  return (w0 & PRESENT) !== 0;
}

/** FPD of a context entry. */
export function faultsDisabled(w0: number): boolean {
  return (w0 & FAULT_PROCESSING_DISABLE) !== 0;
}

/** T of a context entry: one of {@link TranslationType}, or 3, which is reserved. */
export function translationTypeOf(w0: number): number {
  return (w0 >>> TRANSLATION_TYPE_SHIFT) & 3;
}

/** Levels of the tables of a context entry, from AW: 2 for AW 0 (30 bits), 4 for AW 2 (48 bits). */
export function levelsOf(w2: number): number {
  return (w2 & 7) + 2;
}

/** DID of a context entry. */
export function domainOf(w2: number): number {
  return (w2 >>> DOMAIN_SHIFT) & 0xffff;
}

/** Whether a paging entry at `level` maps a page, which it does at level 1 in any case. */
export function isLeaf(low: number, level: number): boolean {
  return level === 1 || (low & PAGE_SIZE) !== 0;
}

/**
 * Whether a paging entry at `level` sets bits that are reserved there. Bits 61:52 and 63 are ignored.
 *
 * @param largestLeaf the highest level at which the hardware takes leaves.
 */
export function pagingReserved(
  low: number,
  high: number,
  level: number,
  largestLeaf: number,
  beyondHost: number,
): boolean {
  if (((low & SNOOP) | (high & ((beyondHost & 0xfffff) | TRANSIENT_MAPPING))) !== 0) return true;
  if (level === 1 || (low & PAGE_SIZE) === 0) return false;
  if (level > largestLeaf) return true;
  // The lower bits of a large page's address.
  return (low & (level === 2 ? 0x1ff000 : 0x3ffff000)) !== 0;
}

/** Makes the root entry at `address` point to a context table. */
export function writeRootEntry(memory: PhysicalMemory, address: number, contextTable: number): void {
  memory.write64(address + 8, 0, 0);
  writeEntry(memory, address, contextTable, PRESENT);
}

/** What a context entry says. */
export interface ContextEntry {
  readonly type: TranslationType;
  /** DID, 0 to 65,535. */
  readonly domain: number;
  /** Levels of the second-stage table: 2 to 5. */
  readonly levels: number;
  /** Host physical address of the topmost second-stage table; not looked at with pass-through. */
  readonly table: number;
  /** FPD. */
  readonly faultsDisabled?: boolean;
}

/** Writes the context entry at `address`; the word with P comes last, as software has to do it. */
export function writeContextEntry(memory: PhysicalMemory, address: number, entry: ContextEntry): void {
  memory.write64(address + 8, (entry.levels - 2) | (entry.domain << DOMAIN_SHIFT), 0);
  const flags = PRESENT | (entry.faultsDisabled ? FAULT_PROCESSING_DISABLE : 0);
  writeEntry(memory, address, entry.table, flags | (entry.type << TRANSLATION_TYPE_SHIFT));
}

/** Writes a paging entry that points to the table of the next level. */
export function writeTableEntry(memory: PhysicalMemory, address: number, table: number): void {
  writeEntry(memory, address, table, PERMIT_READ | PERMIT_WRITE);
}

/** Writes a paging entry at `level` (1 to 3) that maps a page. */
export function writeLeafEntry(
  memory: PhysicalMemory,
  address: number,
  level: number,
  page: number,
  permissions: number,
): void {
  writeEntry(memory, address, page, permissions | (level > 1 ? PAGE_SIZE : 0));
}

/** Clears the entry of 8 bytes at `address`. */
export function clearEntry(memory: PhysicalMemory, address: number): void {
  memory.write64(address, 0, 0);
}

function writeEntry(memory: PhysicalMemory, address: number, pointer: number, flags: number): void {
  // Upper half first: the lower one makes the entry valid.
  memory.write32(address + 4, Math.floor(pointer / 2 ** 32));
  memory.write32(address, (pointer % 2 ** 32) + flags);
}

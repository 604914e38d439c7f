import { checkInteger, checkOneOf, hex, type PhysicalMemory } from '../base/index.ts';
import {
  clearEntry,
  isLeaf,
  PERMIT_READ,
  PERMIT_WRITE,
  pointerOf,
  writeLeafEntry,
  writeTableEntry,
} from './entry-formats.ts';
import {
  addressBitsOf,
  entryOffset,
  LEVEL_BYTES,
  MAX_LEAF_LEVEL,
  PAGE_BYTES,
  pageBase,
} from './page-size.ts';
import { TableAllocator } from './table-allocator.ts';

/** What a second-stage table is made of. */
export interface SecondStageTableOptions {
  /** Memory that the tables are written to. */
  readonly memory: PhysicalMemory;
  /** A page of that memory for each call: its host physical address, a multiple of 4,096. */
  readonly allocatePage: () => number;
  /** 3 for addresses of 39 bits, 4 for 48. */
  readonly levels: 3 | 4;
}

/** What a mapping permits, and how large its pages may be. */
export interface MapOptions {
  readonly read: boolean;
  readonly write: boolean;
  /** Largest page to use: 4 KiB, 2 MiB or 1 GiB. Default 1 GiB. */
  readonly pageBytes?: number;
}

/** One page of a mapping. */
export interface MappedPage {
  /** First address of the page, as the function sees it. */
  readonly address: number;
  readonly hostPhysical: number;
  readonly bytes: number;
  readonly read: boolean;
  readonly write: boolean;
}

/** Where the tables say something about an address, or where they end. */
interface Position {
  /** Address of the entry. */
  entry: number;
  /** Level of the table that holds it. */
  level: number;
  low: number;
  high: number;
}

/**
 * A second-stage table as hypervisor software builds it: the tables lie in memory, and nothing is kept beside
 * them.
 *
 * What this writes an IOMMU sees when it next walks. What it has cached it goes on using, so whoever unmaps
 * invalidates. Tables are not given back when they empty, because an IOMMU may still hold pointers to them.
 *
 * @example
 * const table = new SecondStageTable({ memory, allocatePage, levels: 4 });
 * table.map(0, 0x1_0000_0000, 64 * 2 ** 20, { read: true, write: true }); // 32 pages of 2 MiB
 * table.unmap(0x20_0000, 0x20_0000); // 2097152
 */
export class SecondStageTable {
  /** Host physical address of the topmost table. */
  readonly root: number;
  readonly levels: 3 | 4;
  private readonly memory: PhysicalMemory;
  private readonly tables: TableAllocator;
  private readonly limit: number;

  /** @throws RangeError if the levels are neither 3 nor 4, or an allocated page is no page. */
  constructor(options: SecondStageTableOptions) {
    this.levels = checkOneOf('levels', options.levels, [3, 4]);
    this.memory = options.memory;
    this.tables = new TableAllocator(options.memory, options.allocatePage);
    this.limit = 2 ** addressBitsOf(this.levels);
    this.root = this.tables.allocate();
  }

  /**
   * Maps `bytes` at `address` to `hostPhysical`, with the largest pages that alignment and `pageBytes` allow.
   * Where a table of smaller pages exists already, they stay small.
   *
   * @throws RangeError if an argument is no multiple of 4,096 or out of range, if nothing is permitted, or if
   * something is
   *   mapped there already; nothing is changed then.
   */
  map(address: number, hostPhysical: number, bytes: number, options: MapOptions): void {
    this.checkRange(address, bytes);
    checkPages('hostPhysical', hostPhysical, 0, 2 ** 52 - bytes);
    const largest = checkOneOf('pageBytes', options.pageBytes ?? LEVEL_BYTES[MAX_LEAF_LEVEL], [
      LEVEL_BYTES[1],
      LEVEL_BYTES[2],
      LEVEL_BYTES[3],
    ]);
    const permissions = (options.read ? PERMIT_READ : 0) | (options.write ? PERMIT_WRITE : 0);
    if (permissions === 0) throw new RangeError('read or write must be true, got neither');
    this.checkUnmapped(address, bytes);

    let done = 0;
    while (done < bytes) {
      const at = address + done;
      let level = MAX_LEAF_LEVEL;
      while (!fits(at, hostPhysical + done, bytes - done, largest, level)) level--;
      const position = this.descend(at, level);
      writeLeafEntry(this.memory, position.entry, position.level, hostPhysical + done, permissions);
      done += LEVEL_BYTES[position.level];
    }
  }

  /**
   * Unmaps whatever is mapped in a range, and returns how many bytes that was.
   *
   * @throws RangeError if an argument is no multiple of 4,096 or out of range, or if the range contains part
   * of a larger
   *   page only; nothing is changed then.
   */
  unmap(address: number, bytes: number): number {
    this.checkRange(address, bytes);
    this.checkWhole(address, address);
    this.checkWhole(address + bytes, address + bytes - 1);
    const end = address + bytes;
    let unmapped = 0;
    for (let at = address; at < end; ) {
      const position = this.locate(at);
      if (isMapped(position)) {
        clearEntry(this.memory, position.entry);
        unmapped += LEVEL_BYTES[position.level];
      }
      at = pageBase(at, position.level) + LEVEL_BYTES[position.level];
    }
    return unmapped;
  }

  /** The page that holds `address`, or undefined if none does. */
  find(address: number): MappedPage | undefined {
    if (!(address >= 0 && address < this.limit)) return undefined;
    const position = this.locate(address);
    if (!isMapped(position)) return undefined;
    return {
      address: pageBase(address, position.level),
      hostPhysical: pointerOf(position.low, position.high),
      bytes: LEVEL_BYTES[position.level],
      read: (position.low & PERMIT_READ) !== 0,
      write: (position.low & PERMIT_WRITE) !== 0,
    };
  }

  /** The leaf entry for `address`, or the entry at which the tables end. */
  private locate(address: number): Position {
    let table = this.root;
    for (let level = this.levels as number; ; level--) {
      const position = this.read(table, address, level);
      if ((position.low & (PERMIT_READ | PERMIT_WRITE)) === 0 || isLeaf(position.low, level)) return position;
      table = pointerOf(position.low, position.high);
    }
  }

  /** The entry for `address` at `level`, or below if a table hangs there; tables that are missing are made. */
  private descend(address: number, wanted: number): Position {
    let table = this.root;
    for (let level = this.levels as number; ; level--) {
      const position = this.read(table, address, level);
      if ((position.low & (PERMIT_READ | PERMIT_WRITE)) !== 0) {
        table = pointerOf(position.low, position.high);
      } else if (level <= wanted) {
        return position;
      } else {
        table = this.tables.allocate();
        writeTableEntry(this.memory, position.entry, table);
      }
    }
  }

  private read(table: number, address: number, level: number): Position {
    const entry = table + entryOffset(address, level);
    return { entry, level, low: this.memory.read32(entry), high: this.memory.read32(entry + 4) };
  }

  private checkRange(address: number, bytes: number): void {
    checkPages('address', address, 0, this.limit - PAGE_BYTES);
    checkPages('bytes', bytes, PAGE_BYTES, this.limit - address);
  }

  private checkUnmapped(address: number, bytes: number): void {
    for (let at = address; at < address + bytes; ) {
      const position = this.locate(at);
      if (isMapped(position)) throw new RangeError(`address must not be mapped yet, but 0x${hex(at)} is`);
      at = pageBase(at, position.level) + LEVEL_BYTES[position.level];
    }
  }

  /** Throws if a page that holds the byte at `inside` reaches across `boundary`. */
  private checkWhole(boundary: number, inside: number): void {
    const position = this.locate(inside);
    if (!isMapped(position) || boundary % LEVEL_BYTES[position.level] === 0) return;
    throw new RangeError(
      `the range must contain whole pages, but 0x${hex(boundary)} lies within one of ${LEVEL_BYTES[position.level]} bytes`,
    );
  }
}

/** Whether an entry that {@link SecondStageTable} wrote maps a page. */
function isMapped(position: Position): boolean {
  return (position.low & (PERMIT_READ | PERMIT_WRITE)) !== 0 && isLeaf(position.low, position.level);
}

/** Whether a page of `level` can begin here. */
function fits(address: number, hostPhysical: number, bytes: number, largest: number, level: number): boolean {
  const size = LEVEL_BYTES[level];
  return size <= largest && size <= bytes && address % size === 0 && hostPhysical % size === 0;
}

function checkPages(name: string, value: number, min: number, max: number): void {
  checkInteger(name, value, min, max);
  if (value % PAGE_BYTES !== 0) throw new RangeError(`${name} must be a multiple of 4096, got ${value}`);
}

import { checkInteger, checkOneOf, type PhysicalMemory } from '../base/index.ts';
import {
  CONTEXT_ENTRY_BYTES,
  clearEntry,
  isPresent,
  pointerOf,
  ROOT_ENTRY_BYTES,
  TranslationType,
  writeContextEntry,
  writeRootEntry,
} from './entry-formats.ts';
import { MAX_LEVELS, PAGE_BYTES } from './page-size.ts';
import { TableAllocator } from './table-allocator.ts';

/** What a root table is made of. */
export interface RootTableOptions {
  /** Memory that the tables are written to. */
  readonly memory: PhysicalMemory;
  /** A page of that memory for each call: its host physical address, a multiple of 4,096. */
  readonly allocatePage: () => number;
}

/** How the requests of a function are translated. */
export interface Context {
  /** Domain of the translations, 0 to 65,535. Functions of one domain must have the same table. */
  readonly domain: number;
  /** Host physical address of the topmost second-stage table: {@link SecondStageTable.root}. */
  readonly root: number;
  /** Levels of that table. */
  readonly levels: 3 | 4;
  /** FPD: do not record faults that this function's own tables cause. Default false. */
  readonly silent?: boolean;
}

/**
 * The root table and the context tables below it, as hypervisor software builds them: one root entry for a
 * bus, one context entry for a function. An IOMMU that has cached an entry uses it until it is invalidated.
 */
export class RootTable {
  /** Host physical address: the IOMMU's `rootTable`. */
  readonly address: number;
  private readonly memory: PhysicalMemory;
  private readonly tables: TableAllocator;

  constructor(options: RootTableOptions) {
    this.memory = options.memory;
    this.tables = new TableAllocator(options.memory, options.allocatePage);
    this.address = this.tables.allocate();
  }

  /**
   * Has the requests of a function translated.
   *
   * @throws RangeError for a value out of range.
   */
  setContext(routingId: number, context: Context): void {
    checkInteger('domain', context.domain, 0, 0xffff);
    checkInteger('root', context.root, 0, 2 ** 52 - PAGE_BYTES);
    if (context.root % PAGE_BYTES !== 0) {
      throw new RangeError(`root must be a multiple of 4096, got ${context.root}`);
    }
    writeContextEntry(this.memory, this.entry(routingId), {
      type: TranslationType.SECOND_STAGE,
      domain: context.domain,
      levels: checkOneOf('levels', context.levels, [3, 4]),
      table: context.root,
      faultsDisabled: context.silent,
    });
  }

  /**
   * Lets the addresses of a function pass unchanged.
   *
   * @throws RangeError for a value out of range.
   */
  setPassThrough(routingId: number, domain: number): void {
    checkInteger('domain', domain, 0, 0xffff);
    writeContextEntry(this.memory, this.entry(routingId), {
      type: TranslationType.PASS_THROUGH,
      domain,
      levels: MAX_LEVELS,
      table: 0,
    });
  }

  /** Refuses the requests of a function from now on. */
  clearContext(routingId: number): void {
    clearEntry(this.memory, this.entry(routingId));
  }

  /** Address of the context entry of a function; its table is made if it is missing. */
  private entry(routingId: number): number {
    checkInteger('routingId', routingId, 0, 0xffff);
    const memory = this.memory;
    const rootEntry = this.address + (routingId >> 8) * ROOT_ENTRY_BYTES;
    const low = memory.read32(rootEntry);
    let table = pointerOf(low, memory.read32(rootEntry + 4));
    if (!isPresent(low)) {
      table = this.tables.allocate();
      writeRootEntry(memory, rootEntry, table);
    }
    return table + (routingId & 0xff) * CONTEXT_ENTRY_BYTES;
  }
}

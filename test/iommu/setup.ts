import { SparseMemory } from '../../src/base/index.ts';
import { Iommu, type IommuOptions, RootTable, SecondStageTable } from '../../src/iommu/index.ts';

/** Memory with a root table in it, and what it takes to make more. */
export class Tables {
  readonly memory: SparseMemory;
  readonly roots: RootTable;
  /** Pages handed out for tables. */
  readonly pages: number[] = [];
  #next: number;

  constructor(firstTable = 0x10_0000) {
    this.memory = new SparseMemory(2 ** 46);
    this.#next = firstTable;
    this.roots = new RootTable({ memory: this.memory, allocatePage: this.allocatePage });
  }

  readonly allocatePage = (): number => {
    const page = this.#next;
    this.#next += 4096;
    this.pages.push(page);
    return page;
  };

  table(levels: 3 | 4 = 4): SecondStageTable {
    return new SecondStageTable({ memory: this.memory, allocatePage: this.allocatePage, levels });
  }

  /** A table of its own for a function, in a domain. */
  attach(routingId: number, domain: number, levels: 3 | 4 = 4): SecondStageTable {
    const table = this.table(levels);
    this.roots.setContext(routingId, { domain, root: table.root, levels });
    return table;
  }

  iommu(options: Partial<IommuOptions> = {}): Iommu {
    return new Iommu({ memory: this.memory, rootTable: this.roots.address, ...options });
  }
}

export const READ_WRITE = { read: true, write: true };
export const READ_ONLY = { read: true, write: false };
export const WRITE_ONLY = { read: false, write: true };

import { type Iommu, type RootTable, SecondStageTable } from '../iommu/index.ts';
import { AddressSpace } from './address-space.ts';
import type { HostMemory } from './memory-map.ts';

const PAGE_BYTES = 4096;
const HUGE_PAGE_BYTES = 2 ** 21;
/** A guest's first mebibyte is left to its firmware. */
const GUEST_FIRST_FREE = 0x10_0000;
/** Domain of functions that the host keeps. */
const HOST_DOMAIN = 1;

/** How a guest is made. */
export interface GuestMemoryOptions {
  readonly name: string;
  /** Guest memory in bytes, a multiple of 2 MiB. */
  readonly bytes: number;
  /** Pages that map it: 4,096 or 2^21 bytes. */
  readonly pageBytes: number;
}

/** A virtual machine: its memory, and the domain that its functions' requests are confined to. */
export interface GuestMemory {
  readonly name: string;
  readonly domain: number;
  /** Guest physical memory, as its drivers allocate from it. */
  readonly space: AddressSpace;
  readonly table: SecondStageTable | null;
}

/**
 * The part of a hypervisor that deals with devices: gives guests their memory, builds second-stage tables and context entries
 * as bytes in host memory, and assigns functions.
 */
export class Hypervisor {
  readonly guests: GuestMemory[] = [];
  readonly #memory: HostMemory;
  readonly #roots: RootTable | null;
  readonly #iommu: Iommu | null;

  /** @param roots and `iommu` are null for a host that translates nothing. */
  constructor(memory: HostMemory, roots: RootTable | null, iommu: Iommu | null) {
    this.#memory = memory;
    this.#roots = roots;
    this.#iommu = iommu;
  }

  /**
   * Makes a guest: takes pages of the host's memory and maps all of them, because a device may reach any (they are pinned).
   *
   * @throws RangeError when the host's memory is used up.
   */
  createGuest(options: GuestMemoryOptions): GuestMemory {
    const huge = options.pageBytes === HUGE_PAGE_BYTES;
    const pageBytes = huge ? HUGE_PAGE_BYTES : PAGE_BYTES;
    const pages = Math.ceil(options.bytes / pageBytes);
    const physical = Float64Array.from({ length: pages }, () => this.#memory.allocatePage(huge));
    const physicalOf = (address: number) => {
      const page = Math.floor(address / pageBytes);
      return physical[page] + (address - page * pageBytes);
    };
    const { memory } = this.#memory;
    const space = this.#iommu === null ? identitySpace(this.#memory, options.bytes) : null;
    const table =
      this.#iommu === null
        ? null
        : new SecondStageTable({ memory, allocatePage: () => this.#memory.allocatePage(), levels: 4 });
    if (table !== null) {
      physical.forEach((page, i) => {
        table.map(i * pageBytes, page, pageBytes, { read: true, write: true, pageBytes });
      });
    }
    const guest: GuestMemory = {
      name: options.name,
      domain: HOST_DOMAIN + 1 + this.guests.length,
      space: space ?? new AddressSpace(memory, GUEST_FIRST_FREE, options.bytes, physicalOf),
      table,
    };
    this.guests.push(guest);
    return guest;
  }

  /** Gives a function to a guest: from now on its requests reach that guest's memory and nothing else. */
  assign(guest: GuestMemory, routingId: number): void {
    if (this.#roots === null || guest.table === null) return;
    this.#roots.setContext(routingId, {
      domain: guest.domain,
      root: guest.table.root,
      levels: guest.table.levels,
    });
    this.#iommu?.invalidateContext(routingId);
  }

  /** Leaves a function with the host: its requests pass untranslated. */
  keep(routingId: number): void {
    this.#roots?.setPassThrough(routingId, HOST_DOMAIN);
    this.#iommu?.invalidateContext(routingId);
  }

  /** Takes a function away from whoever has it: its requests are refused. */
  revoke(routingId: number): void {
    this.#roots?.clearContext(routingId);
    this.#iommu?.invalidateContext(routingId);
  }
}

/** Without an IOMMU a device needs host physical addresses: the guest's memory is a piece of the host's, one to one. */
function identitySpace(host: HostMemory, bytes: number): AddressSpace {
  let first = 0;
  let next = 0;
  for (let got = 0; got < bytes; got += HUGE_PAGE_BYTES) {
    const page = host.allocatePage(true);
    if (got === 0) first = page;
    else if (page !== next) throw new RangeError('the host has no contiguous memory left for a guest');
    next = page + HUGE_PAGE_BYTES;
  }
  return new AddressSpace(host.memory, first, next, (address) => address);
}

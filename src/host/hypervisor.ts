import { type Iommu, type RootTable, SecondStageTable } from '../iommu/index.ts';
import { AddressSpace } from './address-space.ts';
import type { HostMemory } from './memory-map.ts';

const HUGE_PAGE_BYTES = 2 ** 21;
/** A guest's first mebibyte is left to its firmware: its drivers' memory begins here. */
export const GUEST_FIRST_FREE = 0x10_0000;
/** Domain of functions that the host keeps. */
const HOST_DOMAIN = 1;

/** How a guest is made. */
export interface GuestMemoryOptions {
  readonly name: string;
  /** Guest memory in bytes, a multiple of the page size. */
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
 * The part of a hypervisor that deals with devices: gives guests their memory, builds second-stage tables and
 * context entries as bytes in host memory, and assigns functions.
 *
 * @example
 * const guest = hypervisor.createGuest({ name: 'a', bytes: 16 * 2 ** 20, pageBytes: 4096 });
 * hypervisor.assign(guest, 0x0180); // the VF at 01:10.0 reaches this guest's memory and nothing else
 * hypervisor.revoke(0x0180); // and now nothing at all
 */
export class Hypervisor {
  readonly guests: GuestMemory[] = [];
  private readonly memory: HostMemory;
  private readonly roots: RootTable | null;
  private readonly iommu: Iommu | null;

  /** @param roots and `iommu` are null for a host that translates nothing. */
  constructor(memory: HostMemory, roots: RootTable | null, iommu: Iommu | null) {
    this.memory = memory;
    this.roots = roots;
    this.iommu = iommu;
  }

  /**
   * Makes a guest: takes pages of the host's memory and maps all of them, because a device may reach any
   * (they are pinned).
   *
   * @throws RangeError when the host's memory is used up.
   */
  createGuest(options: GuestMemoryOptions): GuestMemory {
    const guest: GuestMemory = {
      name: options.name,
      domain: HOST_DOMAIN + 1 + this.guests.length,
      ...(this.iommu === null
        ? { space: this.identitySpace(options.bytes), table: null }
        : this.mappedSpace(options)),
    };
    this.guests.push(guest);
    return guest;
  }

  /** Gives a function to a guest: from now on its requests reach that guest's memory and nothing else. */
  assign(guest: GuestMemory, routingId: number): void {
    if (this.roots === null || guest.table === null) return;
    this.roots.setContext(routingId, {
      domain: guest.domain,
      root: guest.table.root,
      levels: guest.table.levels,
    });
    this.iommu?.invalidateContext(routingId);
  }

  /** Leaves a function with the host: its requests pass untranslated. */
  keep(routingId: number): void {
    this.roots?.setPassThrough(routingId, HOST_DOMAIN);
    this.iommu?.invalidateContext(routingId);
  }

  /** Takes a function away from whoever has it: its requests are refused. */
  revoke(routingId: number): void {
    this.roots?.clearContext(routingId);
    this.iommu?.invalidateContext(routingId);
  }

  /** Pages from wherever they are free, each mapped to its place in the guest. */
  private mappedSpace({ bytes, pageBytes }: GuestMemoryOptions) {
    const { memory } = this.memory;
    const huge = pageBytes === HUGE_PAGE_BYTES;
    const pages = Math.ceil(bytes / pageBytes);
    const physical = Float64Array.from({ length: pages }, () => this.memory.allocatePage(huge));
    const physicalOf = (address: number) => {
      const page = Math.floor(address / pageBytes);
      return physical[page] + (address - page * pageBytes);
    };
    const table = new SecondStageTable({
      memory,
      allocatePage: () => this.memory.allocatePage(),
      levels: 4,
    });
    physical.forEach((page, i) => {
      table.map(i * pageBytes, page, pageBytes, { read: true, write: true, pageBytes });
    });
    return { space: new AddressSpace(memory, GUEST_FIRST_FREE, bytes, physicalOf), table };
  }

  /**
   * Without an IOMMU a device needs host physical addresses: the guest's memory is a piece of the host's, one
   * to one.
   */
  private identitySpace(bytes: number): AddressSpace {
    const first = this.memory.allocateRange(bytes);
    return new AddressSpace(this.memory.memory, first, first + bytes, (address) => address);
  }
}

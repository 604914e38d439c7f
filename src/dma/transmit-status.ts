import { DESCRIPTOR_BYTES, DESCRIPTOR_SHIFT, type TransmitFormat } from './descriptor-format.ts';
import { CACHE_ENTRIES, type DescriptorRings } from './descriptor-rings.ts';
import { type DmaPort, DmaRequest, type DmaStore } from './dma-port.ts';

/**
 * Status of transmit descriptors on its way to memory: for each ring a run of descriptors that are done. What is written is
 * the same for every descriptor, so one piece of the store serves all.
 */
export class TransmitStatus {
  /** Writes made. */
  writes = 0;
  private readonly rings: DescriptorRings;
  private readonly port: DmaPort;
  private readonly request = new DmaRequest();
  private readonly offset: number;
  private readonly first: Int32Array;
  private readonly count: Int32Array;

  /** @param offset first of {@link TransmitStatus.storeBytes} bytes in the store. */
  constructor(
    rings: DescriptorRings,
    port: DmaPort,
    store: DmaStore,
    format: TransmitFormat,
    offset: number,
  ) {
    this.rings = rings;
    this.port = port;
    this.offset = offset;
    this.first = new Int32Array(rings.queues);
    this.count = new Int32Array(rings.queues);
    for (let i = 0; i < CACHE_ENTRIES; i++) format.writeDone(store.i32, (offset >> 2) + i * 4);
  }

  /** Bytes needed in the store. */
  static readonly storeBytes = CACHE_ENTRIES * DESCRIPTOR_BYTES;

  /** Whether status of a ring waits that the descriptor `index` does not adjoin. */
  isApart(queue: number, index: number): boolean {
    return this.count[queue] > 0 && this.ahead(queue, index) !== this.count[queue];
  }

  /**
   * Adds descriptors to the run of a ring. Where the port holds that up, it grows over the descriptors in between: they are
   * done too, frames end in order.
   */
  add(queue: number, first: number, last: number): void {
    if (this.count[queue] === 0) this.first[queue] = first;
    this.count[queue] = this.ahead(queue, last) + 1;
  }

  /** Writes the run of a ring; returns whether the port had room for all of it. */
  write(queue: number, client: number): boolean {
    const rings = this.rings;
    const size = rings.size[queue];
    while (this.count[queue] > 0) {
      if (!this.port.canWrite()) return false;
      const first = this.first[queue];
      const count = Math.min(this.count[queue], size - first, CACHE_ENTRIES);
      const address = rings.base[queue] + (first << DESCRIPTOR_SHIFT);
      this.first[queue] = first + count === size ? 0 : first + count;
      this.count[queue] -= count;
      this.port.write(
        this.request.of(rings.routingId[queue], address, count << DESCRIPTOR_SHIFT, this.offset, client, 0),
      );
      this.writes++;
    }
    return true;
  }

  /** Gives up what waits. */
  forget(queue: number): void {
    this.count[queue] = 0;
  }

  /** How far a descriptor is behind the first of the run. */
  private ahead(queue: number, index: number): number {
    const distance = index - this.first[queue];
    return distance < 0 ? distance + this.rings.size[queue] : distance;
  }
}

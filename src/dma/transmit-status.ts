import type { WordStore } from '../base/index.ts';
import { DESCRIPTOR_BYTES, DESCRIPTOR_SHIFT, type TransmitFormat } from './descriptor-format.ts';
import type { DmaPort } from './dma-port.ts';
import { DmaRequest } from './dma-request.ts';
import { CACHE_ENTRIES } from './ring.ts';
import type { TransmitRing } from './transmit-ring.ts';

/** What the owner of {@link TransmitStatus} is told. */
export interface TransmitStatusOwner {
  /** Status of a ring is on its way. */
  sent(ring: TransmitRing): void;
  /** The port has no room: ask again when it has. */
  noRoom(ring: TransmitRing): void;
}

/** Reports what has been sent to software. */
export interface TransmitReports {
  /** Writes made. */
  writes: number;
  /** Descriptors from `first` to `last` are done, of which those two want it reported: the ring's, by index. */
  report(ring: TransmitRing, first: number, last: number): void;
  /** Writes what there is to be reported of a ring, as far as that is due and the port has room. */
  write(ring: TransmitRing): void;
}

/**
 * Status of transmit descriptors on its way to memory: for each ring a run of descriptors that are done. What
 * is written is the same for every descriptor, so one piece of the store serves all.
 */
export class TransmitStatus implements TransmitReports {
  /** Writes made. */
  writes = 0;
  private readonly port: DmaPort;
  /** @internal */
  readonly owner: TransmitStatusOwner;
  private readonly request = new DmaRequest();

  /**
   * @param offset first of {@link TransmitStatus.storeBytes} bytes in the store.
   * @param client number under which the owner signs its requests.
   */
  constructor(
    port: DmaPort,
    store: WordStore,
    format: TransmitFormat,
    owner: TransmitStatusOwner,
    offset: number,
    client: number,
  ) {
    this.port = port;
    this.owner = owner;
    this.request.offset = offset;
    this.request.client = client;
    for (let i = 0; i < CACHE_ENTRIES; i++) format.writeDone(store.i32, (offset >> 2) + i * 4);
  }

  /** Bytes needed in the store. */
  static readonly storeBytes = CACHE_ENTRIES * DESCRIPTOR_BYTES;

  /**
   * Adds descriptors to the run of a ring; one that they do not adjoin is written first. Where the port holds
   * that up, it grows over the descriptors in between: they are done too, frames end in order.
   */
  report(ring: TransmitRing, first: number, last: number): void {
    if (ring.statusCount > 0 && ahead(ring, first) !== ring.statusCount) this.write(ring);
    if (ring.statusCount === 0) ring.statusFirst = first;
    ring.statusCount = ahead(ring, last) + 1;
  }

  /** Writes the run of a ring, as far as the port has room. */
  write(ring: TransmitRing): void {
    if (ring.master === 0) return;
    const request = this.request;
    const before = this.writes;
    while (ring.statusCount > 0) {
      if (!this.port.canWrite()) {
        this.owner.noRoom(ring);
        break;
      }
      const first = ring.statusFirst;
      const count = Math.min(ring.statusCount, ring.size - first, CACHE_ENTRIES);
      ring.statusFirst = first + count === ring.size ? 0 : first + count;
      ring.statusCount -= count;
      request.routingId = ring.routingId;
      request.address = ring.base + (first << DESCRIPTOR_SHIFT);
      request.bytes = count << DESCRIPTOR_SHIFT;
      this.port.write(request);
      this.writes++;
    }
    if (this.writes !== before) this.owner.sent(ring);
  }
}

/** How far a descriptor is behind the first of the run. */
export function ahead(ring: TransmitRing, index: number): number {
  const distance = index - ring.statusFirst;
  return distance < 0 ? distance + ring.size : distance;
}

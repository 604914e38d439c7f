import { assert, type WordStore } from '../base/index.ts';
import { FlowClass, TlpKind } from './tlp.ts';

/**
 * A TLP on its way, or rather a *train* of them: those that one DMA request makes, sent back to back. A read
 * of 1,514 bytes is one train that stands for three Memory Read TLPs with a Max_Read_Request_Size of 512. The
 * link charges every TLP of the train with its header, its framing and its credits; an event is spent where
 * something is decided, which is once a train.
 *
 * The payload of a device's read or write stays in the device's store, or in host memory, until it is moved
 * once; a register access carries its double word in the record.
 *
 * A record that is used again and again: see "The hot path" in docs/architecture.md.
 */
export class Tlp {
  /** Number of the record in its pool: what events carry. */
  readonly index: number;
  /** Number of the record that is free after this one, if this one is. */
  nextFree = 0;
  kind: TlpKind = TlpKind.MEMORY_READ;
  flowClass: FlowClass = FlowClass.POSTED;
  /** Routing ID of the requester. */
  requester = 0;
  /** Memory address; for configuration requests the register number. */
  address = Number.NaN;
  /** Bytes of payload, or bytes to read. */
  bytes = 0;
  /** Bytes of each request of a read train but the last: Max_Read_Request_Size. */
  requestBytes = 0;
  /** TLPs in the train. */
  count = 0;
  /** Bytes that the train takes on the link, headers and framing included. */
  linkBytes = 0;
  /** Data credits that the train takes. */
  dataCredits = 0;
  /** Latency of this TLP beyond the link's own, in ps. */
  extraPs = 0;
  /** The store at the device's end, and where in it the payload lies or goes. Without one the payload is `data`. */
  store: WordStore | null = null;
  storeOffset = 0;
  /** Tags that a read train of a device holds, or waits for, until its completion; 0: it is none. */
  tags = 0;
  /** Completion Status; of a request that waits at the completer, what it waits for. */
  status = 0;
  /** Who asked, and what the asker wants to be told. */
  client = 0;
  cookie = 0;
  /**
   * Posted requests that a read or completion may not pass, counted modulo 2^32: in a transmit queue those
   * that were queued there before it, at the completer those that had arrived there before it.
   */
  postedBefore = 0;
  // What few TLPs need comes last: the others then take three lines of the processor's cache.
  /**
   * Gathered payload: after `headBytes` bytes (0 = contiguous) comes the double word `data` if `inserts` is
   * 1, and then what lies `skipBytes` further on.
   */
  headBytes = 0;
  skipBytes = 0;
  inserts = 0;
  /** A register access's double word. */
  data = 0;
  /**
   * Target function of a configuration request; of a request that waits at the root port, the resets of the
   * link before it came.
   */
  target = 0;
  /** 0 or 1 for a configuration request. */
  configType = 0;
  byteEnables = 0;

  /** @param index number in the pool. */
  constructor(index: number) {
    this.index = index;
  }
}

/** Who takes TLPs that a link has lost, and gives their records back. */
export interface LostTlps {
  lost(tlp: Tlp): void;
}

/** The TLPs in flight. */
export class TlpPool {
  readonly capacity: number;
  /** Every record there is, by its number. */
  readonly records: readonly Tlp[];
  /** Told of what a reset of the link has ended; null: nobody expects it any more. */
  keeper: LostTlps | null = null;
  // Those that are free, from the first on by their numbers: no pointers, whose writing the garbage collector
  // would want to know of.
  private first = 0;
  private left: number;

  constructor(capacity = 8192) {
    this.capacity = capacity;
    this.records = Array.from({ length: capacity }, (_, index) => new Tlp(index));
    // The first to be taken are 0, 1, 2, ...; then the one given back last: it is still in the cache.
    for (const tlp of this.records) tlp.nextFree = tlp.index + 1;
    this.left = capacity;
  }

  /** Records that can be taken now. */
  get available(): number {
    return this.left;
  }

  /** A free record. Its fields hold what its last user left. */
  take(): Tlp {
    // Not assert(): its message would be a call on the hot path.
    if (this.left === 0) assert(false, 'more TLPs in flight than the pool holds');
    const tlp = this.records[this.first];
    this.first = tlp.nextFree;
    this.left = (this.left - 1) | 0;
    return tlp;
  }

  /** Gives a record back. */
  give(tlp: Tlp): void {
    tlp.nextFree = this.first;
    this.first = tlp.index;
    this.left = (this.left + 1) | 0;
  }

  /** A link was reset with this TLP on it, or behind it. */
  lose(tlp: Tlp): void {
    if (this.keeper === null) {
      tlp.tags = 0;
      this.give(tlp);
    } else this.keeper.lost(tlp);
  }
}

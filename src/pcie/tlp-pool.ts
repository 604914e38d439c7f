import { assert, FreeList } from '../base/index.ts';

/** On-die memory of a device that TLP payload comes from and goes to, as bytes and as words of one buffer. */
export interface DeviceStore {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
}

/**
 * The TLPs in flight, one a row of typed arrays; a TLP is passed on as its row number.
 *
 * A row is a *train*: the TLPs that one DMA request makes, sent back to back. A read of 1,514 bytes is one row that stands
 * for three Memory Read TLPs with a Max_Read_Request_Size of 512. The link charges every TLP of the train
 * with its header, its framing and its credits; an event is spent where something is decided, which is once a train.
 *
 * The payload of a device's read or write stays in the device's store, or in host memory, until it is moved once; a
 * register access carries its double word in the row.
 */
export class TlpPool {
  readonly capacity: number;
  readonly kind: Int32Array;
  readonly flowClass: Int32Array;
  /** Routing ID of the requester. */
  readonly requester: Int32Array;
  /** Memory address; for configuration requests the register number. */
  readonly address: Float64Array;
  /** Bytes of payload, or bytes to read. */
  readonly bytes: Int32Array;
  /** Bytes of each request of a read train but the last: Max_Read_Request_Size. */
  readonly requestBytes: Int32Array;
  /** TLPs in the train. */
  readonly count: Int32Array;
  /** Bytes that the train takes on the link, headers and framing included. */
  readonly linkBytes: Int32Array;
  /** Data credits that the train takes. */
  readonly dataCredits: Int32Array;
  /** Latency of this TLP beyond the link's own, in ps. */
  readonly extraPs: Int32Array;
  /** The store at the device's end, and where in it the payload lies or goes. */
  readonly store: Int32Array;
  readonly storeOffset: Int32Array;
  /**
   * Gathered payload: after `headBytes` bytes (0 = contiguous) comes the double word `data` if `insert` is 1, and then
   * what lies `skipBytes` further on.
   */
  readonly headBytes: Int32Array;
  readonly skipBytes: Int32Array;
  readonly insert: Int32Array;
  /** A register access's double word, or the target function of a configuration request. */
  readonly data: Int32Array;
  readonly target: Int32Array;
  /** 0 or 1 for a configuration request. */
  readonly configType: Int32Array;
  readonly byteEnables: Int32Array;
  /** Tags that a read train holds until its completion. */
  readonly tags: Int32Array;
  /** Completion Status. */
  readonly status: Int32Array;
  /** Who asked, and what the asker wants to be told. */
  readonly client: Int32Array;
  readonly cookie: Int32Array;
  /**
   * Posted requests that a read or completion may not pass: in a transmit queue those that were queued there before it, at the
   * completer those that had arrived there before it.
   */
  readonly postedBefore: Float64Array;
  readonly stores: DeviceStore[] = [];
  private readonly free: FreeList;

  constructor(capacity = 8192) {
    this.capacity = capacity;
    this.free = new FreeList(capacity);
    const column = () => new Int32Array(capacity);
    this.kind = column();
    this.flowClass = column();
    this.requester = column();
    this.address = new Float64Array(capacity);
    this.bytes = column();
    this.requestBytes = column();
    this.count = column();
    this.linkBytes = column();
    this.dataCredits = column();
    this.extraPs = column();
    this.store = column();
    this.storeOffset = column();
    this.headBytes = column();
    this.skipBytes = column();
    this.insert = column();
    this.data = column();
    this.target = column();
    this.configType = column();
    this.byteEnables = column();
    this.tags = column();
    this.status = column();
    this.client = column();
    this.cookie = column();
    this.postedBefore = new Float64Array(capacity);
  }

  /** Rows that can be taken now. */
  get available(): number {
    return this.free.available;
  }

  /** A free row. Its columns hold what its last user left. */
  take(): number {
    const row = this.free.take();
    assert(row >= 0, 'more TLPs in flight than the pool holds');
    return row;
  }

  give(row: number): void {
    this.free.give(row);
  }

  /** Makes a device's memory known; returns the number for {@link TlpPool.store}. */
  addStore(store: DeviceStore): number {
    return this.stores.push(store) - 1;
  }
}

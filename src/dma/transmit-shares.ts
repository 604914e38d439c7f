/** Traffic classes that a buffer can be divided among. */
const CLASSES = 8;
/** No slot. */
const NONE = -1;

/** What a traffic class has of the transmit packet buffer. */
export interface TransmitShare {
  /** The next frame of the class is fetched while it has no more bytes than this in the buffer; below zero: none is. */
  readonly thresholdBytes: number;
  /** Frames of the class in the buffer at most. */
  readonly frames: number;
}

/**
 * The transmit packet buffer divided among traffic classes: a class that has filled its part is passed over
 * until enough of it has left, and the others go on. The class of a frame is that of its ring: the chip knows
 * no more of it when it decides whether to fetch it.
 *
 * Keeps account of every frame from the moment at which its room is reserved until it has left, by slot, so
 * that rings can change their class, and classes their part, while frames are under way.
 */
export class TransmitShares {
  /** Bytes and frames of each class in the buffer, and the most bytes there have been. */
  readonly bytes = new Int32Array(CLASSES);
  readonly frames = new Int32Array(CLASSES);
  readonly highWater = new Int32Array(CLASSES);
  /** Times that a class has filled its part. */
  readonly filled = new Float64Array(CLASSES);

  private readonly setClosed: (trafficClass: number, closed: boolean) => void;
  private readonly classOfQueue: Uint8Array;
  private readonly classOfSlot: Uint8Array;
  /** Bytes of the buffer that the frame in each slot holds. */
  private readonly held: Int32Array;
  private shares: readonly TransmitShare[] | null = null;
  /** Classes, one bit each, that may not fetch. */
  private closed = 0;
  /** The frame that is on its way out: its slot, its class, its bytes. */
  private leavingSlot = NONE;
  private leavingClass = 0;
  private leavingBytes = 0;

  /**
   * @param queues rings, all of class 0 at first.
   * @param slots slots of the frame pool.
   * @param setClosed told which classes may not fetch, when that changes.
   */
  constructor(queues: number, slots: number, setClosed: (trafficClass: number, closed: boolean) => void) {
    this.classOfQueue = new Uint8Array(queues);
    this.classOfSlot = new Uint8Array(slots);
    this.held = new Int32Array(slots);
    this.setClosed = setClosed;
  }

  /** The frames that a ring begins from now on are of this class, 0 to 7. */
  place(queue: number, trafficClass: number): void {
    this.classOfQueue[queue] = trafficClass;
  }

  /** The parts of the classes from now on; null: no class is held up. What is in the buffer stays where it is. */
  divide(shares: readonly TransmitShare[] | null): void {
    this.shares = shares;
    for (let c = 0; c < CLASSES; c++) this.settle(c);
  }

  /** Whether the classes have parts. */
  get divided(): boolean {
    return this.shares !== null;
  }

  /** Room has been reserved for a frame of a ring. */
  take(queue: number, slot: number, bytes: number): void {
    if (bytes === 0) return;
    const c = this.classOfQueue[queue];
    const has = this.bytes[c] + bytes;
    this.classOfSlot[slot] = c;
    this.held[slot] = bytes;
    this.bytes[c] = has;
    this.frames[c]++;
    if (has > this.highWater[c]) this.highWater[c] = has;
    this.settle(c);
  }

  /** The frame in a slot holds nothing any more. */
  giveBack(slot: number): void {
    this.leave(slot);
    this.left();
  }

  /**
   * The frame in a slot goes to whom the switch says. If that is not the wire, {@link TransmitShares.left}
   * follows; by then the slot may be another frame's.
   */
  leave(slot: number): void {
    this.leavingSlot = slot;
    this.leavingClass = this.classOfSlot[slot];
    this.leavingBytes = this.held[slot];
    this.held[slot] = 0;
  }

  /** What goes on is a copy in another slot. */
  copied(copy: number): void {
    if (this.leavingSlot !== NONE) this.leavingSlot = copy;
  }

  /** The frame of the last {@link TransmitShares.leave} has left the buffer. */
  left(): void {
    if (this.leavingSlot === NONE) return;
    this.leavingSlot = NONE;
    if (this.leavingBytes === 0) return;
    const c = this.leavingClass;
    this.bytes[c] -= this.leavingBytes;
    this.frames[c]--;
    this.settle(c);
  }

  /** It has not: it waits for the wire. */
  stay(): void {
    const slot = this.leavingSlot;
    if (slot === NONE) return;
    this.leavingSlot = NONE;
    this.classOfSlot[slot] = this.leavingClass;
    this.held[slot] = this.leavingBytes;
  }

  /** Begins anew to count how often parts were filled, and from what is in them the most that there was. */
  resetCounters(): void {
    this.highWater.set(this.bytes);
    this.filled.fill(0);
  }

  /** How full the part of each class is and was. */
  counters(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (let c = 0; c < CLASSES; c++) {
      counts[`transmitBuffer.class${c}.bytes`] = this.bytes[c];
      counts[`transmitBuffer.class${c}.highWater`] = this.highWater[c];
      counts[`transmitBuffer.class${c}.filled`] = this.filled[c];
    }
    return counts;
  }

  private settle(c: number): void {
    const bit = 1 << c;
    const isClosed = !this.hasRoom(c);
    if (isClosed === ((this.closed & bit) !== 0)) return;
    this.closed ^= bit;
    if (isClosed && this.bytes[c] > 0) this.filled[c]++;
    this.setClosed(c, isClosed);
  }

  private hasRoom(c: number): boolean {
    if (this.shares === null) return true;
    const { thresholdBytes, frames } = this.shares[c];
    return this.bytes[c] <= thresholdBytes && this.frames[c] < frames;
  }
}

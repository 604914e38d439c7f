import { checkInteger, checkNumber } from '../base/index.ts';

/** What a class has of the buffer. */
export interface PacketBufferClass {
  /** Bytes that nobody else can take. Default 0. */
  readonly reservedBytes?: number;
  /**
   * Most of the shared pool that the class may take, as a multiple of what of the pool is free at the time
   * (dynamic threshold); Infinity for whatever is free. Default Infinity.
   */
  readonly alpha?: number;
  /** Bytes for what arrives from the wire after its sender has been told to stop. Default 0. */
  readonly headroomBytes?: number;
}

/** How a buffer is divided. */
export interface PacketBufferOptions {
  /** All of it; what is neither reserved nor headroom is the shared pool. */
  readonly bytes: number;
  readonly classes: readonly PacketBufferClass[];
}

/**
 * Accounts for a packet buffer that classes share: a part reserved for each, a pool for all with a dynamic
 * threshold (a class may take `alpha` times what is free of it), and headroom for each, which only frames
 * from the wire may use.
 *
 * A frame takes what it can of the reserved part. If the pool can give the rest, it does; else, for a frame
 * from the wire, the headroom has to hold all the rest. What leaves frees headroom first, then pool, then
 * reserved part.
 *
 * @example
 * const buffer = new PacketBuffer({ bytes: 3000, classes: [{ reservedBytes: 1000 }, { alpha: 1 }] });
 * buffer.admit(1, 1000, false); // true: half of the pool is left
 * buffer.admit(1, 500, false); // false: it has had as much as is free
 */
export class PacketBuffer {
  readonly bytes: number;
  readonly classes: number;
  /** Bytes in the buffer, and the most there have been. */
  used = 0;
  highWater = 0;
  /** Bytes of each class, and the most there have been. */
  readonly usedBy: Int32Array;
  readonly highWaterBy: Int32Array;
  /** Frames of each class that found no room. */
  readonly refusedBy: Float64Array;
  /** Of each class: bytes that lie in its headroom, and in the pool. */
  readonly headroomUsed: Int32Array;
  readonly sharedUsed: Int32Array;

  private readonly reserved: Int32Array;
  private readonly headroom: Int32Array;
  private readonly alphas: Float64Array;
  private poolBytes = 0;
  private poolFree = 0;

  /** @throws TypeError or RangeError that names the option: the parts must fit into the whole. */
  constructor(options: PacketBufferOptions) {
    const { classes } = options;
    this.bytes = checkInteger('bytes', options.bytes, 1, 2 ** 30);
    this.classes = checkInteger('classes.length', classes.length, 1, 8);
    this.usedBy = new Int32Array(this.classes);
    this.highWaterBy = new Int32Array(this.classes);
    this.refusedBy = new Float64Array(this.classes);
    this.headroomUsed = new Int32Array(this.classes);
    this.sharedUsed = new Int32Array(this.classes);
    this.reserved = new Int32Array(this.classes);
    this.headroom = new Int32Array(this.classes);
    this.alphas = new Float64Array(this.classes);
    let pool = this.bytes;
    for (const [i, { reservedBytes = 0, headroomBytes = 0, alpha = Infinity }] of classes.entries()) {
      pool -= checkInteger(`classes[${i}].reservedBytes`, reservedBytes, 0, pool);
      pool -= checkInteger(`classes[${i}].headroomBytes`, headroomBytes, 0, pool);
      this.reserved[i] = reservedBytes;
      this.headroom[i] = headroomBytes;
      this.alphas[i] = alpha === Infinity ? alpha : checkNumber(`classes[${i}].alpha`, alpha, 0, 2 ** 20);
    }
    this.poolBytes = pool;
    this.poolFree = pool;
  }

  /** Bytes of the shared pool, and those that are free. */
  get shared(): number {
    return this.poolBytes;
  }

  get sharedFree(): number {
    return this.poolFree;
  }

  /** Takes room for a frame; false, and nothing taken, if there is none. */
  admit(frameClass: number, bytes: number, fromWire: boolean): boolean {
    const headroom = this.headroomFor(frameClass, bytes, fromWire);
    if (headroom < 0) {
      this.refusedBy[frameClass]++;
      return false;
    }
    const before = this.usedBy[frameClass];
    const used = before + bytes;
    const pool = bytes - headroom - this.fromReserved(frameClass, bytes);
    this.headroomUsed[frameClass] += headroom;
    this.sharedUsed[frameClass] += pool;
    this.poolFree -= pool;
    this.usedBy[frameClass] = used;
    if (used > this.highWaterBy[frameClass]) this.highWaterBy[frameClass] = used;
    this.used += bytes;
    if (this.used > this.highWater) this.highWater = this.used;
    return true;
  }

  /** Takes over bytes that lie in the buffer already, whether there is room for them or not. */
  adopt(frameClass: number, bytes: number): void {
    const reserved = this.fromReserved(frameClass, bytes);
    const pool = Math.min(bytes - reserved, Math.max(0, this.poolFree));
    this.headroomUsed[frameClass] += bytes - reserved - pool;
    this.sharedUsed[frameClass] += pool;
    this.poolFree -= pool;
    this.usedBy[frameClass] += bytes;
    this.used += bytes;
    this.highWaterBy[frameClass] = Math.max(this.highWaterBy[frameClass], this.usedBy[frameClass]);
    this.highWater = Math.max(this.highWater, this.used);
  }

  /** Whether {@link PacketBuffer.admit} would take the frame. */
  hasRoomFor(frameClass: number, bytes: number, fromWire: boolean): boolean {
    return this.headroomFor(frameClass, bytes, fromWire) >= 0;
  }

  /** Whether {@link PacketBuffer.hasRoomFor} could ever say so of a frame that is not from the wire. */
  couldHold(frameClass: number, bytes: number): boolean {
    const rest = bytes - this.reserved[frameClass];
    const most = Math.min(this.poolBytes, Math.floor(this.alphas[frameClass] * this.poolBytes));
    return rest <= 0 || rest <= most;
  }

  /** Gives back what a frame took. */
  release(frameClass: number, bytes: number): void {
    let left = bytes;
    const fromHeadroom = Math.min(left, this.headroomUsed[frameClass]);
    this.headroomUsed[frameClass] -= fromHeadroom;
    left -= fromHeadroom;
    const fromPool = Math.min(left, this.sharedUsed[frameClass]);
    this.sharedUsed[frameClass] -= fromPool;
    this.poolFree += fromPool;
    this.usedBy[frameClass] -= bytes;
    this.used -= bytes;
  }

  /** Bytes that a class may have in all without its headroom, as things are now. */
  limitOf(frameClass: number): number {
    return this.reserved[frameClass] + this.shareOf(frameClass);
  }

  /** Bytes of a class that do not lie in its headroom. */
  countedOf(frameClass: number): number {
    return this.usedBy[frameClass] - this.headroomUsed[frameClass];
  }

  /** Marks of the most there has been, and frames refused, begin anew. */
  resetCounters(): void {
    this.highWater = this.used;
    this.highWaterBy.set(this.usedBy);
    this.refusedBy.fill(0);
  }

  /** Most of the pool that a class may have now: never less than what it has. */
  private shareOf(frameClass: number): number {
    const alpha = this.alphas[frameClass];
    const has = this.sharedUsed[frameClass];
    if (alpha === Infinity) return has + this.poolFree;
    return Math.max(has, Math.min(has + this.poolFree, Math.floor(alpha * this.poolFree)));
  }

  private fromReserved(frameClass: number, bytes: number): number {
    const inReserved = this.usedBy[frameClass] - this.headroomUsed[frameClass] - this.sharedUsed[frameClass];
    return Math.min(bytes, this.reserved[frameClass] - inReserved);
  }

  /** Bytes of headroom that a frame would need; -1 if it has no room. */
  private headroomFor(frameClass: number, bytes: number, fromWire: boolean): number {
    const rest = bytes - this.fromReserved(frameClass, bytes);
    if (rest === 0) return 0;
    const has = this.sharedUsed[frameClass];
    // The threshold is compared with what the class would have, the pool with what is free before it has it.
    if (rest <= this.poolFree && has + rest <= this.shareOf(frameClass)) return 0;
    const free = this.headroom[frameClass] - this.headroomUsed[frameClass];
    return fromWire && rest <= free ? rest : -1;
  }
}

import Denque from 'denque';
import { checkInteger, type PhysicalMemory } from '../../base/index.ts';
import type { WalkClock } from '../walk-unit.ts';
import { EIME, IRTA_SIZE_MASK, pageOf } from './bits.ts';
import { Delayed } from './delayed.ts';
import {
  compatibilityInterrupt,
  ENTRY_BYTES,
  entryIndex,
  INTERRUPT_BASE,
  INTERRUPT_END,
  type Interrupt,
  InterruptEntry,
  InterruptFaultReason,
  isRemappable,
  requestReserved,
} from './interrupt-entry.ts';
import { PostedInterrupts } from './posted-interrupts.ts';

/** Takes interrupts that were let through. */
export type InterruptSink = (interrupt: Interrupt) => void;

/** Takes the interrupts that were refused, to record them. */
export type InterruptRefusal = (sourceId: number, index: number, reason: InterruptFaultReason) => void;

/** A request that waits for its turn. */
interface Request {
  readonly sourceId: number;
  readonly address: number;
  readonly data: number;
}

/**
 * Interrupt remapping (VT-d 5): what a function writes to 0xFEEx_xxxx names an entry of a table in memory, and the entry
 * says which vector of which processor that is, and who may ask for it. Entries that were read are cached until they
 * are invalidated; those that refuse everybody are not. Requests are served one behind the other, in order of
 * arrival, so that none overtakes another of its source.
 */
export class InterruptRemapper {
  /** IRES. */
  isEnabled = false;
  /** CFIS: requests in compatibility format pass. */
  passesCompatibility = false;
  /** Requests. */
  requests = 0;
  /** Requests that found their entry cached. */
  hits = 0;
  /** Requests whose entry was read. */
  misses = 0;
  refused = 0;
  readonly posted: PostedInterrupts;
  private readonly memory: PhysicalMemory;
  private readonly memoryLimit: number;
  private readonly canPost: boolean;
  private readonly refuse: InterruptRefusal;
  private readonly sink: InterruptSink;
  private readonly capacity: number;
  private readonly isTimed: boolean;
  private readonly readDelay: Delayed;
  /** Cached entries by index, the one that was used last at the end. */
  private readonly cache = new Map<number, InterruptEntry>();
  private readonly queue = new Denque<Request>();
  private isReading = false;
  /** The request that is posted while its descriptor is read, and the entry by which it is. */
  private posting: { readonly request: Request; readonly entry: InterruptEntry } | null = null;
  private table = 0;
  private entries = 2;
  private isExtended = false;

  constructor(
    memory: PhysicalMemory,
    memoryLimit: number,
    capacity: number,
    canPost: boolean,
    refuse: InterruptRefusal,
    sink: InterruptSink,
    clock: WalkClock | null,
    name: string,
    memoryAccessPs: number,
  ) {
    this.memory = memory;
    this.memoryLimit = memoryLimit;
    this.capacity = capacity;
    this.canPost = canPost;
    this.refuse = refuse;
    this.sink = sink;
    this.posted = new PostedInterrupts(memory, memoryLimit);
    this.isTimed = clock !== null;
    this.readDelay = new Delayed(clock, `${name}.entry`, memoryAccessPs, () => this.memoryRead());
  }

  /** SIRTP: takes the table over that IRTA leads to. The cache keeps what it holds. */
  setTable(low: number, high: number): void {
    this.table = pageOf(low, high);
    this.entries = 2 << (low & IRTA_SIZE_MASK);
    this.isExtended = (low & EIME) !== 0;
  }

  /**
   * Takes a request; the sink is called when its entry has been read.
   *
   * @throws RangeError for an address that is none of interrupts.
   */
  send(sourceId: number, address: number, data: number): void {
    checkRequest(sourceId, address);
    this.queue.push({ sourceId, address, data });
    if (!this.isReading) this.serve();
  }

  /**
   * What becomes of a request, at once: the interrupt that reaches a processor, or null if it was refused or posted
   * without a notification.
   *
   * @throws RangeError for an address that is none of interrupts.
   */
  remap(sourceId: number, address: number, data: number): Interrupt | null {
    checkRequest(sourceId, address);
    const outcome = this.look(sourceId, address, data);
    return outcome instanceof InterruptEntry ? this.post({ sourceId, address, data }, outcome) : outcome;
  }

  /** The interrupt, null if it is refused, or the entry by which it is to be posted. */
  private look(sourceId: number, address: number, data: number): Interrupt | InterruptEntry | null {
    this.requests++;
    if (!this.isEnabled) return compatibilityInterrupt(sourceId, address, data);
    if (!isRemappable(address)) {
      // With destinations of 32 bits this format cannot say whom it means.
      if (this.passesCompatibility && !this.isExtended)
        return compatibilityInterrupt(sourceId, address, data);
      return this.deny(sourceId, 0, InterruptFaultReason.COMPATIBILITY_BLOCKED);
    }
    const index = entryIndex(address, data);
    if (requestReserved(address, data)) {
      return this.deny(sourceId, index, InterruptFaultReason.REQUEST_RESERVED);
    }
    if (index >= this.entries) return this.deny(sourceId, index, InterruptFaultReason.INDEX_TOO_LARGE);
    const entry = this.entryAt(index);
    if (entry === null) return this.deny(sourceId, index, InterruptFaultReason.TABLE_INACCESSIBLE);
    const reason =
      entry.problem(this.isExtended, this.canPost) ||
      (entry.admits(sourceId) ? 0 : InterruptFaultReason.SOURCE_NOT_VERIFIED);
    if (reason !== 0) return this.deny(sourceId, index, reason, entry.isSilent);
    return entry.isPosted ? entry : entry.interrupt(sourceId, this.isExtended);
  }

  private post({ sourceId, address, data }: Request, entry: InterruptEntry): Interrupt | null {
    const outcome = this.posted.post(entry, sourceId, this.isExtended);
    if (typeof outcome !== 'number') return outcome;
    return this.deny(sourceId, entryIndex(address, data), outcome, entry.isSilent);
  }

  /** Interrupt entry cache invalidation: 2^`mask` entries from `index` on, rounded down to a multiple of that. */
  invalidate(index: number, mask: number): void {
    const first = (index >>> mask) << mask;
    const end = first + 2 ** mask;
    for (const held of [...this.cache.keys()]) if (held >= first && held < end) this.cache.delete(held);
  }

  /** Forgets all entries. */
  invalidateAll(): void {
    this.cache.clear();
  }

  /** As after power-on. Requests that wait are dropped. */
  reset(): void {
    this.isEnabled = false;
    this.passesCompatibility = false;
    this.requests = 0;
    this.hits = 0;
    this.misses = 0;
    this.refused = 0;
    this.posted.reset();
    this.cache.clear();
    this.queue.clear();
    this.readDelay.cancel();
    this.isReading = false;
    this.posting = null;
    this.setTable(0, 0);
  }

  /** Serves requests until one has to wait for memory. */
  private serve(): void {
    for (let request = this.queue.peekFront(); request !== undefined; request = this.queue.peekFront()) {
      if (this.isTimed && this.needsRead(request)) {
        this.read();
        return;
      }
      this.deliver();
      if (this.isReading) return;
    }
  }

  private read(): void {
    this.isReading = true;
    this.readDelay.start();
  }

  /** Memory has answered: with an entry, or with the descriptor of one that posts. */
  private memoryRead(): void {
    this.isReading = false;
    const { posting } = this;
    this.posting = null;
    if (posting === null) this.deliver();
    else this.finish(this.post(posting.request, posting.entry));
    if (!this.isReading) this.serve();
  }

  /**
   * What becomes of the first request, whose entry is there. It gives up its place first: whoever is told of its end or of its
   * fault may send another.
   */
  private deliver(): void {
    const request = this.queue.shift();
    if (request === undefined) return;
    const outcome = this.look(request.sourceId, request.address, request.data);
    if (!(outcome instanceof InterruptEntry)) this.finish(outcome);
    else if (!this.isTimed) this.finish(this.post(request, outcome));
    else {
      this.posting = { request, entry: outcome };
      this.read();
    }
  }

  private finish(interrupt: Interrupt | null): void {
    if (interrupt !== null) this.sink(interrupt);
  }

  private needsRead({ address, data }: Request): boolean {
    if (!this.isEnabled || !isRemappable(address) || requestReserved(address, data)) return false;
    const index = entryIndex(address, data);
    return index < this.entries && !this.cache.has(index);
  }

  /** The entry, from the cache or from memory; null if it cannot be read. */
  private entryAt(index: number): InterruptEntry | null {
    const { cache, memory } = this;
    const cached = cache.get(index);
    if (cached !== undefined) {
      this.hits++;
      cache.delete(index);
      cache.set(index, cached);
      return cached;
    }
    const at = this.table + index * ENTRY_BYTES;
    if (at + ENTRY_BYTES > this.memoryLimit) return null;
    this.misses++;
    const entry = new InterruptEntry(
      memory.read32(at),
      memory.read32(at + 4),
      memory.read32(at + 8),
      memory.read32(at + 12),
    );
    if (entry.problem(this.isExtended, this.canPost) === 0) {
      if (cache.size === this.capacity) cache.delete(cache.keys().next().value as number);
      cache.set(index, entry);
    }
    return entry;
  }

  private deny(sourceId: number, index: number, reason: InterruptFaultReason, isSilent = false): null {
    this.refused++;
    if (!isSilent) this.refuse(sourceId, index & 0xffff, reason);
    return null;
  }
}

function checkRequest(sourceId: number, address: number): void {
  checkInteger('sourceId', sourceId, 0, 0xffff);
  checkInteger('address', address, INTERRUPT_BASE, INTERRUPT_END - 1);
}

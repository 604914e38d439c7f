import type { PhysicalMemory } from '../../base/index.ts';
import type { RegisterFile } from '../../registers/index.ts';
import type { WalkClock } from '../walk-unit.ts';
import { IQE, ITE, pageOf, QS_MASK, QUEUE_INDEX_MASK, QUEUE_SHIFT } from './bits.ts';
import { Delayed } from './delayed.ts';
import type { OutstandingInvalidations } from './device-tlbs.ts';
import {
  DESCRIPTOR_BYTES,
  DescriptorType,
  descriptorError,
  deviceTlbBytes,
  QueueError,
  WAIT_FENCE,
  WAIT_INTERRUPT,
  WAIT_STATUS_WRITE,
} from './invalidation-descriptor.ts';
import type { Invalidator } from './invalidator.ts';

/** Who is told what the queue has to say. */
export interface QueueListener {
  /** The descriptor at the head cannot be carried out. */
  queueFailed(reason: QueueError): void;
  /** A wait descriptor that asks for an interrupt is complete. */
  waitCompleted(): void;
}

/** A wait descriptor that is not complete. */
interface Wait {
  readonly flags: number;
  readonly data: number;
  readonly address: number;
  /** Number of the first device-TLB invalidation that it does not wait for. */
  readonly behind: number;
}

const FIRST_ENTRIES = 256;

/**
 * The invalidation queue (VT-d 6.5.2): a ring of descriptors in memory, which software fills and IQT tells of. One
 * is fetched behind the other, a memory access each, and has taken effect before the next is fetched. A wait descriptor
 * writes its status when all before it have been carried out, answers of device TLBs among them; with a fence
 * nothing behind it is fetched before. At a descriptor that is none the queue stops with its head there, until
 * software has cleared IQE.
 */
export class InvalidationQueue {
  /** Descriptors carried out, by type. */
  readonly done = new Float64Array(8);
  statusWrites = 0;
  /** Status writes to where no memory is. */
  statusWritesLost = 0;
  errors = 0;
  /** Descriptors that were in the queue when it was switched off. */
  dropped = 0;
  private readonly file: RegisterFile;
  private readonly memory: PhysicalMemory;
  private readonly memoryLimit: number;
  private readonly invalidator: Invalidator;
  private readonly outstanding: OutstandingInvalidations;
  private readonly listener: QueueListener;
  private readonly fetchDelay: Delayed;
  private readonly statusDelay: Delayed;
  private readonly faultStatus: number;
  private readonly headSlot: number;
  private readonly tailSlot: number;
  private isEnabled = false;
  private base = 0;
  private entries = FIRST_ENTRIES;
  private head = 0;
  private isResuming = false;
  private isFetching = false;
  private isWriting = false;
  private isFenced = false;
  private waits: Wait[] = [];

  constructor(
    file: RegisterFile,
    memory: PhysicalMemory,
    memoryLimit: number,
    invalidator: Invalidator,
    outstanding: OutstandingInvalidations,
    listener: QueueListener,
    clock: WalkClock | null,
    name: string,
    memoryAccessPs: number,
  ) {
    this.file = file;
    this.memory = memory;
    this.memoryLimit = memoryLimit;
    this.invalidator = invalidator;
    this.outstanding = outstanding;
    this.listener = listener;
    this.faultStatus = file.slot('FSTS_REG');
    this.headSlot = file.slot('IQH_REG');
    this.tailSlot = file.slot('IQT_REG');
    this.fetchDelay = new Delayed(clock, `${name}.fetch`, memoryAccessPs, () => this.fetched());
    this.statusDelay = new Delayed(clock, `${name}.status`, memoryAccessPs, () => this.statusWritten());
    file.onWrite('IQT_REG', () => this.resume());
  }

  /** QIE: begins with the first descriptor of the queue that IQA leads to, or forgets what there is. */
  enable(on: boolean): void {
    if (this.isEnabled) this.dropped += (this.tail - this.head + this.entries) % this.entries;
    this.stop();
    this.waits = [];
    this.isWriting = false;
    this.statusDelay.cancel();
    this.outstanding.clear();
    this.isEnabled = on;
    this.moveTo(0);
    if (!on) return;
    const low = this.file.get('IQA_REG');
    this.base = pageOf(low, this.file.get('IQA_REG_HI'));
    this.entries = FIRST_ENTRIES << (low & QS_MASK);
    this.resume();
  }

  /** As after power-on. */
  reset(): void {
    this.isEnabled = false;
    this.enable(false);
    this.done.fill(0);
    this.statusWrites = 0;
    this.statusWritesLost = 0;
    this.errors = 0;
    this.dropped = 0;
  }

  /** Goes on where it is, if it may: after a new tail, and when software has cleared what it stopped for. */
  resume(): void {
    // Without a scheduler a fetch is done when its start returns: the loop below goes on, not another one inside it.
    if (this.isResuming) return;
    this.isResuming = true;
    while (this.mayFetch()) {
      if (this.tail >= this.entries) {
        this.fail(QueueError.TAIL);
        break;
      }
      this.isFetching = true;
      this.fetchDelay.start();
    }
    this.isResuming = false;
  }

  /** A device TLB has answered. */
  answered(): void {
    this.completeWaits();
  }

  /** A device TLB has not answered in time: waits are never completed, and nothing is fetched before ITE is cleared. */
  abort(): void {
    this.waits = [];
    this.isWriting = false;
    this.statusDelay.cancel();
    this.stop();
  }

  private get tail(): number {
    return (this.file.values[this.tailSlot] >>> QUEUE_SHIFT) & QUEUE_INDEX_MASK;
  }

  private mayFetch(): boolean {
    if (!this.isEnabled || this.isFetching || this.isFenced) return false;
    return (this.file.values[this.faultStatus] & (IQE | ITE)) === 0 && this.tail !== this.head;
  }

  private stop(): void {
    this.fetchDelay.cancel();
    this.isFetching = false;
    this.isFenced = false;
  }

  private moveTo(head: number): void {
    this.head = head;
    this.file.values[this.headSlot] = head << QUEUE_SHIFT;
  }

  private fail(reason: QueueError): void {
    this.errors++;
    this.listener.queueFailed(reason);
  }

  private fetched(): void {
    this.isFetching = false;
    const at = this.base + this.head * DESCRIPTOR_BYTES;
    const { memory } = this;
    if (at + DESCRIPTOR_BYTES > this.memoryLimit) {
      this.fail(QueueError.FETCH);
      return;
    }
    const w0 = memory.read32(at);
    const error = this.carryOut(w0, memory.read32(at + 4), memory.read32(at + 8), memory.read32(at + 12));
    if (error !== 0) {
      this.fail(error);
      return;
    }
    this.done[w0 & 0xf]++;
    this.moveTo((this.head + 1) % this.entries);
    this.completeWaits();
    this.resume();
  }

  private carryOut(w0: number, w1: number, w2: number, w3: number): QueueError | 0 {
    const error = descriptorError(w0, w1, w2, w3);
    if (error !== 0) return error;
    const granularity = (w0 >>> 4) & 3;
    const domain = w0 >>> 16;
    const { invalidator } = this;
    switch (w0 & 0xf) {
      case DescriptorType.CONTEXT_CACHE:
        return done(invalidator.contexts(granularity, domain, w1 & 0xffff, (w1 >>> 16) & 3));
      case DescriptorType.IOTLB: {
        const leavesOnly = (w2 & (1 << 6)) !== 0;
        return done(invalidator.translations(granularity, domain, pageOf(w2, w3), w2 & 0x3f, leavesOnly));
      }
      case DescriptorType.DEVICE_TLB: {
        const bytes = deviceTlbBytes(w2, w3);
        const address = Math.floor(pageOf(w2, w3) / bytes) * bytes;
        return this.outstanding.begin(w1 & 0xffff, address, bytes) ? 0 : QueueError.TYPE;
      }
      case DescriptorType.INTERRUPT_ENTRIES:
        return done(invalidator.interrupts((w0 & (1 << 4)) === 0, w1 & 0xffff, w0 >>> 27));
      default:
        this.wait(w0, w1, w2, w3);
        return 0;
    }
  }

  private wait(w0: number, w1: number, w2: number, w3: number): void {
    const address = (w2 >>> 0) + (w3 >>> 0) * 2 ** 32;
    this.waits.push({ flags: w0, data: w1, address, behind: this.outstanding.next });
    if ((w0 & WAIT_FENCE) !== 0) this.isFenced = true;
  }

  /** Completes the waits for which nothing is outstanding any more, in their order. */
  private completeWaits(): void {
    while (!this.isWriting && this.waits.length > 0) {
      const [wait] = this.waits;
      if (this.outstanding.isOpenBefore(wait.behind)) return;
      if ((wait.flags & WAIT_STATUS_WRITE) === 0) this.completeFirst();
      else {
        this.isWriting = true;
        this.statusDelay.start();
      }
    }
  }

  private statusWritten(): void {
    const { address, data } = this.waits[0];
    this.isWriting = false;
    if (address + 4 <= this.memoryLimit) {
      this.memory.write32(address, data);
      this.statusWrites++;
    } else this.statusWritesLost++;
    this.completeFirst();
    this.completeWaits();
  }

  private completeFirst(): void {
    const [{ flags }] = this.waits.splice(0, 1);
    if ((flags & WAIT_INTERRUPT) !== 0) this.listener.waitCompleted();
    if ((flags & WAIT_FENCE) === 0) return;
    this.isFenced = false;
    this.resume();
  }
}

/** What became of a descriptor whose invalidation gives its granularity, 0 for one that there is not. */
function done(granularity: number): QueueError | 0 {
  return granularity === 0 ? QueueError.RESERVED : 0;
}

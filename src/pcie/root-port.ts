import { ceilPowerOfTwo, IntRing, type SparseMemory } from '../base/index.ts';
import type { Component, Scheduler } from '../kernel/index.ts';
import type { PcieLink } from './link.ts';
import type { LinkDirection, TlpReceiver } from './link-direction.ts';
import {
  CompletionStatus,
  CREDIT_BYTES,
  completionCount,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  HEADER_3DW_BYTES,
  spanOf,
  TlpKind,
} from './tlp.ts';
import type { DeviceStore, Tlp, TlpPool } from './tlp-pool.ts';

/** Answer of {@link AddressTranslator.lookup}: only a walk can tell. */
export const TRANSLATION_MISS = -1;
/** Answer of {@link AddressTranslator.lookup}: the request is refused. */
export const TRANSLATION_FAULT = -2;

/** Translates the addresses of DMA requests: an IOMMU, or nothing at all. */
export interface AddressTranslator {
  /** Physical address, {@link TRANSLATION_MISS} if only a walk can tell, {@link TRANSLATION_FAULT} if it is refused. */
  lookup(routingId: number, address: number, isWrite: boolean): number;
  /** Walks the tables; {@link TranslationClient.translated} is called when the walk has ended. */
  walk(routingId: number, address: number, isWrite: boolean, client: TranslationClient, cookie: number): void;
}

/** Who waits for a walk. */
export interface TranslationClient {
  translated(cookie: number, physicalAddress: number): void;
}

/** Takes interrupt messages: Memory Writes to 0xFEEx_xxxx. */
export interface InterruptTarget {
  message(routingId: number, address: number, data: number): void;
}

/** Where a posted request came from: told when its payload has been taken. */
export interface PostedOrigin {
  landed(client: number, cookie: number): void;
}

/** Timing and splitting of a root port. */
export interface RootPortOptions {
  /** From a read's translation to its data, in ps. */
  readonly memoryReadPs: number;
  /** Max_Payload_Size in force: the largest completion. */
  readonly maxPayloadBytes: number;
  /** Read Completion Boundary: 64 or 128. */
  readonly readCompletionBoundary: number;
  /** Bytes of memory in front of this root port: requests beyond are unsupported. */
  readonly isMemory: (address: number, bytes: number) => boolean;
  /** Told of each write to memory: for software that watches it. Default: nobody is told. */
  readonly written?: (address: number) => void;
}

/** First address of the range that interrupt messages are written to. */
export const MESSAGE_BASE = 0xfee0_0000;
/** Size of that range. */
export const MESSAGE_BYTES = 0x10_0000;

// The names of this file's own: V8 loads and checks an exported constant at each use, one of the module itself is in the code.
const { MEMORY_READ, MEMORY_WRITE, COMPLETION_DATA } = TlpKind;
const { POSTED, NON_POSTED, COMPLETION } = FlowClass;
const { SUCCESSFUL } = CompletionStatus;
const MISS = TRANSLATION_MISS;
const FIRST_MESSAGE = MESSAGE_BASE;
const BEHIND_MESSAGES = MESSAGE_BASE + MESSAGE_BYTES;
/** Overhead of a completion, which has a header of three double words. */
const COMPLETION_BYTES = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES;
/** What was found to be memory is remembered in pieces of this size. */
const KNOWN_BYTES = 1 << 21;

/** Translation of a waiting train; a message needs none. */
const PENDING = 0;
const READY = 1;
const REFUSED = 2;
const MESSAGE = 3;

/**
 * The root complex's end of a link: DMA requests go through the translator to memory, in the order that PCI Express demands
 * (2.4.1): a posted request never passes another, a read never passes a posted request, and a posted request passes
 * reads that wait. A walk for one posted request holds up the ones behind it, while their own walks go on.
 */
export class RootPort implements TlpReceiver, TranslationClient, Component {
  readonly name: string;
  memoryReads = 0;
  memoryWrites = 0;
  messages = 0;
  /** Requests that translation refused, or that no memory stands behind. */
  refusedReads = 0;
  refusedWrites = 0;

  private readonly scheduler: Scheduler;
  private readonly up: LinkDirection;
  private readonly down: LinkDirection;
  private readonly tlps: TlpPool;
  private readonly memory: SparseMemory;
  private readonly translator: AddressTranslator;
  private readonly interrupts: InterruptTarget;
  private readonly options: RootPortOptions;
  private readonly written: ((address: number) => void) | null;
  private readonly memoryDone: number;
  private readonly memoryReadPs: number;
  /** Memory that was read last, and written last: from here to there nobody needs to ask what stands behind an address. */
  private readFrom = Number.NaN;
  private readTo = Number.NaN;
  private writeFrom = Number.NaN;
  private writeTo = Number.NaN;
  private origin: PostedOrigin | null = null;

  // Each has a place for every TLP there is, so that nothing that waits is ever lost.
  private readonly posted: IntRing;
  private readonly reads: IntRing;
  private readonly completions: IntRing;
  private readonly requests: IntRing;
  private postedArrived = 0;
  private postedDone = 0;
  private readonly onCompletion: (tlp: Tlp) => void;

  /** @param onCompletion takes completions of requests that software made through this port. */
  constructor(
    name: string,
    scheduler: Scheduler,
    link: PcieLink,
    tlps: TlpPool,
    memory: SparseMemory,
    translator: AddressTranslator,
    interrupts: InterruptTarget,
    options: RootPortOptions,
    onCompletion: (tlp: Tlp) => void,
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.up = link.upstream;
    this.down = link.downstream;
    this.memoryReadPs = options.memoryReadPs;
    this.tlps = tlps;
    this.memory = memory;
    this.translator = translator;
    this.interrupts = interrupts;
    this.options = options;
    this.written = options.written ?? null;
    this.onCompletion = onCompletion;
    const places = ceilPowerOfTwo(tlps.capacity);
    this.posted = new IntRing(places);
    this.reads = new IntRing(places);
    this.completions = new IntRing(places);
    this.requests = new IntRing(places);
    this.memoryDone = scheduler.task(`${name}.memory`, (row) => this.readMemory(tlps.rows[row]));
    link.upstream.receiver = this;
    link.downstream.onRoom = () => this.sendWaiting();
  }

  /** Says who is told when the payload of posted requests has been taken. */
  connect(origin: PostedOrigin): void {
    this.origin = origin;
  }

  receive(tlp: Tlp): void {
    const { kind } = tlp;
    if (kind === MEMORY_WRITE) this.receivePosted(tlp);
    else if (kind === MEMORY_READ) this.receiveRead(tlp);
    else {
      this.up.release(COMPLETION, 1, tlp.dataCredits);
      this.onCompletion(tlp);
    }
  }

  /** Sends a request of software's down the link. */
  sendDown(tlp: Tlp): void {
    if (this.requests.length > 0 || this.down.room(tlp.flowClass) === 0) {
      this.requests.push(tlp.row);
    } else {
      this.down.send(tlp);
    }
  }

  /** Requests of software's that wait for room in the transmit queues. */
  get requestsWaiting(): number {
    return this.requests.length;
  }

  /** A walk has ended. */
  translated(row: number, physicalAddress: number): void {
    const tlp = this.tlps.rows[row];
    if (tlp.kind === MEMORY_READ) {
      this.readTranslated(tlp, physicalAddress);
      return;
    }
    tlp.status = physicalAddress >= 0 ? READY : REFUSED;
    tlp.address = physicalAddress;
    this.drainPosted();
  }

  reset(): void {
    this.memoryReads = this.memoryWrites = this.messages = this.refusedReads = this.refusedWrites = 0;
  }

  counters(): Record<string, number> {
    const { memoryReads, memoryWrites, messages, refusedReads, refusedWrites } = this;
    return { memoryReads, memoryWrites, messages, refusedReads, refusedWrites };
  }

  private receivePosted(tlp: Tlp): void {
    const { address } = tlp;
    this.postedArrived = (this.postedArrived + 1) | 0;
    if (address >= FIRST_MESSAGE && address < BEHIND_MESSAGES) {
      if (this.posted.length > 0) this.queuePosted(tlp, MESSAGE);
      else this.commitMessage(tlp);
      return;
    }
    const physical = this.translator.lookup(tlp.requester, address, true);
    // The common case in one piece: it hits, nothing waits before it, and its payload is one piece of a store.
    const { bytes, store } = tlp;
    if (
      physical >= this.writeFrom &&
      physical + bytes <= this.writeTo &&
      store !== null &&
      tlp.headBytes === 0 &&
      this.posted.length === 0
    ) {
      this.postedDone = (this.postedDone + 1) | 0;
      this.memoryWrites++;
      this.memory.copyInWords(physical, bytes, store.u8, store.i32, tlp.storeOffset);
      if (this.written !== null) this.written(physical);
      this.retire(tlp);
    } else if (physical === MISS) {
      this.queuePosted(tlp, PENDING);
      this.translator.walk(tlp.requester, address, true, this, tlp.row);
    } else {
      tlp.address = physical;
      if (this.posted.length > 0) this.queuePosted(tlp, physical >= 0 ? READY : REFUSED);
      else this.commit(tlp);
    }
  }

  private queuePosted(tlp: Tlp, status: number): void {
    tlp.status = status;
    this.posted.push(tlp.row);
  }

  private drainPosted(): void {
    const { rows } = this.tlps;
    while (this.posted.length > 0) {
      const tlp = rows[this.posted.peek()];
      if (tlp.status === PENDING) break;
      this.posted.shift();
      if (tlp.status === MESSAGE) this.commitMessage(tlp);
      else this.commit(tlp);
    }
    if (this.reads.length > 0) this.startWaitingReads();
  }

  /** Writes the payload of a posted train to its address, which is physical now. */
  private commit(tlp: Tlp): void {
    const { address, bytes } = tlp;
    this.postedDone = (this.postedDone + 1) | 0;
    if (this.canWriteTo(address, bytes)) {
      this.memoryWrites++;
      const { store } = tlp;
      if (store === null) this.memory.write32(address, tlp.data);
      else this.writeStored(tlp, store);
      if (this.written !== null) this.written(address);
    } else {
      this.refusedWrites++;
    }
    this.retire(tlp);
  }

  /** Whether memory stands behind an address; then what lies around it is known to be memory from now on. */
  private canWriteTo(address: number, bytes: number): boolean {
    if (address < 0 || !this.options.isMemory(address, bytes)) return false;
    const from = Math.floor(address / KNOWN_BYTES) * KNOWN_BYTES;
    if (this.options.isMemory(from, KNOWN_BYTES)) {
      this.writeFrom = from;
      this.writeTo = from + KNOWN_BYTES;
    }
    return true;
  }

  private canReadFrom(address: number, bytes: number): boolean {
    if (address < 0 || !this.options.isMemory(address, bytes)) return false;
    const from = Math.floor(address / KNOWN_BYTES) * KNOWN_BYTES;
    if (this.options.isMemory(from, KNOWN_BYTES)) {
      this.readFrom = from;
      this.readTo = from + KNOWN_BYTES;
    }
    return true;
  }

  /** The payload of a posted train has been taken: its credits, its record and what it came from are free. */
  private retire(tlp: Tlp): void {
    const { client, cookie } = tlp;
    this.up.release(POSTED, tlp.count, tlp.dataCredits);
    this.tlps.give(tlp);
    if (this.origin !== null) this.origin.landed(client, cookie);
  }

  /** A message is one aligned double word; nothing else is behind its addresses. */
  private commitMessage(tlp: Tlp): void {
    this.postedDone = (this.postedDone + 1) | 0;
    const { address, store } = tlp;
    if (tlp.bytes !== 4 || (address & 3) !== 0) {
      this.refusedWrites++;
    } else {
      this.messages++;
      let { data } = tlp;
      if (store !== null) {
        const { u8 } = store;
        const at = tlp.storeOffset;
        data = u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24);
      }
      this.interrupts.message(tlp.requester, address, data >>> 0);
    }
    this.retire(tlp);
  }

  /** Writes what lies in a store, with a double word put in or bytes left out behind `headBytes` if that is not zero. */
  private writeStored(tlp: Tlp, { u8, i32 }: DeviceStore): void {
    const { address, bytes, headBytes } = tlp;
    const memory = this.memory;
    let to = headBytes;
    let from = tlp.storeOffset + headBytes;
    if (headBytes > 0) {
      memory.copyInWords(address, headBytes, u8, i32, tlp.storeOffset);
      from += tlp.skipBytes;
      if (tlp.inserts === 1) {
        memory.write32(address + headBytes, tlp.data);
        to += 4;
      }
    }
    memory.copyInWords(address + to, bytes - to, u8, i32, from);
  }

  private receiveRead(tlp: Tlp): void {
    tlp.postedBefore = this.postedArrived;
    const physical = this.translator.lookup(tlp.requester, tlp.address, false);
    // The common case in one piece: it hits, and nothing that it may not pass is left.
    if (
      physical >= this.readFrom &&
      physical + tlp.bytes <= this.readTo &&
      this.postedDone === this.postedArrived
    ) {
      this.up.release(NON_POSTED, tlp.count, 0);
      tlp.address = physical;
      this.memoryReads++;
      this.scheduler.schedule(this.memoryReadPs, this.memoryDone, tlp.row, 0);
    } else if (physical === MISS) this.translator.walk(tlp.requester, tlp.address, false, this, tlp.row);
    else this.readTranslated(tlp, physical);
  }

  private readTranslated(tlp: Tlp, physical: number): void {
    // The requests themselves need no buffer any more.
    this.up.release(NON_POSTED, tlp.count, 0);
    if (this.canReadFrom(physical, tlp.bytes)) {
      tlp.address = physical;
      if (((this.postedDone - tlp.postedBefore) | 0) >= 0) this.startRead(tlp);
      else this.reads.push(tlp.row);
    } else {
      this.refusedReads++;
      this.refuse(tlp);
    }
  }

  private startWaitingReads(): void {
    for (let left = this.reads.length; left > 0; left--) {
      const tlp = this.tlps.rows[this.reads.shift()];
      if (((this.postedDone - tlp.postedBefore) | 0) < 0) this.reads.push(tlp.row);
      else this.startRead(tlp);
    }
  }

  private startRead(tlp: Tlp): void {
    this.memoryReads++;
    this.scheduler.schedule(this.memoryReadPs, this.memoryDone, tlp.row, 0);
  }

  /** Memory has answered: turns a read train into the train of its completions, in the same record, and sends it. */
  private readMemory(tlp: Tlp): void {
    const { address, bytes } = tlp;
    const { u8, i32 } = tlp.store as DeviceStore;
    this.memory.copyOutWords(address, bytes, u8, i32, tlp.storeOffset);
    // Small reads, most of all, come back in one piece.
    const count = bytes <= 124 ? 1 : this.completionsOf(tlp, address, bytes);
    const span = spanOf(address, bytes);
    tlp.status = SUCCESSFUL;
    tlp.kind = COMPLETION_DATA;
    tlp.flowClass = COMPLETION;
    tlp.count = count;
    tlp.linkBytes = count * COMPLETION_BYTES + span;
    tlp.dataCredits = (span + CREDIT_BYTES - 1) >> 4;
    const { down } = this;
    if (this.completions.length === 0 && down.room(COMPLETION) > 0) down.send(tlp);
    else this.completions.push(tlp.row);
  }

  /** Unsupported Request: a completion without data for each request of the train. */
  private refuse(tlp: Tlp): void {
    tlp.status = CompletionStatus.UNSUPPORTED_REQUEST;
    tlp.kind = TlpKind.COMPLETION;
    tlp.flowClass = COMPLETION;
    tlp.linkBytes = tlp.count * COMPLETION_BYTES;
    tlp.dataCredits = 0;
    tlp.bytes = 0;
    this.completions.push(tlp.row);
    this.sendWaiting();
  }

  /** Completions of all requests of a read train: none spans two of them. */
  private completionsOf(tlp: Tlp, address: number, bytes: number): number {
    const { maxPayloadBytes, readCompletionBoundary } = this.options;
    const others = tlp.count - 1;
    if (others === 0) return completionCount(address, bytes, maxPayloadBytes, readCompletionBoundary);
    // Requests end at whole multiples of their size from the first double word on, so all but the last are cut alike.
    const start = address - (address & 3);
    const each = tlp.requestBytes;
    const last = start + others * each;
    return (
      others * completionCount(start, each, maxPayloadBytes, readCompletionBoundary) +
      completionCount(last, address + bytes - last, maxPayloadBytes, readCompletionBoundary)
    );
  }

  private sendWaiting(): void {
    const { rows } = this.tlps;
    const { down } = this;
    while (this.completions.length > 0 && down.room(COMPLETION) > 0)
      down.send(rows[this.completions.shift()]);
    while (this.requests.length > 0) {
      const tlp = rows[this.requests.peek()];
      if (down.room(tlp.flowClass) === 0) break;
      this.requests.shift();
      down.send(tlp);
    }
  }
}

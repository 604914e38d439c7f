import { ceilPowerOfTwo, IntRing, type SparseMemory } from '../base/index.ts';
import type { Component, Scheduler } from '../kernel/index.ts';
import type { PcieLink, TlpReceiver } from './link.ts';
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
import type { TlpPool } from './tlp-pool.ts';

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
  private readonly link: PcieLink;
  private readonly tlps: TlpPool;
  private readonly memory: SparseMemory;
  private readonly translator: AddressTranslator;
  private readonly interrupts: InterruptTarget;
  private readonly options: RootPortOptions;
  private readonly written: ((address: number) => void) | null;
  private readonly memoryDone: number;
  private origin: PostedOrigin | null = null;

  // Each has a place for every TLP there is, so that nothing that waits is ever lost.
  private readonly posted: IntRing;
  private readonly reads: IntRing;
  private readonly completions: IntRing;
  private readonly requests: IntRing;
  private postedArrived = 0;
  private postedDone = 0;
  private readonly onCompletion: (tlp: number) => void;

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
    onCompletion: (tlp: number) => void,
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.link = link;
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
    this.memoryDone = scheduler.task(`${name}.memory`, (tlp) =>
      this.complete(tlp, CompletionStatus.SUCCESSFUL),
    );
    link.upstream.receiver = this;
    link.downstream.onRoom = () => this.sendWaiting();
  }

  /** Says who is told when the payload of posted requests has been taken. */
  connect(origin: PostedOrigin): void {
    this.origin = origin;
  }

  receive(tlp: number): void {
    const kind = this.tlps.kind[tlp];
    if (kind === TlpKind.MEMORY_WRITE) this.receivePosted(tlp);
    else if (kind === TlpKind.MEMORY_READ) this.receiveRead(tlp);
    else {
      this.link.upstream.release(FlowClass.COMPLETION, 1, this.tlps.dataCredits[tlp]);
      this.onCompletion(tlp);
    }
  }

  /** Sends a request of software's down the link. */
  sendDown(tlp: number): void {
    if (this.requests.length > 0 || this.link.downstream.room(this.tlps.flowClass[tlp] as FlowClass) === 0) {
      this.requests.push(tlp);
    } else {
      this.link.downstream.send(tlp);
    }
  }

  /** Requests of software's that wait for room in the transmit queues. */
  get requestsWaiting(): number {
    return this.requests.length;
  }

  /** A walk has ended. */
  translated(tlp: number, physicalAddress: number): void {
    const tlps = this.tlps;
    if (tlps.kind[tlp] === TlpKind.MEMORY_READ) {
      this.readTranslated(tlp, physicalAddress);
      return;
    }
    tlps.status[tlp] = physicalAddress >= 0 ? READY : REFUSED;
    tlps.address[tlp] = physicalAddress;
    this.drainPosted();
  }

  reset(): void {
    this.memoryReads = this.memoryWrites = this.messages = this.refusedReads = this.refusedWrites = 0;
  }

  counters(): Record<string, number> {
    const { memoryReads, memoryWrites, messages, refusedReads, refusedWrites } = this;
    return { memoryReads, memoryWrites, messages, refusedReads, refusedWrites };
  }

  private receivePosted(tlp: number): void {
    const tlps = this.tlps;
    const address = tlps.address[tlp];
    this.postedArrived++;
    const isMessage = address >= MESSAGE_BASE && address < MESSAGE_BASE + MESSAGE_BYTES;
    const physical = isMessage ? address : this.translator.lookup(tlps.requester[tlp], address, true);
    if (this.posted.length === 0 && physical !== TRANSLATION_MISS) {
      this.commit(tlp, physical, isMessage);
      return;
    }
    this.posted.push(tlp);
    if (physical === TRANSLATION_MISS) {
      tlps.status[tlp] = PENDING;
      this.translator.walk(tlps.requester[tlp], address, true, this, tlp);
    } else {
      tlps.status[tlp] = isMessage ? MESSAGE : physical >= 0 ? READY : REFUSED;
      tlps.address[tlp] = physical;
    }
  }

  private drainPosted(): void {
    const tlps = this.tlps;
    while (this.posted.length > 0) {
      const tlp = this.posted.peek();
      if (tlps.status[tlp] === PENDING) break;
      this.posted.shift();
      this.commit(tlp, tlps.address[tlp], tlps.status[tlp] === MESSAGE);
    }
    if (this.reads.length > 0) this.startWaitingReads();
  }

  /** Writes the payload of a posted train where it belongs. */
  private commit(tlp: number, physical: number, isMessage: boolean): void {
    const tlps = this.tlps;
    const bytes = tlps.bytes[tlp];
    this.postedDone++;
    if (isMessage) {
      this.deliverMessage(tlp, physical, bytes);
    } else if (physical < 0 || !this.options.isMemory(physical, bytes)) {
      this.refusedWrites++;
    } else {
      this.memoryWrites++;
      this.writeMemory(tlp, physical, bytes);
      if (this.written !== null) this.written(physical);
    }
    this.link.upstream.release(FlowClass.POSTED, tlps.count[tlp], tlps.dataCredits[tlp]);
    const client = tlps.client[tlp];
    const cookie = tlps.cookie[tlp];
    tlps.give(tlp);
    if (this.origin !== null) this.origin.landed(client, cookie);
  }

  /** A message is one aligned double word; nothing else is behind its addresses. */
  private deliverMessage(tlp: number, address: number, bytes: number): void {
    const tlps = this.tlps;
    if (bytes !== 4 || (address & 3) !== 0) {
      this.refusedWrites++;
      return;
    }
    this.messages++;
    const store = tlps.store[tlp];
    let data = tlps.data[tlp];
    if (store >= 0) {
      const { u8 } = tlps.stores[store];
      const at = tlps.storeOffset[tlp];
      data = u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24);
    }
    this.interrupts.message(tlps.requester[tlp], address, data >>> 0);
  }

  private writeMemory(tlp: number, physical: number, bytes: number): void {
    const tlps = this.tlps;
    const memory = this.memory;
    const store = tlps.store[tlp];
    if (store < 0) {
      memory.write32(physical, tlps.data[tlp]);
      return;
    }
    const { u8, i32 } = tlps.stores[store];
    const offset = tlps.storeOffset[tlp];
    const head = tlps.headBytes[tlp];
    if (head === 0) {
      memory.copyInWords(physical, bytes, u8, i32, offset);
      return;
    }
    memory.copyInWords(physical, head, u8, i32, offset);
    let to = head;
    if (tlps.insert[tlp] === 1) {
      memory.write32(physical + head, tlps.data[tlp]);
      to += 4;
    }
    memory.copyInWords(physical + to, bytes - to, u8, i32, offset + head + tlps.skipBytes[tlp]);
  }

  private receiveRead(tlp: number): void {
    const tlps = this.tlps;
    tlps.postedBefore[tlp] = this.postedArrived;
    const physical = this.translator.lookup(tlps.requester[tlp], tlps.address[tlp], false);
    if (physical !== TRANSLATION_MISS) {
      this.readTranslated(tlp, physical);
      return;
    }
    this.translator.walk(tlps.requester[tlp], tlps.address[tlp], false, this, tlp);
  }

  private readTranslated(tlp: number, physical: number): void {
    const tlps = this.tlps;
    // The requests themselves need no buffer any more.
    this.link.upstream.release(FlowClass.NON_POSTED, tlps.count[tlp], 0);
    if (physical < 0 || !this.options.isMemory(physical, tlps.bytes[tlp])) {
      this.refusedReads++;
      this.complete(tlp, CompletionStatus.UNSUPPORTED_REQUEST);
      return;
    }
    tlps.address[tlp] = physical;
    if (this.postedDone < tlps.postedBefore[tlp]) this.reads.push(tlp);
    else this.startRead(tlp);
  }

  private startWaitingReads(): void {
    for (let left = this.reads.length; left > 0; left--) {
      const tlp = this.reads.shift();
      if (this.postedDone < this.tlps.postedBefore[tlp]) this.reads.push(tlp);
      else this.startRead(tlp);
    }
  }

  private startRead(tlp: number): void {
    this.memoryReads++;
    this.scheduler.schedule(this.options.memoryReadPs, this.memoryDone, tlp, 0);
  }

  /** Turns a read train into the train of its completions, in the same row, and sends it. */
  private complete(tlp: number, status: CompletionStatus): void {
    const tlps = this.tlps;
    const bytes = tlps.bytes[tlp];
    tlps.status[tlp] = status;
    tlps.flowClass[tlp] = FlowClass.COMPLETION;
    tlps.extraPs[tlp] = 0;
    const overhead = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES;
    if (status === CompletionStatus.SUCCESSFUL) {
      const address = tlps.address[tlp];
      const { u8, i32 } = tlps.stores[tlps.store[tlp]];
      this.memory.copyOutWords(address, bytes, u8, i32, tlps.storeOffset[tlp]);
      // Small reads, most of all, come back in one piece.
      const count = bytes <= 124 ? 1 : this.completionsOf(tlp, address, bytes);
      const span = spanOf(address, bytes);
      tlps.kind[tlp] = TlpKind.COMPLETION_DATA;
      tlps.count[tlp] = count;
      tlps.linkBytes[tlp] = count * overhead + span;
      tlps.dataCredits[tlp] = Math.ceil(span / CREDIT_BYTES);
    } else {
      tlps.kind[tlp] = TlpKind.COMPLETION;
      tlps.linkBytes[tlp] = tlps.count[tlp] * overhead;
      tlps.dataCredits[tlp] = 0;
      tlps.bytes[tlp] = 0;
    }
    if (this.completions.length > 0 || this.link.downstream.room(FlowClass.COMPLETION) === 0) {
      this.completions.push(tlp);
    } else {
      this.link.downstream.send(tlp);
    }
  }

  /** Completions of all requests of a read train: none spans two of them. */
  private completionsOf(tlp: number, address: number, bytes: number): number {
    const { maxPayloadBytes, readCompletionBoundary } = this.options;
    const others = this.tlps.count[tlp] - 1;
    if (others === 0) return completionCount(address, bytes, maxPayloadBytes, readCompletionBoundary);
    // Requests end at whole multiples of their size from the first double word on, so all but the last are cut alike.
    const start = address - (address & 3);
    const each = this.tlps.requestBytes[tlp];
    const last = start + others * each;
    return (
      others * completionCount(start, each, maxPayloadBytes, readCompletionBoundary) +
      completionCount(last, address + bytes - last, maxPayloadBytes, readCompletionBoundary)
    );
  }

  private sendWaiting(): void {
    const down = this.link.downstream;
    while (this.completions.length > 0 && down.room(FlowClass.COMPLETION) > 0)
      down.send(this.completions.shift());
    while (this.requests.length > 0) {
      const tlp = this.requests.peek();
      if (down.room(this.tlps.flowClass[tlp] as FlowClass) === 0) break;
      down.send(this.requests.shift());
    }
  }
}

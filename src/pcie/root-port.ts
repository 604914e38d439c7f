import { ceilPowerOfTwo, IntRing, type SparseMemory, type WordStore } from '../base/index.ts';
import type { Component, Scheduler } from '../kernel/index.ts';
import { type AddressTranslator, TRANSLATION_MISS, type TranslationClient } from './address-translator.ts';
import { completionsOfTrain } from './completion-train.ts';
import { KnownMemory } from './known-memory.ts';
import type { PcieLink } from './link.ts';
import type { LinkDirection } from './link-direction.ts';
import {
  type InterruptTarget,
  MESSAGE_BASE,
  MESSAGE_BYTES,
  type PostedOrigin,
  type RootPortOptions,
} from './root-port-options.ts';
import {
  CompletionStatus,
  CREDIT_BYTES,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  HEADER_3DW_BYTES,
  spanOf,
  TlpKind,
} from './tlp.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';
import type { TlpReceiver } from './tlp-receiver.ts';
import { recordRefusal } from './tlp-record.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const { MEMORY_READ, MEMORY_WRITE, COMPLETION_DATA } = TlpKind;
const { POSTED, NON_POSTED, COMPLETION } = FlowClass;
const { SUCCESSFUL } = CompletionStatus;
const MISS = TRANSLATION_MISS;
const span4 = spanOf;
const completionsOf = completionsOfTrain;
const FIRST_MESSAGE = MESSAGE_BASE;
const BEHIND_MESSAGES = MESSAGE_BASE + MESSAGE_BYTES;
/** Overhead of a completion, which has a header of three double words. */
const COMPLETION_BYTES = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES;
/**
 * Translation of a train that waits, or is on its way: nobody has asked yet, a walk is under way; a message
 * needs none.
 */
const UNKNOWN = -1;
const PENDING = 0;
const READY = 1;
const MESSAGE = 2;

/**
 * The root complex's end of a link: DMA requests go through the translator to memory, in the order that PCI
 * Express demands (2.4.1): a posted request never passes another, a read never passes a posted request, and a
 * posted request passes reads that wait. A walk for one posted request holds up the ones behind it, while
 * their own walks go on.
 */
export class RootPort implements TlpReceiver, TranslationClient, Component {
  readonly name: string;
  memoryReads = 0;
  /** Completion TLPs for the reads of the device. */
  completionsSent = 0;
  memoryWrites = 0;
  messages = 0;
  /** Requests that translation refused, or that no memory stands behind. */
  refusedReads = 0;
  refusedWrites = 0;
  /** Translates what arrives; whoever puts another in its place has it foresee as this one does. */
  translator: AddressTranslator;
  /** What runs when memory has answered a read, and how long that takes; another task in its place ends in `answer`. */
  foreseen: number;
  foreseenPs: number;

  private readonly scheduler: Scheduler;
  private readonly up: LinkDirection;
  private readonly down: LinkDirection;
  private readonly tlps: TlpPool;
  private readonly memory: SparseMemory;
  private readonly interrupts: InterruptTarget;
  private readonly options: RootPortOptions;
  private readonly written: ((address: number) => void) | null;
  private origin: PostedOrigin | null = null;
  /** Whether addresses are looked up when requests leave. */
  private readonly foresees: boolean;

  // Each has a place for every TLP there is, so that nothing that waits is ever lost.
  readonly posted: IntRing;
  private readonly reads: IntRing;
  private readonly completions: IntRing;
  private readonly requests: IntRing;
  // Posted trains that have left for this port, and that are done, modulo 2^32.
  private postedLeft = 0;
  private postedDone = 0;
  /** Posted trains that have left without a translation and are not done. */
  private unknown = 0;
  private readonly known: KnownMemory;
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
    this.foreseenPs = options.memoryReadPs;
    this.known = new KnownMemory(options.isMemory);
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
    this.foreseen = scheduler.task(`${name}.memory`, (index, epoch) => {
      if (epoch === this.up.epoch) this.answer(tlps.records[index], SUCCESSFUL);
      else tlps.lose(tlps.records[index]);
    });
    link.upstream.receiver = this;
    this.foresees = translator.foresee !== undefined;
    if (this.foresees) link.upstream.foresight = this;
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
    else if (kind === TlpKind.MESSAGE) this.receivePosted(tlp);
    else if (this.posted.length > 0) {
      // It passes none of the posted requests that came before it (2.4.1): who gets it sees what they wrote.
      this.hold(this.posted, tlp);
    } else this.takeCompletion(tlp);
  }

  /**
   * Looks a request's address up when it leaves: on a link requests arrive in the order in which they leave,
   * so this is the same order. A read that hits, with nothing before it that may wait for a walk, needs no
   * event at its arrival.
   */
  foresee(tlp: Tlp, delayPs: number): boolean {
    const { kind } = tlp;
    const isRead = kind === MEMORY_READ;
    if (isRead) {
      tlp.postedBefore = this.postedLeft;
      tlp.status = UNKNOWN;
      if (this.unknown > 0) return false;
    } else {
      if (tlp.flowClass !== POSTED) return false;
      this.postedLeft = (this.postedLeft + 1) | 0;
      if (tlp.address >= FIRST_MESSAGE && tlp.address < BEHIND_MESSAGES) {
        tlp.status = MESSAGE;
        return false;
      }
    }
    // One place for both kinds: what V8 puts into the code twice is twice as much to fetch.
    if (!(this.translator as Required<AddressTranslator>).foresee(tlp, !isRead)) {
      if (isRead) return false;
      tlp.status = UNKNOWN;
      this.unknown++;
      return false;
    }
    tlp.status = READY;
    if (!isRead || !this.known.holds(tlp.address, tlp.bytes)) return false;
    this.up.release(NON_POSTED, tlp.count, 0, delayPs);
    this.memoryReads++;
    return true;
  }

  /** A posted request is done although it never arrives: what was sent behind it must not wait for it. */
  lost(tlp: Tlp): void {
    if (tlp.flowClass !== POSTED || !this.foresees) return;
    this.postedDone = (this.postedDone + 1) | 0;
    if (tlp.status === UNKNOWN) this.unknown--;
    if (this.reads.length > 0) this.startWaitingReads();
  }

  private takeCompletion(tlp: Tlp): void {
    this.up.release(COMPLETION, 1, tlp.dataCredits);
    this.onCompletion(tlp);
  }

  /** Sends a request of software's down the link. */
  sendDown(tlp: Tlp): void {
    if (this.requests.length > 0 || this.down.room(tlp.flowClass) === 0) this.requests.push(tlp.index);
    else this.down.send(tlp);
  }

  /** Requests of software's that wait for room in the transmit queues. */
  get requestsWaiting(): number {
    return this.requests.length;
  }

  /** A walk has ended. */
  translated(index: number, physicalAddress: number): void {
    const tlp = this.tlps.records[index];
    if (tlp.kind === MEMORY_READ) {
      if (this.isStale(tlp)) this.tlps.lose(tlp);
      else this.readTranslated(tlp, physicalAddress);
      return;
    }
    this.unknown--;
    tlp.status = READY;
    tlp.address = physicalAddress;
    this.drainPosted();
  }

  reset(): void {
    this.completionsSent = 0;
    this.memoryReads = this.memoryWrites = this.messages = this.refusedReads = this.refusedWrites = 0;
  }

  counters(): Record<string, number> {
    const { memoryReads, completionsSent, memoryWrites, messages, refusedReads, refusedWrites } = this;
    return { memoryReads, completionsSent, memoryWrites, messages, refusedReads, refusedWrites };
  }

  private receivePosted(tlp: Tlp): void {
    if (!this.foresees) {
      this.postedLeft = (this.postedLeft + 1) | 0;
      tlp.status = tlp.address >= FIRST_MESSAGE && tlp.address < BEHIND_MESSAGES ? MESSAGE : UNKNOWN;
      if (tlp.status === UNKNOWN) this.unknown++;
    }
    if (tlp.status === UNKNOWN) this.translatePosted(tlp);
    // The common case: nothing waits before it.
    if (this.posted.length > 0 || tlp.status === PENDING) this.hold(this.posted, tlp);
    else if (tlp.status === MESSAGE) this.commitMessage(tlp);
    else this.commit(tlp);
  }

  private translatePosted(tlp: Tlp): void {
    const { requester, address } = tlp;
    const physical = this.translator.lookup(requester, address, true);
    if (physical === MISS) {
      tlp.status = PENDING;
      this.translator.walk(requester, address, true, this, tlp.index);
      return;
    }
    this.unknown--;
    tlp.status = READY;
    tlp.address = physical;
  }

  private drainPosted(): void {
    while (this.posted.length > 0) {
      const tlp = this.tlps.records[this.posted.peek()];
      const isPosted = tlp.flowClass === POSTED;
      if (isPosted && tlp.status === PENDING) break;
      this.posted.shift();
      if (!isPosted) {
        if (this.isStale(tlp)) this.tlps.lose(tlp);
        else this.takeCompletion(tlp);
      } else if (this.isStale(tlp)) {
        this.postedDone = (this.postedDone + 1) | 0;
        this.tlps.lose(tlp);
      } else if (tlp.status === MESSAGE) this.commitMessage(tlp);
      else this.commit(tlp);
    }
    if (this.reads.length > 0) this.startWaitingReads();
  }

  /** Writes the payload of a posted train to its address, which is physical now. */
  private commit(tlp: Tlp): void {
    const { address, bytes, store } = tlp;
    this.postedDone = (this.postedDone + 1) | 0;
    if (!this.known.holds(address, bytes)) {
      this.refusedWrites++;
      recordRefusal(this.up.probe, tlp, 1);
    } else {
      this.memoryWrites++;
      if (store === null) this.memory.write32(address, tlp.data);
      else if (tlp.headBytes > 0) this.writeSpliced(tlp, store);
      else this.memory.copyInWords(address, bytes, store, tlp.storeOffset);
      if (this.written !== null) this.written(address);
    }
    this.retire(tlp);
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
    if (tlp.kind === TlpKind.MESSAGE) this.options.errorMessage?.(tlp.requester, tlp.data);
    else if (tlp.bytes !== 4 || (address & 3) !== 0) {
      this.refusedWrites++;
      recordRefusal(this.up.probe, tlp, 1);
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

  /** Writes what lies in a store with a double word put in or bytes left out. */
  private writeSpliced(tlp: Tlp, store: WordStore): void {
    const { address, bytes, headBytes, storeOffset } = tlp;
    this.memory.copyInWords(address, headBytes, store, storeOffset);
    let to = headBytes;
    if (tlp.inserts === 1) {
      this.memory.write32(address + headBytes, tlp.data);
      to += 4;
    }
    this.memory.copyInWords(address + to, bytes - to, store, storeOffset + headBytes + tlp.skipBytes);
  }

  /** A read that was not foreseen. */
  private receiveRead(tlp: Tlp): void {
    if (!this.foresees) {
      tlp.postedBefore = this.postedLeft;
      tlp.status = UNKNOWN;
    }
    if (tlp.status === READY) {
      this.readTranslated(tlp, tlp.address);
      return;
    }
    const physical = this.translator.lookup(tlp.requester, tlp.address, false);
    if (physical === MISS) {
      tlp.target = this.up.epoch;
      this.translator.walk(tlp.requester, tlp.address, false, this, tlp.index);
    } else this.readTranslated(tlp, physical);
  }

  private readTranslated(tlp: Tlp, physical: number): void {
    // The requests themselves need no buffer any more.
    this.up.release(NON_POSTED, tlp.count, 0);
    tlp.address = physical;
    if (!this.known.holds(physical, tlp.bytes)) {
      this.refusedReads++;
      this.refuse(tlp);
    } else if (((this.postedDone - tlp.postedBefore) | 0) >= 0) {
      this.startRead(tlp);
    } else {
      this.hold(this.reads, tlp);
    }
  }

  /** Lets a train wait here; a reset of the link until it goes on makes it stale. */
  private hold(queue: IntRing, tlp: Tlp): void {
    tlp.target = this.up.epoch;
    queue.push(tlp.index);
  }

  /** Whether the link was reset while a train waited: nobody expects it any more, and its credits are back. */
  private isStale(tlp: Tlp): boolean {
    return tlp.target !== this.up.epoch;
  }

  private startWaitingReads(): void {
    for (let left = this.reads.length; left > 0; left--) {
      const tlp = this.tlps.records[this.reads.shift()];
      if (this.isStale(tlp)) this.tlps.lose(tlp);
      else if (((this.postedDone - tlp.postedBefore) | 0) < 0) this.reads.push(tlp.index);
      else this.startRead(tlp);
    }
  }

  private startRead(tlp: Tlp): void {
    this.memoryReads++;
    this.scheduler.schedule(this.foreseenPs, this.foreseen, tlp.index, this.up.epoch);
  }

  /**
   * Memory has answered: turns a read train into the train of its completions, in the same record, and sends it.
   *
   * @param status successful, or with poisoned data.
   */
  answer(tlp: Tlp, status: number): void {
    const { address, bytes } = tlp;
    this.memory.copyOutWords(address, bytes, tlp.store as WordStore, tlp.storeOffset);
    // Small reads, most of all, come back in one piece.
    const count =
      bytes <= 124
        ? 1
        : completionsOf(tlp, this.options.maxPayloadBytes, this.options.readCompletionBoundary);
    const span = span4(address, bytes);
    tlp.status = status;
    tlp.kind = COMPLETION_DATA;
    tlp.flowClass = COMPLETION;
    tlp.count = count;
    this.completionsSent += count;
    tlp.linkBytes = count * COMPLETION_BYTES + span;
    tlp.dataCredits = (span + CREDIT_BYTES - 1) >> 4;
    const { down } = this;
    if (this.completions.length === 0 && down.room(COMPLETION) > 0) down.send(tlp);
    else this.hold(this.completions, tlp);
  }

  /** Unsupported Request: a completion without data for each request of the train. */
  private refuse(tlp: Tlp): void {
    recordRefusal(this.up.probe, tlp, 0);
    tlp.status = CompletionStatus.UNSUPPORTED_REQUEST;
    tlp.kind = TlpKind.COMPLETION;
    tlp.flowClass = COMPLETION;
    this.completionsSent += tlp.count;
    tlp.linkBytes = tlp.count * COMPLETION_BYTES;
    tlp.dataCredits = 0;
    tlp.bytes = 0;
    this.hold(this.completions, tlp);
    this.sendWaiting();
  }

  private sendWaiting(): void {
    const { records } = this.tlps;
    const { down } = this;
    while (this.completions.length > 0 && down.room(COMPLETION) > 0) {
      const tlp = records[this.completions.shift()];
      if (this.isStale(tlp)) this.tlps.lose(tlp);
      else down.send(tlp);
    }
    while (this.requests.length > 0) {
      const tlp = records[this.requests.peek()];
      if (down.room(tlp.flowClass) === 0) break;
      this.requests.shift();
      down.send(tlp);
    }
  }
}

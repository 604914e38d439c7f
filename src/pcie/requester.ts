import { assert, IntRing, type WordStore } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import { completionWordsOf } from './header-words.ts';
import type { LinkDirection } from './link-direction.ts';
import {
  ABANDONED_CLIENT,
  type FailureListener,
  type MemoryRequest,
  type RequesterClient,
  type RequesterOptions,
} from './requester-client.ts';
import { MESSAGE_BASE } from './root-port-options.ts';
import type { RoutingId } from './routing-id.ts';
import {
  CompletionStatus,
  CREDIT_BYTES,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  HEADER_4DW_BYTES,
  memoryHeaderBytes,
  ReadOutcome,
  spanOf,
  TlpKind,
} from './tlp.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';

// Constants of this module: see "The hot path" in docs/architecture.md.
const { MEMORY_READ, MEMORY_WRITE } = TlpKind;
const { POSTED, NON_POSTED } = FlowClass;
const { SUCCESSFUL } = CompletionStatus;
const span4 = spanOf;
const headerBytes = memoryHeaderBytes;

const ABANDONED = ABANDONED_CLIENT;

/** Tags that payload reads leave to descriptor fetches, at most; a device with few tags keeps a quarter. */
const FETCH_TAGS = 8;
/** A train stays within a page of this size, as every single request must (2.2.7). */
const PAGE_BYTES = 4096;
/** log2 of {@link CREDIT_BYTES}. */
const CREDIT_SHIFT = 4;
/** Trains of one read that wait for tags, at most. */
const HELD = 1024;
/** Error messages that may wait for credits: fewer than a transmit queue has places. */
const MESSAGES_WAITING = 256;

/**
 * How far a train from `address` may go: to the end of the page, and no further than `limit` from its double
 * word.
 */
const reachOf = (address: number, limit: number): number => {
  // & takes the low 32 bits of any integer, which is all that a place in a page needs.
  const inPage = PAGE_BYTES - (address & (PAGE_BYTES - 1));
  const allowed = limit - (address & 3);
  return inPage < allowed ? inPage : allowed;
};

/** Makes a train a spliced one; see {@link MemoryRequest.headBytes}. */
const splice = (tlp: Tlp, request: MemoryRequest): void => {
  tlp.headBytes = request.headBytes;
  tlp.skipBytes = request.skipBytes;
  tlp.inserts = request.inserts;
  tlp.data = request.insert;
};

/**
 * The requester half of a device's transaction layer: makes trains of Memory Read and Memory Write TLPs,
 * splits them by Max_Read_Request_Size, Max_Payload_Size and 4 KiB, keeps the tags, and tells its clients
 * what came of it.
 */
export class Requester implements Component {
  readonly name: string;
  readsIssued = 0;
  writesIssued = 0;
  readErrors = 0;
  readonly listeners: FailureListener[] = [];

  private readonly upstream: LinkDirection;
  private readonly tlps: TlpPool;
  private readonly store: WordStore;
  private readonly clients: RequesterClient[] = [];
  private readonly tags: number;
  private readonly mps: number;
  private readonly mrrs: number;
  private readonly boundary: number;
  private readonly fetchTags: number;
  /** The longest train of reads and of writes, from a double word on: what credits and tags allow. */
  private readonly readBytes: number;
  private readonly writeBytes: number;
  /** Trains of a read that is larger than the tags allow at once. */
  private readonly held = new IntRing(HELD);
  /** Error messages since there was room for another TLP. */
  private messagesWaiting = 0;
  private readonly messageRequest: MemoryRequest = {
    routingId: 0,
    address: Number.NaN,
    bytes: 4,
    offset: 0,
    client: -1,
    cookie: 0,
    headBytes: 0,
    skipBytes: 0,
    inserts: 0,
    insert: 0,
  };
  private tagsFree: number;
  private refused = false;
  private firstAsked = 0;

  constructor(
    name: string,
    upstream: LinkDirection,
    tlps: TlpPool,
    store: WordStore,
    options: RequesterOptions,
  ) {
    this.name = name;
    this.upstream = upstream;
    this.tlps = tlps;
    this.store = store;
    this.tags = options.tags;
    this.tagsFree = options.tags;
    this.fetchTags = Math.min(FETCH_TAGS, options.tags >> 2);
    this.mps = options.maxPayloadBytes;
    this.mrrs = options.maxReadRequestBytes;
    this.boundary = options.readCompletionBoundary ?? 64;
    const posted = upstream.trainLimits(FlowClass.POSTED);
    const unit = this.mps / CREDIT_BYTES;
    if (posted.data < unit) {
      throw new RangeError(
        `posted data credits must be at least ${unit} for a Max_Payload_Size of ${this.mps}, got ${posted.data}`,
      );
    }
    this.writeBytes = Math.min(posted.headers, Math.floor(posted.data / unit)) * this.mps;
    this.readBytes = Math.min(upstream.trainLimits(FlowClass.NON_POSTED).headers, this.tags) * this.mrrs;
    upstream.onRoom = () => this.wake();
  }

  /** Makes a client known; returns the number it signs its requests with. */
  addClient(client: RequesterClient): number {
    return this.clients.push(client) - 1;
  }

  /**
   * Whether a read of `bytes` of payload can be issued now. If not, the clients are told when to ask again.
   * Some tags are left for {@link Requester.canFetch}.
   */
  canRead(bytes: number): boolean {
    return this.hasRoom(bytes, this.fetchTags);
  }

  /** Whether descriptors of `bytes` in all can be fetched now: payload reads cannot starve this. */
  canFetch(bytes: number): boolean {
    return this.hasRoom(bytes, 0);
  }

  /** Whether a write can be issued now. If not, the clients are told when to ask again. */
  canWrite(): boolean {
    // The most that one step of a client writes: a frame in three parts, one across a page boundary, two
    // write-backs, and the interrupt message behind them.
    if (this.upstream.room(POSTED) < 8) {
      this.refused = true;
      return false;
    }
    return true;
  }

  /**
   * Reads into the store. Only after {@link Requester.canRead}. Returns the number of trains it made:
   * {@link RequesterClient.readDone} comes once for each.
   */
  read(request: MemoryRequest): number {
    const { address, bytes } = request;
    const reach = reachOf(address, this.readBytes);
    if (bytes <= reach) {
      this.readTrain(request, address, bytes, request.offset);
      return 1;
    }
    return this.readPieces(request, reach);
  }

  /**
   * Writes from the store. Only after {@link Requester.canWrite}. Returns the number of trains:
   * {@link RequesterClient.writeDone} comes once for each.
   */
  write(request: MemoryRequest): number {
    const { address, bytes } = request;
    const reach = reachOf(address, this.writeBytes);
    if (bytes > reach) return this.writePieces(request, reach);
    const tlp = this.writeTrain(request, address, bytes, request.offset);
    if (request.headBytes > 0) splice(tlp, request);
    this.upstream.send(tlp);
    return 1;
  }

  /** Sends an interrupt message: a Memory Write of one double word (6.1.4). Only after {@link Requester.canWrite}. */
  message(routingId: number, address: number, data: number): void {
    const request = this.messageRequest;
    request.routingId = routingId;
    const tlp = this.writeTrain(request, address, 4, 0);
    tlp.store = null;
    tlp.data = data;
    this.upstream.send(tlp);
  }

  /**
   * Sends a message of a function to the root: a header of four double words. One of an error (2.2.8.3) may be sent at any time:
   * behind many that wait for credits it is one with them. One of INTx (2.2.8.1) must not be lost, so only after
   * {@link Requester.canWrite}.
   */
  errorMessage(routingId: number, code: number): void {
    if (this.upstream.room(POSTED) > 0) this.messagesWaiting = 0;
    else if (++this.messagesWaiting > MESSAGES_WAITING) return;
    const request = this.messageRequest;
    request.routingId = routingId;
    // Messages have no address; the root port knows interrupts and these by one.
    const tlp = this.writeTrain(request, MESSAGE_BASE, 4, 0);
    tlp.kind = TlpKind.MESSAGE;
    tlp.store = null;
    tlp.bytes = tlp.dataCredits = 0;
    tlp.linkBytes = DATA_LINK_OVERHEAD_BYTES + HEADER_4DW_BYTES;
    tlp.data = code;
    this.upstream.send(tlp);
  }

  /** A completion train has arrived from the link. */
  complete(tlp: Tlp): void {
    const { client, cookie, status } = tlp;
    if (status !== SUCCESSFUL || client >= ABANDONED) {
      this.completeFailed(tlp);
      return;
    }
    this.tagsFree += tlp.tags;
    tlp.tags = 0;
    this.tlps.give(tlp);
    if (this.held.length > 0) this.sendHeld();
    this.clients[client].readDone(cookie, status);
    if (this.refused) this.wake();
  }

  /** Whether a function has issued reads whose completions have not come. One that was reset since then has not. */
  hasPending(routingId: RoutingId): boolean {
    return this.pending().some(({ requester }) => requester === routingId);
  }

  /**
   * Functions have been reset, or have gone, by their Routing IDs: nothing comes of their reads. Those that wait for tags never
   * leave, and completions of the others are discarded.
   */
  abandon(isGone: (routingId: RoutingId) => boolean): void {
    for (const tlp of this.pending()) if (isGone(tlp.requester)) tlp.client += ABANDONED;
    this.sendHeld();
  }

  /** The completer has taken a posted train of this requester. */
  landed(client: number, cookie: number): void {
    if (client >= 0) this.clients[client].writeDone(cookie);
  }

  reset(): void {
    this.tagsFree = this.tags;
    while (this.held.length > 0) this.tlps.give(this.tlps.records[this.held.shift()]);
    this.refused = false;
    this.firstAsked = 0;
    this.readsIssued = this.writesIssued = this.readErrors = 0;
  }

  counters(): Record<string, number> {
    const { readsIssued, writesIssued, readErrors } = this;
    return { readsIssued, writesIssued, readErrors, tagsInUse: this.tags - this.tagsFree };
  }

  /** Reads that have not ended and are not abandoned. */
  private pending(): Tlp[] {
    // None waits for tags where all are free.
    if (this.tagsFree === this.tags) return [];
    const { store } = this;
    return this.tlps.records.filter((tlp) => tlp.tags > 0 && tlp.store === store && tlp.client < ABANDONED);
  }

  private completeFailed(tlp: Tlp): void {
    const { requester, client, cookie, status } = tlp;
    const header = status === ReadOutcome.POISONED ? completionWordsOf(tlp, this.mps, this.boundary) : [];
    this.tagsFree += tlp.tags;
    tlp.tags = 0;
    this.tlps.give(tlp);
    if (this.held.length > 0) this.sendHeld();
    const asker = client % ABANDONED;
    const outcome = client === asker ? status : ReadOutcome.ABANDONED;
    this.clients[asker].readDone(cookie, outcome);
    this.readErrors++;
    for (const listener of this.listeners) listener.requestFailed(requester, asker, cookie, outcome, header);
    if (this.refused) this.wake();
  }

  private hasRoom(bytes: number, keptTags: number): boolean {
    // A request may start anywhere in its page: with every page it may cross comes one request more than the
    // size alone would need. One read of any size goes when all tags are free; what finds none waits in
    // `held`.
    let tags = keptTags + 2;
    if (bytes > this.mrrs || bytes > PAGE_BYTES)
      tags = keptTags + Math.ceil(bytes / this.mrrs) + Math.ceil(bytes / PAGE_BYTES);
    if (tags > this.tags) tags = this.tags;
    if (this.tagsFree >= tags && this.held.length === 0 && this.upstream.room(NON_POSTED) >= 2 + keptTags)
      return true;
    this.refused = true;
    return false;
  }

  /** What waits for tags leaves as far as there are some; what is abandoned has ended. */
  private sendHeld(): void {
    while (this.held.length > 0) {
      const tlp = this.tlps.records[this.held.peek()];
      const isAbandoned = tlp.client >= ABANDONED;
      if (!isAbandoned && tlp.tags > this.tagsFree) break;
      this.held.shift();
      if (isAbandoned) {
        tlp.tags = 0;
        this.completeFailed(tlp);
      } else {
        this.tagsFree -= tlp.tags;
        this.upstream.send(tlp);
      }
    }
  }

  private wake(): void {
    if (!this.refused) return;
    this.refused = false;
    // Each time another client is asked first: what has become free may not be enough for two.
    const clients = this.clients;
    const first = this.firstAsked;
    this.firstAsked = first + 1 < clients.length ? first + 1 : 0;
    for (let i = first; i < clients.length; i++) clients[i].requesterReady();
    for (let i = 0; i < first; i++) clients[i].requesterReady();
  }

  /** A read that ends in another page or is longer than a train may be. */
  private readPieces(request: MemoryRequest, firstBytes: number): number {
    let { address, offset, bytes: left } = request;
    let piece = firstBytes;
    let trains = 0;
    while (left > 0) {
      this.readTrain(request, address, piece, offset);
      trains++;
      address += piece;
      offset += piece;
      left -= piece;
      piece = Math.min(left, reachOf(address, this.readBytes));
    }
    return trains;
  }

  /** A write that ends in another page or is longer than a train may be. */
  private writePieces(request: MemoryRequest, firstBytes: number): number {
    let { address, offset, bytes: left } = request;
    let piece = firstBytes;
    let trains = 0;
    while (left > 0) {
      const tlp = this.writeTrain(request, address, piece, offset);
      offset += piece;
      if (trains === 0 && request.headBytes > 0) {
        splice(tlp, request);
        offset += request.skipBytes - 4 * request.inserts;
      }
      this.upstream.send(tlp);
      trains++;
      address += piece;
      left -= piece;
      piece = Math.min(left, reachOf(address, this.writeBytes));
    }
    return trains;
  }

  private readTrain(request: MemoryRequest, address: number, bytes: number, offset: number): void {
    const tlp = this.tlps.take();
    const mrrs = this.mrrs;
    const span = span4(address, bytes);
    const count = span <= mrrs ? 1 : Math.ceil(span / mrrs);
    this.readsIssued += count;
    tlp.kind = MEMORY_READ;
    tlp.flowClass = NON_POSTED;
    tlp.requester = request.routingId;
    tlp.address = address;
    tlp.bytes = bytes;
    tlp.requestBytes = mrrs;
    tlp.count = count;
    tlp.linkBytes = count * (DATA_LINK_OVERHEAD_BYTES + headerBytes(address));
    tlp.dataCredits = 0;
    tlp.extraPs = 0;
    if (tlp.store !== this.store) tlp.store = this.store;
    tlp.storeOffset = offset;
    tlp.client = request.client;
    tlp.cookie = request.cookie;
    tlp.tags = count;
    if (this.tagsFree >= count && this.held.length === 0) {
      this.tagsFree -= count;
      this.upstream.send(tlp);
    } else {
      assert(this.held.push(tlp.index), 'a read was issued that nobody had asked room for');
    }
  }

  /** Fills in a train, ready to be sent. */
  private writeTrain(request: MemoryRequest, address: number, bytes: number, offset: number): Tlp {
    const tlp = this.tlps.take();
    const mps = this.mps;
    const span = span4(address, bytes);
    let count = 1;
    let dataCredits = (span + CREDIT_BYTES - 1) >> CREDIT_SHIFT;
    if (span > mps) {
      const full = Math.floor(span / mps);
      const rest = span - full * mps;
      count = rest > 0 ? full + 1 : full;
      dataCredits = full * (mps >> CREDIT_SHIFT) + ((rest + CREDIT_BYTES - 1) >> CREDIT_SHIFT);
    }
    this.writesIssued += count;
    tlp.kind = MEMORY_WRITE;
    tlp.flowClass = POSTED;
    tlp.requester = request.routingId;
    tlp.address = address;
    tlp.bytes = bytes;
    tlp.count = count;
    tlp.linkBytes = count * (DATA_LINK_OVERHEAD_BYTES + headerBytes(address)) + span;
    tlp.dataCredits = dataCredits;
    tlp.extraPs = 0;
    if (tlp.store !== this.store) tlp.store = this.store;
    tlp.storeOffset = offset;
    tlp.headBytes = 0;
    tlp.client = request.client;
    tlp.cookie = request.cookie;
    return tlp;
  }
}

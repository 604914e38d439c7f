import { assert, IntRing } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import type { LinkDirection } from './link.ts';
import {
  CompletionStatus,
  CREDIT_BYTES,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  memoryHeaderBytes,
  spanOf,
  TlpKind,
} from './tlp.ts';
import type { DeviceStore, TlpPool } from './tlp-pool.ts';

/** A part of a device that issues memory requests. */
export interface RequesterClient {
  /** A read has completed; its bytes lie in the store if `status` is {@link CompletionStatus}.SUCCESSFUL. */
  readDone(cookie: number, status: number): void;
  /** A write has been taken by the completer: what it came from may be used again. */
  writeDone(cookie: number): void;
  /** A request was refused before for want of tags or queue room; now there is some. */
  requesterReady(): void;
}

/** Limits under which a device issues requests. */
export interface RequesterOptions {
  /** Reads outstanding at most (PCI Express Base 2.2.6.2: 32 without extended tags). */
  readonly tags: number;
  /** Max_Payload_Size in force. */
  readonly maxPayloadBytes: number;
  /** Max_Read_Request_Size in force. */
  readonly maxReadRequestBytes: number;
}

/** Tags that payload reads leave to descriptor fetches, at most; a device with few tags keeps a quarter. */
const FETCH_TAGS = 8;
/** A train stays within a page of this size, as every single request must (2.2.7). */
const PAGE_BYTES = 4096;
/** Trains of one read that wait for tags, at most. */
const HELD = 1024;

/**
 * The requester half of a device's transaction layer: makes trains of Memory Read and Memory Write TLPs, splits them
 * by Max_Read_Request_Size, Max_Payload_Size and 4 KiB, keeps the tags, and tells its clients what came of it.
 */
export class Requester implements Component {
  readonly name: string;
  readsIssued = 0;
  writesIssued = 0;
  readErrors = 0;

  private readonly upstream: LinkDirection;
  private readonly tlps: TlpPool;
  private readonly store: number;
  private readonly clients: RequesterClient[] = [];
  private readonly tags: number;
  private readonly mps: number;
  private readonly mrrs: number;
  private readonly fetchTags: number;
  /** The longest train of reads and of writes, from a double word on: what credits and tags allow. */
  private readonly readBytes: number;
  private readonly writeBytes: number;
  /** Trains of a read that is larger than the tags allow at once. */
  private readonly held = new IntRing(HELD);
  private tagsFree: number;
  private refused = false;
  private firstAsked = 0;

  constructor(
    name: string,
    upstream: LinkDirection,
    tlps: TlpPool,
    store: DeviceStore,
    options: RequesterOptions,
  ) {
    this.name = name;
    this.upstream = upstream;
    this.tlps = tlps;
    this.store = tlps.addStore(store);
    this.tags = options.tags;
    this.tagsFree = options.tags;
    this.fetchTags = Math.min(FETCH_TAGS, options.tags >> 2);
    this.mps = options.maxPayloadBytes;
    this.mrrs = options.maxReadRequestBytes;
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
    // The most that one step of a client writes: a frame in three parts, one across a page boundary, two write-backs,
    // and the interrupt message behind them.
    if (this.upstream.room(FlowClass.POSTED) < 8) {
      this.refused = true;
      return false;
    }
    return true;
  }

  /**
   * Reads `bytes` at `address` into the store. Only after {@link Requester.canRead}. Returns the number of trains it
   * made: {@link RequesterClient.readDone} comes once for each.
   */
  read(
    routingId: number,
    address: number,
    bytes: number,
    offset: number,
    client: number,
    cookie: number,
  ): number {
    const reach = this.reach(address, this.readBytes);
    if (bytes <= reach) {
      this.readTrain(routingId, address, bytes, offset, client, cookie);
      return 1;
    }
    this.readTrain(routingId, address, reach, offset, client, cookie);
    return 1 + this.read(routingId, address + reach, bytes - reach, offset + reach, client, cookie);
  }

  /**
   * Writes `bytes` of the store to `address`. Only after {@link Requester.canWrite}. Returns the number of trains:
   * {@link RequesterClient.writeDone} comes once for each.
   */
  write(
    routingId: number,
    address: number,
    bytes: number,
    offset: number,
    client: number,
    cookie: number,
  ): number {
    const reach = this.reach(address, this.writeBytes);
    if (bytes <= reach) {
      this.upstream.send(this.writeTrain(routingId, address, bytes, offset, client, cookie));
      return 1;
    }
    this.upstream.send(this.writeTrain(routingId, address, reach, offset, client, cookie));
    return 1 + this.write(routingId, address + reach, bytes - reach, offset + reach, client, cookie);
  }

  /**
   * Writes a frame with a double word taken out or put in: `headBytes` from `offset`, then `insert` if `inserts`, then the
   * rest from `offset + headBytes + skipBytes`. `bytes` counts what is written; head and inserted word must lie within the
   * page that `address` is in.
   */
  writeSpliced(
    routingId: number,
    address: number,
    bytes: number,
    offset: number,
    headBytes: number,
    skipBytes: number,
    inserts: boolean,
    insert: number,
    client: number,
    cookie: number,
  ): number {
    const reach = this.reach(address, this.writeBytes);
    const row = this.writeTrain(routingId, address, Math.min(bytes, reach), offset, client, cookie);
    const tlps = this.tlps;
    tlps.headBytes[row] = headBytes;
    tlps.skipBytes[row] = skipBytes;
    tlps.insert[row] = inserts ? 1 : 0;
    tlps.data[row] = insert;
    this.upstream.send(row);
    if (bytes <= reach) return 1;
    const restOffset = offset + reach + skipBytes - (inserts ? 4 : 0);
    return 1 + this.write(routingId, address + reach, bytes - reach, restOffset, client, cookie);
  }

  /** Sends an interrupt message: a Memory Write of one double word (6.1.4). Only after {@link Requester.canWrite}. */
  message(routingId: number, address: number, data: number): void {
    const tlps = this.tlps;
    const row = this.writeTrain(routingId, address, 4, 0, -1, 0);
    tlps.store[row] = -1;
    tlps.data[row] = data;
    this.upstream.send(row);
  }

  /** A completion train has arrived from the link. */
  complete(tlp: number): void {
    const tlps = this.tlps;
    const client = tlps.client[tlp];
    const cookie = tlps.cookie[tlp];
    const status = tlps.status[tlp];
    this.tagsFree += tlps.tags[tlp];
    tlps.give(tlp);
    if (this.held.length > 0) this.sendHeld();
    if (status !== CompletionStatus.SUCCESSFUL) this.readErrors++;
    this.clients[client].readDone(cookie, status);
    if (this.refused) this.wake();
  }

  /** The completer has taken a posted train of this requester. */
  landed(client: number, cookie: number): void {
    if (client >= 0) this.clients[client].writeDone(cookie);
  }

  reset(): void {
    this.tagsFree = this.tags;
    while (this.held.length > 0) this.tlps.give(this.held.shift());
    this.refused = false;
    this.firstAsked = 0;
    this.readsIssued = this.writesIssued = this.readErrors = 0;
  }

  counters(): Record<string, number> {
    const { readsIssued, writesIssued, readErrors } = this;
    return { readsIssued, writesIssued, readErrors, tagsInUse: this.tags - this.tagsFree };
  }

  private hasRoom(bytes: number, keptTags: number): boolean {
    // A request may start anywhere in its page: with every page it may cross comes one request more than the size alone
    // would need. One read of any size goes when all tags are free; what finds none waits in `held`.
    const tags = Math.ceil(bytes / this.mrrs) + Math.ceil(bytes / PAGE_BYTES) + keptTags;
    if (
      this.tagsFree >= Math.min(tags, this.tags) &&
      this.held.length === 0 &&
      this.upstream.room(FlowClass.NON_POSTED) >= 2 + keptTags
    )
      return true;
    this.refused = true;
    return false;
  }

  /** How far a train from `address` may go: to the end of the page, and no further than `limit` from its double word. */
  private reach(address: number, limit: number): number {
    const inPage = PAGE_BYTES - (address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES);
    return Math.min(inPage, limit - (address & 3));
  }

  private sendHeld(): void {
    const tlps = this.tlps;
    while (this.held.length > 0 && tlps.tags[this.held.peek()] <= this.tagsFree) {
      const row = this.held.shift();
      this.tagsFree -= tlps.tags[row];
      this.upstream.send(row);
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

  private readTrain(
    routingId: number,
    address: number,
    bytes: number,
    offset: number,
    client: number,
    cookie: number,
  ): void {
    const tlps = this.tlps;
    const row = tlps.take();
    const count = Math.ceil(spanOf(address, bytes) / this.mrrs);
    this.readsIssued += count;
    tlps.kind[row] = TlpKind.MEMORY_READ;
    tlps.flowClass[row] = FlowClass.NON_POSTED;
    tlps.requester[row] = routingId;
    tlps.address[row] = address;
    tlps.bytes[row] = bytes;
    tlps.requestBytes[row] = this.mrrs;
    tlps.count[row] = count;
    tlps.linkBytes[row] = count * (DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(address));
    tlps.dataCredits[row] = 0;
    tlps.extraPs[row] = 0;
    tlps.store[row] = this.store;
    tlps.storeOffset[row] = offset;
    tlps.client[row] = client;
    tlps.cookie[row] = cookie;
    tlps.tags[row] = count;
    if (this.tagsFree >= count && this.held.length === 0) {
      this.tagsFree -= count;
      this.upstream.send(row);
    } else {
      assert(this.held.push(row), 'a read was issued that nobody had asked room for');
    }
  }

  /** Fills in a train, ready to be sent. */
  private writeTrain(
    routingId: number,
    address: number,
    bytes: number,
    offset: number,
    client: number,
    cookie: number,
  ): number {
    const tlps = this.tlps;
    const row = tlps.take();
    const mps = this.mps;
    const span = spanOf(address, bytes);
    const full = Math.floor(span / mps);
    const rest = span - full * mps;
    const count = rest > 0 ? full + 1 : full;
    this.writesIssued += count;
    tlps.kind[row] = TlpKind.MEMORY_WRITE;
    tlps.flowClass[row] = FlowClass.POSTED;
    tlps.requester[row] = routingId;
    tlps.address[row] = address;
    tlps.bytes[row] = bytes;
    tlps.count[row] = count;
    tlps.linkBytes[row] = count * (DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(address)) + span;
    tlps.dataCredits[row] = full * (mps / CREDIT_BYTES) + Math.ceil(rest / CREDIT_BYTES);
    tlps.extraPs[row] = 0;
    tlps.store[row] = this.store;
    tlps.storeOffset[row] = offset;
    tlps.headBytes[row] = 0;
    tlps.client[row] = client;
    tlps.cookie[row] = cookie;
    return row;
  }
}

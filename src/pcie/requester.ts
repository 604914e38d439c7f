import type { Component } from '../kernel/index.ts';
import type { LinkDirection } from './link.ts';
import {
  CompletionStatus,
  CREDIT_BYTES,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  HEADER_3DW_BYTES,
  memoryHeaderBytes,
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

/**
 * The requester half of a device's transaction layer: makes trains of Memory Read and Memory Write TLPs, splits them
 * by Max_Read_Request_Size, Max_Payload_Size and 4 KiB, keeps the tags, and tells its clients what came of it.
 */
export class Requester implements Component {
  readonly name: string;
  readsIssued = 0;
  writesIssued = 0;
  readErrors = 0;
  /** Requests that were not made because the function's Bus Master Enable was clear. */
  blockedByBusMaster = 0;

  readonly #upstream: LinkDirection;
  readonly #tlps: TlpPool;
  readonly #store: number;
  readonly #clients: RequesterClient[] = [];
  readonly #tags: number;
  readonly #mps: number;
  readonly #mrrs: number;
  readonly #fetchTags: number;
  #tagsFree: number;
  #refused = false;

  constructor(
    name: string,
    upstream: LinkDirection,
    tlps: TlpPool,
    store: DeviceStore,
    options: RequesterOptions,
  ) {
    this.name = name;
    this.#upstream = upstream;
    this.#tlps = tlps;
    this.#store = tlps.addStore(store);
    this.#tags = options.tags;
    this.#tagsFree = options.tags;
    this.#fetchTags = Math.min(FETCH_TAGS, options.tags >> 2);
    this.#mps = options.maxPayloadBytes;
    this.#mrrs = options.maxReadRequestBytes;
    upstream.onRoom = () => this.#wake();
  }

  /** Makes a client known; returns the number it signs its requests with. */
  addClient(client: RequesterClient): number {
    return this.#clients.push(client) - 1;
  }

  /**
   * Whether a read of `bytes` of payload (at most a page) can be issued now. If not, the clients are told when to ask again.
   * Some tags are left for {@link Requester.canFetch}.
   */
  canRead(bytes: number): boolean {
    return this.#hasRoom(bytes, this.#fetchTags);
  }

  /** Whether descriptors of `bytes` in all can be fetched now: payload reads cannot starve this. */
  canFetch(bytes: number): boolean {
    return this.#hasRoom(bytes, 0);
  }

  /** Whether a write can be issued now. If not, the clients are told when to ask again. */
  canWrite(): boolean {
    // The most that one step of a client writes: a frame in three parts, one across a page boundary, two write-backs,
    // and the interrupt message behind them.
    if (this.#upstream.room(FlowClass.POSTED) < 8) {
      this.#refused = true;
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
    const inPage = PAGE_BYTES - (address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES);
    if (bytes <= inPage) {
      this.#readTrain(routingId, address, bytes, offset, client, cookie);
      return 1;
    }
    this.#readTrain(routingId, address, inPage, offset, client, cookie);
    return 1 + this.read(routingId, address + inPage, bytes - inPage, offset + inPage, client, cookie);
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
    const inPage = PAGE_BYTES - (address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES);
    if (bytes <= inPage) {
      this.#writeTrain(routingId, address, bytes, offset, client, cookie);
      return 1;
    }
    this.#writeTrain(routingId, address, inPage, offset, client, cookie);
    return 1 + this.write(routingId, address + inPage, bytes - inPage, offset + inPage, client, cookie);
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
    const inPage = PAGE_BYTES - (address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES);
    const restAt = headBytes + (inserts ? 4 : 0);
    const row = this.#writeTrain(routingId, address, Math.min(bytes, inPage), offset, client, cookie);
    const tlps = this.#tlps;
    tlps.headBytes[row] = headBytes;
    tlps.skipBytes[row] = skipBytes;
    tlps.insert[row] = inserts ? 1 : 0;
    tlps.data[row] = insert;
    if (bytes <= inPage) return 1;
    const restOffset = offset + headBytes + skipBytes + (inPage - restAt);
    return 1 + this.write(routingId, address + inPage, bytes - inPage, restOffset, client, cookie);
  }

  /** Sends an interrupt message: a Memory Write of one double word (6.1.4). Only after {@link Requester.canWrite}. */
  message(routingId: number, address: number, data: number): void {
    const tlps = this.#tlps;
    const row = this.#writeTrain(routingId, address, 4, 0, -1, 0);
    tlps.store[row] = -1;
    tlps.data[row] = data;
  }

  /** A completion train has arrived from the link. */
  complete(tlp: number): void {
    const tlps = this.#tlps;
    const client = tlps.client[tlp];
    const cookie = tlps.cookie[tlp];
    const status = tlps.status[tlp];
    this.#tagsFree += tlps.tags[tlp];
    tlps.give(tlp);
    if (status !== CompletionStatus.SUCCESSFUL) this.readErrors++;
    this.#clients[client].readDone(cookie, status);
    if (this.#refused) this.#wake();
  }

  /** The completer has taken a posted train of this requester. */
  landed(client: number, cookie: number): void {
    if (client >= 0) this.#clients[client].writeDone(cookie);
  }

  reset(): void {
    this.#tagsFree = this.#tags;
    this.#refused = false;
    this.readsIssued = this.writesIssued = this.readErrors = this.blockedByBusMaster = 0;
  }

  counters(): Record<string, number> {
    const { readsIssued, writesIssued, readErrors, blockedByBusMaster } = this;
    return {
      readsIssued,
      writesIssued,
      readErrors,
      blockedByBusMaster,
      tagsInUse: this.#tags - this.#tagsFree,
    };
  }

  #hasRoom(bytes: number, keptTags: number): boolean {
    // A request may start anywhere in its page: two trains, with one request more than the size alone would need.
    const tags = Math.ceil(bytes / this.#mrrs) + 1;
    if (this.#tagsFree >= tags + keptTags && this.#upstream.room(FlowClass.NON_POSTED) >= 2 + keptTags)
      return true;
    this.#refused = true;
    return false;
  }

  #wake(): void {
    if (!this.#refused) return;
    this.#refused = false;
    for (const client of this.#clients) client.requesterReady();
  }

  #readTrain(
    routingId: number,
    address: number,
    bytes: number,
    offset: number,
    client: number,
    cookie: number,
  ): number {
    const tlps = this.#tlps;
    const row = tlps.take();
    const count = Math.ceil(bytes / this.#mrrs);
    this.#tagsFree -= count;
    this.readsIssued += count;
    tlps.kind[row] = TlpKind.MEMORY_READ;
    tlps.flowClass[row] = FlowClass.NON_POSTED;
    tlps.requester[row] = routingId;
    tlps.address[row] = address;
    tlps.bytes[row] = bytes;
    tlps.count[row] = count;
    tlps.linkBytes[row] = count * (DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(address));
    tlps.dataCredits[row] = 0;
    tlps.extraPs[row] = 0;
    tlps.store[row] = this.#store;
    tlps.storeOffset[row] = offset;
    tlps.client[row] = client;
    tlps.cookie[row] = cookie;
    tlps.tags[row] = count;
    this.#upstream.send(row);
    return row;
  }

  #writeTrain(
    routingId: number,
    address: number,
    bytes: number,
    offset: number,
    client: number,
    cookie: number,
  ): number {
    const tlps = this.#tlps;
    const row = tlps.take();
    const mps = this.#mps;
    const full = Math.floor(bytes / mps);
    const rest = bytes - full * mps;
    const count = rest > 0 ? full + 1 : full;
    this.writesIssued += count;
    tlps.kind[row] = TlpKind.MEMORY_WRITE;
    tlps.flowClass[row] = FlowClass.POSTED;
    tlps.requester[row] = routingId;
    tlps.address[row] = address;
    tlps.bytes[row] = bytes;
    tlps.count[row] = count;
    tlps.linkBytes[row] =
      count * (DATA_LINK_OVERHEAD_BYTES + (address >= 2 ** 32 ? HEADER_3DW_BYTES + 4 : HEADER_3DW_BYTES)) +
      bytes;
    tlps.dataCredits[row] = full * (mps / CREDIT_BYTES) + Math.ceil(rest / CREDIT_BYTES);
    tlps.extraPs[row] = 0;
    tlps.store[row] = this.#store;
    tlps.storeOffset[row] = offset;
    tlps.headBytes[row] = 0;
    tlps.client[row] = client;
    tlps.cookie[row] = cookie;
    this.#upstream.send(row);
    return row;
  }
}

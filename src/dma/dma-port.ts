import type { SparseMemory, WordStore } from '../base/index.ts';
import type { DmaRequest } from './dma-request.ts';

/** Status of a read that brought its data; every other number is a failure. */
export const DMA_OK = 0;

/** A part of a device that is told how its requests ended. */
export interface DmaClient {
  /** A train of a read has ended; its bytes lie in the device's store if `status` is {@link DMA_OK}. */
  readDone(cookie: number, status: number): void;
  /** A write train has been taken: what it came from may be used again. */
  writeDone(cookie: number): void;
  /** A request was refused for want of room; now there is some. */
  requesterReady(): void;
}

/**
 * The way to host memory as the engine sees it. On a card it is the PCIe requester; {@link MemoryDmaPort} is
 * one without a bus and without time.
 */
export interface DmaPort {
  /** Makes a client known; returns the number that it signs its requests with. */
  addClient(client: DmaClient): number;
  /** Whether a read of `bytes` of payload can be issued now. If not, the clients are told when to ask again. */
  canRead(bytes: number): boolean;
  /**
   * Whether descriptors of `bytes` in all can be fetched now. What payload leaves free is kept for this:
   * without descriptors all stands still.
   */
  canFetch(bytes: number): boolean;
  /** Whether what one step of an engine writes can be issued now. */
  canWrite(): boolean;
  /** Reads into the store; returns how many times {@link DmaClient.readDone} will come. */
  read(request: DmaRequest): number;
  /** Writes from the store; returns how many times {@link DmaClient.writeDone} will come. */
  write(request: DmaRequest): number;
}

/** Requests that {@link MemoryDmaPort} holds until they are run. */
const PENDING = 4096;
/** Places that must be free before anything is allowed: what one step of an engine may take. */
const STEP = 64;

/**
 * A {@link DmaPort} straight to memory: no bus, no translation, no time. Requests are carried out by
 * {@link MemoryDmaPort.run}, in order, which is what lets an engine run alone.
 *
 * @example
 * const frames = new FramePool({ slots: 16, extraBytes: TransmitEngine.storeBytes(1) });
 * const port = new MemoryDmaPort(memory, frames);
 * const transmit = new TransmitEngine('transmit', frames, port, new AdvancedTransmitFormat(), sink, options);
 * transmit.rings.ring(0).base = ringAddress;
 * transmit.rings.ring(0).size = 64;
 * transmit.enable(0);
 * transmit.setTail(0, 5); // five descriptors lie in memory
 * port.run(); // fetches them and their frames: sink.frameFetched is called five times
 */
export class MemoryDmaPort implements DmaPort {
  private readonly memory: SparseMemory;
  private readonly store: WordStore;
  private readonly clients: DmaClient[] = [];
  private readonly isRead = new Uint8Array(PENDING);
  private readonly client = new Int32Array(PENDING);
  private readonly cookie = new Int32Array(PENDING);
  private head = 0;
  private tail = 0;
  private refused = false;

  constructor(memory: SparseMemory, store: WordStore) {
    this.memory = memory;
    this.store = store;
  }

  addClient(client: DmaClient): number {
    return this.clients.push(client) - 1;
  }

  canRead(): boolean {
    return this.hasRoom();
  }

  canFetch(): boolean {
    return this.hasRoom();
  }

  canWrite(): boolean {
    return this.hasRoom();
  }

  read(request: DmaRequest): number {
    this.memory.copyOutWords(request.address, request.bytes, this.store, request.offset);
    this.note(1, request.client, request.cookie);
    return 1;
  }

  write(request: DmaRequest): number {
    const { memory, store } = this;
    const { address, bytes, offset, headBytes } = request;
    if (headBytes === 0) {
      memory.copyInWords(address, bytes, store, offset);
    } else {
      memory.copyInWords(address, headBytes, store, offset);
      let to = headBytes;
      if (request.inserts === 1) {
        memory.write32(address + to, request.insert);
        to += 4;
      }
      memory.copyInWords(address + to, bytes - to, store, offset + headBytes + request.skipBytes);
    }
    this.note(0, request.client, request.cookie);
    return 1;
  }

  /** Tells the clients what has been done, until nothing is left. Returns how many requests that were. */
  run(): number {
    let done = 0;
    while (this.head !== this.tail) {
      const at = this.head++ & (PENDING - 1);
      const client = this.clients[this.client[at]];
      if (this.isRead[at] === 1) client.readDone(this.cookie[at], DMA_OK);
      else client.writeDone(this.cookie[at]);
      done++;
      if (this.refused && this.hasRoom()) {
        this.refused = false;
        for (const waiting of this.clients) waiting.requesterReady();
      }
    }
    return done;
  }

  private hasRoom(): boolean {
    if (this.tail - this.head <= PENDING - STEP) return true;
    this.refused = true;
    return false;
  }

  private note(isRead: number, client: number, cookie: number): void {
    const at = this.tail++ & (PENDING - 1);
    this.isRead[at] = isRead;
    this.client[at] = client;
    this.cookie[at] = cookie;
  }
}

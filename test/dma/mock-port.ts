import type { SparseMemory, WordStore } from '../../src/base/index.ts';
import type { DmaClient, DmaPort, DmaRequest } from '../../src/dma/index.ts';

const PAGE = 4096;
/** What an engine may write at once after it has been told that it can. */
const WRITES_AT_ONCE = 8;

interface Read {
  readonly address: number;
  readonly bytes: number;
  readonly offset: number;
  readonly client: number;
  readonly cookie: number;
}

interface Write extends Read {
  /** Bytes before what is put in or left out; 0 for a plain write. */
  readonly head: number;
  readonly skip: number;
  /** Double word put in, or null. */
  readonly insert: number | null;
}

/** Limits of a {@link MockPort}. */
export interface MockLimits {
  /** Trains of reads, and of writes, under way at most. */
  readonly reads: number;
  readonly writes: number;
}

/**
 * A way to memory with little room, on which reads end in any order and writes in theirs, each when the test
 * says so. As on a link, payload leaves the store when a write is carried out, and not before; requests are
 * cut at pages.
 */
export class MockPort implements DmaPort {
  readonly reads: Read[] = [];
  readonly writes: Write[] = [];
  /** Addresses at which reads fail. */
  fails: (address: number) => boolean = () => false;
  /** Called when a request is issued, with the Routing ID it is signed with. */
  onIssue: (routingId: number) => void = () => {};
  /** Called when a write has reached memory. */
  onCommit: (address: number, bytes: number) => void = () => {};
  /** Addresses and sizes of all reads that were ever issued. */
  readonly issued: { address: number; bytes: number; routingId: number }[] = [];
  readonly #memory: SparseMemory;
  readonly #store: WordStore;
  readonly #limits: MockLimits;
  readonly #clients: DmaClient[] = [];
  #refused = false;

  constructor(memory: SparseMemory, store: WordStore, limits: MockLimits = { reads: 1000, writes: 1000 }) {
    this.#memory = memory;
    this.#store = store;
    this.#limits = limits;
  }

  addClient(client: DmaClient): number {
    return this.#clients.push(client) - 1;
  }

  canRead(bytes: number): boolean {
    return this.#noteRefusal(this.reads.length + 1 + Math.ceil(bytes / PAGE) <= this.#limits.reads - 2);
  }

  canFetch(bytes: number): boolean {
    return this.#noteRefusal(this.reads.length + 1 + Math.ceil(bytes / PAGE) <= this.#limits.reads);
  }

  canWrite(): boolean {
    return this.#noteRefusal(this.writes.length + WRITES_AT_ONCE <= this.#limits.writes);
  }

  read({ routingId, address, bytes, offset, client, cookie }: DmaRequest): number {
    this.issued.push({ address, bytes, routingId });
    this.onIssue(routingId);
    let trains = 0;
    for (const [at, count] of pages(address, bytes)) {
      this.reads.push({ address: at, bytes: count, offset: offset + at - address, client, cookie });
      trains++;
    }
    return trains;
  }

  write(request: DmaRequest): number {
    if (request.headBytes > 0) return this.#writeSpliced(request);
    const { routingId, address, bytes, offset, client, cookie } = request;
    this.onIssue(routingId);
    let trains = 0;
    for (const [at, count] of pages(address, bytes)) {
      const from = offset + at - address;
      this.writes.push({
        address: at,
        bytes: count,
        offset: from,
        client,
        cookie,
        head: 0,
        skip: 0,
        insert: null,
      });
      trains++;
    }
    return trains;
  }

  #writeSpliced(request: DmaRequest): number {
    const { routingId, address, bytes, offset, client, cookie, insert } = request;
    const { headBytes: head, skipBytes: skip } = request;
    const inserts = request.inserts === 1;
    this.onIssue(routingId);
    const added = inserts ? 4 : 0;
    let trains = 0;
    for (const [at, count] of pages(address, bytes)) {
      const done = at - address;
      const first = done === 0;
      if (first && count < head + added) throw new Error('head and inserted word must lie in the first page');
      this.writes.push({
        address: at,
        bytes: count,
        offset: first ? offset : offset + done + skip - added,
        client,
        cookie,
        head: first ? head : 0,
        skip,
        insert: first && inserts ? insert : null,
      });
      trains++;
    }
    return trains;
  }

  /** Requests under way. */
  get pending(): number {
    return this.reads.length + this.writes.length;
  }

  /** Ends the read at `index`. */
  finishRead(index = 0): void {
    const [{ address, bytes, offset, client, cookie }] = this.reads.splice(index, 1);
    const failed = this.fails(address);
    if (!failed) this.#memory.copyOut(address, bytes, this.#store.u8, offset);
    this.#clients[client].readDone(cookie, failed ? 1 : 0);
    this.#wake();
  }

  /** Carries the oldest write out. */
  finishWrite(): void {
    const write = this.writes.shift() as Write;
    const { address, bytes, offset, head, skip, insert } = write;
    const { u8 } = this.#store;
    const memory = this.#memory;
    memory.copyIn(address, head, u8, offset);
    let to = head;
    if (insert !== null) {
      memory.write32(address + to, insert);
      to += 4;
    }
    memory.copyIn(address + to, bytes - to, u8, head === 0 ? offset : offset + head + skip);
    this.onCommit(address, bytes);
    this.#clients[write.client].writeDone(write.cookie);
    this.#wake();
  }

  /**
   * Ends whatever is under way, in an order that `pick` draws (a number below its argument), until nothing is
   * left.
   */
  run(pick: (bound: number) => number = () => 0): void {
    while (this.pending > 0) this.step(pick);
  }

  /** Ends one request; false when there was none. */
  step(pick: (bound: number) => number): boolean {
    const choices = this.reads.length + (this.writes.length > 0 ? 1 : 0);
    if (choices === 0) return false;
    const choice = pick(choices);
    if (choice < this.reads.length) this.finishRead(choice);
    else this.finishWrite();
    return true;
  }

  #noteRefusal(allowed: boolean): boolean {
    if (!allowed) this.#refused = true;
    return allowed;
  }

  #wake(): void {
    if (!this.#refused) return;
    this.#refused = false;
    for (const client of this.#clients) client.requesterReady();
  }
}

/** The parts of a request page by page: address and bytes. */
function* pages(address: number, bytes: number): Generator<[number, number]> {
  let at = address;
  let left = bytes;
  while (left > 0) {
    const count = Math.min(left, PAGE - (at % PAGE));
    yield [at, count];
    at += count;
    left -= count;
  }
}

/** Who waits for a translation. */
export interface TranslationClient {
  /**
   * Called when the translation of a request has ended.
   *
   * @param cookie what the request was given.
   * @param hostPhysical a host physical address, or IOMMU_FAULT.
   */
  translated(cookie: number, hostPhysical: number): void;
}

const NONE = -1;

/**
 * Requests that wait for a translation, each on one of a fixed number of lists, in order of arrival. Its size
 * grows with the number of requests that have ever waited together; the requesters' tags and credits bound
 * that.
 */
export class RequestTable {
  routingIds = new Uint16Array(64);
  addresses = new Float64Array(64);
  writes = new Uint8Array(64);
  cookies = new Int32Array(64);
  readonly clients: (TranslationClient | null)[] = new Array(64).fill(null);
  private next = new Int32Array(64);
  private free = NONE;
  private readonly heads: Int32Array;
  private readonly tails: Int32Array;

  /** @param lists lists, numbered from 0. */
  constructor(lists: number) {
    this.heads = new Int32Array(lists);
    this.tails = new Int32Array(lists);
    this.clear();
  }

  /** A new request, on no list yet. */
  add(
    routingId: number,
    address: number,
    isWrite: boolean,
    client: TranslationClient | null,
    cookie: number,
  ): number {
    if (this.free === NONE) this.grow();
    const request = this.free;
    this.free = this.next[request];
    this.routingIds[request] = routingId;
    this.addresses[request] = address;
    this.writes[request] = isWrite ? 1 : 0;
    this.clients[request] = client;
    this.cookies[request] = cookie;
    return request;
  }

  /** Forgets a request that is on no list. */
  remove(request: number): void {
    this.clients[request] = null;
    this.next[request] = this.free;
    this.free = request;
  }

  /** Puts a request at the end of a list. */
  append(list: number, request: number): void {
    this.next[request] = NONE;
    if (this.heads[list] === NONE) this.heads[list] = request;
    else this.next[this.tails[list]] = request;
    this.tails[list] = request;
  }

  /** The first request of a list, or -1 if it is empty. */
  first(list: number): number {
    return this.heads[list];
  }

  /** Takes the first request off a list; -1 if it is empty. */
  shift(list: number): number {
    const request = this.heads[list];
    if (request !== NONE) this.heads[list] = this.next[request];
    return request;
  }

  /** Forgets every request. */
  clear(): void {
    this.heads.fill(NONE);
    this.tails.fill(NONE);
    this.clients.fill(null);
    this.free = NONE;
    this.chainFree(0);
  }

  private grow(): void {
    const size = this.next.length;
    this.routingIds = grown(this.routingIds);
    this.addresses = grown(this.addresses);
    this.writes = grown(this.writes);
    this.cookies = grown(this.cookies);
    this.next = grown(this.next);
    for (let i = size; i < 2 * size; i++) this.clients.push(null);
    this.chainFree(size);
  }

  private chainFree(from: number): void {
    const next = this.next;
    for (let request = next.length - 1; request >= from; request--) {
      next[request] = this.free;
      this.free = request;
    }
  }
}

function grown<T extends Uint8Array | Uint16Array | Int32Array | Float64Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}

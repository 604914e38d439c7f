/**
 * One request to host memory, as an engine hands it to its {@link DmaPort}. Whoever issues requests owns one of these and fills
 * it in again for each; the port reads it during the call and neither keeps nor changes it. (One record instead of ten
 * arguments, because an address above 2^31 that is passed as an argument is a new heap object.)
 */
export class DmaRequest {
  /** Routing ID that the request is signed with. */
  routingId = 0;
  /** Host address as the device addresses it. NaN makes it a double from the start. */
  address = Number.NaN;
  /** Bytes read, or written with what is put in and without what is left out. */
  bytes = 0;
  /** First byte in the store. */
  offset = 0;
  /** Number from {@link DmaPort.addClient}. */
  client = 0;
  /** Comes back with {@link DmaClient.readDone} or {@link DmaClient.writeDone}. */
  cookie = 0;
  /**
   * Above 0 for a write that is not one piece of the store: this many bytes go first, then `insert` if `inserts` is 1, then the
   * rest from `offset + headBytes + skipBytes`. Head and inserted word must lie within the page that `address` is in.
   */
  headBytes = 0;
  skipBytes = 0;
  inserts = 0;
  /** Double word put in, little-endian. */
  insert = 0;

  /** Makes it a request in one piece. Beside the hot path only: there the fields are set, so that no address is an argument. */
  of(
    routingId: number,
    address: number,
    bytes: number,
    offset: number,
    client: number,
    cookie: number,
  ): this {
    this.routingId = routingId;
    this.address = address;
    this.bytes = bytes;
    this.offset = offset;
    this.client = client;
    this.cookie = cookie;
    this.headBytes = 0;
    return this;
  }
}

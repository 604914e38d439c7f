/**
 * One request to host memory, as an engine hands it to its {@link DmaPort}. Whoever issues requests owns one
 * of these and fills it in again for each; the port reads it during the call and neither keeps nor changes
 * it.
 */
export class DmaRequest {
  /** Routing ID that the request is signed with. */
  routingId = 0;
  /** Host address as the device addresses it. */
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
   * Above 0 for a write that is not one piece of the store: this many bytes go first, then `insert` if
   * `inserts` is 1, then the rest from `offset + headBytes + skipBytes`. Head and inserted word must lie
   * within the page that `address` is in.
   */
  headBytes = 0;
  skipBytes = 0;
  inserts = 0;
  /** Double word put in, little-endian. */
  insert = 0;
}

/** What is added to the number of a client in its reads that are abandoned, see `Requester.abandon`. */
export const ABANDONED_CLIENT = 1024;

/** A part of a device that issues memory requests. */
export interface RequesterClient {
  /** A read has completed; its bytes lie in the store if `status` is {@link CompletionStatus}.SUCCESSFUL. */
  readDone(cookie: number, status: number): void;
  /** A write has been taken by the completer: what it came from may be used again. */
  writeDone(cookie: number): void;
  /** A request was refused before for want of tags or queue room; now there is some. */
  requesterReady(): void;
}

/** Who is told of requests that did not succeed. */
export interface FailureListener {
  /**
   * A read of `routingId`'s has ended with `status`, which is not successful; its client, with the cookie of its
   * request, knows already.
   *
   * @param header double words of the header of the completion that brought its data poisoned; else none.
   */
  requestFailed(
    routingId: number,
    client: number,
    cookie: number,
    status: number,
    header: readonly number[],
  ): void;
}

/**
 * What a client wants read or written. One object that the client fills in again and again, so that no
 * address is an argument.
 */
export interface MemoryRequest {
  routingId: number;
  /** Host address, as the device uses it. */
  address: number;
  bytes: number;
  /** Byte offset in the device's store where the data lie or go. */
  offset: number;
  /** Who asks, from `Requester.addClient`, and what it wants to be told. */
  client: number;
  cookie: number;
  /**
   * A write of a frame with a double word taken out or put in: `headBytes` from `offset` (0 = the write is
   * one piece), then `insert` if `inserts` is 1, then the rest from `offset + headBytes + skipBytes`. `bytes`
   * counts what is written; head and inserted word must lie within the page that `address` is in.
   */
  headBytes: number;
  skipBytes: number;
  inserts: number;
  insert: number;
}

/** Limits under which a device issues requests. */
export interface RequesterOptions {
  /** Reads outstanding at most (PCI Express Base 2.2.6.2: 32 without extended tags). */
  readonly tags: number;
  /** Max_Payload_Size in force. */
  readonly maxPayloadBytes: number;
  /** Max_Read_Request_Size in force. */
  readonly maxReadRequestBytes: number;
  /** Read Completion Boundary of who answers, 64 or 128. Default 64. */
  readonly readCompletionBoundary?: number;
}

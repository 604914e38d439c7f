/** Takes interrupt messages: Memory Writes to 0xFEEx_xxxx. */
export interface InterruptTarget {
  /** A message that Routing ID `routingId` has written: `data`, unsigned, to a double word's `address`. */
  message(routingId: number, address: number, data: number): void;
}

/** Where a posted request came from: told when its payload has been taken. */
export interface PostedOrigin {
  /** The payload of a train of `client`'s has been taken; `cookie` as in its request. */
  landed(client: number, cookie: number): void;
}

/** Timing and splitting of a root port. */
export interface RootPortOptions {
  /** From a read's translation to its data, in ps. */
  readonly memoryReadPs: number;
  /** Max_Payload_Size in force: the largest completion. */
  readonly maxPayloadBytes: number;
  /** Read Completion Boundary: 64 or 128. */
  readonly readCompletionBoundary: number;
  /** Bytes of memory in front of this root port: requests beyond are unsupported. */
  readonly isMemory: (address: number, bytes: number) => boolean;
  /** Takes error messages: the Routing ID of who sent one, and its Message Code. Default: nobody does. */
  readonly errorMessage?: (routingId: number, code: number) => void;
  /** Told of each write to memory: for software that watches it. Default: nobody is told. */
  readonly written?: (address: number) => void;
}

/** First address of the range that interrupt messages are written to. */
export const MESSAGE_BASE = 0xfee0_0000;
/** Size of that range. */
export const MESSAGE_BYTES = 0x10_0000;

/** What the engine wants to know of a transmit descriptor. */
export class TransmitDescriptor {
  /** 1 for one that describes data; others (contexts) are consumed and reported without any. */
  isData = 0;
  /** Host address of its data. NaN makes it a double from the start. */
  address = Number.NaN;
  bytes = 0;
  /** 1 for the last one of a frame. */
  endOfPacket = 0;
  /** 1 if its status is to be written back. */
  reportStatus = 0;
}

/**
 * How a chip lays out its descriptors: all have {@link DESCRIPTOR_BYTES} bytes here. `word` is the index of a
 * descriptor's first double word in the engine's cache.
 */
export interface TransmitFormat {
  /** Decodes a descriptor: sets every field of `into`. */
  read(cache: Int32Array, word: number, into: TransmitDescriptor): void;
  /** Fills in what is written back when a descriptor is done. */
  writeDone(cache: Int32Array, word: number): void;
}

/** See {@link TransmitFormat}. */
export interface ReceiveFormat {
  /** Puts the address of the buffer into `into`. */
  readAddress(cache: Int32Array, word: number, into: { address: number }): void;
  /**
   * Replaces the descriptor by its write-back form.
   *
   * @param bytes bytes in this buffer.
   * @param tci tag taken out of the frame, or -1.
   * @param slot that the frame is in.
   */
  writeBack(
    cache: Int32Array,
    word: number,
    bytes: number,
    endOfPacket: boolean,
    tci: number,
    slot: number,
  ): void;
}

/** Bytes of a descriptor. */
export const DESCRIPTOR_BYTES = 16;
/** log2 of {@link DESCRIPTOR_BYTES}. */
export const DESCRIPTOR_SHIFT = 4;

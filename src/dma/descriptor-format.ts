/**
 * How a chip lays out its descriptors: all have {@link DESCRIPTOR_BYTES} bytes here. `word` is the index of a descriptor's
 * first double word in the engine's cache.
 */
export interface TransmitFormat {
  /** Whether this one describes data; others (contexts) are consumed and reported without any. */
  isData(cache: Int32Array, word: number): boolean;
  address(cache: Int32Array, word: number): number;
  bytes(cache: Int32Array, word: number): number;
  endOfPacket(cache: Int32Array, word: number): boolean;
  reportStatus(cache: Int32Array, word: number): boolean;
  /** 802.1Q tag control information to insert, or -1. */
  insertTci(cache: Int32Array, word: number): number;
  /** Fills in what is written back when a descriptor is done. */
  writeDone(cache: Int32Array, word: number): void;
}

/** See {@link TransmitFormat}. */
export interface ReceiveFormat {
  address(cache: Int32Array, word: number): number;
  /**
   * Replaces the descriptor by its write-back form.
   *
   * @param bytes bytes in this buffer. @param tci tag taken out of the frame, or -1.
   */
  writeBack(cache: Int32Array, word: number, bytes: number, endOfPacket: boolean, tci: number): void;
}

/** Bytes of a descriptor. */
export const DESCRIPTOR_BYTES = 16;
/** log2 of {@link DESCRIPTOR_BYTES}. */
export const DESCRIPTOR_SHIFT = 4;

import type { ReceiveFormat, TransmitFormat } from '../../src/dma/index.ts';

/** A descriptor layout made for tests: address in double words 0 and 1, the rest as the constants say. */
export const DATA = 1 << 16;
export const END = 1 << 17;
export const REPORT = 1 << 18;
/** A tag to insert follows in double word 3. */
export const TAGGED = 1 << 19;
/** Double word 2 of a transmit descriptor that is done. */
export const DONE = 0x0d0e_0d0e;

function addressOf(cache: Int32Array, word: number): number {
  return (cache[word] >>> 0) + (cache[word + 1] >>> 0) * 2 ** 32;
}

/** See {@link DATA}. */
export class TestTransmitFormat implements TransmitFormat {
  isData(cache: Int32Array, word: number): boolean {
    return (cache[word + 2] & DATA) !== 0;
  }

  address(cache: Int32Array, word: number): number {
    return addressOf(cache, word);
  }

  bytes(cache: Int32Array, word: number): number {
    return cache[word + 2] & 0xffff;
  }

  endOfPacket(cache: Int32Array, word: number): boolean {
    return (cache[word + 2] & END) !== 0;
  }

  reportStatus(cache: Int32Array, word: number): boolean {
    return (cache[word + 2] & REPORT) !== 0;
  }

  insertTci(cache: Int32Array, word: number): number {
    return (cache[word + 2] & TAGGED) !== 0 ? cache[word + 3] : -1;
  }

  writeDone(cache: Int32Array, word: number): void {
    cache.fill(0, word, word + 4);
    cache[word + 2] = DONE;
  }
}

/** Double word 3 of a receive descriptor that has been written back. */
export const WRITTEN = 0x600d;

/** Written back as: bytes, tag or -1, 1 for the last buffer of a frame, {@link WRITTEN}. */
export class TestReceiveFormat implements ReceiveFormat {
  address(cache: Int32Array, word: number): number {
    return addressOf(cache, word);
  }

  writeBack(cache: Int32Array, word: number, bytes: number, endOfPacket: boolean, tci: number): void {
    cache[word] = bytes;
    cache[word + 1] = tci;
    cache[word + 2] = endOfPacket ? 1 : 0;
    cache[word + 3] = WRITTEN;
  }
}

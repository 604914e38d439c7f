import type { ReceiveFormat, TransmitDescriptor, TransmitFormat } from '../../src/dma/index.ts';

/** A descriptor layout made for tests: address in double words 0 and 1, the rest as the constants say. */
export const DATA = 1 << 16;
export const END = 1 << 17;
export const REPORT = 1 << 18;
/** Double word 2 of a transmit descriptor that is done. */
export const DONE = 0x0d0e_0d0e;

function addressOf(cache: Int32Array, word: number): number {
  return (cache[word] >>> 0) + (cache[word + 1] >>> 0) * 2 ** 32;
}

/** See {@link DATA}. */
export class TestTransmitFormat implements TransmitFormat {
  read(cache: Int32Array, word: number, into: TransmitDescriptor): void {
    const flags = cache[word + 2];
    into.isData = (flags & DATA) !== 0 ? 1 : 0;
    into.address = addressOf(cache, word);
    into.bytes = flags & 0xffff;
    into.endOfPacket = (flags & END) !== 0 ? 1 : 0;
    into.reportStatus = (flags & REPORT) !== 0 ? 1 : 0;
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
  readAddress(cache: Int32Array, word: number, into: { address: number }): void {
    into.address = addressOf(cache, word);
  }

  writeBack(cache: Int32Array, word: number, bytes: number, endOfPacket: boolean, tci: number): void {
    cache[word] = bytes;
    cache[word + 1] = tci;
    cache[word + 2] = endOfPacket ? 1 : 0;
    cache[word + 3] = WRITTEN;
  }
}

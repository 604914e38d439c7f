import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/**
 * Words of a run at least: one that is written takes up to ten bytes. Most memory of a machine is zero, or filled with
 * one number; of 64-bit numbers the two words take turns.
 */
const SHORTEST_RUN = 8;

/**
 * Writes the bytes of a buffer as runs: of words that are as they are, or of two words that take turns. Each begins with
 * twice the number of its words, plus one if they take turns. Bytes behind the last whole word come last.
 */
export function writeRuns(writer: ByteWriter, buffer: ArrayBufferLike): void {
  const words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  const bytes = new Uint8Array(buffer);
  const end = words.length;
  /** Where the words begin that have not been written. */
  let from = 0;
  const literal = (to: number) => {
    if (to === from) return;
    writer.count(2 * (to - from));
    writer.raw(bytes.subarray(4 * from, 4 * to));
  };
  for (let at = 2; at < end; at++) {
    if (words[at] !== words[at - 2]) continue;
    const start = at - 2;
    while (at < end && words[at] === words[at - 2]) at++;
    if (at - start < SHORTEST_RUN) continue;
    literal(start);
    writer.count(2 * (at - start) + 1);
    writer.raw(bytes.subarray(4 * start, 4 * start + 8));
    from = at;
    // The next run begins behind this one.
    at++;
  }
  literal(end);
  writer.raw(bytes.subarray(4 * end));
}

/** Reads what {@link writeRuns} has written into a buffer of the same size. */
export function readRuns(reader: ByteReader, buffer: ArrayBufferLike): void {
  const words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  const bytes = new Uint8Array(buffer);
  let at = 0;
  while (at < words.length) {
    const head = reader.count();
    const count = Math.min(Math.floor(head / 2), words.length - at);
    if (head % 2 === 0) bytes.set(reader.raw(4 * count), 4 * at);
    else {
      const pair = reader.raw(8);
      const [a, b] = [wordOf(pair, 0), wordOf(pair, 4)];
      if (a === b) words.fill(a, at, at + count);
      else for (let i = 0; i < count; i++) words[at + i] = i % 2 === 0 ? a : b;
    }
    at += count;
  }
  bytes.set(reader.raw(bytes.length & 3), 4 * words.length);
}

function wordOf(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

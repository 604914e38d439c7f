import type { FramePool } from '../base/index.ts';
import { ETHERNET_HEADER_BYTES } from '../wire/index.ts';
import { GROUP_BIT, type MacTable, nearValue } from './mac-table.ts';
import { BROADCAST, MULTICAST, NO_CLASS, UNICAST } from './switch-counters.ts';

// The addresses of a frame: its words 0 to 2, from `word` on. The tables of the switch have an address in two
// parts, its first four bytes and its last two.

/** Class of the destination address of the frame in `slot`. */
export function classOf({ i32, lengths, slotShift }: FramePool, slot: number): number {
  if (lengths[slot] < ETHERNET_HEADER_BYTES) return NO_CLASS;
  const word = slot << (slotShift - 2);
  if ((i32[word] & GROUP_BIT) === 0) return UNICAST;
  return i32[word] === -1 && (i32[word + 1] & 0xffff) === 0xffff ? BROADCAST : MULTICAST;
}

/** The first four bytes of the source address, */
export function sourceLow(i32: Int32Array, word: number): number {
  return (i32[word + 1] >>> 16) | (i32[word + 2] << 16);
}

/** and the last two. */
export function sourceHigh(i32: Int32Array, word: number): number {
  return i32[word + 2] >>> 16;
}

/** Whether the source address is a single one that `vport` asked for. */
export function isOwnSource(macs: MacTable, i32: Int32Array, word: number, vport: number): boolean {
  const low = sourceLow(i32, word);
  return (low & GROUP_BIT) === 0 && macs.has(vport, low, sourceHigh(i32, word));
}

/** Whether the source address of a frame, in its words 1 and 2, is an address of `port` alone. */
export const isSourceOf = (macs: MacTable, port: number, second: number, third: number): boolean => {
  const low = (second >>> 16) | (third << 16);
  return nearValue(macs.places, macs.shift, low, third >>> 16) === port && (low & GROUP_BIT) === 0;
};

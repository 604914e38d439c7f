/** Foundations: assertions, argument checks, rings, free lists, the frame pool, sparse memory, seeded random streams. */
export { AssertionError, assert } from './assert.ts';
export { alignUp, ceilPowerOfTwo, hex, isPowerOfTwo, lanesOf, log2Exact } from './bits.ts';
export {
  checkBoolean,
  checkInteger,
  checkIntegers,
  checkKeys,
  checkNumber,
  checkOneOf,
  checkPowerOfTwo,
} from './check.ts';
export { FramePool, type FramePoolOptions } from './frame-pool.ts';
export { FreeList } from './free-list.ts';
export { naturalLog, RandomStream, RandomStreams } from './random.ts';
export { IntRing } from './ring.ts';
export { type SharedFrames, sharedFrames } from './shared-frames.ts';
export {
  offsetInChunk,
  type PhysicalMemory,
  SparseMemory,
  type WordStore,
  wordStore,
} from './sparse-memory.ts';

/** Types of invalidation descriptors (VT-d 6.5.2): bits 3:0. */
export const DescriptorType = {
  CONTEXT_CACHE: 1,
  IOTLB: 2,
  DEVICE_TLB: 3,
  INTERRUPT_ENTRIES: 4,
  WAIT: 5,
} as const;

/** Bytes of a descriptor. */
export const DESCRIPTOR_BYTES = 16;

/** IQEI of the error record: what was wrong with the queue. */
export const QueueError = {
  /** The tail lies beyond the queue. */
  TAIL: 1,
  /** The descriptor cannot be read. */
  FETCH: 2,
  /** A type that there is not. */
  TYPE: 3,
  /** Reserved bits or encodings, or a mask beyond what the capabilities say. */
  RESERVED: 4,
} as const;

/** One of {@link QueueError}. */
export type QueueError = (typeof QueueError)[keyof typeof QueueError];

/** Of a wait descriptor: IF, SW and FN. */
export const WAIT_INTERRUPT = 1 << 4;
export const WAIT_STATUS_WRITE = 1 << 5;
export const WAIT_FENCE = 1 << 6;

/** Reserved bits of the four words, by type. */
const RESERVED: readonly (readonly number[])[] = [
  [],
  // Between G and DID; above FM; the upper half.
  [0xffc0, -1 << 18, -1, -1],
  // Between DR and DID; above it; between IH and ADDR.
  [0xff00, -1, 0xf80, 0],
  // Around MIP; above SID; between S and ADDR.
  [0xffe0_fff0 | 0, -1 << 16, 0xffe, 0],
  // Between G and IM; above IIDX; the upper half.
  [0x07ff_ffe0, -1 << 16, -1, -1],
  // Above FN; below the status address.
  [-1 << 7, 0, 3, 0],
];

/** Why a descriptor of these words is none, or 0. Encodings and masks are its user's affair. */
export function descriptorError(w0: number, w1: number, w2: number, w3: number): QueueError | 0 {
  const reserved = RESERVED[w0 & 0xf];
  if (reserved === undefined || reserved.length === 0) return QueueError.TYPE;
  const set = (w0 & reserved[0]) | (w1 & reserved[1]) | (w2 & reserved[2]) | (w3 & reserved[3]);
  return set === 0 ? 0 : QueueError.RESERVED;
}

/** Bytes that a device-TLB invalidation covers: with S, the lowest clear bit from 12 upwards says how many (ATS 3.2). */
export function deviceTlbBytes(w2: number, w3: number): number {
  if ((w2 & 1) === 0) return 4096;
  let bytes = 8192;
  for (let bit = 12; bit < 63 && ((bit < 32 ? w2 >>> bit : w3 >>> (bit - 32)) & 1) !== 0; bit++) bytes *= 2;
  return bytes;
}

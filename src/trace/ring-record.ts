/** A descriptor ring of a card, as a log has it. */
export interface RingRecord {
  readonly queue: number;
  /** Number under which its engine signs its requests. */
  readonly client: number;
  /** Descriptors. */
  readonly size: number;
  /** Address. */
  readonly base: number;
}

/** Queues are below 4,096, clients below 16, and a length register has no more than 65,528 descriptors. */
const QUEUE = 0xfff;
const CLIENT = 0xf;
const CLIENT_SHIFT = 12;
const SIZE_SHIFT = 16;

/** The operands of a record of a ring. */
export function packRing({ queue, client, size, base }: RingRecord): readonly [number, number, number] {
  const a = queue | (client << CLIENT_SHIFT) | (size << SIZE_SHIFT);
  return [a, base | 0, (base / 2 ** 32) | 0];
}

/** The ring of a RING_STARTED or RING_STOPPED record, given its operands. */
export function unpackRing(a: number, b: number, c: number): RingRecord {
  return {
    queue: a & QUEUE,
    client: (a >> CLIENT_SHIFT) & CLIENT,
    size: a >>> SIZE_SHIFT,
    base: (b >>> 0) + c * 2 ** 32,
  };
}

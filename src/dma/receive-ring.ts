import { Ring } from './ring.ts';

/** No delivery. */
export const NONE = -1;

/** A ring as the receive half sees it. */
export class ReceiveRing extends Ring {
  /** Bytes of a receive buffer. */
  bufferBytes = 2048;
  /** 1: a frame is dropped when no descriptor is left; 0: it waits, and everything behind it. */
  dropEnable = 0;
  // Frames on their way to it, oldest first: a list through `Delivery.next`.
  first = NONE;
  last = NONE;
  /** Bytes of the first of them that are written already. */
  done = 0;
  /** 1 while it waits for room at the port. */
  isWaiting = 0;
  // Written-back descriptors that are not sent yet: how many, ring index and unwrapped number of the first,
  // and how many there may be from there on in one piece.
  unsent = 0;
  unsentIndex = 0;
  unsentNumber = 0;
  unsentMost = 0;
  /** When the last write-back was sent. */
  sentPs = Number.NEGATIVE_INFINITY;
  /** 1 while a hold is under way. */
  isHeld = 0;
}

/** A frame on its way to one ring; from the time it is delivered until its bytes have left the card. */
export class Delivery {
  /** Its number, with which its writes are signed. */
  readonly index: number;
  /** The delivery behind it to the same ring, or NONE. */
  next = NONE;
  slot = 0;
  queue = 0;
  /** One of `TagOperation`. */
  operation = 0;
  /** Bytes of the frame in memory. */
  bytes = 0;
  /** Trains of writes that have not ended. */
  trains = 0;
  /** 1 when all of it has been written or given up. */
  closed = 0;

  constructor(index: number) {
    this.index = index;
  }
}

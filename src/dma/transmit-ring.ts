import { Ring } from './ring.ts';

/** No slot, no descriptor. */
export const NONE = -1;

/** A ring as the transmit half sees it. */
export class TransmitRing extends Ring {
  /** Index behind the last descriptor whose frame has been fetched (the head register). */
  head = 0;
  /** 1 while it is among the rings that have their turn. */
  isActive = 0;
  /** 1 while it waits for room at the port, for a fetch or for status. */
  isWaiting = 0;
  /** 1 while its cache has the beginning of a frame, and not its end. */
  wantsMore = 0;
  /** Slot of the frame that it is in the middle of, or NONE. */
  openSlot = NONE;
  // Its frames that are being read, in order: a list through `TransmitSlot.next`.
  firstSlot = NONE;
  lastSlot = NONE;
  // Run of descriptors whose status is not written yet: index of the first, and how many.
  statusFirst = 0;
  statusCount = 0;
}

/** A frame on its way from host memory into a slot. */
export class TransmitSlot {
  /** Slot of the next frame of its ring, or NONE. */
  next = NONE;
  queue = 0;
  /** Bytes of it that have been asked for. */
  asked = 0;
  /** Trains of reads that have not ended. */
  trains = 0;
  /** Room in the packet buffer; 0 for a frame that cannot be sent. */
  bytes = 0;
  /** 1 when all of it has been asked for. */
  closed = 0;
  failed = 0;
  /** Index of its last descriptor. */
  last = 0;
  /**
   * Last descriptor that ends with the frame: its own last one, or one without data behind it. NONE: its ring
   * is gone.
   */
  end = 0;
  // First and last descriptor up to there that want their status reported; NONE for none.
  reportFirst = NONE;
  reportLast = NONE;

  /** The status of the descriptor `index` is to be reported when the frame has ended. */
  noteReport(index: number): void {
    if (this.reportFirst === NONE) this.reportFirst = index;
    this.reportLast = index;
  }
}

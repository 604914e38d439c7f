import { TagEdit } from '../wire/index.ts';

/**
 * What is done to the outer tag of a frame on its way to memory: the common ones of the sums of `TagEdit`, of which
 * {@link ReceiveEngine.deliver} takes any.
 */
export const TagOperation = {
  /** The bytes go as they are. */
  NONE: TagEdit.NONE,
  /** The tag in the bytes is left out. */
  STRIP: TagEdit.STRIP,
  /** The tag beside the frame (`FramePool.outerTci`) is put in. */
  INSERT: TagEdit.INSERT,
} as const;

/** One of {@link TagOperation}. */
export type TagOperation = (typeof TagOperation)[keyof typeof TagOperation];

/** Who is told what became of received frames. */
export interface ReceiveSink {
  /** A frame was given to the descriptor `index`; its bytes are on their way. */
  frameWritten(queue: number, slot: number, index: number): void;
  /** Write-backs are on their way behind their frames: what software waits for. */
  statusWritten(queue: number): void;
  /** No descriptor was left, and the ring says drop. The reference on the slot is released after the call. */
  frameDropped(queue: number, slot: number): void;
  /** The bytes of a frame have left the card (or it was dropped): its room in the packet buffer is free. */
  frameReleased(queue: number, slot: number): void;
  /** The ring itself could not be read: the queue is disabled. */
  ringFailed(queue: number): void;
}

/** How the engine is made. */
export interface ReceiveEngineOptions {
  /** Rings. */
  readonly queues: number;
  /** Descriptors cached of each ring. */
  readonly cacheDescriptors: number;
  /** Frames that wait for descriptors or are being written, over all rings. */
  readonly deliveries: number;
  /**
   * A line of written-back descriptors that is not full goes to memory at most once in this time, for each
   * ring: the first frame after a pause at once, the following ones together.
   */
  readonly writeBackHoldPs: number;
  /** First byte in the frame pool's extra area; see `ReceiveEngine.storeBytes`. */
  readonly storeOffset: number;
}

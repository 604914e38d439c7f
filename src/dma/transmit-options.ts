import type { TransmitRing } from './transmit-ring.ts';

/** Takes descriptors in the place of `TransmitEngine`, for what its chip does with frames. */
export interface TransmitOffload {
  /** Takes the next descriptor of a ring, or a part of it. Returns false if a tag, a slot or buffer room is lacking. */
  takeDescriptor(ring: TransmitRing): boolean;
}

/** Where fetched frames go. */
export interface TransmitSink {
  /** A whole frame lies in `slot`; the sink holds its one reference. `index` is its last descriptor's. */
  frameFetched(queue: number, slot: number, index: number): void;
  /** A frame was lost on the way: a read failed, or its descriptors made no frame. */
  frameFailed(queue: number): void;
  /** Status of descriptors is on its way to memory: what software waits for. */
  statusWritten(queue: number): void;
  /** The ring itself could not be read: the queue is disabled. */
  ringFailed(queue: number): void;
}

/** How the engine is made. */
export interface TransmitEngineOptions {
  /** Rings. */
  readonly queues: number;
  /** Descriptors cached of each ring (40 on an 82599). */
  readonly cacheDescriptors: number;
  /** Bytes of the transmit packet buffer: reserved for the whole frame when its first read is issued. */
  readonly packetBufferBytes: number;
  /** Slots that are left to the receive side. */
  readonly reservedSlots: number;
  /** First byte of the descriptor caches in the frame pool's extra area; see `TransmitEngine.storeBytes`. */
  readonly storeOffset: number;
  /** Longest frame in memory, without frame check sequence. */
  readonly maxFrameBytes: number;
}

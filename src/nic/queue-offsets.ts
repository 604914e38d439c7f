/** First offset of the receive queues' registers in the PF's BAR 0, 64 bytes a queue (82599 datasheet 8.2.3.8), */
export const PF_RECEIVE = 0x1000;
/** of those from queue 64 on, */
export const PF_RECEIVE_HIGH = 0xd000;
/** and of the transmit queues' (8.2.3.9). */
export const PF_TRANSMIT = 0x6000;
const LOW_QUEUES = 64;
const QUEUE_SHIFT = 6;

/** First offset of the receive queues' registers in a VF's BAR 0, 64 bytes a queue (8.3), */
export const VF_RECEIVE = 0x1000;
/** and of the transmit queues'. */
export const VF_TRANSMIT = 0x2000;
/** Queues that each of the two has room for. */
const VF_QUEUES = 64;

/** Receive queue of the card whose registers lie at this offset of the PF's BAR 0, or -1. */
export function receiveQueueAt(offset: number): number {
  const low = queueBehind(PF_RECEIVE, LOW_QUEUES, offset);
  if (low >= 0) return low;
  const high = queueBehind(PF_RECEIVE_HIGH, LOW_QUEUES, offset);
  return high < 0 ? -1 : LOW_QUEUES + high;
}

/**
 * Transmit queue of the card whose registers lie at this offset of the PF's BAR 0, or -1.
 *
 * @param queues that the card has.
 */
export function transmitQueueAt(offset: number, queues: number): number {
  return queueBehind(PF_TRANSMIT, queues, offset);
}

/** Receive queue of a VF, counted within it, whose registers lie at this offset of its BAR 0, or -1. */
export function vfReceiveQueueAt(offset: number): number {
  return queueBehind(VF_RECEIVE, VF_QUEUES, offset);
}

/** As {@link vfReceiveQueueAt}, of the transmit queues. */
export function vfTransmitQueueAt(offset: number): number {
  return queueBehind(VF_TRANSMIT, VF_QUEUES, offset);
}

function queueBehind(first: number, queues: number, offset: number): number {
  const queue = (offset - first) >> QUEUE_SHIFT;
  return queue >= 0 && queue < queues ? queue : -1;
}

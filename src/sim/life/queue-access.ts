import {
  RDT,
  receiveQueueAt,
  transmitQueueAt,
  vfReceiveQueueAt,
  vfTransmitQueueAt,
} from '../../nic/index.ts';

/** RDT and TDT lie at the same place. */
export const TAIL = RDT;

/** Registers of a queue. */
export interface QueueAccess {
  readonly transmit: boolean;
  readonly queue: number;
  /** Offset in the queue's 64 bytes. */
  readonly register: number;
}

/** The card's queues, as its profile has them. */
export interface CardQueues {
  readonly pools: number;
  readonly queuesPerPool: number;
}

/** Which queue's registers lie at an offset of BAR 0; null for others. `vf`: number of a VF, or -1 for the PF. */
export function queueAccess(
  { pools, queuesPerPool }: CardQueues,
  vf: number,
  offset: number,
): QueueAccess | null {
  const register = offset & 0x3c;
  if (vf < 0) {
    const receive = receiveQueueAt(offset);
    const queue = receive >= 0 ? receive : transmitQueueAt(offset, pools * queuesPerPool);
    return queue < 0 ? null : { transmit: receive < 0, queue, register };
  }
  const receive = vfReceiveQueueAt(offset);
  const own = receive >= 0 ? receive : vfTransmitQueueAt(offset);
  if (own < 0 || own >= queuesPerPool) return null;
  return { transmit: receive < 0, queue: vf * queuesPerPool + own, register };
}

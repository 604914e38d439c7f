import type { BarWindow } from '../host/index.ts';
import type { QueueRegistersAt } from './queue-pair.ts';

// 82599 data sheet 8.2.3.8 and 8.2.3.9.
const PF_RECEIVE = 0x1000;
const PF_RECEIVE_HIGH = 0xd000;
const PF_TRANSMIT = 0x6000;

/** Where the registers of a queue are; the receive queues from 64 on have a place of their own. */
export function queueRegisters(queue: number): QueueRegistersAt {
  return {
    receiveRegisters: queue < 64 ? PF_RECEIVE + 0x40 * queue : PF_RECEIVE_HIGH + 0x40 * (queue - 64),
    transmitRegisters: PF_TRANSMIT + 0x40 * queue,
  };
}

/** Bits of the first `count` pools that lie in word `word`. */
export function poolsBelow(count: number, word: number): number {
  const left = count - 32 * word;
  if (left <= 0) return 0;
  return left >= 32 ? 0xffff_ffff : 2 ** left - 1;
}

/** Sets or clears the bit of a pool in a register of two words. */
export function setPool(bar: BarWindow, register: number, pool: number, set: boolean): void {
  const at = register + 4 * (pool >> 5);
  const others = bar.read32(at) & ~(1 << (pool & 31));
  bar.write32(at, (set ? others | (1 << (pool & 31)) : others) >>> 0);
}

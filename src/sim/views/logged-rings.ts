import { ProbeKind } from '../../kernel/index.ts';
import type { LogRecord } from '../../trace/index.ts';
import type { LogNames, QueueRegister } from './log-names.ts';

/** Offsets within the 64 bytes of registers that a queue has (82599 datasheet 8.2.3.8, 8.2.3.9). */
const BASE_LOW = 0x00;
const BASE_HIGH = 0x04;
const LENGTH = 0x08;
const TAIL = 0x18;
const DESCRIPTOR_BYTES = 16;
const LENGTH_MASK = 0xfff80;

/** What software has said of a ring; what it has not said yet is null. */
export interface LoggedRing {
  baseLow: number | null;
  baseHigh: number | null;
  /** Descriptors. */
  size: number | null;
  /** As written, whether the ring has such an index or not. */
  tail: number | null;
}

/** The rings of a card as software has described them to it until now. */
export class LoggedRings {
  private readonly names: LogNames;
  private readonly rings = new Map<number, LoggedRing>();

  constructor(names: LogNames) {
    this.names = names;
  }

  /** Takes the next record of a log; returns the queue's register that it writes, or null. */
  add({ kind, a, b, c }: LogRecord): QueueRegister | null {
    const hit = kind === ProbeKind.REGISTER_WRITE ? this.names.queueRegister(a, b) : null;
    if (hit === null) return null;
    const ring = this.ring(hit.queue, hit.transmit);
    if (hit.register === BASE_LOW) ring.baseLow = (c >>> 0) - ((c >>> 0) % 128);
    else if (hit.register === BASE_HIGH) ring.baseHigh = c & 0xfffff;
    else if (hit.register === LENGTH) ring.size = (c & LENGTH_MASK) / DESCRIPTOR_BYTES;
    else if (hit.register === TAIL) ring.tail = c & 0xffff;
    return hit;
  }

  /** A ring; the same object each time. */
  ring(queue: number, transmit: boolean): LoggedRing {
    const key = 2 * queue + (transmit ? 1 : 0);
    let ring = this.rings.get(key);
    if (ring === undefined) {
      ring = { baseLow: null, baseHigh: null, size: null, tail: null };
      this.rings.set(key, ring);
    }
    return ring;
  }

  /** Index of the descriptor at an address, or -1 for one that is not in the ring as far as it is known. */
  indexOf(queue: number, transmit: boolean, address: number): number {
    const { baseLow, baseHigh, size } = this.ring(queue, transmit);
    if (baseLow === null || size === null) return -1;
    const index = Math.floor((address - baseLow - (baseHigh ?? 0) * 2 ** 32) / DESCRIPTOR_BYTES);
    return index >= 0 && index < size ? index : -1;
  }
}

import { ProbeKind } from '../../kernel/index.ts';
import type { LogRecord } from '../../trace/index.ts';
import { type LogNames, PF } from './log-names.ts';

/** Offsets within the 64 bytes of registers that a queue has (82599 datasheet 8.2.3.8, 8.2.3.9). */
const BASE_LOW = 0x00;
const BASE_HIGH = 0x04;
const LENGTH = 0x08;
const TAIL = 0x18;
const CONTROL = 0x28;
const DESCRIPTOR_BYTES = 16;
const LENGTH_MASK = 0xfff80;
/** RXDCTL.ENABLE, TXDCTL.ENABLE. */
const ENABLE = 1 << 25;
/** CTRL.RST and CTRL.LRST of the PF, VFCTRL.RST: the first register of each. */
const PF_RESETS = (1 << 26) | (1 << 3);
const VF_RESET = 1 << 26;

/** What software has said of a ring; what it has not said within the log is null. */
export interface LoggedRing {
  readonly queue: number;
  readonly transmit: boolean;
  baseLow: number | null;
  baseHigh: number | null;
  /** Descriptors, as the length register has them. */
  size: number | null;
  /** Descriptors of the ring that runs or has run: a tail beyond it is passed over. */
  running: number | null;
  isEnabled: boolean;
  tail: number | null;
}

/** What a register access has done to rings. */
export interface RingChange {
  readonly ring: LoggedRing;
  readonly what: 'register' | 'started' | 'stopped';
}

/**
 * The rings of a card as software has described them to it until now. Rings that a Function Level Reset, a reset of the link
 * or a failed request stops look as if they ran until software says otherwise.
 */
export class LoggedRings {
  private readonly names: LogNames;
  private readonly rings = new Map<number, LoggedRing>();

  constructor(names: LogNames) {
    this.names = names;
  }

  /** Takes the next record of a log; returns what it has changed. */
  add({ kind, a, b, c }: LogRecord): readonly RingChange[] {
    if (kind !== ProbeKind.REGISTER_WRITE) return [];
    const hit = this.names.queueRegister(a, b);
    if (hit === null) return b === 0 && a >>> 16 === 0 ? this.reset(this.names.functionOf(a), c) : [];
    const ring = this.ring(hit.queue, hit.transmit);
    const { register } = hit;
    if (register === BASE_LOW) ring.baseLow = (c >>> 0) - ((c >>> 0) % 128);
    else if (register === BASE_HIGH) ring.baseHigh = c & 0xfffff;
    else if (register === LENGTH) ring.size = (c & LENGTH_MASK) / DESCRIPTOR_BYTES;
    else if (register === TAIL) {
      const tail = c & 0xffff;
      if (ring.running === null || tail < ring.running) ring.tail = tail;
    } else if (register === CONTROL && ((c & ENABLE) !== 0) !== ring.isEnabled) {
      if (ring.isEnabled) return this.stop(ring);
      if (ring.size === 0) return [];
      ring.isEnabled = true;
      ring.running = ring.size;
      if (ring.tail !== null && ring.size !== null && ring.tail >= ring.size) ring.tail = 0;
      return [{ ring, what: 'started' }];
    }
    return [{ ring, what: 'register' }];
  }

  /** A ring; the same object each time. */
  ring(queue: number, transmit: boolean): LoggedRing {
    const key = 2 * queue + (transmit ? 1 : 0);
    let ring = this.rings.get(key);
    if (ring === undefined) {
      const isKnown = this.names.isFromPowerOn;
      const nothing = isKnown ? 0 : null;
      const isEnabled = false;
      ring = {
        queue,
        transmit,
        baseLow: nothing,
        baseHigh: nothing,
        size: nothing,
        running: nothing,
        isEnabled,
        tail: nothing,
      };
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

  private stop(ring: LoggedRing): RingChange[] {
    ring.isEnabled = false;
    ring.tail = 0;
    return [{ ring, what: 'stopped' }];
  }

  private reset(fn: number, value: number): RingChange[] {
    if (fn < 0 || (value & (fn === PF ? PF_RESETS : VF_RESET)) === 0) return [];
    const isHit = ({ queue }: LoggedRing) => fn === PF || this.names.functionOfQueue(queue) === fn;
    return [...this.rings.values()].filter(isHit).flatMap((ring) => {
      ring.baseLow = ring.baseHigh = ring.size = 0;
      return this.stop(ring);
    });
  }
}

import { ProbeKind } from '../../kernel/index.ts';
import { LogKind, type LogRecord, type RingRecord, transmitClientOf, unpackRing } from '../../trace/index.ts';
import { type LogNames, PF, type QueueRegister } from './log-names.ts';

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

/** A ring of a card; what the log does not tell of it is null. */
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

/** What a record has done to rings. */
export interface RingChange {
  readonly ring: LoggedRing;
  /** Behind `lost` its tail is not known any more. */
  readonly what: 'register' | 'started' | 'stopped' | 'lost';
}

/**
 * The rings of a card at the record that was taken last. Older logs only have how software has described them: there, rings that
 * a Function Level Reset, a reset of the link or a failed request stops look as if they ran until software says otherwise.
 */
export class LoggedRings {
  /** Whether nothing of them is unknown from the first record on. */
  readonly areKnown: boolean;
  private readonly names: LogNames;
  private readonly transmitClient: number;
  private readonly rings = new Map<number, LoggedRing>();
  private areLost = false;

  constructor(names: LogNames) {
    this.names = names;
    this.transmitClient = transmitClientOf(names.store);
    this.areKnown = names.knowsRings;
    if (!this.areKnown) this.recallRings();
  }

  /** Takes the next record of a log; returns what it has changed. */
  add({ kind, a, b, c }: LogRecord): readonly RingChange[] {
    if (kind === LogKind.RING_STARTED) return this.started(unpackRing(a, b, c));
    if (kind === LogKind.RING_STOPPED) return this.stop(this.ringOf(unpackRing(a, b, c)));
    if (kind !== ProbeKind.REGISTER_WRITE) return [];
    const hit = this.names.queueRegister(a, b);
    if (hit?.register === TAIL) return this.tailWritten(hit, c);
    if (this.names.hasRings) return [];
    if (hit !== null) return this.registerWritten(hit, c);
    if (this.names.functionOf(a & 0xffff) < 0) return this.lose();
    return b === 0 && a >>> 16 === 0 ? this.reset(this.names.functionOf(a), c) : [];
  }

  /** A ring; the same object each time. */
  ring(queue: number, transmit: boolean): LoggedRing {
    const key = 2 * queue + (transmit ? 1 : 0);
    let ring = this.rings.get(key);
    if (ring === undefined) {
      const nothing = this.areKnown ? 0 : null;
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

  /**
   * The rings that ran when a log begins that does not begin with power-on: where each is stopped it says which one it was until
   * then, and the trailer says which are never stopped.
   */
  private recallRings(): void {
    const { log } = this.names;
    const begun = new Set<LoggedRing>();
    for (const { kind, a, b, c } of log.recordsOf(LogKind.RING_STARTED, LogKind.RING_STOPPED)) {
      const record = unpackRing(a, b, c);
      const ring = this.ringOf(record);
      if (!begun.has(ring) && kind === LogKind.RING_STOPPED) place(ring, record);
      begun.add(ring);
    }
    for (const record of log.trailer.rings ?? []) {
      const ring = this.ringOf(record);
      if (!begun.has(ring)) place(ring, record);
    }
  }

  private ringOf({ queue, client }: RingRecord): LoggedRing {
    return this.ring(queue, client === this.transmitClient);
  }

  private started(record: RingRecord): RingChange[] {
    const ring = this.ringOf(record);
    place(ring, record);
    if (ring.tail !== null && ring.tail >= record.size) ring.tail = 0;
    return [{ ring, what: 'started' }];
  }

  private tailWritten({ queue, transmit }: QueueRegister, value: number): RingChange[] {
    const ring = this.ring(queue, transmit);
    const tail = value & 0xffff;
    if (ring.running === null || tail < ring.running) ring.tail = tail;
    return [{ ring, what: 'register' }];
  }

  private registerWritten({ queue, transmit, register }: QueueRegister, value: number): RingChange[] {
    const ring = this.ring(queue, transmit);
    if (register === BASE_LOW) ring.baseLow = (value >>> 0) - ((value >>> 0) % 128);
    else if (register === BASE_HIGH) ring.baseHigh = value & 0xfffff;
    else if (register === LENGTH) ring.size = (value & LENGTH_MASK) / DESCRIPTOR_BYTES;
    else if (register === CONTROL && ((value & ENABLE) !== 0) !== ring.isEnabled) {
      if (ring.isEnabled) return this.stop(ring);
      if (ring.size === 0) return [];
      ring.isEnabled = true;
      ring.running = ring.size;
      if (ring.tail !== null && ring.size !== null && ring.tail >= ring.size) ring.tail = 0;
      return [{ ring, what: 'started' }];
    }
    return [{ ring, what: 'register' }];
  }

  /** A function that nobody knows has written a register: whose rings are as they were cannot be told. */
  private lose(): RingChange[] {
    if (this.areLost) return [];
    this.areLost = true;
    return [...this.rings.values()].map((ring) => {
      ring.tail = null;
      return { ring, what: 'lost' };
    });
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

/** A ring runs as a record has it. */
function place(ring: LoggedRing, { size, base }: RingRecord): void {
  ring.baseLow = base % 2 ** 32;
  ring.baseHigh = Math.floor(base / 2 ** 32);
  ring.size = ring.running = size;
  ring.isEnabled = true;
}

import { checkInteger, checkKeys, checkOneOf } from '../../base/index.ts';
import { type Dllp, encodeDllp, parseDllp } from './dllp.ts';
import { checkTlpBytes, type Frame, frameDllp, frameTlp, type LinkEncoding, unframe } from './framing.ts';

/** How one end of a link is set; times are in symbol times. */
export interface DataLinkOptions {
  /** Default 8b/10b. */
  readonly encoding?: LinkEncoding;
  /** TLPs that the replay buffer holds, 1 to 2,047. Default 64. */
  readonly replayBufferTlps?: number;
  /** Ack latency limit. Default 237: 2.5 GT/s, one lane, Max_Payload_Size 128 (PCI Express Base, table 3-7). */
  readonly ackSymbols?: number;
  /** REPLAY_TIMER limit. Default 711, for the same link (table 3-6). */
  readonly replaySymbols?: number;
  /** What retraining the link takes. Default 2,500: 10 us at 2.5 GT/s. */
  readonly retrainSymbols?: number;
}

/** What one end of a link has counted; the errors have their bits in AER. */
export interface DataLinkCounters {
  accepted: number;
  duplicates: number;
  badTlps: number;
  badDllps: number;
  framingErrors: number;
  naks: number;
  replays: number;
  replayTimeouts: number;
  rollovers: number;
  protocolErrors: number;
}

const OPTIONS: Readonly<Record<keyof DataLinkOptions, true>> = {
  encoding: true,
  replayBufferTlps: true,
  ackSymbols: true,
  replaySymbols: true,
  retrainSymbols: true,
};
const SEQUENCE_MASK = 0xfff;
const HALF = 2048;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * One end of the data link layer, byte by byte: sequence numbers and LCRC, Ack and Nak, a replay buffer with its timer, and
 * REPLAY_NUM (PCI Express Base 3.6). Whoever drives it says what time it is and carries the frames to the other end,
 * right or wrong: TLPs come out there once each and in order.
 *
 * @example
 * const [a, b] = [new DataLink(), new DataLink()];
 * a.send(tlp);
 * b.receive(a.transmit(0), 24); // the TLP
 * a.receive(b.transmit(300), 308); // null: an Ack, and the replay buffer of a is empty
 */
export class DataLink {
  readonly counters: DataLinkCounters = {
    accepted: 0,
    duplicates: 0,
    badTlps: 0,
    badDllps: 0,
    framingErrors: 0,
    naks: 0,
    replays: 0,
    replayTimeouts: 0,
    rollovers: 0,
    protocolErrors: 0,
  };
  /** Told of DLLPs that are no Ack or Nak and have a right CRC: of flow control, for one. */
  onDllp: ((dllp: Dllp) => void) | null = null;
  private readonly options: Required<DataLinkOptions>;
  /** TLPs that have no Ack, oldest first: the first has the sequence number behind `acked`. */
  private readonly buffer: Uint8Array[] = [];
  /** How many of them have been sent in this turn. */
  private sent = 0;
  /** How many of them have been sent at all: a replay does not take that back. */
  private transmitted = 0;
  private acked = SEQUENCE_MASK;
  private replayNumber = 0;
  private replayDue = NEVER;
  private pausedUntil = 0;
  // The receiver's half.
  private expected = 0;
  private nakScheduled = false;
  private nakDue = false;
  private ackDue = NEVER;

  /** @throws TypeError or RangeError for options out of range. */
  constructor(options: DataLinkOptions = {}) {
    const {
      encoding = '8b/10b',
      replayBufferTlps = 64,
      ackSymbols = 237,
      replaySymbols = 711,
      retrainSymbols = 2500,
    } = checkKeys<DataLinkOptions>('options', options, OPTIONS);
    this.options = {
      encoding: checkOneOf<LinkEncoding>('encoding', encoding, ['8b/10b', '128b/130b']),
      replayBufferTlps: checkInteger('replayBufferTlps', replayBufferTlps, 1, HALF - 1),
      ackSymbols: checkInteger('ackSymbols', ackSymbols, 1, 1e9),
      replaySymbols: checkInteger('replaySymbols', replaySymbols, 1, 1e9),
      retrainSymbols: checkInteger('retrainSymbols', retrainSymbols, 0, 1e9),
    };
  }

  /**
   * Takes a copy of a TLP to be sent; false if the replay buffer is full.
   *
   * @throws TypeError or RangeError for what {@link frameTlp} does not take.
   */
  send(tlp: Uint8Array): boolean {
    checkTlpBytes(tlp);
    if (this.buffer.length >= this.options.replayBufferTlps) return false;
    this.buffer.push(tlp.slice());
    return true;
  }

  /** TLPs that wait for their Ack. */
  get waiting(): number {
    return this.buffer.length;
  }

  /** When there is something to do by itself: a Nak, an Ack, a TLP, the replay timer. Infinity for never. */
  get dueAt(): number {
    if (this.nakDue || this.sent < this.buffer.length) return this.pausedUntil;
    return Math.max(this.pausedUntil, Math.min(this.ackDue, this.replayDue));
  }

  /** What leaves at `now`: a Nak, an Ack that is due, a TLP again, a new TLP (3.5.2.1); null for nothing. */
  transmit(now: number): Uint8Array | null {
    if (now < this.pausedUntil) return null;
    const { encoding, replaySymbols } = this.options;
    if (this.nakDue || now >= this.ackDue) {
      const kind = this.nakDue ? 'Nak' : 'Ack';
      this.nakDue = false;
      this.ackDue = NEVER;
      return frameDllp(encodeDllp({ kind, sequence: (this.expected - 1) & SEQUENCE_MASK }), encoding);
    }
    if (now >= this.replayDue) {
      this.counters.replayTimeouts++;
      this.replay(now);
      if (now < this.pausedUntil) return null;
    }
    if (this.sent === this.buffer.length) return null;
    const sequence = (this.acked + 1 + this.sent) & SEQUENCE_MASK;
    const frame = frameTlp(this.buffer[this.sent++], sequence, encoding);
    if (this.sent > this.transmitted) this.transmitted = this.sent;
    // The timer runs from the last symbol of a TLP on, if it does not run yet.
    if (this.replayDue === NEVER) this.replayDue = now + frame.length + replaySymbols;
    return frame;
  }

  /** A frame has come at `now`; returns the TLP that goes up to the transaction layer, or null. */
  receive(bytes: Uint8Array, now: number): Uint8Array | null {
    const frame = unframe(bytes, this.options.encoding);
    if (frame.kind === 'tlp') return this.receiveTlp(frame, now);
    if (frame.kind === 'dllp') this.receiveDllp(frame.dllp, now);
    else this.counters.framingErrors++;
    return null;
  }

  private receiveTlp(frame: Extract<Frame, { kind: 'tlp' }>, now: number): Uint8Array | null {
    if (frame.isNullified) return null;
    const behind = (this.expected - frame.sequence) & SEQUENCE_MASK;
    if (frame.isIntact && behind === 0) {
      this.expected = (this.expected + 1) & SEQUENCE_MASK;
      this.nakScheduled = false;
      this.counters.accepted++;
      this.oweAck(now);
      return frame.tlp;
    }
    if (frame.isIntact && behind <= HALF) {
      this.counters.duplicates++;
      this.oweAck(now);
      return null;
    }
    // A wrong LCRC, or one that is missing before this.
    this.counters.badTlps++;
    if (!this.nakScheduled) {
      this.nakScheduled = this.nakDue = true;
      this.counters.naks++;
    }
    return null;
  }

  private oweAck(now: number): void {
    this.ackDue = Math.min(this.ackDue, now + this.options.ackSymbols);
  }

  private receiveDllp(bytes: Uint8Array, now: number): void {
    const { dllp, problem } = parseDllp(bytes);
    // An unknown type is passed over; a wrong CRC is an error, and passed over (3.6.2.2).
    if (problem === 'crc') this.counters.badDllps++;
    if (dllp === null) return;
    if (dllp.kind !== 'Ack' && dllp.kind !== 'Nak') {
      this.onDllp?.(dllp);
      return;
    }
    const count = (dllp.sequence - this.acked) & SEQUENCE_MASK;
    // It names a TLP that has never been sent, or one that was acknowledged before the last (3.6.2.2).
    if (count > this.transmitted) {
      this.counters.protocolErrors++;
      return;
    }
    if (count > 0) {
      this.transmitted -= count;
      this.buffer.splice(0, count);
      this.acked = dllp.sequence;
      this.sent = Math.max(0, this.sent - count);
      this.replayNumber = 0;
      this.replayDue = this.sent > 0 ? now + this.options.replaySymbols : NEVER;
    }
    if (dllp.kind === 'Nak') this.replay(now);
  }

  /** All that has no Ack is sent again; the fourth time without progress the link is retrained before (3.6.2.1). */
  private replay(now: number): void {
    this.replayDue = NEVER;
    if (this.sent === 0) return;
    this.sent = 0;
    this.counters.replays++;
    this.replayNumber = (this.replayNumber + 1) & 3;
    if (this.replayNumber === 0) {
      this.counters.rollovers++;
      this.pausedUntil = now + this.options.retrainSymbols;
    }
  }
}

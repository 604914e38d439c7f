import type { ReceiveEngine, Ring, TransmitEngine } from '../dma/index.ts';

/** Offsets within the 64 bytes of registers that a queue has (82599 datasheet 8.2.3.8, 8.2.3.9). */
export const RDH = 0x10;
export const SRRCTL = 0x14;
/** Receive Descriptor Tail: as where TDT is. */
export const RDT = 0x18;
export const RXDCTL = 0x28;
export const TDH = 0x10;
export const TDT = 0x18;
export const TXDCTL = 0x28;

/** RXDCTL.ENABLE and TXDCTL.ENABLE. */
export const QUEUE_ENABLE = 1 << 25;
/** RXDCTL.VME: strip the VLAN tag. */
export const RXDCTL_VME = 1 << 30;
/** SRRCTL.DROP_EN. */
export const SRRCTL_DROP_EN = 1 << 28;
/** Ring base addresses are multiples of this (8.2.3.8.1). */
const BASE_ALIGNMENT = 128;
const WORDS = 16;

/** Who is told what the registers of queues change beside the DMA engine. */
export interface QueueListener {
  /** A ring begins anew. */
  receiveStarted(queue: number): void;
  transmitStarted(queue: number): void;
  /** RXDCTL.VME of a queue has changed: {@link QueueRegisters.stripsTags}. */
  tagStrippingChanged(queue: number): void;
  /** Which receive queues there are, or which of them drop, has changed. */
  dropChanged(): void;
}

/** The registers of the transmit and receive queues: what they hold, and what writing them does to the DMA engine. */
export class QueueRegisters {
  private readonly receive: ReceiveEngine;
  private readonly transmit: TransmitEngine;
  private readonly listener: QueueListener;
  private readonly rx: Int32Array;
  private readonly tx: Int32Array;
  /** PFQDE and SRRCTL.DROP_EN together decide whether a queue drops. */
  private readonly dropByPf: Uint8Array;

  constructor(receive: ReceiveEngine, transmit: TransmitEngine, listener: QueueListener) {
    this.receive = receive;
    this.transmit = transmit;
    this.listener = listener;
    this.rx = new Int32Array(receive.rings.all.length * WORDS);
    this.tx = new Int32Array(transmit.rings.all.length * WORDS);
    this.dropByPf = new Uint8Array(receive.rings.all.length);
  }

  /** A receive queue's register, unsigned; `register` is its offset in the queue's 64 bytes. */
  readReceive(queue: number, register: number): number {
    const ring = this.receive.rings.ring(queue);
    if (register === RDH) return ring.takeIndex;
    if (register === RDT) return ring.tail;
    if (register === RXDCTL && isPending(ring))
      return (this.rx[queue * WORDS + (RXDCTL >> 2)] | QUEUE_ENABLE) >>> 0;
    return this.rx[queue * WORDS + (register >> 2)] >>> 0;
  }

  /** As {@link QueueRegisters.readReceive}, for a write. */
  writeReceive(queue: number, register: number, value: number): void {
    const engine = this.receive;
    if (register === RDT) {
      engine.setTail(queue, value & 0xffff);
      return;
    }
    const at = queue * WORDS + (register >> 2);
    const before = this.rx[at];
    this.rx[at] = value;
    if (register === SRRCTL) {
      engine.rings.ring(queue).bufferBytes = Math.max(1, value & 0x1f) * 1024;
      this.setDrop(queue);
    } else if (register === RXDCTL) {
      if (((before ^ value) & RXDCTL_VME) !== 0) this.listener.tagStrippingChanged(queue);
      if (((before ^ value) & QUEUE_ENABLE) === 0) return;
      if ((value & QUEUE_ENABLE) === 0) engine.disable(queue);
      else if (this.place(this.rx, engine.rings.ring(queue))) {
        this.listener.receiveStarted(queue);
        engine.enable(queue);
        this.listener.dropChanged();
      }
    }
  }

  /** A transmit queue's register, unsigned; `register` is its offset in the queue's 64 bytes. */
  readTransmit(queue: number, register: number): number {
    const ring = this.transmit.rings.ring(queue);
    if (register === TDH) return ring.head;
    if (register === TDT) return ring.tail;
    if (register === TXDCTL && isPending(ring))
      return (this.tx[queue * WORDS + (TXDCTL >> 2)] | QUEUE_ENABLE) >>> 0;
    return this.tx[queue * WORDS + (register >> 2)] >>> 0;
  }

  /** As {@link QueueRegisters.readTransmit}, for a write. */
  writeTransmit(queue: number, register: number, value: number): void {
    const engine = this.transmit;
    if (register === TDT) {
      engine.setTail(queue, value & 0xffff);
      return;
    }
    const at = queue * WORDS + (register >> 2);
    const before = this.tx[at];
    this.tx[at] = value;
    if (register !== TXDCTL) return;
    const ring = engine.rings.ring(queue);
    ring.prefetchThreshold = value & 0x7f;
    ring.hostThreshold = (value >> 8) & 0x7f;
    if (((before ^ value) & QUEUE_ENABLE) === 0) return;
    if ((value & QUEUE_ENABLE) === 0) engine.disable(queue);
    else if (this.place(this.tx, ring)) {
      this.listener.transmitStarted(queue);
      engine.enable(queue);
    }
  }

  /** Whether RXDCTL.VME of a queue asks for tags to be stripped. */
  stripsTags(queue: number): boolean {
    return (this.rx[queue * WORDS + (RXDCTL >> 2)] & RXDCTL_VME) !== 0;
  }

  /** Queue Drop Enable as the PF has set it for a queue (PFQDE). */
  setDropByPf(queue: number, drop: boolean): void {
    this.dropByPf[queue] = drop ? 1 : 0;
    this.setDrop(queue);
  }

  /** A queue's registers and ring as after a reset. */
  resetQueue(queue: number): void {
    this.receive.disable(queue);
    this.transmit.disable(queue);
    this.rx.fill(0, queue * WORDS, (queue + 1) * WORDS);
    this.tx.fill(0, queue * WORDS, (queue + 1) * WORDS);
    this.listener.tagStrippingChanged(queue);
    this.receive.rings.ring(queue).bufferBytes = 2048;
    this.setDrop(queue);
  }

  private setDrop(queue: number): void {
    const own = (this.rx[queue * WORDS + (SRRCTL >> 2)] & SRRCTL_DROP_EN) !== 0;
    const ring = this.receive.rings.ring(queue);
    const drop = own || this.dropByPf[queue] === 1 ? 1 : 0;
    if (ring.dropEnable === drop) return;
    this.receive.setDrop(queue, drop);
    this.listener.dropChanged();
  }

  /** Gives the engine the ring that the registers describe; false if it has no descriptor. */
  private place(registers: Int32Array, ring: Ring): boolean {
    const at = ring.queue * WORDS;
    const low = (registers[at] >>> 0) - ((registers[at] >>> 0) % BASE_ALIGNMENT);
    ring.base = low + (registers[at + 1] & 0xfffff) * 2 ** 32;
    ring.size = (registers[at + 2] & 0xfff80) >> 4;
    if (ring.size > 0) return true;
    registers[at + (RXDCTL >> 2)] &= ~QUEUE_ENABLE;
    return false;
  }
}

/** Whether accesses to a ring's descriptors are under way: until they have ended ENABLE stays set (4.6.7.1.2). */
function isPending({ orphans, firstFetch, endFetch }: Ring): boolean {
  return orphans > 0 || firstFetch !== endFetch;
}

import type { ReceiveEngine, TransmitEngine } from '../dma/index.ts';

/** Offsets within the 64 bytes of registers that a queue has (82599 datasheet 8.2.3.8, 8.2.3.9). */
export const RDBAL = 0x00;
export const RDBAH = 0x04;
export const RDLEN = 0x08;
export const RDH = 0x10;
export const SRRCTL = 0x14;
export const RDT = 0x18;
export const RXDCTL = 0x28;
export const TDBAL = 0x00;
export const TDBAH = 0x04;
export const TDLEN = 0x08;
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
  tagStrippingChanged(): void;
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
    this.rx = new Int32Array(receive.rings.queues * WORDS);
    this.tx = new Int32Array(transmit.rings.queues * WORDS);
    this.dropByPf = new Uint8Array(receive.rings.queues);
  }

  readReceive(queue: number, register: number): number {
    const rings = this.receive.rings;
    if (register === RDH) return rings.takeIndex[queue];
    if (register === RDT) return rings.tail[queue];
    return this.rx[queue * WORDS + (register >> 2)] >>> 0;
  }

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
      engine.bufferBytes[queue] = Math.max(1, value & 0x1f) * 1024;
      this.setDrop(queue);
    } else if (register === RXDCTL) {
      if (((before ^ value) & RXDCTL_VME) !== 0) this.listener.tagStrippingChanged();
      if (((before ^ value) & QUEUE_ENABLE) === 0) return;
      if ((value & QUEUE_ENABLE) === 0) engine.disable(queue);
      else if (this.place(this.rx, queue, engine.rings)) {
        this.listener.receiveStarted(queue);
        engine.enable(queue);
      }
    }
  }

  readTransmit(queue: number, register: number): number {
    const engine = this.transmit;
    if (register === TDH) return engine.head[queue];
    if (register === TDT) return engine.rings.tail[queue];
    return this.tx[queue * WORDS + (register >> 2)] >>> 0;
  }

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
    engine.rings.prefetchThreshold[queue] = value & 0x7f;
    engine.rings.hostThreshold[queue] = (value >> 8) & 0x7f;
    if (((before ^ value) & QUEUE_ENABLE) === 0) return;
    if ((value & QUEUE_ENABLE) === 0) engine.disable(queue);
    else if (this.place(this.tx, queue, engine.rings)) {
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
    this.listener.tagStrippingChanged();
    this.receive.bufferBytes[queue] = 2048;
    this.setDrop(queue);
  }

  private setDrop(queue: number): void {
    const own = (this.rx[queue * WORDS + (SRRCTL >> 2)] & SRRCTL_DROP_EN) !== 0;
    this.receive.dropEnable[queue] = own || this.dropByPf[queue] === 1 ? 1 : 0;
  }

  /** Gives the engine the ring that the registers describe; false if it has no descriptor. */
  private place(registers: Int32Array, queue: number, rings: ReceiveEngine['rings']): boolean {
    const at = queue * WORDS;
    const low = (registers[at] >>> 0) - ((registers[at] >>> 0) % BASE_ALIGNMENT);
    rings.base[queue] = low + (registers[at + 1] & 0xfffff) * 2 ** 32;
    rings.size[queue] = (registers[at + 2] & 0xfff80) >> 4;
    if (rings.size[queue] > 0) return true;
    registers[at + (RXDCTL >> 2)] &= ~QUEUE_ENABLE;
    return false;
  }
}

import type { FramePool } from '../base/index.ts';
import {
  type DmaPort,
  type LargeSendOwner,
  LargeSends,
  type TransmitEngine,
  type TransmitOffload,
  type TransmitRing,
  type TransmitSink,
} from '../dma/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import {
  FCS_BYTES,
  IpProtocol,
  insertIpv4Checksum,
  insertTransportChecksum,
  internetSum,
  isFcsValid,
  MIN_FRAME_BYTES,
  SCTP_HEADER_BYTES,
  TCP_FLAGS_MASK,
  TCP_HEADER_BYTES,
  UDP_HEADER_BYTES,
  updateSegmentHeaders,
  VLAN_TAG_BYTES,
} from '../wire/index.ts';
import { DCMD_DEXT, DCMD_EOP, DCMD_IFCS, DCMD_RS, DCMD_VLE, DTYP_DATA } from './advanced-descriptors.ts';
import type { DataPlane } from './data-plane.ts';
import { NicDrop } from './drops.ts';

/** DTYP of an advanced context descriptor, and all of its bits. */
const DTYP_CONTEXT = 2 << 20;
const DTYP = 0xf << 20;
/** TCP segmentation, in an advanced data descriptor. */
export const DCMD_TSE = 1 << 31;
/** Insert Checksum, in a legacy descriptor. */
export const CMD_IC = 1 << 26;
/** Reserved in both, so that software's does not count: marks a legacy descriptor that has been rewritten as an advanced one. */
const WAS_LEGACY = 1 << 28;
/** POPTS, in the last double word of a data descriptor. */
export const POPTS_IXSM = 1 << 8;
export const POPTS_TXSM = 1 << 9;
/** TUCMD, in the third double word of a context descriptor; L4T is two bits. */
export const TUCMD_IPV4 = 1 << 10;
const L4T_SHIFT = 11;
const L4_PROTOCOLS = [IpProtocol.UDP, IpProtocol.TCP, IpProtocol.SCTP, 0];
/** Where PAYLEN begins, and the lowest bit of IDX: two contexts a queue. */
const PAYLEN_SHIFT = 14;
const IDX_SHIFT = 4;
const CONTEXTS = 2;

/** HLREG0: the MAC appends the frame check sequence, and pads. */
const TXCRCEN = 1 << 0;
const TXPADEN = 1 << 10;
/** PFVTCTL.VT_EN, MTQC.VT_Ena: legacy descriptors are for a card without virtualization (datasheet 7.2.3.1). */
const VT_EN = 1 << 0;
const VT_ENA = 1 << 1;

/** What is to be done to the frame in a slot, as a sum. */
const ASKS_IP = 1 << 0;
const ASKS_TRANSPORT = 1 << 1;
const ASKS_SEGMENT = 1 << 2;
const IS_LAST = 1 << 3;
/** Its checksum is that of a legacy descriptor. */
const ASKS_LEGACY = 1 << 4;
/** It has its frame check sequence with it. */
const HAS_FCS = 1 << 5;

/** Bytes of the shortest header of each transport protocol that a checksum can be put into. */
const LEAST_TRANSPORT: Readonly<Record<number, number>> = {
  [IpProtocol.UDP]: UDP_HEADER_BYTES,
  [IpProtocol.TCP]: TCP_HEADER_BYTES,
  [IpProtocol.SCTP]: SCTP_HEADER_BYTES,
};
const LEAST_MAC = 14;
const LEAST_IPV4 = 20;

/**
 * What an 82599 does to frames between host memory and its switch: checksums, segmentation, VLAN tags, padding, frame check
 * sequences (datasheet 7.2.3 to 7.2.5). Context descriptors are kept for their queue, two each, and a frame keeps what its
 * context said when its first descriptor was taken.
 */
export class TransmitOffloads implements TransmitOffload, TransmitSink, LargeSendOwner {
  private readonly data: DataPlane;
  private readonly engine: TransmitEngine;
  private readonly frames: FramePool;
  private readonly sink: TransmitSink;
  private readonly registers: RegisterFile;
  private readonly own: RegisterFile;
  private readonly sends: LargeSends;
  /** Places of HLREG0, PFVTCTL and MTQC among the registers' values. */
  private readonly macControl: number;
  private readonly vtControl: number;
  private readonly queueControl: number;
  /** First, third and last double word of each context, by queue and IDX. */
  private readonly contexts: Int32Array;
  /** The reset of each queue's ring since which its contexts have been written: those of before are gone. */
  private readonly since: Int32Array;
  /** Number of the first descriptor of each queue that has not been looked at in the cache. */
  private readonly unread: Int32Array;
  /** Third and last double word of the first descriptor of a queue's large send. */
  private readonly sending: Int32Array;
  // By slot: what is to be done, the double words of its context, its number among segments.
  private readonly asks: Uint8Array;
  private readonly words: Int32Array;
  private readonly index: Int32Array;

  /**
   * @param registers of the card.
   * @param own those of `INTEL_82599_OFFLOAD_REGISTERS`.
   */
  constructor(data: DataPlane, port: DmaPort, registers: RegisterFile, own: RegisterFile) {
    const { transmit, frames } = data;
    this.data = data;
    this.engine = transmit;
    this.frames = frames;
    this.sink = transmit.sink;
    this.registers = registers;
    this.own = own;
    this.macControl = registers.slot('HLREG0');
    this.vtControl = registers.slot('PFVTCTL');
    this.queueControl = registers.slot('MTQC');
    this.sends = new LargeSends(transmit, frames, port, this);
    const queues = transmit.rings.all.length;
    this.contexts = new Int32Array(queues * CONTEXTS * 3);
    this.since = new Int32Array(queues);
    this.unread = new Int32Array(queues);
    this.sending = new Int32Array(queues * 2);
    this.asks = new Uint8Array(frames.slots);
    this.words = new Int32Array(frames.slots * 3);
    this.index = new Int32Array(frames.slots);
  }

  takeDescriptor(ring: TransmitRing): boolean {
    if (ring.resetAt !== this.since[ring.queue]) this.forget(ring);
    if (ring.landed !== this.unread[ring.queue]) this.lookAt(ring);
    if (this.sends.isActive(ring)) return this.sends.go(ring);
    if (ring.openSlot >= 0) return this.engine.takeDescriptor(ring);
    const { i32 } = this.frames;
    const word = ring.wordOf(0);
    const type = i32[word + 2] & (DTYP | DCMD_DEXT);
    if (type === (DTYP_DATA | DCMD_DEXT)) return this.takeFrame(ring, i32[word + 2], i32[word + 3]);
    if (type === (DTYP_CONTEXT | DCMD_DEXT)) {
      const at = this.contextOf(ring.queue, i32[word + 3]);
      this.contexts[at] = i32[word];
      this.contexts[at + 1] = i32[word + 2];
      this.contexts[at + 2] = i32[word + 3];
    }
    return this.engine.takeDescriptor(ring);
  }

  segmentOpened({ queue }: TransmitRing, slot: number, index: number, isLast: boolean): void {
    this.note(queue, slot, this.sending[2 * queue], this.sending[2 * queue + 1]);
    this.asks[slot] |= ASKS_SEGMENT | (isLast ? IS_LAST : 0);
    this.index[slot] = index;
  }

  frameFetched(queue: number, slot: number, index: number): void {
    const asks = this.asks[slot];
    if ((asks & HAS_FCS) !== 0 && !this.takeFcs(slot)) {
      this.lose(queue, slot, index);
      return;
    }
    if ((asks & ASKS_LEGACY) !== 0) this.finishLegacy(slot);
    else if (asks !== 0) this.finish(slot, asks);
    this.pad(slot);
    this.sink.frameFetched(queue, slot, index);
  }

  frameFailed(queue: number): void {
    this.sink.frameFailed(queue);
  }

  statusWritten(queue: number): void {
    this.sink.statusWritten(queue);
  }

  ringFailed(queue: number): void {
    this.sink.ringFailed(queue);
  }

  private takeFrame(ring: TransmitRing, command: number, options: number): boolean {
    const { queue } = ring;
    if ((command & DCMD_TSE) !== 0 && (command & WAS_LEGACY) === 0) {
      this.sending[2 * queue] = command;
      this.sending[2 * queue + 1] = options;
      return this.startSend(ring, options);
    }
    const before = ring.taken;
    const goesOn = this.engine.takeDescriptor(ring);
    if (ring.taken !== before) this.note(queue, ring.lastSlot, command, options);
    return goesOn;
  }

  private startSend(ring: TransmitRing, options: number): boolean {
    const at = this.contextOf(ring.queue, options);
    const lengths = this.contexts[at];
    const transport = this.contexts[at + 2];
    const protocol = protocolOf(this.contexts[at + 1]);
    const macBytes = macBytesOf(lengths);
    const transportBytes = (transport >> 8) & 0xff;
    const least = LEAST_TRANSPORT[protocol];
    // SCTP is not segmented (7.2.5.3); what cannot be is refused as one without payload in its frames.
    const isSane = macBytes >= LEAST_MAC && transportBytes >= least && protocol !== IpProtocol.SCTP;
    return this.sends.start(ring, {
      headerBytes: macBytes + networkBytesOf(lengths) + transportBytes,
      segmentBytes: isSane ? transport >>> 16 : 0,
      payloadBytes: options >>> PAYLEN_SHIFT,
    });
  }

  /** Where the words of the context are that a descriptor of a queue names. */
  private contextOf(queue: number, options: number): number {
    return (queue * CONTEXTS + ((options >> IDX_SHIFT) & (CONTEXTS - 1))) * 3;
  }

  /** Keeps for the frame in a slot what its first descriptor asks for. */
  private note(queue: number, slot: number, command: number, options: number): void {
    const { words } = this;
    const isLegacy = (command & WAS_LEGACY) !== 0;
    let asks = 0;
    if (isLegacy) {
      words[3 * slot] = options;
      if ((command & CMD_IC) !== 0) asks = ASKS_LEGACY;
    } else {
      const at = this.contextOf(queue, options);
      for (let i = 0; i < 3; i++) words[3 * slot + i] = this.contexts[at + i];
      if ((options & POPTS_IXSM) !== 0) asks |= ASKS_IP;
      if ((options & POPTS_TXSM) !== 0) asks |= ASKS_TRANSPORT;
    }
    if ((command & DCMD_IFCS) === 0 || (this.registers.values[this.macControl] & TXCRCEN) === 0)
      asks |= HAS_FCS;
    this.asks[slot] = asks;
    // In both kinds of descriptors it is in the upper half.
    if ((command & DCMD_VLE) !== 0) this.frames.outerTci[slot] = words[3 * slot] >>> 16;
  }

  /** Headers and checksums of a frame that is whole. What its context says of a frame that is shorter is not heeded. */
  private finish(slot: number, asks: number): void {
    const { u8 } = this.frames;
    const bytes = this.frames.lengths[slot];
    const start = this.frames.offsetOf(slot);
    const lengths = this.words[3 * slot];
    const isIpv4 = (this.words[3 * slot + 1] & TUCMD_IPV4) !== 0;
    const protocol = protocolOf(this.words[3 * slot + 1]);
    const macBytes = macBytesOf(lengths);
    const networkBytes = networkBytesOf(lengths);
    const transport = macBytes + networkBytes;
    if (macBytes < LEAST_MAC || transport > bytes) return;
    const isSegment = (asks & ASKS_SEGMENT) !== 0;
    if (isSegment) {
      const headers = { macBytes, networkBytes, isIpv4, protocol };
      const mss = this.words[3 * slot + 2] >>> 16;
      const index = this.index[slot];
      const mask = this.flagsMask(index, (asks & IS_LAST) !== 0);
      updateSegmentHeaders(u8, start, bytes, headers, index, mss, mask);
    }
    if ((asks & ASKS_IP) !== 0 && isIpv4 && networkBytes >= LEAST_IPV4)
      insertIpv4Checksum(u8, start + macBytes, networkBytes);
    if ((asks & ASKS_TRANSPORT) === 0 || !(bytes - transport >= LEAST_TRANSPORT[protocol])) return;
    // The prototype of segments has the sum of a pseudo header without length.
    const left = bytes - transport;
    insertTransportChecksum(u8, start + transport, left, protocol, isSegment ? left : 0);
  }

  /** TCP flags that a segment keeps: all, if it is the only one. */
  private flagsMask(index: number, isLast: boolean): number {
    if (isLast) return index === 0 ? TCP_FLAGS_MASK : this.own.get('DTXTCPFLGH');
    const low = this.own.get('DTXTCPFLGL');
    return (index === 0 ? low : low >>> 16) & TCP_FLAGS_MASK;
  }

  /** CSO and CSS: where a checksum of all from CSS on is put. */
  private finishLegacy(slot: number): void {
    const { u8 } = this.frames;
    const bytes = this.frames.lengths[slot];
    const start = this.frames.offsetOf(slot);
    const place = this.words[3 * slot] & 0xff;
    const from = (this.words[3 * slot] >> 8) & 0xff;
    if (place + 2 > bytes || from >= bytes) return;
    const checksum = ~internetSum(u8, start + from, bytes - from);
    u8[start + place] = checksum >> 8;
    u8[start + place + 1] = checksum;
  }

  /** Takes the frame check sequence off that software has put behind a frame; false if it is wrong. */
  private takeFcs(slot: number): boolean {
    const { frames } = this;
    const bytes = frames.lengths[slot];
    if (bytes <= FCS_BYTES) return false;
    const isRight = isFcsValid(frames.u8, frames.offsetOf(slot), bytes);
    frames.lengths[slot] = bytes - FCS_BYTES;
    this.engine.bufferFree += FCS_BYTES;
    return isRight;
  }

  /** A frame with a wrong check sequence: whoever got it would drop it. */
  private lose(queue: number, slot: number, index: number): void {
    const { data, engine, frames } = this;
    data.transmitted[queue].done(index);
    data.drops.count(data.pools[queue], NicDrop.BAD_FCS);
    engine.shares?.leave(slot);
    const bytes = frames.lengths[slot];
    frames.release(slot);
    engine.releaseBuffer(bytes);
    engine.slotFreed();
  }

  /** Zeros behind a frame that is too short for Ethernet. */
  private pad(slot: number): void {
    const { frames } = this;
    const bytes = frames.lengths[slot];
    const tagBytes = frames.outerTci[slot] >= 0 ? VLAN_TAG_BYTES : 0;
    const least = MIN_FRAME_BYTES - FCS_BYTES - tagBytes;
    if (bytes >= least || (this.registers.values[this.macControl] & TXPADEN) === 0) return;
    const start = frames.offsetOf(slot);
    frames.u8.fill(0, start + bytes, start + least);
    frames.lengths[slot] = least;
    this.engine.bufferFree -= least - bytes;
  }

  private takesLegacy(): boolean {
    const { values } = this.registers;
    return (values[this.vtControl] & VT_EN) === 0 && (values[this.queueControl] & VT_ENA) === 0;
  }

  /** The ring has been reset, by itself or with its function or the card. */
  private forget({ queue, resetAt }: TransmitRing): void {
    this.contexts.fill(0, queue * CONTEXTS * 3, (queue + 1) * CONTEXTS * 3);
    this.since[queue] = resetAt;
  }

  /** Descriptors have come into the cache: legacy ones are written as advanced ones; CSO goes where STA was. */
  private lookAt(ring: TransmitRing): void {
    const { i32 } = this.frames;
    const takesLegacy = this.takesLegacy();
    const behind = (this.unread[ring.queue] - ring.taken) | 0;
    const count = (ring.landed - ring.taken) | 0;
    this.unread[ring.queue] = ring.landed;
    for (let ahead = behind > 0 ? behind : 0; ahead < count; ahead++) {
      const word = ring.wordOf(ahead);
      const command = i32[word + 2];
      i32[word + 2] = command & ~WAS_LEGACY;
      if ((command & DCMD_DEXT) !== 0 || !takesLegacy) continue;
      const kept = command & (0xffff | DCMD_EOP | DCMD_IFCS | CMD_IC | DCMD_RS | DCMD_VLE);
      i32[word + 2] = kept | DTYP_DATA | DCMD_DEXT | WAS_LEGACY;
      i32[word + 3] = (i32[word + 3] & ~0xff) | ((command >> 16) & 0xff);
    }
  }
}

/** MACLEN and IPLEN of the first double word of a context, and L4T of its third. */
function macBytesOf(word: number): number {
  return (word >> 9) & 0x7f;
}

function networkBytesOf(word: number): number {
  return word & 0x1ff;
}

function protocolOf(word: number): number {
  return L4_PROTOCOLS[(word >> L4T_SHIFT) & 3];
}

import type { FramePool } from '../base/index.ts';
import type { ReceiveFormat } from '../dma/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import {
  ETHERNET,
  IPV4,
  IPV6,
  isIpv4ChecksumValid,
  isSctpChecksumValid,
  isTcpChecksumValid,
  isUdpChecksumValid,
  PacketKind,
  PacketLayout,
  parsePacket,
  TOEPLITZ_KEY_BYTES,
  toeplitzHash,
  UDP,
  UDP_HEADER_BYTES,
  VLAN_TAG_BYTES,
} from '../wire/index.ts';
import { AdvancedReceiveFormat, STATUS_DD, STATUS_EOP, STATUS_VP } from './advanced-descriptors.ts';
import { writeLegacy } from './legacy-receive.ts';
import { RECEIVE_MODES, type ReceiveMode } from './queue-modes.ts';
import { type QueueRegisters, SRRCTL } from './queue-registers.ts';
import { ReceiveFilters } from './receive-filters.ts';
import type { QueueSpread } from './ring-progress.ts';

/** RSS type of a receive descriptor (datasheet 7.1.6.2). */
export const RssType = {
  NONE: 0,
  TCP_IPV4: 1,
  IPV4: 2,
  TCP_IPV6: 3,
  IPV6: 5,
  UDP_IPV4: 7,
  UDP_IPV6: 8,
} as const;

/** One of {@link RssType}. */
export type RssType = (typeof RssType)[keyof typeof RssType];

/** Status of a packet whose last buffer a descriptor has, beside DD, EOP and VP. */
export const STATUS_UDPCS = 1 << 4;
export const STATUS_L4I = 1 << 5;
export const STATUS_IPCS = 1 << 6;
export const STATUS_VEXT = 1 << 9;
/** Errors, in the same double word. */
export const ERROR_L4E = 1 << 30;
export const ERROR_IPE = 1 << 31;
/** Packet types, in the first double word: those of `PacketKind` from here on, or that of ETQF. */
export const PACKET_TYPE_SHIFT = 4;
const PACKET_TYPES = 0x3ff;
/** The EtherType is that of an ETQF, whose number is in the lowest bits of the packet type. */
export const PACKET_TYPE_L2 = 1 << 15;

/** MRQC.MRQE: modes with RSS, a bit each. */
const RSS_MODES = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 10) | (1 << 11);
/** MRQC: hash functions, in the order in which they are tried. */
const FUNCTIONS_IPV4 = [
  { enable: 1 << 16, kind: PacketKind.TCP, type: RssType.TCP_IPV4 },
  { enable: 1 << 22, kind: PacketKind.UDP, type: RssType.UDP_IPV4 },
  { enable: 1 << 17, kind: 0, type: RssType.IPV4 },
] as const;
const FUNCTIONS_IPV6 = [
  { enable: 1 << 21, kind: PacketKind.TCP, type: RssType.TCP_IPV6 },
  { enable: 1 << 23, kind: PacketKind.UDP, type: RssType.UDP_IPV6 },
  { enable: 1 << 20, kind: 0, type: RssType.IPV6 },
] as const;
/** RXCSUM.PCSD. */
const PCSD = 1 << 13;
const EXTENDED_VLAN = 1 << 26;
/** Entries of RETA, and bits of each. */
const RETA_MASK = 0x7f;
const RETA_ENTRY = 0xf;
const RQPL_SHIFT = 29;
const RQTC_MASK = 7;
/** PFVTCTL.VT_En, SRRCTL.DESCTYPE, and the bytes of the descriptor cache of a ring, as a shift. */
const VT_EN = 1 << 0;
const DESCTYPE = 7 << 25;
const CACHE_SHIFT = 10;

/**
 * What an 82599 finds out about packets that it receives: their types, whether their checksums are right, their RSS hash
 * and by that their queue (datasheet 7.1.2.8, 7.1.6.2, 7.1.11).
 */
export class ReceiveOffloads implements ReceiveFormat, QueueSpread {
  readonly filters: ReceiveFilters;
  private readonly format = new AdvancedReceiveFormat();
  private readonly frames: FramePool;
  private readonly registers: RegisterFile;
  private readonly own: RegisterFile;
  private readonly queues: number;
  private readonly division: { readonly queuesPerPool: number };
  private readonly queueRegisters: QueueRegisters;
  private readonly descriptors: number;
  /** Place of MRQC among the registers' values. */
  private readonly control: number;
  /** The bytes of RSSRK. */
  private readonly key: Uint8Array;
  private readonly layout = new PacketLayout();
  /** What the last hash was of. */
  private type: RssType = RssType.NONE;

  /**
   * @param registers of the card.
   * @param own those of `INTEL_82599_OFFLOAD_REGISTERS`.
   * @param queues that the card has.
   * @param division says how many a pool has where MRQC does not.
   * @param descriptors byte of the frame store at which the caches of the receive descriptors begin.
   */
  constructor(
    frames: FramePool,
    registers: RegisterFile,
    own: RegisterFile,
    queues: number,
    division: { readonly queuesPerPool: number },
    queueRegisters: QueueRegisters,
    descriptors: number,
  ) {
    this.frames = frames;
    this.registers = registers;
    this.own = own;
    this.queues = queues;
    this.division = division;
    this.queueRegisters = queueRegisters;
    this.descriptors = descriptors;
    this.filters = new ReceiveFilters(frames, own);
    this.control = registers.slot('MRQC');
    const { buffer, byteOffset } = own.values;
    this.key = new Uint8Array(buffer, byteOffset + 4 * own.slot('RSSRK'), TOEPLITZ_KEY_BYTES);
  }

  queueFor(pool: number, slot: number): number {
    const mode = RECEIVE_MODES[this.registers.values[this.control] & 0xf];
    const hasPools = mode.hasPools || pool > 0;
    const perPool = mode.hasPools ? mode.queues : this.division.queuesPerPool;
    const first = hasPools ? pool * perPool : 0;
    const isFiltered = this.filters.isInUse;
    if (!isFiltered && mode.classes === 1 && mode.rssBits === 0) return first % this.queues;
    this.parse(slot);
    const priority = this.priority(slot);
    if (isFiltered) {
      const queue = this.filters.queueFor(this.layout, slot, hasPools ? pool : -1, priority);
      // What a pool gets comes to its own queues.
      if (queue >= (hasPools ? first : 0) && (!hasPools || queue < first + perPool)) return queue;
    }
    const trafficClass = mode.classes === 1 ? 0 : this.classOf(priority, mode.classes);
    const base = first + (mode.hasPools ? trafficClass : trafficClass * mode.queues);
    return (base + this.rssIndex(mode, pool, trafficClass, slot)) % this.queues;
  }

  readAddress(cache: Int32Array, word: number, into: { address: number }): void {
    this.format.readAddress(cache, word, into);
  }

  writeBack(
    cache: Int32Array,
    word: number,
    bytes: number,
    endOfPacket: boolean,
    tci: number,
    slot: number,
  ): void {
    if (this.isLegacy(word)) {
      this.writeBackLegacy(cache, word, bytes, endOfPacket, tci, slot);
      return;
    }
    this.format.writeBack(cache, word, bytes, endOfPacket, tci);
    // What a packet is stands in its last descriptor.
    if (!endOfPacket) return;
    this.parse(slot);
    cache[word] = this.packetType(slot);
    cache[word + 2] |= this.status(slot);
    if ((this.own.get('RXCSUM') & PCSD) === 0) return;
    cache[word + 1] = this.hash(slot);
    cache[word] |= this.type;
  }

  /** Whether software has legacy descriptors in the ring of the cached one at `word`: with pools there are none (7.1.5). */
  private isLegacy(word: number): boolean {
    if ((this.registers.get('PFVTCTL') & VT_EN) !== 0) return false;
    const queue = ((word << 2) - this.descriptors) >> CACHE_SHIFT;
    return (this.queueRegisters.readReceive(queue, SRRCTL) & DESCTYPE) === 0;
  }

  private writeBackLegacy(
    cache: Int32Array,
    word: number,
    bytes: number,
    endOfPacket: boolean,
    tci: number,
    slot: number,
  ): void {
    let status = STATUS_DD | (endOfPacket ? STATUS_EOP : 0) | (tci >= 0 ? STATUS_VP : 0);
    if (endOfPacket) {
      this.parse(slot);
      status |= this.status(slot);
    }
    writeLegacy(cache, word, status, bytes | (tci >= 0 ? tci << 16 : 0));
  }

  /** Priority of the VLAN tag of the packet that was parsed last, or -1. */
  private priority(slot: number): number {
    const { u8 } = this.frames;
    const outer = (this.layout.kinds & PacketKind.OUTER_TAG) !== 0 ? VLAN_TAG_BYTES : 0;
    const at = this.frames.offsetOf(slot) + ETHERNET.TYPE + outer;
    return ((u8[at] << 8) | u8[at + 1]) === (this.registers.get('VLNCTRL') & 0xffff) ? u8[at + 2] >> 5 : -1;
  }

  /** Class of a packet by its priority, which is 0 without a tag (RTRUP2TC). */
  private classOf(priority: number, classes: number): number {
    return (this.registers.get('RTRUP2TC') >>> (3 * Math.max(0, priority))) & (classes - 1);
  }

  /** What RSS adds to the number of a queue: the bits of an entry of RETA that count. */
  private rssIndex(mode: ReceiveMode, pool: number, trafficClass: number, slot: number): number {
    if (mode.rssBits === 0 || (pool > 0 && !mode.hasPools)) return 0;
    const hash = this.hash(slot);
    if (this.type === RssType.NONE) return 0;
    let bits: number;
    if (mode.hasPools) bits = this.own.get('PSRTYPE', pool) >>> RQPL_SHIFT;
    else bits = mode.classes === 1 ? mode.rssBits : (this.own.get('RQTC') >>> (4 * trafficClass)) & RQTC_MASK;
    return this.redirect(hash) & ((1 << Math.min(bits, mode.rssBits)) - 1);
  }

  private redirect(hash: number): number {
    const entry = hash & RETA_MASK;
    return (this.own.get('RETA', entry >> 2) >>> (8 * (entry & 3))) & RETA_ENTRY;
  }

  private parse(slot: number): void {
    const { registers, frames } = this;
    const isExtended = (registers.get('CTRL_EXT') & EXTENDED_VLAN) !== 0;
    parsePacket(frames.u8, frames.offsetOf(slot), frames.lengths[slot], this.layout, {
      vlan: registers.get('VLNCTRL') & 0xffff,
      outer: isExtended ? registers.get('EXVET') >>> 16 : -1,
    });
  }

  private packetType(slot: number): number {
    const { kinds } = this.layout;
    if ((kinds & PACKET_TYPES) !== 0) return (kinds & PACKET_TYPES) << PACKET_TYPE_SHIFT;
    const type = this.filters.isInUse ? this.filters.etherTypeOf(this.layout, this.priority(slot)) : -1;
    return type < 0 ? 0 : PACKET_TYPE_L2 | (type << PACKET_TYPE_SHIFT);
  }

  /** Which checksums have been looked at, and which of them are wrong. */
  private status(slot: number): number {
    const { u8 } = this.frames;
    const { kinds, network, outerNetwork, transport, end } = this.layout;
    const start = this.frames.offsetOf(slot);
    let status = (kinds & PacketKind.OUTER_TAG) !== 0 ? STATUS_VEXT : 0;
    if ((kinds & PacketKind.IPV4) !== 0)
      status |= isIpv4ChecksumValid(u8, start + outerNetwork) ? STATUS_IPCS : STATUS_IPCS | ERROR_IPE;
    if (transport === 0 || (kinds & (PacketKind.OTHER_ADDRESSES | PacketKind.TUNNEL)) !== 0) return status;
    const at = start + transport;
    const bytes = end - transport;
    let isRight: boolean;
    if ((kinds & PacketKind.TCP) !== 0) isRight = isTcpChecksumValid(u8, start + network, at, bytes);
    else if ((kinds & PacketKind.SCTP) !== 0) isRight = isSctpChecksumValid(u8, at, bytes);
    else {
      // None over IPv4; over IPv6 there has to be one.
      const field = at + UDP.CHECKSUM;
      if (u8[field] + u8[field + 1] === 0 && (kinds & PacketKind.IPV4) !== 0) return status;
      const length = (u8[at + UDP.LENGTH] << 8) | u8[at + UDP.LENGTH + 1];
      isRight = length >= UDP_HEADER_BYTES && length <= bytes && isUdpChecksumValid(u8, start + network, at);
      status |= STATUS_UDPCS;
    }
    return status | (isRight ? STATUS_L4I : STATUS_L4I | ERROR_L4E);
  }

  /** The hash of the packet that was parsed last, and in `type` what it is of; 0 of a packet that has none. */
  private hash(slot: number): number {
    const control = this.registers.values[this.control];
    const { kinds, outerNetwork, network, transport } = this.layout;
    this.type = RssType.NONE;
    if (((RSS_MODES >> (control & 0xf)) & 1) === 0) return 0;
    const isIpv4 = (kinds & PacketKind.IPV4) !== 0;
    if (!isIpv4 && (kinds & PacketKind.IPV6) === 0) return 0;
    const { key } = this;
    const { u8 } = this.frames;
    const start = this.frames.offsetOf(slot);
    // Of a tunnel the outer addresses, without ports.
    const isTunnel = (kinds & PacketKind.TUNNEL) !== 0;
    for (const { enable, kind, type } of isIpv4 ? FUNCTIONS_IPV4 : FUNCTIONS_IPV6) {
      if ((control & enable) === 0 || (kind !== 0 && ((kinds & kind) === 0 || isTunnel))) continue;
      this.type = type;
      const bytes = isIpv4 ? 8 : 32;
      const from = start + (isIpv4 ? outerNetwork + IPV4.SOURCE : network + IPV6.SOURCE);
      const addresses = toeplitzHash(key, u8, from, bytes);
      return kind === 0 ? addresses : addresses ^ toeplitzHash(key, u8, start + transport, 4, bytes);
    }
    return 0;
  }
}

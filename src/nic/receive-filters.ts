import type { FramePool } from '../base/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import { IPV4, PacketKind, type PacketLayout } from '../wire/index.ts';

/** Valid bits. */
const ETQF_ENABLE = 1 << 31;
const QUEUE_ENABLE = 1 << 31;
const SYN_ENABLE = 1 << 0;
/** ETQF: user priority. */
const UP_SHIFT = 16;
const UP_ENABLE = 1 << 19;
/** SYNQF comes before the 5-tuple filters. */
const SYNQFP = 1 << 31;
/** FTQF: priority, pool, and what is not compared. */
const PRIORITY_SHIFT = 2;
const POOL_SHIFT = 8;
const NOT_SOURCE = 1 << 25;
const NOT_DESTINATION = 1 << 26;
const NOT_SOURCE_PORT = 1 << 27;
const NOT_DESTINATION_PORT = 1 << 28;
const NOT_PROTOCOL = 1 << 29;
const NOT_POOL = 1 << 30;
/** FTQF.Protocol. */
const [TCP, UDP, SCTP, OTHER] = [0, 1, 2, 3];
/** Where the queue is. */
const ETQS_QUEUE_SHIFT = 16;
const L34_QUEUE_SHIFT = 21;
const SYN_QUEUE_SHIFT = 1;
const QUEUE_MASK = 0x7f;
const FILTERS = 128;
const ETHER_TYPES = 8;
/** Flags of a TCP header: byte in it, SYN, ACK. */
const TCP_FLAGS = 13;
const SYN = 1 << 1;
const ACK = 1 << 4;

/**
 * Filters that name a queue, before RSS is asked (82599 data sheet 7.1.2): EtherTypes, TCP SYN packets, and 5-tuples of IPv4
 * packets. Queues are those of the card.
 */
export class ReceiveFilters {
  private readonly frames: FramePool;
  private readonly file: RegisterFile;
  /** Numbers of the 5-tuple filters that are valid, the first `count`; all by what the registers had last. */
  private readonly tuples = new Int32Array(FILTERS);
  private count = 0;
  private inUse = false;
  private isStale = true;

  /** @param file has the registers of `RECEIVE_FILTER_REGISTERS`, and ETQF. */
  constructor(frames: FramePool, file: RegisterFile) {
    this.frames = frames;
    this.file = file;
    for (const name of ['FTQF', 'SYNQF', 'ETQF']) file.onWrite(name, () => this.reset());
  }

  /** The registers hold something else. */
  reset(): void {
    this.isStale = true;
  }

  /** Whether there are any: else no packet has to be looked at for them. */
  get isInUse(): boolean {
    if (this.isStale) this.refresh();
    return this.inUse;
  }

  /** Number of the EtherType filter that a packet matches, or -1. @param priority of its VLAN tag, or -1. */
  etherTypeOf({ etherType }: PacketLayout, priority: number): number {
    for (let i = 0; i < ETHER_TYPES; i++) {
      const filter = this.file.get('ETQF', i);
      if ((filter & ETQF_ENABLE) === 0 || (filter & 0xffff) !== etherType) continue;
      if ((filter & UP_ENABLE) === 0 || ((filter >>> UP_SHIFT) & 7) === priority) return i;
    }
    return -1;
  }

  /** Queue for a packet that goes to `pool` (-1 without pools), or -1 if no filter names one. */
  queueFor(layout: PacketLayout, slot: number, pool: number, priority: number): number {
    const { file } = this;
    const type = this.etherTypeOf(layout, priority);
    const selected = type < 0 ? 0 : file.get('ETQS', type);
    if ((selected & QUEUE_ENABLE) !== 0) return (selected >>> ETQS_QUEUE_SHIFT) & QUEUE_MASK;
    const isSynFirst = (file.get('SYNQF') & SYNQFP) !== 0;
    const first = isSynFirst ? this.synQueue(layout, slot) : this.tupleQueue(layout, slot, pool);
    if (first >= 0) return first;
    return isSynFirst ? this.tupleQueue(layout, slot, pool) : this.synQueue(layout, slot);
  }

  private refresh(): void {
    const { file } = this;
    this.count = 0;
    for (let i = 0; i < FILTERS; i++)
      if ((file.get('FTQF', i) & QUEUE_ENABLE) !== 0) this.tuples[this.count++] = i;
    this.inUse = this.count > 0 || (file.get('SYNQF') & SYN_ENABLE) !== 0;
    for (let i = 0; i < ETHER_TYPES; i++) if ((file.get('ETQF', i) & ETQF_ENABLE) !== 0) this.inUse = true;
    this.isStale = false;
  }

  private synQueue({ kinds, transport }: PacketLayout, slot: number): number {
    const filter = this.file.get('SYNQF');
    if ((filter & SYN_ENABLE) === 0 || (kinds & PacketKind.TCP) === 0) return -1;
    const flags = this.frames.u8[this.frames.offsetOf(slot) + transport + TCP_FLAGS];
    return (flags & (SYN | ACK)) === SYN ? (filter >>> SYN_QUEUE_SHIFT) & QUEUE_MASK : -1;
  }

  /** Of the filters that match the one with the highest priority, and of these the first. */
  private tupleQueue(layout: PacketLayout, slot: number, pool: number): number {
    let best = -1;
    let highest = -1;
    // Fragments have no ports, and tunnels none that are looked at.
    const isPlain = (layout.kinds & (PacketKind.FRAGMENT | PacketKind.TUNNEL)) === 0;
    if ((layout.kinds & PacketKind.IPV4) === 0 || !isPlain) return -1;
    for (let at = 0; at < this.count; at++) {
      const i = this.tuples[at];
      const priority = (this.file.get('FTQF', i) >>> PRIORITY_SHIFT) & 7;
      if (priority <= highest || !this.matches(i, layout, slot, pool)) continue;
      best = i;
      highest = priority;
    }
    return best < 0 ? -1 : (this.file.get('L34TIMIR', best) >>> L34_QUEUE_SHIFT) & QUEUE_MASK;
  }

  private matches(
    i: number,
    { kinds, network, transport }: PacketLayout,
    slot: number,
    pool: number,
  ): boolean {
    const { file, frames } = this;
    const filter = file.get('FTQF', i);
    if ((filter & NOT_POOL) === 0 && pool >= 0 && ((filter >>> POOL_SHIFT) & 0x3f) !== pool) return false;
    const start = frames.offsetOf(slot);
    const at = start + network;
    if ((filter & NOT_PROTOCOL) === 0 && protocolOf(kinds) !== (filter & 3)) return false;
    if ((filter & NOT_SOURCE) === 0 && this.read32(at + IPV4.SOURCE) !== file.get('SAQF', i)) return false;
    if ((filter & NOT_DESTINATION) === 0 && this.read32(at + IPV4.DESTINATION) !== file.get('DAQF', i))
      return false;
    const compared = ~filter & (NOT_SOURCE_PORT | NOT_DESTINATION_PORT);
    if (compared === 0) return true;
    if (transport === 0) return false;
    const differs = this.read32(start + transport) ^ file.get('SDPQF', i);
    if ((compared & NOT_SOURCE_PORT) !== 0 && (differs & 0xffff) !== 0) return false;
    return (compared & NOT_DESTINATION_PORT) === 0 || differs >>> 16 === 0;
  }

  /** Four bytes of a frame, the first one lowest, as the registers have them. */
  private read32(at: number): number {
    const { u8 } = this.frames;
    return (u8[at] | (u8[at + 1] << 8) | (u8[at + 2] << 16) | (u8[at + 3] << 24)) >>> 0;
  }
}

function protocolOf(kinds: number): number {
  if ((kinds & PacketKind.TCP) !== 0) return TCP;
  if ((kinds & PacketKind.UDP) !== 0) return UDP;
  return (kinds & PacketKind.SCTP) !== 0 ? SCTP : OTHER;
}

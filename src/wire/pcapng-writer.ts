import { checkInteger } from '../base/index.ts';
import {
  BYTE_ORDER_MAGIC,
  END_OF_OPTIONS,
  ENHANCED_PACKET,
  EPB_FLAGS,
  EPB_PACKETID,
  EPB_QUEUE,
  IF_DESCRIPTION,
  IF_NAME,
  IF_SPEED,
  IF_TSRESOL,
  INTERFACE_DESCRIPTION,
  OPT_COMMENT,
  SECTION_HEADER,
  SHB_HARDWARE,
  SHB_USERAPPL,
} from './pcapng-codes.ts';

/** Where the packets of a {@link PcapngWriter} come from. */
export interface PcapngSection {
  /** shb_hardware: the machine. */
  readonly hardware?: string;
  /** shb_userappl: the program that writes. */
  readonly application?: string;
}

/** An interface of a {@link PcapngWriter}. */
export interface PcapngInterface {
  readonly name: string;
  readonly description?: string;
  /** LINKTYPE_ value, 0 to 65,535. Default 1, Ethernet. */
  readonly linkType?: number;
  /** if_speed in bit/s, an integer. */
  readonly bitsPerSecond?: number;
}

/** A packet for {@link PcapngWriter.addPacket}. */
export interface PcapngPacket {
  /** What {@link PcapngWriter.addInterface} has returned. */
  readonly interface: number;
  /** Time since the epoch in ps, an integer; written in whole ns, rounded down. */
  readonly timePs: number;
  /** The whole frame without frame check sequence, or what was kept of it. They are copied. */
  readonly bytes: Uint8Array;
  /** Bytes that it had, if not all were kept. */
  readonly originalBytes?: number;
  /** Whether the interface has received or sent it. */
  readonly direction?: 'inbound' | 'outbound';
  /** epb_packetid: the same for a frame that is seen at several interfaces. An integer, 0 or more. */
  readonly id?: number;
  /** epb_queue: queue of the interface. An integer, 0 or more. */
  readonly queue?: number;
  readonly comment?: string;
}

const LINKTYPE_ETHERNET = 1;
/**
 * if_tsresol: units of 10^-9 s. Wireshark 4.0 multiplies finer ones by 10^9 in 64 bits, and shows what is
 * left after the overflow.
 */
const NANOSECONDS = 9;
const NANOSECOND_PS = 1000;
/** Bits 0 and 1 of epb_flags. */
const DIRECTION = { inbound: 1, outbound: 2 } as const;

/** Bytes of a block before its options, or before the packet's data. */
const SECTION_FIXED = 24;
const INTERFACE_FIXED = 16;
const PACKET_FIXED = 28;
/** The length once more at the end of a block. */
const TRAILER = 4;

const CHUNK_BYTES = 1 << 20;
const MAX_OPTION_BYTES = 0xffff;
const UINT32 = 2 ** 32;

/**
 * Writes a pcapng capture file into memory (draft-ietf-opsawg-pcapng): one little-endian section, with
 * times in ns. The bytes grow by the chunk, so that nothing is copied however many packets
 * there are.
 *
 * @example
 * const writer = new PcapngWriter({ application: 'my model' });
 * const port = writer.addInterface({ name: 'port', bitsPerSecond: 10e9 });
 * writer.addPacket({ interface: port, timePs: 1_500_000, bytes: frame, direction: 'inbound' });
 * const file = writer.bytes();
 */
export class PcapngWriter {
  /** Packets written. */
  packets = 0;
  private interfaces = 0;
  private readonly full: Uint8Array[] = [];
  private chunk = new Uint8Array(CHUNK_BYTES);
  private view = new DataView(this.chunk.buffer);
  private used = 0;

  /** @throws RangeError for a text of more than 65,535 bytes. */
  constructor(section: PcapngSection = {}) {
    const options = new Options();
    options.text('hardware', SHB_HARDWARE, section.hardware);
    options.text('application', SHB_USERAPPL, section.application);
    const at = this.startBlock(SECTION_HEADER, SECTION_FIXED + options.bytes);
    const { view } = this;
    view.setUint32(at + 8, BYTE_ORDER_MAGIC, true);
    view.setUint16(at + 12, 1, true); // version 1.0
    view.setBigInt64(at + 16, -1n, true); // the section's length is not stated
    options.write(this.chunk, view, at + SECTION_FIXED);
  }

  /**
   * Describes an interface, before its first packet, and returns its number.
   *
   * @throws TypeError or RangeError for a speed or link type that does not fit its field, or a text of more than 65,535 bytes.
   */
  addInterface({ name, description, linkType = LINKTYPE_ETHERNET, bitsPerSecond }: PcapngInterface): number {
    checkInteger('linkType', linkType, 0, 0xffff);
    const options = new Options();
    options.text('name', IF_NAME, name);
    options.text('description', IF_DESCRIPTION, description);
    options.number('bitsPerSecond', IF_SPEED, 8, bitsPerSecond);
    options.number('resolution', IF_TSRESOL, 1, NANOSECONDS);
    const at = this.startBlock(INTERFACE_DESCRIPTION, INTERFACE_FIXED + options.bytes);
    this.view.setUint16(at + 8, linkType, true);
    options.write(this.chunk, this.view, at + INTERFACE_FIXED);
    return this.interfaces++;
  }

  /**
   * Appends a packet.
   *
   * @throws TypeError or RangeError for an interface that was not described, a number that does not fit its
   *   field, or a comment of more than 65,535 bytes.
   */
  addPacket(packet: PcapngPacket): void {
    const { bytes, direction, originalBytes = bytes.length } = packet;
    checkInteger('interface', packet.interface, 0, this.interfaces - 1);
    checkInteger('timePs', packet.timePs, 0, Number.MAX_SAFE_INTEGER);
    checkInteger('originalBytes', originalBytes, bytes.length, UINT32 - 1);
    const time = Math.floor(packet.timePs / NANOSECOND_PS);
    const options = new Options();
    options.text('comment', OPT_COMMENT, packet.comment);
    options.number('flags', EPB_FLAGS, 4, direction && DIRECTION[direction]);
    options.number('id', EPB_PACKETID, 8, packet.id);
    options.number('queue', EPB_QUEUE, 4, packet.queue);
    const dataBytes = padded(bytes.length);
    const at = this.startBlock(ENHANCED_PACKET, PACKET_FIXED + dataBytes + options.bytes);
    const { view } = this;
    view.setUint32(at + 8, packet.interface, true);
    view.setUint32(at + 12, Math.floor(time / UINT32), true);
    view.setUint32(at + 16, time % UINT32, true);
    view.setUint32(at + 20, bytes.length, true);
    view.setUint32(at + 24, originalBytes, true);
    this.chunk.set(bytes, at + PACKET_FIXED);
    options.write(this.chunk, view, at + PACKET_FIXED + dataBytes);
    this.packets++;
  }

  /** The file until now, in pieces to be written one behind the other. */
  parts(): readonly Uint8Array[] {
    return [...this.full, this.chunk.subarray(0, this.used)];
  }

  /** Hands over what is complete of the file until now, so that it need not be kept; nothing is handed over twice. */
  takeParts(): readonly Uint8Array[] {
    return this.full.splice(0);
  }

  /** The file until now, in one piece. */
  bytes(): Uint8Array {
    const parts = this.parts();
    const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      file.set(part, at);
      at += part.length;
    }
    return file;
  }

  /**
   * Makes room for a block, writes its type and lengths, and returns where it begins. All else of it is 0.
   */
  private startBlock(type: number, bytes: number): number {
    const length = bytes + TRAILER;
    if (this.used + length > this.chunk.length) {
      this.full.push(this.chunk.subarray(0, this.used));
      this.chunk = new Uint8Array(Math.max(CHUNK_BYTES, length));
      this.view = new DataView(this.chunk.buffer);
      this.used = 0;
    }
    const at = this.used;
    this.used += length;
    this.view.setUint32(at, type, true);
    this.view.setUint32(at + 4, length, true);
    this.view.setUint32(at + bytes, length, true);
    return at;
  }
}

/** The options of a block: code, length, and a value that is padded to a multiple of four. */
class Options {
  /** Of all of them, with their end mark. */
  bytes = 0;
  private readonly list: { readonly code: number; readonly value: Uint8Array }[] = [];

  text(name: string, code: number, value: string | undefined): void {
    if (value === undefined) return;
    const bytes = new TextEncoder().encode(value);
    checkInteger(`bytes of ${name}`, bytes.length, 0, MAX_OPTION_BYTES);
    this.add(code, bytes);
  }

  /** An unsigned integer of 1, 4 or 8 bytes. */
  number(name: string, code: number, bytes: 1 | 4 | 8, value: number | undefined): void {
    if (value === undefined) return;
    checkInteger(name, value, 0, Math.min(2 ** (8 * bytes) - 1, Number.MAX_SAFE_INTEGER));
    const field = new Uint8Array(8);
    new DataView(field.buffer).setBigUint64(0, BigInt(value), true);
    this.add(code, field.subarray(0, bytes));
  }

  write(u8: Uint8Array, view: DataView, first: number): void {
    if (this.list.length === 0) return;
    let at = first;
    for (const { code, value } of this.list) {
      view.setUint16(at, code, true);
      view.setUint16(at + 2, value.length, true);
      u8.set(value, at + 4);
      at += 4 + padded(value.length);
    }
    view.setUint16(at, END_OF_OPTIONS, true);
  }

  private add(code: number, value: Uint8Array): void {
    if (this.list.length === 0) this.bytes = 4;
    this.bytes += 4 + padded(value.length);
    this.list.push({ code, value });
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

import { checkInFile, checkLinkType, checkPacketLength } from './capture-checks.ts';
import { CaptureError, type RawCapture, type RawPacket } from './capture-types.ts';
import {
  BYTE_ORDER_MAGIC,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  PACKET,
  SECTION_HEADER,
  SIMPLE_PACKET,
} from './pcapng-codes.ts';
import { type InterfaceDescription, parseInterfaceDescription } from './pcapng-interface.ts';

/**
 * The pcapng capture file (draft-ietf-opsawg-pcapng): blocks of type, length, body and length again. A
 * Section Header Block sets the byte order and starts the numbering of interfaces anew.
 */

/** Bytes of type and length before the body. */
const HEAD_BYTES = 8;
/** Bytes of the shortest block: type, length, and length again. */
const MIN_BLOCK_BYTES = 12;

/** Bytes before the packet's data, or before the options, in each kind of block; the trailing length is not in it. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  [SECTION_HEADER]: 24,
  [INTERFACE_DESCRIPTION]: 16,
  [PACKET]: 28,
  [SIMPLE_PACKET]: 12,
  [ENHANCED_PACKET]: 28,
};

/** True when the file starts with a Section Header Block. */
export function isPcapng(view: DataView): boolean {
  return view.byteLength >= 4 && view.getUint32(0) === SECTION_HEADER;
}

/** @throws CaptureError for every defect. */
export function readPcapng(file: Uint8Array, view: DataView): RawCapture {
  const reader = new PcapngReader(file, view);
  let at = 0;
  while (at < file.length) at += reader.readBlock(at);
  return { interfaces: reader.interfaces, packets: reader.packets };
}

class PcapngReader {
  readonly interfaces: InterfaceDescription[] = [];
  readonly packets: RawPacket[] = [];
  private readonly file: Uint8Array;
  private readonly view: DataView;
  private littleEndian = true;
  /** Index of the section's first interface. */
  private firstInterface = 0;

  constructor(file: Uint8Array, view: DataView) {
    this.file = file;
    this.view = view;
  }

  /** Takes in the block at `at` and returns its length. */
  readBlock(at: number): number {
    checkInFile('the header of a block', at, MIN_BLOCK_BYTES, this.file.length);
    // Not through `littleEndian`: a section header may change the byte order, and is the same in both.
    if (this.view.getUint32(at) === SECTION_HEADER) this.readByteOrder(at);
    const type = this.uint32(at);
    const length = this.blockLength(at, type);
    const end = at + length - 4;
    switch (type) {
      case SECTION_HEADER:
        this.startSection(at);
        break;
      case INTERFACE_DESCRIPTION:
        this.addInterface(at, end);
        break;
      case PACKET:
        this.addPacket(at, end, this.uint16(at + 8));
        break;
      case ENHANCED_PACKET:
        this.addPacket(at, end, this.uint32(at + 8));
        break;
      case SIMPLE_PACKET:
        this.addSimplePacket(at, end);
        break;
    }
    return length;
  }

  private readByteOrder(at: number): void {
    if (this.view.getUint32(at + HEAD_BYTES, true) === BYTE_ORDER_MAGIC) this.littleEndian = true;
    else if (this.view.getUint32(at + HEAD_BYTES) === BYTE_ORDER_MAGIC) this.littleEndian = false;
    else throw new CaptureError('the section header has no byte-order magic', at + HEAD_BYTES);
  }

  private blockLength(at: number, type: number): number {
    const length = this.uint32(at + 4);
    const least = (FIXED_BYTES[type] ?? HEAD_BYTES) + 4;
    if (length % 4 !== 0) {
      throw new CaptureError(`the block has a length of ${length}, which is no multiple of four`, at);
    }
    if (length < least) {
      throw new CaptureError(`the block has a length of ${length}, but its type takes at least ${least}`, at);
    }
    checkInFile('a block', at, length, this.file.length);
    const trailing = this.uint32(at + length - 4);
    if (trailing !== length) {
      throw new CaptureError(
        `the block has a length of ${length} at its start and ${trailing} at its end`,
        at,
      );
    }
    return length;
  }

  /** The section length that the header may state is not needed: sections end where the next one starts. */
  private startSection(at: number): void {
    const major = this.uint16(at + 12);
    if (major !== 1) {
      throw new CaptureError(`the section has format version ${major}, but only 1 is known`, at + 12);
    }
    this.firstInterface = this.interfaces.length;
  }

  private addInterface(at: number, end: number): void {
    checkLinkType(this.uint16(at + 8), at + 8);
    this.interfaces.push(parseInterfaceDescription(this.file, this.view, at, end, this.littleEndian));
  }

  /** Enhanced and obsolete packet blocks have all but the interface's number in the same place. */
  private addPacket(at: number, end: number, number: number): void {
    const timestamp = (BigInt(this.uint32(at + 12)) << 32n) | BigInt(this.uint32(at + 16));
    const captured = this.uint32(at + 20);
    const originalLength = this.uint32(at + 24);
    const description = this.interfaceOf(at, number);
    this.push(at, end, at + 28, captured, {
      timePs: description.timePs(timestamp),
      originalLength,
      interface: this.firstInterface + number,
    });
  }

  /** No time stamp and no captured length: the interface is the section's first, and its snap length applies. */
  private addSimplePacket(at: number, end: number): void {
    const originalLength = this.uint32(at + 8);
    const { snapLength } = this.interfaceOf(at, 0);
    const captured = snapLength === 0 ? originalLength : Math.min(snapLength, originalLength);
    this.push(at, end, at + 12, captured, {
      timePs: undefined,
      originalLength,
      interface: this.firstInterface,
    });
  }

  private push(
    at: number,
    end: number,
    start: number,
    captured: number,
    packet: Pick<RawPacket, 'timePs' | 'originalLength' | 'interface'>,
  ): void {
    if (captured > end - start) {
      throw new CaptureError(
        `the packet has ${captured} bytes, but its block has room for ${end - start}`,
        at,
      );
    }
    checkPacketLength(captured, packet.originalLength, at);
    this.packets.push({ ...packet, bytes: this.file.subarray(start, start + captured), fileOffset: at });
  }

  private interfaceOf(at: number, number: number): InterfaceDescription {
    const described = this.interfaces.length - this.firstInterface;
    if (number >= described) {
      throw new CaptureError(
        `the packet names interface ${number}, but its section has described ${described}`,
        at,
      );
    }
    return this.interfaces[this.firstInterface + number];
  }

  private uint16(at: number): number {
    return this.view.getUint16(at, this.littleEndian);
  }

  private uint32(at: number): number {
    return this.view.getUint32(at, this.littleEndian);
  }
}

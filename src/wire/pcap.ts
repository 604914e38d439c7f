import { checkInFile, checkLinkType, checkNoFcs, checkPacketLength } from './capture-checks.ts';
import { CaptureError, type RawCapture, type RawPacket } from './capture-types.ts';

/** The classic capture file: a header of 24 bytes, then packets with a header of 16 bytes each. */

const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;

/** Picoseconds in the fraction's unit and in a second. */
const MICROSECONDS = { magic: 0xa1b2_c3d4, unitPs: 1_000_000n, unitsPerSecond: 1_000_000 };
const NANOSECONDS = { magic: 0xa1b2_3c4d, unitPs: 1_000n, unitsPerSecond: 1_000_000_000 };
const SECOND_PS = 1_000_000_000_000n;

/** True when the file starts with one of the magic numbers, in either byte order. */
export function isPcap(view: DataView): boolean {
  return variantOf(view) !== undefined;
}

/** @throws CaptureError for every defect. */
export function readPcap(file: Uint8Array, view: DataView): RawCapture {
  const variant = variantOf(view);
  if (variant === undefined) throw new CaptureError('the file has no magic number of a capture', 0);
  checkInFile('the header of the capture', 0, FILE_HEADER_BYTES, file.length);
  const { unitPs, unitsPerSecond, littleEndian } = variant;
  const major = view.getUint16(4, littleEndian);
  const minor = view.getUint16(6, littleEndian);
  if (major !== 2 || minor !== 4) {
    throw new CaptureError(`the capture has format version ${major}.${minor}, but only 2.4 is known`, 4);
  }
  // Upper half: bit 26 says that a length of the frame check sequence stands in bits 31..28.
  const network = view.getUint32(20, littleEndian);
  checkLinkType(network & 0xffff, 20);
  checkNoFcs((network & 0x0400_0000) === 0 ? 0 : network >>> 28, 20);

  const packets: RawPacket[] = [];
  let at = FILE_HEADER_BYTES;
  while (at < file.length) {
    checkInFile('the header of a packet', at, PACKET_HEADER_BYTES, file.length);
    const seconds = view.getUint32(at, littleEndian);
    const fraction = view.getUint32(at + 4, littleEndian);
    const captured = view.getUint32(at + 8, littleEndian);
    const originalLength = view.getUint32(at + 12, littleEndian);
    if (fraction >= unitsPerSecond) {
      throw new CaptureError(
        `the packet's time stamp has a fraction of ${fraction}, but a second has ${unitsPerSecond} units`,
        at,
      );
    }
    const start = at + PACKET_HEADER_BYTES;
    checkInFile('a packet', start, captured, file.length);
    checkPacketLength(captured, originalLength, at);
    packets.push({
      timePs: BigInt(seconds) * SECOND_PS + BigInt(fraction) * unitPs,
      bytes: file.subarray(start, start + captured),
      originalLength,
      interface: 0,
      fileOffset: at,
    });
    at = start + captured;
  }
  return { interfaces: [{ name: '' }], packets };
}

function variantOf(view: DataView) {
  if (view.byteLength < 4) return undefined;
  for (const variant of [MICROSECONDS, NANOSECONDS]) {
    for (const littleEndian of [true, false]) {
      if (view.getUint32(0, littleEndian) === variant.magic) return { ...variant, littleEndian };
    }
  }
  return undefined;
}

import { describe, expect, it } from 'vitest';
import { readCapture } from '../../src/wire/capture.ts';
import { CaptureError } from '../../src/wire/capture-types.ts';
import { frame, type PcapOptions, type PcapPacket, pcapFile } from './capture-files.ts';

const ONE: PcapPacket = { seconds: 7, fraction: 5, data: frame(60) };
const TWO: PcapPacket = { seconds: 9, fraction: 3, data: frame(61, 9) };

/** Message and byte offset of the error that reading `file` throws. */
function defectOf(file: Uint8Array): [string, number] {
  try {
    readCapture(file);
  } catch (error) {
    if (error instanceof CaptureError) return [error.message, error.byteOffset];
    throw error;
  }
  throw new Error('the file was read');
}

describe('a classic capture file', () => {
  const variants: [string, PcapOptions, number][] = [
    ['little-endian with microseconds', { littleEndian: true }, 1_999_998_000_000],
    ['big-endian with microseconds', { littleEndian: false }, 1_999_998_000_000],
    ['little-endian with nanoseconds', { nanoseconds: true }, 1_999_999_998_000],
    ['big-endian with nanoseconds', { littleEndian: false, nanoseconds: true }, 1_999_999_998_000],
  ];
  it.each(variants)('is read when it is %s', (_, options, secondPs) => {
    const capture = readCapture(pcapFile([ONE, TWO], options));
    expect(capture.interfaces).toEqual([{ name: '' }]);
    expect(capture.packets).toEqual([
      { timePs: 0, bytes: ONE.data, originalLength: 60, interface: 0 },
      { timePs: secondPs, bytes: TWO.data, originalLength: 61, interface: 0 },
    ]);
  });

  it('may hold no packet', () => {
    expect(readCapture(pcapFile([])).packets).toEqual([]);
  });

  it('may lie anywhere in a larger buffer', () => {
    const file = pcapFile([ONE]);
    const buffer = new Uint8Array(file.length + 7);
    buffer.set(file, 5);
    expect(readCapture(buffer.subarray(5, 5 + file.length)).packets[0].bytes).toEqual(ONE.data);
  });

  it('keeps nanoseconds exact over fifty years since the epoch', () => {
    const packets = [1, 2, 999_999_999].map((fraction) => ({ ...ONE, seconds: 0xffff_fff0, fraction }));
    const { packets: read } = readCapture(pcapFile(packets, { nanoseconds: true }));
    expect(read.map(({ timePs }) => timePs)).toEqual([0, 1000, 999_999_998_000]);
  });

  it('is refused with the place where it was cut off', () => {
    const whole = pcapFile([ONE]);
    expect(defectOf(whole.subarray(0, 23))).toEqual([
      'the file ends within the header of the capture, which takes 24 bytes of which 23 are there, at byte offset 0',
      0,
    ]);
    expect(defectOf(whole.subarray(0, 39))).toEqual([
      'the file ends within the header of a packet, which takes 16 bytes of which 15 are there, at byte offset 24',
      24,
    ]);
    expect(defectOf(whole.subarray(0, 99))).toEqual([
      'the file ends within a packet, which takes 60 bytes of which 59 are there, at byte offset 40',
      40,
    ]);
  });

  it('is refused in another version', () => {
    expect(defectOf(pcapFile([ONE], { version: [2, 3] }))).toEqual([
      'the capture has format version 2.3, but only 2.4 is known, at byte offset 4',
      4,
    ]);
  });

  it('is refused with another link type', () => {
    expect(defectOf(pcapFile([ONE], { network: 113 }))).toEqual([
      'the capture has link type 113, but only Ethernet (link type 1) can be used, at byte offset 20',
      20,
    ]);
  });

  it('is refused when it says that frame check sequences are kept', () => {
    expect(defectOf(pcapFile([ONE], { network: 0x2400_0001 }))[0]).toContain('frame check sequence');
    expect(readCapture(pcapFile([ONE], { network: 0x0400_0001 })).packets).toHaveLength(1);
  });

  it('is refused with packets that were cut short', () => {
    expect(defectOf(pcapFile([TWO, { ...ONE, original: 1514 }]))).toEqual([
      'the packet is cut short, 60 of its 1514 bytes were captured (use tcpdump -s 0), at byte offset 101',
      101,
    ]);
  });

  it('is refused with packets that are longer than they were', () => {
    expect(defectOf(pcapFile([{ ...ONE, original: 59 }]))).toEqual([
      'the packet holds 60 bytes but claims to have had 59, at byte offset 24',
      24,
    ]);
  });

  it('is refused with packets that are no Ethernet frames', () => {
    expect(defectOf(pcapFile([{ ...ONE, data: frame(13) }]))).toEqual([
      'the packet has 13 bytes, too few for the 14 of an Ethernet header, at byte offset 24',
      24,
    ]);
  });

  it('is refused with fractions of a second that are no fractions', () => {
    expect(defectOf(pcapFile([{ ...ONE, fraction: 1_000_000 }]))).toEqual([
      "the packet's time stamp has a fraction of 1000000, but a second has 1000000 units, at byte offset 24",
      24,
    ]);
    const nanoseconds = pcapFile([{ ...ONE, fraction: 1_000_000 }], { nanoseconds: true });
    expect(readCapture(nanoseconds).packets).toHaveLength(1);
  });
});

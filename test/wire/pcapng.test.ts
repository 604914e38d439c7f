import { describe, expect, it } from 'vitest';
import { readCapture } from '../../src/wire/capture.ts';
import { CaptureError } from '../../src/wire/capture-types.ts';
import { frame, PcapngFile } from './capture-files.ts';

const IF_NAME = 2;
const IF_TSRESOL = 9;
const IF_FCSLEN = 13;
const IF_TSOFFSET = 14;

const text = (name: string) => new TextEncoder().encode(name);

function timesOf(file: PcapngFile): number[] {
  return readCapture(file.bytes).packets.map(({ timePs }) => timePs);
}

/** Message of the error that reading `file` throws. */
function defectOf(file: PcapngFile | Uint8Array): string {
  try {
    readCapture(file instanceof PcapngFile ? file.bytes : file);
  } catch (error) {
    if (error instanceof CaptureError) return error.message;
    throw error;
  }
  throw new Error('the file was read');
}

describe('a pcapng file', () => {
  it.each([
    ['little-endian', true],
    ['big-endian', false],
  ])('is read when it is %s', (_, littleEndian) => {
    const file = new PcapngFile(littleEndian)
      .section()
      .interface([
        [IF_NAME, text('port-a')],
        [0, []],
      ])
      .interface([[IF_NAME, text('größer')]])
      .enhanced(1, 0x0001_2345_6789_abcdn, frame(61))
      .enhanced(0, 0x0001_2345_6789_abcfn, frame(62));
    expect(readCapture(file.bytes)).toEqual({
      interfaces: [{ name: 'port-a' }, { name: 'größer' }],
      packets: [
        { timePs: 0, bytes: frame(61), originalLength: 61, interface: 1 },
        { timePs: 2_000_000, bytes: frame(62), originalLength: 62, interface: 0 },
      ],
    });
  });

  it('may hold several sections, of both byte orders, that number their interfaces from 0', () => {
    const first = new PcapngFile(true).section().interface([[IF_NAME, text('a')]]);
    const second = new PcapngFile(false)
      .section()
      .interface([[IF_NAME, text('b')]])
      .enhanced(0, 6n, frame(61));
    const capture = readCapture(first.enhanced(0, 5n, frame(60)).append(second).bytes);
    expect(capture.interfaces).toEqual([{ name: 'a' }, { name: 'b' }]);
    expect(capture.packets.map((packet) => [packet.interface, packet.bytes.length])).toEqual([
      [0, 60],
      [1, 61],
    ]);
  });

  it.each([
    ['microseconds by default', undefined, 1_000_000],
    ['seconds', 0, 1_000_000_000_000],
    ['milliseconds', 3, 1_000_000_000],
    ['nanoseconds', 9, 1_000],
    ['picoseconds', 12, 1],
    ['halves of a second', 0x81, 500_000_000_000],
    ['1/4096 of a second', 0x8c, 244_140_625],
  ])('counts time in %s', (_, resolution, unitPs) => {
    const file = new PcapngFile().section();
    file.interface(resolution === undefined ? [] : [[IF_TSRESOL, [resolution]]]);
    file.enhanced(0, 1000n, frame(60)).enhanced(0, 1001n, frame(60)).enhanced(0, 1003n, frame(60));
    expect(timesOf(file)).toEqual([0, unitPs, 3 * unitPs]);
  });

  it('rounds down units that are no whole number of picoseconds, from the epoch on', () => {
    const file = new PcapngFile().section().interface([[IF_TSRESOL, [0x80 | 30]]]); // 931.3 ps
    file
      .enhanced(0, 0n, frame(60))
      .enhanced(0, 1n, frame(60))
      .enhanced(0, 1n << 30n, frame(60));
    expect(timesOf(file)).toEqual([0, 931, 1_000_000_000_000]);
    const fine = new PcapngFile().section().interface([[IF_TSRESOL, [15]]]);
    fine.enhanced(0, 999n, frame(60)).enhanced(0, 1000n, frame(60)).enhanced(0, 1999n, frame(60));
    expect(timesOf(fine)).toEqual([0, 1, 1]);
  });

  it('takes the finest resolutions that can be stated', () => {
    for (const resolution of [127, 255]) {
      const file = new PcapngFile().section().interface([[IF_TSRESOL, [resolution]]]);
      file.enhanced(0, 0n, frame(60)).enhanced(0, 0xffff_ffff_ffff_ffffn, frame(60));
      expect(timesOf(file)).toEqual([0, 0]);
    }
  });

  it('adds the offset of the interface in seconds, which may be negative', () => {
    const file = new PcapngFile();
    file
      .section()
      .interface([[IF_TSOFFSET, file.int64(-2n)]])
      .interface()
      .enhanced(0, 3_000_000n, frame(60));
    file.enhanced(1, 1_500_000n, frame(61));
    expect(timesOf(file)).toEqual([0, 500_000_000_000]);
  });

  it('may hold simple packets, which have the first interface and the time of the packet before', () => {
    const file = new PcapngFile().section().interface().interface();
    file.simple(frame(60)).enhanced(1, 7n, frame(61)).enhanced(1, 9n, frame(62)).simple(frame(63));
    const { packets } = readCapture(file.bytes);
    expect(packets.map((packet) => [packet.interface, packet.bytes.length, packet.timePs])).toEqual([
      [0, 60, 0],
      [1, 61, 0],
      [1, 62, 2_000_000],
      [0, 63, 2_000_000],
    ]);
  });

  it('may hold obsolete packet blocks', () => {
    const file = new PcapngFile(false).section().interface().interface().obsolete(1, 5n, frame(61));
    expect(readCapture(file.bytes).packets).toEqual([
      { timePs: 0, bytes: frame(61), originalLength: 61, interface: 1 },
    ]);
  });

  it('may hold blocks and options that are not known', () => {
    const file = new PcapngFile().section().interface([
      [3, text('a description')],
      [0x8001, [1, 2, 3]],
      [IF_NAME, text('a')],
    ]);
    file
      .block(4, (body) => body.u32(0))
      .block(0x8000_0bad, (body) => body.u32(1, 2, 3))
      .block(5, () => {});
    const capture = readCapture(file.enhanced(0, 1n, frame(60)).bytes);
    expect([capture.interfaces[0].name, capture.packets.length]).toEqual(['a', 1]);
  });

  it('ends its options at the end mark', () => {
    const file = new PcapngFile().section().interface([
      [0, []],
      [IF_NAME, text('not read')],
    ]);
    expect(readCapture(file.bytes).interfaces).toEqual([{ name: '' }]);
  });

  it('is refused with the place where it was cut off', () => {
    const whole = new PcapngFile().section().interface().enhanced(0, 1n, frame(60)).bytes;
    expect(defectOf(whole.subarray(0, 11))).toBe(
      'the file ends within the header of a block, which takes 12 bytes of which 11 are there, at byte offset 0',
    );
    expect(defectOf(whole.subarray(0, 27))).toBe(
      'the file ends within a block, which takes 28 bytes of which 27 are there, at byte offset 0',
    );
    expect(defectOf(whole.subarray(0, 139))).toBe(
      'the file ends within a block, which takes 92 bytes of which 91 are there, at byte offset 48',
    );
  });

  it('is refused with block lengths that are wrong', () => {
    const file = () => new PcapngFile().section().interface();
    expect(defectOf(file().block(9, () => {}, [13]))).toBe(
      'the block has a length of 13, which is no multiple of four, at byte offset 48',
    );
    expect(defectOf(file().block(9, () => {}, [8]))).toBe(
      'the block has a length of 8, but its type takes at least 12, at byte offset 48',
    );
    expect(defectOf(file().block(6, (body) => body.u32(0, 0, 0, 60)))).toBe(
      'the block has a length of 28, but its type takes at least 32, at byte offset 48',
    );
    expect(defectOf(file().block(9, () => {}, [12, 16]))).toBe(
      'the block has a length of 12 at its start and 16 at its end, at byte offset 48',
    );
  });

  it('is refused without the magic number of the byte order, and in another version', () => {
    const damaged = new PcapngFile().section().bytes;
    damaged[8] ^= 1;
    expect(defectOf(damaged)).toBe('the section header has no byte-order magic, at byte offset 8');
    expect(defectOf(new PcapngFile().section(2))).toBe(
      'the section has format version 2, but only 1 is known, at byte offset 12',
    );
  });

  it('is refused with another link type', () => {
    expect(defectOf(new PcapngFile().section().interface([], 113))).toBe(
      'the capture has link type 113, but only Ethernet (link type 1) can be used, at byte offset 36',
    );
  });

  it('is refused with packets of interfaces that were not described in their section', () => {
    const file = new PcapngFile().section().interface().enhanced(1, 1n, frame(60));
    expect(defectOf(file)).toBe(
      'the packet names interface 1, but its section has described 1, at byte offset 48',
    );
    const later = new PcapngFile().section().interface().section().simple(frame(60));
    expect(defectOf(later)).toBe(
      'the packet names interface 0, but its section has described 0, at byte offset 76',
    );
  });

  it('is refused with packets that were cut short', () => {
    const file = new PcapngFile().section().interface().enhanced(0, 1n, frame(60), 60, 100);
    expect(defectOf(file)).toBe(
      'the packet is cut short, 60 of its 100 bytes were captured (use tcpdump -s 0), at byte offset 48',
    );
    const simple = new PcapngFile().section().interface([], 1, 60).simple(frame(60), 100);
    expect(defectOf(simple)).toContain('60 of its 100 bytes were captured');
  });

  it('is refused with packets that do not fit into their blocks', () => {
    const file = new PcapngFile().section().interface().enhanced(0, 1n, frame(60), 64, 64);
    expect(defectOf(file)).toBe('the packet has 64 bytes, but its block has room for 60, at byte offset 48');
  });

  it('is refused with options that are wrong', () => {
    const withOption = (code: number, value: number[]) =>
      defectOf(new PcapngFile().section().interface([[code, value]]));
    expect(withOption(IF_TSRESOL, [9, 9])).toBe(
      'option if_tsresol has 2 bytes instead of 1, at byte offset 48',
    );
    expect(withOption(IF_TSOFFSET, [0, 0, 0, 0])).toBe(
      'option if_tsoffset has 4 bytes instead of 8, at byte offset 48',
    );
    expect(withOption(IF_FCSLEN, [4])).toContain('frame check sequence');
    const overlong = new PcapngFile().section();
    overlong.block(1, (body) => body.u16(1, 0).u32(0).u16(IF_NAME, 5).u32(0));
    expect(defectOf(overlong)).toBe('option 2 has 5 bytes, but its block has 4 left, at byte offset 44');
  });
});

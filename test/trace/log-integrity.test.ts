import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import { BinaryLog, LogError, LogKind, LogRing, LogWriter } from '../../src/trace/index.ts';
import { xxh32 } from '../../src/trace/xxh32.ts';
import { HEADER, join, TRAILER, versionOneLog, writeLog } from './log-fixture.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Frames with data, so that blocks end within them. */
function frames(count: number) {
  return (target: { record: LogWriter['record']; data: LogWriter['data'] }) => {
    for (let i = 0; i < count; i++) {
      target.record(10 * i, ProbeKind.FRAME_IN, i, 1, 60);
      target.record(10 * i, LogKind.FRAME_BYTES, i, 50, -1);
      target.data(new Uint8Array(50).fill(i), 0, 50);
    }
  };
}

function errorOf(bytes: Uint8Array, cut = false): LogError | null {
  try {
    for (const _ of new BinaryLog(bytes, { cut }).records());
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(LogError);
    expect((error as LogError).message).not.toContain('\n');
    return error as LogError;
  }
}

/** What a log says. */
const read = (log: BinaryLog) => ({ header: log.header, records: [...log.records()], trailer: log.trailer });

describe('XXH32', () => {
  it.each([
    ['', 0x02cc_5d05],
    ['a', 0x550d_7456],
    ['abc', 0x32d1_53ff],
    ['Nobody inspects the spammish repetition', 0xe229_3b2f],
  ])('of %j is that of the published implementation', (text, sum) => {
    expect(xxh32(bytesOf(text), 0, text.length)).toBe(sum);
    // At any place in memory.
    for (let at = 1; at < 5; at++) expect(xxh32(bytesOf('.'.repeat(at) + text), at, text.length)).toBe(sum);
  });
});

describe('a binary log that was damaged', () => {
  it.each([
    ['in one block', writeLog(frames(4))],
    ['in blocks that end within data', writeLog(frames(4), HEADER, 3)],
    ['of a ring', ringOf(9, 4)],
  ])('is refused, whichever byte of it is another: %s', (_name, bytes) => {
    expect(errorOf(bytes)).toBeNull();
    const other = bytes.slice();
    for (let at = 0; at < bytes.length; at++) {
      for (const flipped of [0x01, 0x80, 0xff]) {
        other[at] = bytes[at] ^ flipped;
        expect(errorOf(other), `byte ${at}`).not.toBeNull();
      }
      other[at] = bytes[at];
    }
  });

  it('says which records are concerned, and where they are', () => {
    const bytes = writeLog(frames(4), HEADER, 3);
    const first = new DataView(bytes.buffer).getUint32(12, true);
    bytes[first + 5 * 24 + 9] ^= 4;
    expect(errorOf(bytes)?.message).toBe(
      `is damaged: records 4 to 7, at bytes ${first + 96} to ${first + 191}, do not have their checksum`,
    );
    const trailing = writeLog(frames(4), HEADER, 3);
    trailing[trailing.length - 30] ^= 1;
    expect(errorOf(trailing)?.message).toMatch(
      /^is damaged: records \d+ to \d+, at bytes \d+ to \d+, do not/,
    );
  });

  it('is refused when blocks are missing, doubled or in another order', () => {
    const bytes = writeLog(frames(6), HEADER, 5);
    const first = new DataView(bytes.buffer).getUint32(12, true);
    const block = (i: number) => bytes.subarray(first + i * 144, first + (i + 1) * 144);
    const rest = bytes.subarray(first + 2 * 144);
    const head = bytes.subarray(0, first);
    expect(errorOf(join([head, block(0), block(1), rest]))).toBeNull();
    expect(errorOf(join([head, block(1), block(0), rest]))).not.toBeNull();
    expect(errorOf(join([head, block(0), block(0), rest]))).not.toBeNull();
    expect(errorOf(join([head, block(1), rest]))).not.toBeNull();
  });

  it('is refused when its scenario is not that of the CRC-32 in its header', () => {
    const bytes = writeLog(() => {}, { ...HEADER, scenario: { name: 'other' } });
    expect(errorOf(bytes)?.message).toBe(
      'is damaged: its scenario does not have the CRC-32 407b8ffb of its header',
    );
  });
});

describe('a binary log that is read', () => {
  it('stays as it is, also in a Buffer', () => {
    const bytes = Buffer.from(writeLog(frames(3)));
    const before = Buffer.from(bytes);
    expect(errorOf(bytes)).toBeNull();
    expect(bytes.equals(before)).toBe(true);
  });
});

describe('a log of version 1', () => {
  it('is read as ever', () => {
    const { header, records, trailer } = read(new BinaryLog(versionOneLog()));
    expect(header).toMatchObject(HEADER);
    expect(trailer).toEqual(TRAILER);
    expect(records).toEqual([
      { timePs: 5, kind: ProbeKind.FRAME_IN, a: 7, b: 1, c: 60, data: null },
      {
        timePs: 5,
        kind: LogKind.FRAME_BYTES,
        a: 7,
        b: 25,
        c: -1,
        data: Uint8Array.from({ length: 25 }, (_, i) => i),
      },
      { timePs: 2 ** 40 + 3, kind: ProbeKind.FRAME_OUT, a: 7, b: 2, c: 60, data: null },
    ]);
  });

  it('has a scenario that is checked', () => {
    const bytes = versionOneLog();
    const at = new TextDecoder('latin1').decode(bytes).indexOf('"name":"gr') + 8;
    bytes[at]++;
    expect(errorOf(bytes)?.message).toMatch(/^is damaged: its scenario does not have the CRC-32 407b8ffb/);
  });
});

describe('a log that was cut off', () => {
  it('is read up to its last whole block if one asks, wherever it is cut, and refused otherwise', () => {
    const list = frames(12);
    const bytes = writeLog(list, HEADER, 7);
    const { records } = read(new BinaryLog(bytes));
    const first = new DataView(bytes.buffer).getUint32(12, true);
    let most = 0;
    for (let length = first; length < bytes.length; length++) {
      const part = bytes.subarray(0, length);
      expect(errorOf(part)?.message).toMatch(/^is truncated after /);
      const log = new BinaryLog(part, { cut: true });
      const some = [...log.records()];
      expect(some).toEqual(records.slice(0, some.length));
      expect(some.length).toBeGreaterThanOrEqual(most);
      // A block, and a frame of which some data are missing, may be left out.
      const whole = Math.floor((length - first) / 24 / 8) * 7;
      expect(some.reduce((sum, { data }) => sum + (data === null ? 1 : 4), 0)).toBeGreaterThan(whole - 5);
      most = some.length;
      expect(log.isCut).toBe(true);
      // Those of data included, as `length` counts: three for the 50 bytes of a frame.
      expect(log.length).toBe(some.reduce((sum, { data }) => sum + (data === null ? 1 : 4), 0));
      expect(log.trailer).toMatchObject({
        outcome: 'partial',
        endPs: some.at(-1)?.timePs ?? 0,
        components: ['nic'],
      });
    }
    expect(most).toBe(records.length);
  });

  it('is still refused where it is damaged', () => {
    const bytes = writeLog(frames(12), HEADER, 7).slice(0, -24);
    bytes[new DataView(bytes.buffer).getUint32(12, true) + 30] ^= 1;
    expect(errorOf(bytes, true)?.message).toMatch(/^is damaged: records 0 to 7,/);
  });

  it('is an ordinary log if nothing was cut off', () => {
    const bytes = writeLog(frames(3));
    const log = new BinaryLog(bytes, { cut: true });
    expect(log.isCut).toBe(false);
    expect(read(log)).toEqual(read(new BinaryLog(bytes)));
  });

  it('of version 1 is read as far as its records are whole', () => {
    const bytes = versionOneLog();
    const first = new DataView(bytes.buffer).getUint32(12, true);
    const kinds = (records: number) => {
      const part = bytes.subarray(0, first + 24 * records + 3);
      return [...new BinaryLog(part, { cut: true }).records()].map(({ kind }) => kind);
    };
    expect([1, 2, 3, 4, 5].map(kinds)).toEqual([
      [3],
      [3],
      [3],
      [3, LogKind.FRAME_BYTES],
      [3, LogKind.FRAME_BYTES, ProbeKind.FRAME_OUT],
    ]);
  });
});

describe('a writer', () => {
  it('says at any moment what the log would be if it ended, and goes on to the same log', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(30), fc.nat(30), (chunk, before, after) => {
        const pieces: Uint8Array[] = [];
        const writer = new LogWriter(HEADER, (piece) => pieces.push(piece.slice()), chunk);
        const expected: number[] = [];
        const add = (count: number) => {
          for (let i = 0; i < count; i++) {
            expected.push(expected.length);
            writer.record(expected.length, 3, expected.length - 1, 0, 0);
          }
        };
        const slots = (parts: Uint8Array[]) => [...new BinaryLog(join(parts)).records()].map(({ a }) => a);
        add(before);
        expect(slots([...pieces, ...writer.pending(TRAILER)])).toEqual(expected);
        add(after);
        writer.end(TRAILER);
        expect(slots(pieces)).toEqual(expected);
      }),
    );
  });
});

describe('what is no log', () => {
  it.each(['x', undefined, null, [1, 2], new ArrayBuffer(8)])('is refused by its type: %j', (value) => {
    expect(() => new BinaryLog(value as never)).toThrow(TypeError);
    expect(() => new BinaryLog(value as never)).toThrow(
      /^bytes must be a Uint8Array with a binary log, got /,
    );
  });

  it('nor are other options than there are', () => {
    expect(() => new BinaryLog(versionOneLog(), { cutt: true } as never)).toThrow(
      'reading has no "cutt": allowed are cut',
    );
    expect(() => new BinaryLog(versionOneLog(), { cut: 1 as never })).toThrow(TypeError);
  });
});

function ringOf(count: number, capacity: number): Uint8Array {
  const ring = new LogRing(capacity);
  for (let i = 0; i < count; i++) ring.record(i, ProbeKind.FRAME_IN, i, 1, 60);
  return join(ring.parts(HEADER, TRAILER));
}

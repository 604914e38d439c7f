import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import {
  BinaryLog,
  LOG_KIND_NAMES,
  LOG_RECORD_BYTES,
  LOG_VERSION,
  LogError,
  LogKind,
  LogRing,
  LogWriter,
  SinkPair,
} from '../../src/trace/index.ts';
import { HEADER, join, TRAILER, versionOneLog, writeLog } from './log-fixture.ts';

interface Entry {
  timePs: number;
  kind: number;
  a: number;
  b: number;
  c: number;
  data: Uint8Array | null;
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const plain = fc.record({
  timePs: fc.maxSafeNat(),
  kind: fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0x110, max: 2 ** 31 - 1 })),
  a: int32,
  b: int32,
  c: int32,
  data: fc.constant(null),
});
const withData = fc
  .tuple(fc.maxSafeNat(), int32, int32, fc.uint8Array({ minLength: 1, maxLength: 70 }))
  .map(([timePs, a, c, data]): Entry => ({ timePs, kind: LogKind.FRAME_BYTES, a, b: data.length, c, data }));
const entries = fc.array(fc.oneof(plain, withData) as fc.Arbitrary<Entry>, { maxLength: 60 });

/** Records as the log takes them: those of data count, too. */
const recordsOf = ({ data }: Entry) => 1 + Math.ceil((data?.length ?? 0) / 20);

const fill = (list: readonly Entry[]) => (target: { record: LogRing['record']; data: LogRing['data'] }) => {
  for (const { timePs, kind, a, b, c, data } of list) {
    target.record(timePs, kind, a, b, c);
    if (data !== null) target.data(data, 0, data.length);
  }
};

describe('a binary log', () => {
  it('gives back any records and their data, whatever the size of the chunks', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 7 }), (list, chunkRecords) => {
        const log = new BinaryLog(writeLog(fill(list), HEADER, chunkRecords));
        expect([...log.records()]).toEqual(list);
        expect(log.length).toBe(list.reduce((sum, entry) => sum + recordsOf(entry), 0));
        expect(log.lost).toBe(0);
      }),
    );
  });

  it('gives back its header and trailer, the largest seed included', () => {
    const log = new BinaryLog(writeLog(() => {}));
    expect(log.header).toMatchObject(HEADER);
    expect(log.trailer).toEqual(TRAILER);
    expect([...log.records()]).toEqual([]);
  });

  it('names all kinds of records in its header', () => {
    const { header } = new BinaryLog(writeLog(() => {}));
    const { kinds } = header as unknown as { kinds: Record<string, number> };
    expect(kinds).toEqual({ ...ProbeKind, ...LogKind });
    expect(LOG_KIND_NAMES.size).toBe(Object.keys(kinds).length);
  });

  it('has its kinds in the document, by number and name', () => {
    const text = readFileSync(new URL('../../docs/binary-log.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| (\d+) \| ([A-Z_]+) \|/gm)].map(([, kind, name]) => [
      Number(kind),
      name,
    ]);
    expect(new Map(rows as [number, string][])).toEqual(LOG_KIND_NAMES);
  });

  it('lies in the file as the document says', () => {
    const bytes = writeLog((target) => target.record(0x1_2345_6789a, ProbeKind.FRAME_IN, 1, -2, 0x0304_0506));
    const view = new DataView(bytes.buffer);
    expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe('SRIOVLOG');
    expect([8, 16].map((at) => view.getUint32(at, true))).toEqual([LOG_VERSION, 24]);
    expect(view.getBigUint64(24, true)).toBe(2n ** 53n - 1n);
    expect(view.getUint32(32, true)).toBe(0x407b_8ffb);
    const first = view.getUint32(12, true);
    expect(first % LOG_RECORD_BYTES).toBe(0);
    expect([...bytes.subarray(first, first + 24)]).toEqual([
      ...[3, 0, 0, 0],
      ...[1, 0, 0, 0],
      ...[0xfe, 0xff, 0xff, 0xff],
      ...[6, 5, 4, 3],
      ...[0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0, 0],
    ]);
    const end = bytes.length - 24;
    expect(view.getInt32(end, true)).toBe(LogKind.END);
    expect(view.getInt32(end + 4, true)).toBe((end - first) / 24);
  });

  it('is replayed into another log of the same bytes', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const bytes = writeLog(fill(list));
        expect(writeLog((target) => new BinaryLog(bytes).replay(target))).toEqual(bytes);
      }),
    );
  });

  it('is refused in one line wherever it is cut off', () => {
    const bytes = writeLog(fill([{ timePs: 1, kind: 3, a: 1, b: 2, c: 3, data: null }]));
    for (let length = 0; length < bytes.length; length++) {
      let message = '';
      try {
        new BinaryLog(bytes.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(LogError);
        ({ message } = error as LogError);
      }
      expect(message).toMatch(length === 0 ? /^is no binary log/ : /^is truncated after \d+ bytes: [^\n]+$/);
    }
  });

  it('is refused if it is something else, of another version, or contradicts itself', () => {
    // Of the first version, which has no checksums that would tell first.
    const damaged = (at: number, value: number) => {
      const bytes = versionOneLog();
      new DataView(bytes.buffer).setUint32(at < 0 ? bytes.length + at : at, value, true);
      return () => [...new BinaryLog(bytes).records()];
    };
    expect(damaged(0, 0)).toThrow(new LogError('is no binary log: does not begin with SRIOVLOG'));
    expect(damaged(8, 4)).toThrow(new LogError('has version 4 of the format, and none of 1, 2, 3'));
    expect(damaged(16, 32)).toThrow(/header that contradicts itself/);
    expect(damaged(20, 0xffff)).toThrow(/header that contradicts itself/);
    expect(damaged(48, 0)).toThrow(new LogError('has a header that is no JSON'));
    expect(damaged(-20, 1)).toThrow(/^has \d+ records, but its end counts 1$/);
    const first = new DataView(versionOneLog().buffer).getUint32(12, true);
    expect(damaged(first + 24 + 8, 1000)).toThrow(/announces 1000 bytes of data, which are not there/);
    expect(damaged(first + 24 + 8, 41)).toThrow(/no data at byte \d+, as announced/);
    expect(() => new BinaryLog(new TextEncoder().encode('{ "seed": 1 }'))).toThrow(/^is no binary log/);
  });

  it('never breaks otherwise, whatever bytes it has', () => {
    const bytes = versionOneLog();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const other = bytes.slice();
        other[at] = value;
        try {
          for (const _ of new BinaryLog(other).records());
        } catch (error) {
          expect(error).toBeInstanceOf(LogError);
          expect((error as Error).message).not.toContain('\n');
        }
      }),
    );
  });

  it.each([process.env['SRIOVSIM_LONG'] === '1' ? 10_000_000 : 300_000])(
    'reads %d events back as they were written',
    (count) => {
      // A generator of its own for writing and for comparing: nothing of the log is used to check the log.
      const sequence = () => {
        let state = 1;
        let timePs = 0;
        return () => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
          timePs += state >>> 12;
          return { timePs, kind: 1 + (state & 7), a: state, b: ~state, c: state >> 5 };
        };
      };
      const pieces: Uint8Array[] = [];
      const writer = new LogWriter(HEADER, (piece) => pieces.push(piece.slice()));
      const write = sequence();
      for (let i = 0; i < count; i++) {
        const { timePs, kind, a, b, c } = write();
        writer.record(timePs, kind, a, b, c);
      }
      writer.end(TRAILER);
      const expected = sequence();
      let same = 0;
      for (const { timePs, kind, a, b, c, data } of new BinaryLog(join(pieces)).records()) {
        const each = expected();
        if (
          timePs === each.timePs &&
          kind === each.kind &&
          a === each.a &&
          b === each.b &&
          c === each.c &&
          data === null
        )
          same++;
      }
      expect(same).toBe(count);
      expect(writer.written).toBe(count);
    },
    120_000,
  );

  it('takes chunks of 1 to 2^20 records', () => {
    expect(() => new LogWriter(HEADER, () => {}, 0)).toThrow(RangeError);
    expect(() => new LogWriter(HEADER, () => {}, 2 ** 20 + 1)).toThrow(RangeError);
  });
});

describe('a ring of the last records', () => {
  it('keeps exactly the last ones, whatever its size, and says how many it lost', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 70 }), (capacity, count) => {
        const ring = new LogRing(capacity);
        for (let i = 0; i < count; i++) ring.record(i, ProbeKind.FRAME_IN, i, -i, 7);
        const log = new BinaryLog(join(ring.parts(HEADER, TRAILER)));
        const kept = Math.min(capacity, count);
        expect([...log.records()].map(({ timePs, a, b }) => [timePs, a, b + a])).toEqual(
          Array.from({ length: kept }, (_, i) => [count - kept + i, count - kept + i, 0]),
        );
        expect(log.lost).toBe(count - kept);
        expect(ring.kept).toBe(kept);
        expect(log.trailer).toEqual(TRAILER);
      }),
    );
  });

  it('leaves out data whose record it has lost', () => {
    const ring = new LogRing(4);
    ring.record(1, LogKind.FRAME_BYTES, 0, 50, 0);
    ring.data(new Uint8Array(50), 0, 50);
    ring.record(2, ProbeKind.FRAME_OUT, 9, 0, 0);
    const log = new BinaryLog(join(ring.parts(HEADER, TRAILER)));
    expect(log.length).toBe(4);
    expect([...log.records()].map(({ kind, a }) => [kind, a])).toEqual([[ProbeKind.FRAME_OUT, 9]]);
  });

  it('is the end of the whole log', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 40 }), (list, capacity) => {
        const ring = new LogRing(capacity);
        fill(list)(ring);
        const last = [...new BinaryLog(join(ring.parts(HEADER, TRAILER))).records()];
        const all = [...new BinaryLog(writeLog(fill(list))).records()];
        expect(last).toEqual(all.slice(all.length - last.length));
      }),
    );
  });

  it('has room for 1 to 2^24 records', () => {
    expect(() => new LogRing(0)).toThrow(RangeError);
    expect(() => new LogRing(2 ** 24 + 1)).toThrow(RangeError);
    expect(() => new LogRing('1' as never)).toThrow(TypeError);
  });
});

describe('a pair of sinks', () => {
  it('sees everything twice', () => {
    const [first, second] = [new LogRing(4), new LogRing(4)];
    new SinkPair(first, second).record(1, ProbeKind.FRAME_IN, 2, 3, 4);
    expect(second.parts(HEADER, TRAILER)).toEqual(first.parts(HEADER, TRAILER));
    expect(first.written).toBe(1);
  });
});

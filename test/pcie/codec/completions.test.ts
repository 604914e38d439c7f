import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteEnablesOf,
  bytesOfRead,
  completionCount,
  completionsOf,
  encodeTlp,
  type MemoryReadTlp,
  OutstandingReads,
  parseTlp,
} from '../../../src/pcie/index.ts';

/** A read of `bytes` from `address`; of none, to flush. */
function readOf(at: number, bytes: number, tag = 1): MemoryReadTlp {
  const lanes = byteEnablesOf(at, Math.max(bytes, 1));
  const { words, lastEnables } = lanes;
  const firstEnables = bytes === 0 ? 0 : lanes.firstEnables;
  return {
    kind: 'MRd',
    requester: 0x0100,
    tag,
    address: BigInt(lanes.address),
    words,
    firstEnables,
    lastEnables,
  };
}
const answer = (read: MemoryReadTlp, maxPayload: number, boundary: number) =>
  completionsOf(read, 0x0008, new Uint8Array(4 * read.words), maxPayload, boundary);

describe('the completions of a memory read', () => {
  it.each([
    [0x1000, 64, 256, 64, [[0, 64, 16]]],
    [
      0x1000,
      512,
      256,
      64,
      [
        [0, 512, 64],
        [0, 256, 64],
      ],
    ],
    [
      0x1010,
      512,
      256,
      64,
      [
        [0x10, 512, 60],
        [0, 272, 64],
        [0, 16, 4],
      ],
    ],
    [
      0x103c,
      512,
      256,
      64,
      [
        [0x3c, 512, 49],
        [0, 316, 64],
        [0, 60, 15],
      ],
    ],
    [
      0x1004,
      300,
      128,
      64,
      [
        [4, 300, 31],
        [0, 176, 32],
        [0, 48, 12],
      ],
    ],
    [
      0x1001,
      256,
      256,
      64,
      [
        [1, 256, 64],
        [0, 1, 1],
      ],
    ],
    [
      0x1040,
      512,
      256,
      128,
      [
        [0x40, 512, 48],
        [0, 320, 64],
        [0, 64, 16],
      ],
    ],
    [0x1003, 1, 256, 64, [[3, 1, 1]]],
    [0x1000, 0, 256, 64, [[0, 1, 1]]],
  ])('from %x, %d bytes, at %d and %d, are cut at the boundary', (at, bytes, maxPayload, boundary, cuts) => {
    const found = answer(readOf(at, bytes), maxPayload, boundary);
    expect(
      found.map(({ lowerAddress, byteCount, payload }) => [lowerAddress, byteCount, payload.length / 4]),
    ).toEqual(cuts);
  });

  it('say which bytes were asked for', () => {
    fc.assert(
      fc.property(fc.nat(4095), fc.integer({ min: 1, max: 4096 }), (at, most) => {
        const bytes = Math.min(most, 4096 - at);
        expect(bytesOfRead(readOf(at, bytes))).toEqual({ byteCount: bytes, lowerAddress: at & 0x7f });
      }),
    );
  });

  it('are well-formed, as many as the link counts, and what the requester waits for, whatever the read', () => {
    fc.assert(
      fc.property(
        fc.nat(4095),
        fc.integer({ min: 0, max: 4096 }),
        fc.constantFrom(128, 256, 512, 4096),
        fc.constantFrom(64, 128),
        (at, most, maxPayload, boundary) => {
          const bytes = Math.min(most, 4096 - at);
          const read = readOf(at, bytes);
          const reads = new OutstandingReads();
          reads.add(read);
          const completions = answer(read, maxPayload, boundary);
          expect(completions.length).toBe(completionCount(at, Math.max(bytes, 1), maxPayload, boundary));
          completions.forEach((completion, i) => {
            const parsed = parseTlp(encodeTlp(completion), {
              maxPayloadBytes: maxPayload,
              readCompletionBoundary: boundary,
            });
            expect(parsed.violation).toBeNull();
            expect(reads.take(completion)).toBe(i === completions.length - 1 ? 'done' : 'data');
          });
          expect(reads.size).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a requester', () => {
  const setUp = () => {
    const reads = new OutstandingReads();
    const read = readOf(0x1000, 512);
    reads.add(read);
    return { reads, read, completions: answer(read, 256, 64) };
  };

  it('does not know a completion without a request, of another tag, or a second one', () => {
    const { reads, completions } = setUp();
    expect(reads.take({ ...completions[0], tag: 2 })).toBe('unexpected');
    expect(reads.take({ ...completions[0], requester: 0x0180 })).toBe('unexpected');
    for (const completion of completions) reads.take(completion);
    expect(reads.take(completions[1])).toBe('unexpected');
  });

  it('does not take one that does not fit its request, and goes on waiting', () => {
    const { reads, completions } = setUp();
    const [first] = completions;
    for (const wrong of [
      { byteCount: 511 },
      { lowerAddress: 4 },
      { trafficClass: 1 },
      { attributes: 1 },
      { attributes: 2 },
      { attributes: 7 },
      { kind: 'CplDLk' as const },
      { status: 2 as const },
      { kind: 'Cpl' as const, payload: new Uint8Array(0) },
    ])
      expect(reads.take({ ...first, ...wrong }), Object.keys(wrong)[0]).toBe('mismatched');
    expect(reads.take(completions[1])).toBe('mismatched');
    expect(completions.map((completion) => reads.take(completion))).toEqual(['data', 'done']);
  });

  it('does not look at ID-based Ordering, which the completer sets as it likes', () => {
    const { reads, completions } = setUp();
    expect(completions.map((each) => reads.take({ ...each, attributes: 4 }))).toEqual(['data', 'done']);
    const read = { ...readOf(0x2000, 4), attributes: 6 };
    reads.add(read);
    expect(reads.take({ ...answer(read, 256, 64)[0], attributes: 2 })).toBe('done');
  });

  it('ends a read with any other status, of which reserved ones count as Unsupported Request', () => {
    for (const status of [1, 3, 4, 7] as const) {
      const { reads, completions } = setUp();
      expect(reads.take({ ...completions[0], kind: 'Cpl', status, payload: new Uint8Array(0) })).toBe(
        'failed',
      );
      expect(reads.size).toBe(0);
    }
  });

  it('has one read for a Routing ID and tag', () => {
    const { reads, read } = setUp();
    expect(() => reads.add(read)).toThrow(RangeError);
  });
});

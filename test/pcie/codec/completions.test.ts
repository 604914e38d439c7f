import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteEnablesOf,
  bytesOfRead,
  type CompletionTlp,
  type ConfigTlp,
  completionCount,
  completionOf,
  completionsOf,
  encodeTlp,
  type MemoryReadTlp,
  OutstandingReads,
  parseTlp,
  type TlpPacket,
} from '../../../src/pcie/index.ts';

const NO_BYTES = new Uint8Array(0);

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
  // Address, bytes, Max_Payload_Size, Read Completion Boundary: Lower Address, Byte Count and Length of each.
  it.each([
    ['1000 64 256 64', '0/64/16'],
    ['1000 512 256 64', '0/512/64 0/256/64'],
    ['1010 512 256 64', '10/512/60 0/272/64 0/16/4'],
    ['103c 512 256 64', '3c/512/49 0/316/64 0/60/15'],
    ['1004 300 128 64', '4/300/31 0/176/32 0/48/12'],
    ['1001 256 256 64', '1/256/64 0/1/1'],
    ['1040 512 256 128', '40/512/48 0/320/64 0/64/16'],
    ['1003 1 256 64', '3/1/1'],
    ['1000 0 256 64', '0/1/1'],
  ])('of %s are cut at the boundary: %s', (asked, cuts) => {
    const [at, bytes, maxPayload, boundary] = asked.split(' ').map((n, i) => Number.parseInt(n, i ? 10 : 16));
    const found = answer(readOf(at, bytes), maxPayload, boundary);
    const cut = ({ lowerAddress, byteCount, payload }: CompletionTlp) =>
      `${lowerAddress.toString(16)}/${byteCount}/${payload.length / 4}`;
    expect(found.map(cut).join(' ')).toBe(cuts);
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

describe('the completions of other requests', () => {
  it('of a locked read are locked, with data and without', () => {
    const read: MemoryReadTlp = { ...readOf(0x1000, 512), kind: 'MRdLk' };
    const reads = new OutstandingReads();
    reads.add(read);
    const found = answer(read, 256, 64);
    expect(found.map(({ kind }) => kind)).toEqual(['CplDLk', 'CplDLk']);
    expect(found.map((each) => reads.take(each))).toEqual(['data', 'done']);
    expect(completionOf(read, 0x0008, 4)).toMatchObject({ kind: 'CplLk', byteCount: 512, lowerAddress: 0 });
  });

  it.each([
    ['FetchAdd', 4, 4],
    ['FetchAdd', 8, 8],
    ['Swap', 8, 8],
    ['CAS', 8, 4],
    ['CAS', 16, 8],
    ['CAS', 32, 16],
  ] as const)(
    'of a %s with %d bytes have a Byte Count of %d, the size of an operand',
    (kind, bytes, operand) => {
      const address = 0x1010n;
      const atomic = { kind, requester: 0x0100, tag: 1, address, payload: new Uint8Array(bytes) };
      const refused = completionOf(atomic, 0x0008, 1);
      expect(refused).toMatchObject({ kind: 'Cpl', byteCount: operand, lowerAddress: 0 });
      const before = Uint8Array.from({ length: operand }, (_, i) => i);
      const found = completionsOf(atomic, 0x0008, before, 128, 64);
      expect(found).toMatchObject([{ kind: 'CplD', byteCount: operand, lowerAddress: 0, payload: before }]);
      expect(parseTlp(encodeTlp(found[0])).violation).toBeNull();
      expect(() => completionsOf(atomic, 0x0008, new Uint8Array(bytes + 4), 128, 64)).toThrow(RangeError);
    },
  );

  it.each([
    ['CfgRd0', { target: 0x0100, register: 0, firstEnables: 1, payload: NO_BYTES }],
    ['IOWr', { address: 0x10, firstEnables: 3, payload: new Uint8Array(4) }],
  ])('of a %s have a Byte Count of 4', (kind, fields) => {
    const request = { kind, requester: 0, tag: 0, ...fields } as TlpPacket as ConfigTlp;
    expect(completionOf(request, 0x0008, 1)).toMatchObject({ kind: 'Cpl', byteCount: 4, lowerAddress: 0 });
  });

  it('are not made of what is not asked for, nor by limits that there are not', () => {
    const data = new Uint8Array(64);
    const make = (bytes: Uint8Array, maxPayload: number, boundary: number) => () =>
      completionsOf(readOf(0x1000, 64), 0x0008, bytes, maxPayload, boundary);
    expect(make(data.subarray(4), 256, 64)).toThrow('data.length must be an integer from 64 to 64, got 60');
    expect(make(data, 64, 64)).toThrow('maxPayloadBytes must be an integer from 128 to 4096, got 64');
    expect(make(data, 192, 64)).toThrow('maxPayloadBytes must be a power of two, got 192');
    expect(make(data, 256, 32)).toThrow('boundary must be one of 64, 128, got 32');
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

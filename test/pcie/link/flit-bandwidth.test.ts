import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BandwidthQuestion, pcieBandwidth } from '../../../src/pcie/index.ts';

/** TLP bytes of a flit and where its second half begins; all bytes of a flit; ps that a byte takes on a lane. */
const TLP_BYTES = 236;
const HALF = 128;
const FLIT = 256;
const SYMBOL_PS = 125;
/** Header bases of Flit Mode: a request with an address of 32 bits, of 64 bits, a completion; and a double word of OHC. */
const SHORT_HEADER = 12;
const LONG_HEADER = 16;
const COMPLETION = 12;
const OHC = 4;

/** Bytes of TLPs of a flit that a TLP takes, gaps before it included, if they are sent again and again without a pause. */
function bytesEach(round: readonly number[]): number {
  /** TLPs, or parts of one, by half of a flit, of which each has eight at most. */
  const inHalf: number[] = [];
  const halfOf = (at: number) => 2 * Math.floor(at / TLP_BYTES) + (at % TLP_BYTES < HALF ? 0 : 1);
  let at = 0;
  let rounds = 0;
  while (at < 2000 * TLP_BYTES) {
    rounds++;
    for (const bytes of round) {
      while (inHalf[halfOf(at)] === 8) at++;
      const end = at + bytes;
      for (let half = halfOf(at); half <= halfOf(end - 1); half++) inHalf[half] = (inHalf[half] ?? 0) + 1;
      at = end;
    }
  }
  return at / rounds;
}

/** Lengths of the pieces of so many bytes. */
function pieces(bytes: number, most: number): number[] {
  return bytes <= most ? [bytes] : [most, ...pieces(bytes - most, most)];
}

/** The same as the closed form, counted TLP by TLP from what the specification says of flits. */
function counted({ lanes, mps, mrrs, size, addressBits, rcbChunks, rcb }: Required<BandwidthQuestion>) {
  const header = addressBits === 64 ? LONG_HEADER : SHORT_HEADER;
  const whole = 4 * Math.ceil(size / 4);
  // Byte enables say of the last request that it does not mean all of its last double word.
  const last = (at: number, all: readonly number[]) => (whole > size && at === all.length - 1 ? OHC : 0);
  const writes = pieces(whole, mps).map((bytes, i, all) => header + last(i, all) + bytes);
  const asked = pieces(whole, mrrs);
  const requests = asked.map((_, i) => header + last(i, asked));
  const answers = asked
    .flatMap((bytes) => pieces(bytes, rcbChunks ? rcb : mps))
    .map((bytes) => COMPLETION + bytes);
  // SKIPs: 40 symbols on each lane behind as many whole flits as 12,000 symbols have, on twelve lanes a multiple of three.
  const most = Math.floor((12_000 * lanes) / FLIT);
  const flits = lanes === 12 ? most - (most % 3) : most;
  const psPerFlit = ((FLIT * SYMBOL_PS) / lanes) * (1 + (40 * lanes) / (flits * FLIT));
  const gbps = (round: readonly number[]) => (1000 * 8 * size) / ((bytesEach(round) / TLP_BYTES) * psPerFlit);
  return {
    write: gbps(writes),
    read: Math.min(gbps(requests), gbps(answers)),
    readWrite: Math.min(gbps([...requests, ...writes]), gbps(answers)),
  };
}

describe('the closed form of generation 6', () => {
  const sizes = fc.constantFrom(128, 256, 512, 1024, 2048, 4096);
  const question = fc.record({
    generation: fc.constant(6),
    lanes: fc.constantFrom(1, 2, 4, 8, 12, 16, 32),
    mps: sizes,
    mrrs: sizes,
    size: fc.oneof(fc.integer({ min: 1, max: 32 }), fc.integer({ min: 1, max: 5000 })),
    addressBits: fc.constantFrom<32 | 64>(32, 64),
    rcbChunks: fc.boolean(),
    rcb: fc.constantFrom(64, 128),
  });

  it('is what a count of TLPs in flits comes to, whatever is asked', () => {
    fc.assert(
      fc.property(question, (given) => {
        const found = pcieBandwidth(given);
        const expected = counted(given);
        for (const name of ['write', 'read', 'readWrite'] as const)
          expect(Math.abs(found[name] / expected[name] - 1), name).toBeLessThan(0.001);
      }),
      { numRuns: 60 },
    );
  });

  it('is this for writes of 64 bytes on sixteen lanes, worked out by hand', () => {
    // 80 bytes each, 2.95 in a flit of 2 ns, but for 40 symbols of 125 ps behind 750 flits.
    const gbps = ((236 / 80) * 64 * 8) / (2 * (1 + 5 / 1500));
    const { write } = pcieBandwidth({ generation: 6, lanes: 16, mps: 256, mrrs: 512, size: 64 });
    expect(write).toBeCloseTo(gbps, 9);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlitPacker } from '../../../src/pcie/index.ts';

/** Every byte of some flits by what it carries: a TLP by its number, NOP TLPs as undefined; from where each TLP begins. */
function bytesOf(sizes: readonly number[]) {
  const packer = new FlitPacker();
  const bytes = new Map<number, number>();
  const starts: number[] = [];
  for (const [i, size] of sizes.entries()) {
    packer.place(size);
    const end = packer.flit * 236 + packer.offset;
    for (let at = end - size; at < end; at++) bytes.set(at, i);
    starts.push(end - size);
  }
  return { packer, bytes, starts };
}

const sizes = fc.array(
  fc.integer({ min: 3, max: 200 }).map((words) => 4 * words),
  { minLength: 1, maxLength: 60 },
);

describe('TLPs in flits', () => {
  it('follow each other and go on in the next flit', () => {
    const { packer, starts } = bytesOf([80, 80, 80, 272]);
    expect(starts).toEqual([0, 80, 160, 240]);
    expect(packer).toMatchObject({ flit: 2, offset: 40, lastFlit: 2, flits: 3 });
  });

  it('that end with a flit leave the next one to others', () => {
    const { packer } = bytesOf([200, 36]);
    expect(packer).toMatchObject({ flit: 1, offset: 0, lastFlit: 0, flits: 1 });
  });

  it('are eight at most in each half of a flit', () => {
    const { starts } = bytesOf(new Array(17).fill(12));
    expect(starts.slice(0, 9)).toEqual([0, 12, 24, 36, 48, 60, 72, 84, 128]);
    expect(starts.slice(15)).toEqual([128 + 7 * 12, 236]);
    // The end of one that began in the half before is one of the eight.
    expect(bytesOf(new Array(30).fill(16)).starts[22] % 236).toBe(128);
  });

  it('never share a byte, and no half has more than eight, whatever their sizes', () => {
    fc.assert(
      fc.property(sizes, (given) => {
        const { packer, bytes, starts } = bytesOf(given);
        expect(bytes.size).toBe(given.reduce((sum, size) => sum + size, 0));
        const halves = new Map<string, Set<number>>();
        const flits = new Set<number>();
        for (const [at, tlp] of bytes) {
          const half = `${Math.floor(at / 236)} ${at % 236 < 128}`;
          flits.add(Math.floor(at / 236));
          halves.set(half, (halves.get(half) ?? new Set()).add(tlp));
        }
        for (const tlps of halves.values()) expect(tlps.size).toBeLessThanOrEqual(8);
        expect(packer.flits).toBe(flits.size);
        // Between two TLPs there is a gap only where the half is full.
        for (let i = 1; i < given.length; i++) {
          const end = starts[i - 1] + given[i - 1];
          if (starts[i] === end) continue;
          expect([0, 128]).toContain(starts[i] % 236);
          expect(halves.get(`${Math.floor((end - 1) / 236)} ${(end - 1) % 236 < 128}`)?.size).toBe(8);
        }
      }),
    );
  });

  it('begin where a group of NOP TLPs of 16 bytes ends, after a pause, or with the next flit', () => {
    for (const [at, flit, offset] of [
      [100, 4, 112],
      [112, 4, 112],
      [225, 5, 0],
      [236, 5, 0],
      [255, 5, 0],
    ]) {
      const { packer } = bytesOf([80]);
      packer.skipTo(4, at);
      expect(packer).toMatchObject({ flit, offset });
    }
  });
});

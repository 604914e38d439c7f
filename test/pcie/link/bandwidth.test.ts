import { describe, expect, it } from 'vitest';
import { pcieBandwidth } from '../../../src/pcie/index.ts';

const GEN3_X8 = { generation: 3, lanes: 8, mps: 256, mrrs: 512, rcb: 64, addressBits: 64 };

describe('pcieBandwidth', () => {
  // The authors' model with its defaults: write, read, and both at once.
  it.each([
    [64, 42.1, 44.1, 33.08],
    [256, 52.92, 53.69, 48.75],
    [1024, 52.92, 53.69, 50.75],
    [1500, 52.81, 53.6, 50.6],
  ])('gives what the authors of the model have for %i bytes', (size, write, read, readWrite) => {
    const found = pcieBandwidth({ ...GEN3_X8, size });
    for (const [value, published] of [
      [found.write, write],
      [found.read, read],
      [found.readWrite, readWrite],
    ]) {
      expect(Math.abs(value / published - 1)).toBeLessThan(0.001);
    }
  });

  it.each([
    [2, 8, 28.68],
    [3, 8, 57.88],
  ])(
    'comes near the rate of the TLP layer of generation %i x%i with large payload',
    (generation, lanes, rate) => {
      const { write } = pcieBandwidth({ ...GEN3_X8, generation, lanes, size: 1 << 20 });
      expect(Math.abs((write * (256 + 24)) / 256 / rate - 1)).toBeLessThan(0.001);
    },
  );

  it('counts four bytes less for an address of 32 bits', () => {
    const wide = pcieBandwidth({ ...GEN3_X8, size: 64 });
    const narrow = pcieBandwidth({ ...GEN3_X8, size: 64, addressBits: 32 });
    expect(narrow.write / wide.write).toBeCloseTo(88 / 84, 10);
    expect(narrow.read).toBe(wide.read);
  });

  it('reads at the rate of the requests where these take more than the data', () => {
    const { read } = pcieBandwidth({ ...GEN3_X8, mps: 4096, mrrs: 128, size: 4096 });
    const { write } = pcieBandwidth({ ...GEN3_X8, mps: 4096, mrrs: 128, size: 4096 });
    expect(read).toBeGreaterThan(write);
    const tiny = pcieBandwidth({ ...GEN3_X8, size: 1 });
    expect(tiny.read / tiny.write).toBeCloseTo(25 / 24, 10);
  });

  it('takes more completions where they come in pieces of the Read Completion Boundary', () => {
    const chunked = pcieBandwidth({ ...GEN3_X8, size: 256, rcbChunks: true });
    const whole = pcieBandwidth({ ...GEN3_X8, size: 256 });
    expect(chunked.read / whole.read).toBeCloseTo((256 + 20) / (256 + 80), 10);
    expect(pcieBandwidth({ ...GEN3_X8, rcb: 128, size: 256 })).toEqual(whole);
  });

  it.each([
    [{ generation: 0 }, /generation must be an integer from 1 to 5, got 0/],
    [{ lanes: 3 }, /lanes must be one of 1, 2, 4, 8, 12, 16, 32, got 3/],
    [{ mps: 100 }, /mps must be one of 128, 256, 512, 1024, 2048, 4096, got 100/],
    [{ mrrs: 8192 }, /mrrs must be one of 128, .* got 8192/],
    [{ rcb: 32 }, /rcb must be one of 64, 128, got 32/],
    [{ addressBits: 48 }, /addressBits must be one of 32, 64, got 48/],
    [{ size: 0 }, /size must be an integer from 1 to \d+, got 0/],
  ])('refuses %o', (wrong, message) => {
    expect(() => pcieBandwidth({ ...GEN3_X8, size: 64, ...wrong })).toThrow(message);
  });
});

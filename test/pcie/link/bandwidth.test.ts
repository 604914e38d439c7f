import { describe, expect, it } from 'vitest';
import { FlitPacker } from '../../../src/pcie/flit-packer.ts';
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
    [{ generation: 0 }, /generation must be an integer from 1 to 6, got 0/],
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

describe('pcieBandwidth at generation 6', () => {
  const GEN6 = { generation: 6, lanes: 16, mps: 256, mrrs: 512 };
  /** Gb/s of TLP bytes on sixteen lanes: 236 of 256 bytes, and 40 symbols of each lane behind 750 flits. */
  const TLP_GBPS = (1024 * 236 * 750) / (256 * 750 + 40 * 16);

  it('gives TLPs 236 of 256 bytes of each flit, without framing, sequence number and LCRC', () => {
    const { write, read } = pcieBandwidth({ ...GEN6, size: 4096 });
    expect(write).toBeCloseTo((TLP_GBPS * 256) / (256 + 16), 9);
    expect(read).toBeCloseTo((TLP_GBPS * 256) / (256 + 12), 9);
  });

  it('carries as much less as DLP, CRC and FEC take, and SKIPs, whatever the width', () => {
    for (const lanes of [1, 2, 4, 8, 12, 16, 32]) {
      const { write } = pcieBandwidth({ ...GEN6, lanes, size: 1 << 20 });
      const share = (write * (256 + 16)) / 256 / (64 * lanes);
      expect(share).toBeLessThan(236 / 256);
      expect(share).toBeGreaterThan((236 / 256) * (1 - 0.0036));
    }
  });

  it('extends the header of a request whose last double word is not meant whole', () => {
    const whole = pcieBandwidth({ ...GEN6, size: 64 });
    const part = pcieBandwidth({ ...GEN6, size: 63 });
    expect(part.write / whole.write).toBeCloseTo((63 / 64) * ((16 + 64) / (16 + 64 + 4)), 9);
    expect(part.read / whole.read).toBeCloseTo(63 / 64, 9);
  });

  it('has no more than eight short TLPs in half a flit', () => {
    // Requests of 12 bytes: sixteen in 236 bytes, where more would have room. Each asks for 128 bytes; answers are longer.
    const { read } = pcieBandwidth({ ...GEN6, mps: 4096, mrrs: 4096, size: 4, addressBits: 32 });
    const answers = (TLP_GBPS * 4) / (236 / 14);
    expect(Math.abs(read / answers - 1)).toBeLessThan(0.002);
    const { write } = pcieBandwidth({ ...GEN6, size: 4, addressBits: 32 });
    expect(Math.abs(write / answers - 1)).toBeLessThan(0.002);
  });

  it('answers requests that are shorter than Max_Payload_Size one by one', () => {
    const { read } = pcieBandwidth({ ...GEN6, mps: 512, mrrs: 128, size: 1024 });
    expect(read).toBeCloseTo((TLP_GBPS * 128) / (128 + 12), 9);
  });

  it('counts the TLPs of a transfer of any size, of 2^32 bytes as well', () => {
    const question = { ...GEN6, mps: 128, mrrs: 128, addressBits: 32 };
    const small = pcieBandwidth({ ...question, size: 1 << 14 });
    const { write, read, readWrite } = pcieBandwidth({ ...question, size: 2 ** 32 });
    expect(write).toBeCloseTo((TLP_GBPS * 128) / (128 + 12), 9);
    expect(read).toBeCloseTo((TLP_GBPS * 128) / (128 + 12), 9);
    // Requests of 12 bytes, sixteen in a flit, before as many writes.
    expect(readWrite / ((TLP_GBPS * 128) / (236 / 16 + 140))).toBeCloseTo(1, 3);
    expect(readWrite / small.readWrite).toBeCloseTo(1, 2);
    const odd = pcieBandwidth({ ...question, size: 2 ** 32 - 1 });
    expect(odd.write / write).toBeCloseTo(1, 6);
  });
});

describe('FlitPacker', () => {
  it.each([12, 16, 20, 140, 4108])('puts many TLPs of %i bytes where one after the other comes', (bytes) => {
    for (const count of [1, 15, 16, 117, 118, 119, 3000, 3001]) {
      const [one, many] = [new FlitPacker(), new FlitPacker()];
      for (const packer of [one, many]) packer.place(28);
      for (let i = 0; i < count; i++) one.place(bytes);
      many.placeAll(bytes, count);
      for (const packer of [one, many]) packer.place(28);
      expect(many).toEqual(one);
    }
  });
});

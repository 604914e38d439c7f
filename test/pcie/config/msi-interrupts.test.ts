import { describe, expect, it } from 'vitest';
import { Endpoint, MsiInterrupts, type MsiOptions, msi, vpd } from '../../../src/pcie/index.ts';
import { genericProfile } from './fixture.ts';

/** A function with MSI at 40h that may send, and the messages that it has sent: vector, address, data. */
function device(options: MsiOptions = {}) {
  const profile = { ...genericProfile({ totalVfs: 1 }), capabilities: [msi(options)] };
  const [fn] = new Endpoint({ functions: [profile] }).functions;
  const sent: (readonly [number, number, number])[] = [];
  const interrupts = new MsiInterrupts(fn, (vector, low, high, data) =>
    sent.push([vector, high * 2 ** 32 + low, data]),
  );
  const { config } = fn;
  config.write16(4, 4);
  config.write32(0x44, 0xfee0_1000);
  config.write16(options.address64 === false ? 0x48 : 0x4c, 0x41d0);
  return { fn, config, interrupts, sent };
}

describe('an interrupt by MSI', () => {
  it('is a write of Message Data to Message Address', () => {
    const { config, interrupts, sent } = device();
    config.write16(0x42, 1);
    config.write32(0x48, 0x12);
    expect(interrupts.signal(0)).toBe(true);
    expect(sent).toEqual([[0, 0x12_fee0_1000, 0x41d0]]);
  });

  it('has 32 bits of address in a function without more', () => {
    const { config, interrupts, sent } = device({ address64: false, maskable: false });
    config.write16(0x42, 1);
    interrupts.signal(0);
    expect(sent).toEqual([[0, 0xfee0_1000, 0x41d0]]);
  });

  it('has the number of its vector in the low bits of the data, as many as are granted', () => {
    const { config, interrupts, sent } = device({ vectors: 8 });
    config.write16(0x4c, 0x41d7);
    config.write16(0x42, (2 << 4) | 1);
    for (let vector = 0; vector < 8; vector++) interrupts.signal(vector);
    expect(interrupts.granted).toBe(4);
    expect(sent.map(([, , data]) => data & 0xff)).toEqual([0xd4, 0xd5, 0xd6, 0xd7, 0xd4, 0xd5, 0xd6, 0xd7]);
  });

  it('never has more vectors than the function has, and one where the number is reserved', () => {
    const { config, interrupts } = device({ vectors: 2 });
    expect([5, 6, 7, 1, 0].map((code) => [config.write16(0x42, code << 4), interrupts.granted][1])).toEqual([
      2, 1, 1, 2, 1,
    ]);
  });

  it('is lost while MSI Enable is clear, and without Bus Master Enable', () => {
    const { config, interrupts, sent } = device();
    expect(interrupts.signal(0)).toBe(false);
    config.write16(0x42, 1);
    config.write16(4, 0);
    expect(interrupts.signal(0)).toBe(false);
    expect(sent).toEqual([]);
  });

  it('waits in Pending Bits while its vector is masked, and goes out once when it is not', () => {
    const { config, interrupts, sent } = device({ vectors: 4 });
    config.write16(0x42, (2 << 4) | 1);
    config.write32(0x50, 0b1010);
    for (const vector of [1, 1, 3, 0]) interrupts.signal(vector);
    expect(config.read32(0x54)).toBe(0b1010);
    expect(sent.map(([vector]) => vector)).toEqual([0]);
    config.write32(0x50, 0b1000);
    expect(sent.map(([vector]) => vector)).toEqual([0, 1]);
    expect(config.read32(0x54)).toBe(0b1000);
    config.write32(0x50, 0);
    expect(sent.map(([vector]) => vector)).toEqual([0, 1, 3]);
    config.write32(0x54, 0xffffffff);
    expect(config.read32(0x54)).toBe(0);
  });

  it('waits on if its vector is unmasked while Bus Master Enable is clear', () => {
    const { config, interrupts, sent } = device();
    config.write16(0x42, 1);
    config.write32(0x50, 1);
    interrupts.signal(0);
    config.write16(4, 0);
    config.write32(0x50, 0);
    expect([sent.length, config.read32(0x54)]).toEqual([0, 1]);
    config.write16(4, 4);
    expect([sent.length, config.read32(0x54)]).toEqual([1, 0]);
  });

  it('is forgotten in a Function Level Reset', () => {
    const { fn, config, interrupts, sent } = device();
    config.write16(0x42, 1);
    config.write32(0x50, 1);
    interrupts.signal(0);
    fn.functionLevelReset();
    expect([config.read32(0x50), config.read32(0x54)]).toEqual([0, 0]);
    config.write16(0x42, 1);
    expect(sent).toEqual([]);
  });

  it('needs the capability, and a number of vectors that there is', () => {
    const profile = { ...genericProfile({ totalVfs: 1 }), capabilities: [vpd()] };
    const [fn] = new Endpoint({ functions: [profile] }).functions;
    expect(() => new MsiInterrupts(fn, () => {})).toThrow('00:00.0 has no MSI');
    expect(() => device().interrupts.signal(1)).toThrow('vector 1 of 1');
    expect(() => device({ vectors: 2 }).interrupts.signal(0.5)).toThrow('vector 0.5 of 2');
    expect(() => msi({ vectors: 3 })).toThrow('vectors must be one of 1, 2, 4, 8, 16, 32');
  });
});

import { describe, expect, it, vi } from 'vitest';
import { type BarTarget, Endpoint, type PcieFunction } from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { EXPRESS, genericProfile } from './fixture.ts';

const pf = (): PcieFunction => new Endpoint({ functions: intel82599Config(), bus: 1 }).functions[0];

/** What sizing reads back from the BAR at `offset`. */
function probe(fn: PcieFunction, offset: number): number {
  fn.config.write32(offset, 0xffffffff);
  return fn.config.read32(offset);
}

describe('BARs', () => {
  it('say their size when all ones are written, with the type in the low bits', () => {
    const fn = pf();
    expect(probe(fn, 0x10)).toBe(0xfffe000c);
    expect(probe(fn, 0x14)).toBe(0xffffffff);
    expect(probe(fn, 0x18)).toBe(0xffffffe1);
    expect(probe(fn, 0x1c)).toBe(0);
    expect(probe(fn, 0x20)).toBe(0xffffc00c);
  });

  it('can be larger than 4 GiB', () => {
    const profile = genericProfile({ totalVfs: 1 });
    const bars = [{ index: 0, kind: 'memory64', bytes: 2 ** 35, prefetchable: true }] as const;
    const [fn] = new Endpoint({ functions: [{ ...profile, bars }] }).functions;
    expect([probe(fn, 0x10), probe(fn, 0x14)]).toEqual([0x0000000c, 0xfffffff8]);
    fn.config.write32(0x14, 0x10);
    expect(fn.barBase(0)).toBe(2 ** 36);
  });

  it('can be 32 bits wide, with a ROM beside them', () => {
    const profile = genericProfile({ totalVfs: 1 });
    const bars = [{ index: 1, kind: 'memory32', bytes: 0x1000 }] as const;
    const endpoint = new Endpoint({ functions: [{ ...profile, bars, romBytes: 0x10000 }] });
    const [fn] = endpoint.functions;
    expect([probe(fn, 0x10), probe(fn, 0x14), probe(fn, 0x30)]).toEqual([0, 0xfffff000, 0xffff0001]);
    fn.config.write32(0x30, 0xc0000001);
    fn.config.write16(4, 2);
    expect(fn.barBase(6)).toBe(0xc0000000);
    expect([endpoint.claim(0xc000fffc), endpoint.hitBar, endpoint.hitOffset]).toEqual([true, 6, 0xfffc]);
    fn.config.write32(0x30, 0xc0000000);
    expect(endpoint.claim(0xc000fffc)).toBe(false);
  });

  it.each([
    [[{ index: 5, kind: 'memory64', bytes: 4096 }], 'index of BAR must be'],
    [[{ index: 0, kind: 'memory32', bytes: 3000 }], 'bytes of BAR 0 must be a power of two'],
    [[{ index: 0, kind: 'io', bytes: 512 }], 'bytes of BAR 0 must be a power of two from 4 to 256'],
    [
      [
        { index: 0, kind: 'memory64', bytes: 4096 },
        { index: 1, kind: 'memory32', bytes: 4096 },
      ],
      'BAR 1 is taken twice',
    ],
  ] as const)('refuse %j', (bars, message) => {
    const functions = [{ ...genericProfile({ totalVfs: 1 }), bars }];
    expect(() => new Endpoint({ functions })).toThrow(message);
  });

  it('have their address in one number', () => {
    const fn = pf();
    fn.config.write32(0x10, 0x80000000);
    fn.config.write32(0x14, 0x40);
    expect(fn.barBase(0)).toBe(0x40_8000_0000);
    expect(fn.barBytes(0)).toBe(0x20000);
    expect(() => fn.barBase(1)).toThrow('01:00.0 has no BAR 1');
  });

  it('lead to the target that was attached, and to zero before', () => {
    const fn = pf();
    const target: BarTarget = { read32: (offset) => offset + 1, write32: vi.fn() };
    expect(fn.bar(0).read32(8, 4)).toBe(0);
    fn.attachBar(0, target);
    expect(fn.bar(0).read32(8, 4)).toBe(9);
    expect(() => fn.attachBar(3, target)).toThrow(RangeError);
    expect(() => fn.bar(3)).toThrow(RangeError);
  });
});

describe('Command', () => {
  it('is decoded to plain fields when it is written', () => {
    const fn = pf();
    fn.config.write16(4, 0x0407);
    expect([fn.ioEnabled, fn.memoryEnabled, fn.busMaster, fn.intxDisabled]).toEqual([true, true, true, true]);
    fn.config.write8(4, 0);
    expect([fn.ioEnabled, fn.memoryEnabled, fn.busMaster, fn.intxDisabled]).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('has no I/O Space Enable in a function without I/O BARs', () => {
    const [fn] = new Endpoint({ functions: [genericProfile({ totalVfs: 1 })] }).functions;
    fn.config.write16(4, 1);
    expect(fn.config.read16(4)).toBe(0);
  });

  it('tells when bus mastering begins and ends, once each', () => {
    const fn = pf();
    const seen: boolean[] = [];
    fn.events.on('busMaster', (about, enabled) => {
      expect(about).toBe(fn);
      seen.push(enabled);
    });
    fn.config.write16(4, 4);
    fn.config.write16(4, 6);
    fn.config.write16(4, 0);
    expect(seen).toEqual([true, false]);
  });

  it('tells of every configuration write', () => {
    const fn = pf();
    const seen = vi.fn();
    fn.events.on('configWrite', seen);
    fn.config.write16(4, 2);
    fn.config.write32(0, 0);
    expect(seen).toHaveBeenNthCalledWith(1, fn, 4, 0x00100000, 0x00100002);
    expect(seen).toHaveBeenNthCalledWith(2, fn, 0, 0x10fb8086, 0x10fb8086);
  });
});

describe('Function Level Reset', () => {
  it('is begun by bit 15 of Device Control and sets the registers back', () => {
    const fn = pf();
    const causes: string[] = [];
    fn.events.on('reset', (_fn, cause) => causes.push(cause));
    fn.config.write16(4, 6);
    fn.config.write32(0x10, 0x80000000);
    fn.config.write16(0x72, 0xc000);
    fn.config.write16(EXPRESS + 8, 0x8000);
    expect(causes).toEqual(['flr']);
    expect([fn.busMaster, fn.memoryEnabled, fn.msixEnabled, fn.msixMasked]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect([fn.barBase(0), fn.config.read16(4)]).toEqual([0, 0]);
  });

  it('tells once of bus mastering and MSI-X that ended with it', () => {
    const fn = pf();
    const seen: string[] = [];
    fn.config.write16(4, 4);
    fn.config.write16(0x72, 0x8000);
    fn.events.on('busMaster', (_fn, enabled) => seen.push(`busMaster ${enabled}`));
    fn.events.on('msix', (_fn, enabled) => seen.push(`msix ${enabled}`));
    fn.events.on('reset', () => seen.push('reset'));
    fn.config.write16(EXPRESS + 8, 0x8000);
    expect(seen).toEqual(['busMaster false', 'msix false', 'reset']);
  });

  it('leaves the link as it is', () => {
    const fn = pf();
    fn.config.poke16(EXPRESS + 0x12, 0x1021);
    fn.functionLevelReset();
    expect(fn.config.read16(EXPRESS + 0x12)).toBe(0x1021);
  });

  it('is not begun by a byte write to the lower half', () => {
    const fn = pf();
    fn.config.write16(4, 4);
    fn.config.write8(EXPRESS + 8, 0xff);
    expect(fn.busMaster).toBe(true);
  });
});

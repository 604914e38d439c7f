import { describe, expect, it } from 'vitest';
import {
  configBytes,
  Endpoint,
  formatLspci,
  type PcieFunction,
  registerOffset,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { tableProblems } from '../../../src/registers/index.ts';
import { machine } from './fixture.ts';

/** The first 256 bytes of a real card with two ports after reset, but for subsystem, link state and Cache Line Size. */
const REAL_FUNCTION_0 = [
  '00: 86 80 fb 10 00 00 10 00 01 00 00 02 00 00 80 00',
  '10: 0c 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00',
  '20: 0c 00 00 00 00 00 00 00 00 00 00 00 86 80 03 00',
  '30: 00 00 00 00 40 00 00 00 00 00 00 00 00 01 00 00',
  '40: 01 50 23 48 00 20 00 00 00 00 00 00 00 00 00 00',
  '50: 05 70 80 01 00 00 00 00 00 00 00 00 00 00 00 00',
  '60: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
  '70: 11 a0 3f 00 04 00 00 00 04 20 00 00 00 00 00 00',
  '80: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
  '90: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
  'a0: 10 e0 02 00 c2 8c 00 10 10 28 00 00 82 34 02 00',
  'b0: 00 00 82 10 00 00 00 00 00 00 00 00 00 00 00 00',
  'c0: 00 00 00 00 1f 00 00 00 00 00 00 00 00 00 00 00',
  'd0: 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
  'e0: 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
  'f0: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
];

function rows(fn: PcieFunction): string[] {
  return formatLspci({ routingId: 0, title: '', bytes: configBytes(fn) })
    .split('\n')
    .slice(1);
}

describe('configuration space of the Intel 82599', () => {
  const dual = new Endpoint({ functions: intel82599Config({ ports: 2 }), bus: 1 });
  const [pf0, pf1] = dual.functions;

  it('has the bytes of a real card after reset', () => {
    expect(rows(pf0).slice(0, 16)).toEqual(REAL_FUNCTION_0);
  });

  it('differs in the second function by interrupt pin and Link Control 2, as on a real card', () => {
    const expected = [...REAL_FUNCTION_0];
    expected[3] = '30: 00 00 00 00 40 00 00 00 00 00 00 00 00 02 00 00';
    expected[13] = 'd0: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00';
    expect(rows(pf1).slice(0, 16)).toEqual(expected);
  });

  it('links its extended capabilities 100, 140, 150, 160, end', () => {
    const headers = [0x100, 0x140, 0x150, 0x160].map((offset) => pf0.config.read32(offset));
    expect(headers).toEqual([0x14010001, 0x15010003, 0x1601000e, 0x00010010]);
  });

  it('points from function 0 to function 1 in the ARI capability, and from there to nobody', () => {
    expect(pf0.config.read16(0x154)).toBe(0x0100);
    expect(pf1.config.read16(0x154)).toBe(0);
  });

  it('has the SR-IOV capability of the chip', () => {
    const { config } = pf0;
    expect(config.read32(0x164)).toBe(0);
    expect(config.read32(0x16c)).toBe((64 << 16) | 64);
    expect(config.read16(0x174)).toBe(384);
    expect(config.read16(0x176)).toBe(2);
    expect(config.read16(0x17a)).toBe(0x10ed);
    expect(config.read32(0x17c)).toBe(0x553);
    expect(config.read32(0x180)).toBe(1);
    expect([config.read32(0x184), config.read32(0x190)]).toEqual([4, 4]);
    expect(config.read32(0x19c)).toBe(0);
  });

  it('says of each function that it depends on no other', () => {
    expect([pf0.config.read8(0x172), pf1.config.read8(0x172)]).toEqual([0, 1]);
  });

  it('is one function on a card with one port', () => {
    const single = new Endpoint({ functions: intel82599Config() }).functions;
    expect(single).toHaveLength(1);
    expect(single[0].config.read8(0x0e)).toBe(0);
    expect(single[0].config.read16(0x154)).toBe(0);
  });

  it('has VFs with 70 MSI-X, a0 Express, 100 AER, 150 ARI', () => {
    const { endpoint, root, nics } = machine();
    root.write(nics[0].routingId, 0x170, 2, 1);
    root.write(nics[0].routingId, 0x168, 2, 0x19);
    const vf = endpoint.functionAt(0x0180)!;
    expect(rows(vf).slice(0, 5)).toEqual([
      '00: ff ff ff ff 00 00 10 00 01 00 00 02 00 00 00 00',
      '10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
      '20: 00 00 00 00 00 00 00 00 00 00 00 00 86 80 06 00',
      '30: 00 00 00 00 70 00 00 00 00 00 00 00 00 00 00 00',
      '40: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
    ]);
    expect(rows(vf)[7]).toBe('70: 11 a0 02 00 03 00 00 00 03 20 00 00 00 00 00 00');
    expect(rows(vf)[16].slice(0, 17)).toBe('100: 01 00 01 15 ');
    expect(rows(vf)[21].slice(0, 29)).toBe('150: 0e 00 01 00 00 00 00 00 ');
  });

  it('has erratum 35: version, Device, Link and Device 2 Capabilities of a VF read 0', () => {
    for (const [errata, expected] of [
      [true, [0x10, 0, 0, 0]],
      [false, [0x20010, 0x10008cc2, 0x23482, 0x1f]],
    ] as const) {
      const { endpoint, root, nics } = machine(intel82599Config({ errata }));
      root.write(nics[0].routingId, 0x170, 2, 1);
      root.write(nics[0].routingId, 0x168, 2, 0x19);
      const { config } = endpoint.functionAt(0x0180)!;
      expect([0xa0, 0xa4, 0xac, 0xc4].map((offset) => config.read32(offset))).toEqual(expected);
    }
  });

  it('has sound tables, every row with a section', () => {
    const { endpoint, root, nics, port } = machine();
    root.write(nics[0].routingId, 0x170, 2, 1);
    root.write(nics[0].routingId, 0x168, 2, 0x19);
    const functions = [pf0, pf1, endpoint.functionAt(0x0180)!, port.function];
    for (const { config } of functions) {
      expect(tableProblems(config.layout.table)).toEqual([]);
      for (const row of config.layout.table.rows)
        expect(row.section).toMatch(/^(PCI|PCIe|PCI-PM|SR-IOV|PCI-to-PCI)/);
    }
    expect(registerOffset(pf0.config.layout, 'SR-IOV NumVFs')).toBe(0x170);
    expect(() => registerOffset(pf0.config.layout, 'NumVFs')).toThrow(RangeError);
  });
});

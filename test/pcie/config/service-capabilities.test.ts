import { describe, expect, it } from 'vitest';
import {
  acs,
  aer,
  ats,
  atsState,
  type Capability,
  configBytes,
  Endpoint,
  explainConfig,
  formatExplained,
  ltr,
  ltrLatencyNs,
  type PcieFunction,
  pasid,
  pri,
  secondaryPciExpress,
  sriov,
  tph,
  vpd,
  vpdData,
} from '../../../src/pcie/index.ts';
import { genericProfile } from './fixture.ts';

const ROUTING = { firstVfOffset: 16, vfStride: 1 };

/** A PF with these capabilities behind an empty AER capability at 100h, and a VF with others. */
function device(capabilities: Capability[], ofVf: Capability[] = []): PcieFunction {
  const profile = genericProfile({ totalVfs: 4 });
  const own = sriov({
    at: 0x800,
    totalVfs: 4,
    vfDeviceId: 2,
    vfBars: [],
    routing: { ari: ROUTING, other: ROUTING },
    vf: { title: 'VF', capabilities: [aer(), ...ofVf] },
  });
  const express = profile.capabilities.filter(({ name }) => name === 'PCIe');
  const functions = [{ ...profile, capabilities: [...express, aer(), ...capabilities, own] }];
  const endpoint = new Endpoint({ functions, bus: 1 });
  const [pf] = endpoint.functions;
  pf.config.write16(0x810, 4);
  pf.config.write16(0x808, 1);
  return pf;
}

/** Where the first capability behind AER is. */
const AT = 0x12c;

function bytesAt(fn: PcieFunction, count: number): string {
  return Array.from({ length: count }, (_, i) =>
    fn.config
      .read8(AT + i)
      .toString(16)
      .padStart(2, '0'),
  ).join(' ');
}

describe('Address Translation Services', () => {
  it('have the bytes of a real device: Page Aligned Request, Global Invalidate, a queue of 32', () => {
    const fn = device([ats({ globalInvalidate: true })]);
    fn.config.write16(AT + 6, 0x8000);
    expect(bytesAt(fn, 8)).toBe('0f 00 01 80 60 00 00 80');
  });

  it('take the Smallest Translation Unit with or before Enable, and keep it while Enable is set', () => {
    const { config } = device([ats()]);
    config.write16(AT + 6, 0x8003);
    expect(config.read16(AT + 6)).toBe(0x8003);
    config.write16(AT + 6, 0x8005);
    expect(config.read16(AT + 6)).toBe(0x8003);
    config.write16(AT + 6, 0x0005);
    expect(config.read16(AT + 6)).toBe(0x0003);
    config.write16(AT + 6, 0x0005);
    expect(config.read16(AT + 6)).toBe(0x0005);
  });

  it('have Enable in a VF, and queue depth and translation unit 0: those of the PF hold', () => {
    const pf = device([ats({ invalidateQueueDepth: 8 })], [ats({ invalidateQueueDepth: 8 })]);
    const vf = pf.sriov!.vf(0);
    expect(vf.config.read16(AT + 4)).toBe(0x20);
    vf.config.write16(AT + 6, 0xffff);
    expect(vf.config.read16(AT + 6)).toBe(0x8000);
    pf.config.write16(AT + 6, 0x0002);
    expect(atsState(vf)).toEqual({
      enabled: true,
      smallestTranslationUnitBytes: 16384,
      invalidateQueueDepth: 8,
    });
    expect(atsState(pf)?.enabled).toBe(false);
    expect(atsState(device([]))).toBe(null);
  });

  it('count a queue depth of 0 as 32', () => {
    expect(atsState(device([ats()]))?.invalidateQueueDepth).toBe(32);
    expect(() => ats({ invalidateQueueDepth: 33 })).toThrow(RangeError);
  });
});

describe('TPH Requester', () => {
  it('has the bytes of a real device: device specific mode, two steering tags in the capability', () => {
    const fn = device([tph({ deviceSpecificMode: true, table: 'capability', tableEntries: 2 })]);
    fn.config.write32(AT + 8, 0x102);
    fn.config.write16(AT + 14, 0x0a);
    expect(bytesAt(fn, 16)).toBe('17 00 01 80 05 02 01 00 02 01 00 00 00 00 0a 00');
  });

  it('keeps its mode when one is written that it does not support', () => {
    const { config } = device([tph({ deviceSpecificMode: true })]);
    config.write32(AT + 8, 2);
    config.write32(AT + 8, 0x101);
    expect(config.read32(AT + 8)).toBe(0x102);
    config.write32(AT + 8, 7);
    expect(config.read32(AT + 8)).toBe(2);
  });

  it('has mode 0 alone where it supports no other', () => {
    const { config } = device([tph()]);
    config.write32(AT + 8, 0xffffffff);
    expect(config.read32(AT + 8)).toBe(0x100);
  });

  it('has the upper halves of steering tags and their enable with extended TPH alone', () => {
    for (const extended of [false, true]) {
      const { config } = device([tph({ extended, table: 'capability', tableEntries: 1 })]);
      config.write32(AT + 8, 0x300);
      config.write16(AT + 12, 0xffff);
      expect(config.read32(AT + 8)).toBe(extended ? 0x300 : 0x100);
      expect(config.read16(AT + 12)).toBe(extended ? 0xffff : 0x00ff);
    }
  });

  it('refuses a table that does not fit where it is', () => {
    expect(() => tph({ table: 'capability', tableEntries: 65 })).toThrow(/from 1 to 64/);
    expect(() => tph({ table: 'msix' })).toThrow(/from 1 to 2048/);
    expect(() => tph({ tableEntries: 1 })).toThrow(RangeError);
  });
});

describe('Latency Tolerance Reporting', () => {
  it('stores a value of ten bits and a scale of three for each latency, reserved bits 0', () => {
    const { config } = device([ltr()]);
    config.write32(AT + 4, 0xffffffff);
    expect(config.read32(AT + 4)).toBe(0x1fff1fff);
    config.write16(AT + 6, 0x1003);
    expect(config.read16(AT + 4)).toBe(0x1fff);
  });

  it('counts in units of 32 to the power of the scale, of which two are not permitted', () => {
    expect([0x03ff, 0x0401, 0x1003, 0x1401].map(ltrLatencyNs)).toEqual([1023, 32, 3 * 2 ** 20, 2 ** 25]);
    expect(ltrLatencyNs(0x1801)).toBe(Number.NaN);
  });

  it('is in function 0 alone', () => {
    const profile = { ...genericProfile({ totalVfs: 1 }), capabilities: [ltr()] };
    expect(() => new Endpoint({ functions: [profile, profile] })).toThrow('LTR must be in function 0');
    expect(() => device([], [ltr()])).toThrow('LTR must be in function 0, got a VF');
  });
});

describe('Process Address Space ID', () => {
  it('has the bytes of a real device: privileged mode, 20 bits', () => {
    const fn = device([pasid({ privilegedMode: true })]);
    fn.config.write16(AT + 6, 0xffff);
    expect(bytesAt(fn, 8)).toBe('1b 00 01 80 04 14 05 00');
  });

  it('is in the PF alone', () => {
    expect(() => device([], [pasid()])).toThrow('PASID must be in the PF, got a VF with it');
    expect(() => pasid({ maxWidth: 21 })).toThrow(RangeError);
  });
});

describe('Page Request Interface', () => {
  const status = (fn: PcieFunction) => fn.config.read16(AT + 6);

  it('has the bytes of a real device: 512 requests, answers must carry the PASID, stopped', () => {
    expect(bytesAt(device([pri({ capacity: 512, responsePasidRequired: true })]), 16)).toBe(
      '13 00 01 80 00 00 00 81 00 02 00 00 00 00 00 00',
    );
  });

  it('clears Stopped and both errors when Enable is set, and stops when it is cleared', () => {
    const fn = device([pri({ capacity: 64 })]);
    fn.config.poke16(AT + 6, 0x0103);
    fn.config.write16(AT + 4, 1);
    expect(status(fn)).toBe(0);
    fn.config.poke16(AT + 6, 3);
    fn.config.write16(AT + 4, 1);
    expect(status(fn)).toBe(3);
    fn.config.write16(AT + 4, 0);
    expect(status(fn)).toBe(0x103);
  });

  it('clears an error that is written as one, and Stopped not', () => {
    const fn = device([pri({ capacity: 64 })]);
    fn.config.poke16(AT + 6, 0x0103);
    fn.config.write16(AT + 6, 0xffff);
    expect(status(fn)).toBe(0x100);
  });

  it('reads Reset as 0', () => {
    const fn = device([pri({ capacity: 64 })]);
    fn.config.write16(AT + 4, 2);
    expect(fn.config.read16(AT + 4)).toBe(0);
  });

  it('keeps the allocation while Enable is set', () => {
    const { config } = device([pri({ capacity: 64 })]);
    config.write32(AT + 12, 32);
    config.write16(AT + 4, 1);
    config.write32(AT + 12, 64);
    expect(config.read32(AT + 12)).toBe(32);
  });

  it('is in the PF alone', () => {
    expect(() => device([], [pri({ capacity: 1 })])).toThrow('PRI must be in the PF, got a VF with it');
    expect(() => pri({ capacity: 0 })).toThrow(RangeError);
  });
});

describe('Secondary PCI Express', () => {
  it('has Lane Error Status for each lane, kept over resets and cleared by ones', () => {
    const fn = device([secondaryPciExpress({ lanes: 8 })]);
    fn.config.poke32(AT + 8, 0x81);
    fn.conventionalReset('hot');
    fn.config.write32(AT + 8, 0xffffff01);
    expect(fn.config.read32(AT + 8)).toBe(0x80);
    expect(fn.config.read16(AT + 12 + 14)).toBe(0x7f7f);
    expect(fn.config.read16(AT + 12 + 16)).not.toBe(0x7f7f);
  });
});

describe('a dump with these capabilities', () => {
  it('is explained register by register and bit by bit', () => {
    const pf = device([
      acs({ services: 0x7f, egressBits: 8 }),
      ats(),
      tph({ interruptVectorMode: true, table: 'capability', tableEntries: 2 }),
      ltr(),
      pasid({ executePermission: true }),
      pri({ capacity: 64 }),
      secondaryPciExpress({ lanes: 4 }),
    ]);
    const parts = explainConfig(configBytes(pf));
    expect(parts.map(({ title }) => title.split(' at')[0]).slice(3)).toEqual([
      'ACS',
      'ATS',
      'TPH',
      'LTR',
      'PASID',
      'PRI',
      'Secondary PCIe',
      'SR-IOV',
    ]);
    const { layout } = pf.config;
    for (const { title, registers } of parts.slice(3, -1)) {
      const name = title.split(' at')[0];
      const own = layout.table.rows.filter((row) => row.name.startsWith(`${name} `));
      expect(registers.map(({ offset }) => offset)).toEqual(own.map(({ offset }) => offset));
      for (const register of registers) {
        const row = own.find(({ offset }) => offset === register.offset);
        // Beside these it has fields of other machines.
        expect(register.fields.map((field) => field.name)).toEqual(
          expect.arrayContaining(row?.fields?.map((field) => field.name) ?? []),
        );
      }
    }
    expect(formatExplained(parts)).toContain('Max PASID Width=0x14');
  });
});

describe('Vital Product Data', () => {
  const data = vpdData({ name: 'X', readOnly: { PN: 'G613', SN: '90E2' }, writableBytes: 5 });

  it('begin with the name, and end with room to write and the end tag', () => {
    expect(Array.from(data.subarray(0, 4))).toEqual([0x82, 1, 0, 0x58]);
    expect(Array.from(data.subarray(4, 14))).toEqual([0x90, 18, 0, 0x50, 0x4e, 4, 0x47, 0x36, 0x31, 0x33]);
    expect(Array.from(data.subarray(25))).toEqual([0x91, 8, 0, 0x52, 0x57, 5, 0, 0, 0, 0, 0, 0x78]);
  });

  it('have a checksum that makes the sum of all bytes up to it zero', () => {
    expect(String.fromCharCode(data[21], data[22])).toBe('RV');
    const sum = data.subarray(0, 25).reduce((total, byte) => total + byte, 0);
    expect(sum & 0xff).toBe(0);
  });

  it('are read through address, flag and data', () => {
    const profile = { ...genericProfile({ totalVfs: 1 }), capabilities: [vpd({ data })] };
    const { config } = new Endpoint({ functions: [profile] }).functions[0];
    const read: number[] = [];
    for (let address = 0; address < data.length; address += 4) {
      config.write16(0x42, address);
      expect(config.read16(0x42)).toBe(address | 0x8000);
      const value = config.read32(0x44);
      for (let i = 0; i < 4; i++) read.push((value >>> (8 * i)) & 0xff);
    }
    expect(read.slice(0, data.length)).toEqual(Array.from(data));
  });

  it('refuse what does not fit a field', () => {
    expect(() => vpdData({ name: 'X', readOnly: { PNX: '' } })).toThrow('two characters, got "PNX"');
    expect(() => vpdData({ name: 'X', readOnly: { PN: 'x'.repeat(256) } })).toThrow(
      'up to 255 bytes, got 256',
    );
    expect(() => vpdData({ name: 'ä' })).toThrow('must be ASCII');
  });
});

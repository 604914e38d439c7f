import { describe, expect, it } from 'vitest';
import {
  aer,
  ari,
  type Capability,
  deviceSerialNumber,
  Endpoint,
  msi,
  msix,
  type PcieFunction,
  pciExpress,
  placeCapabilities,
  powerManagement,
  sriov,
  vpd,
} from '../../../src/pcie/index.ts';
import { genericProfile, SRIOV } from './fixture.ts';

function withCapabilities(...capabilities: Capability[]): PcieFunction {
  const profile = { ...genericProfile({ totalVfs: 1 }), capabilities };
  return new Endpoint({ functions: [profile] }).functions[0];
}

describe('lists of capabilities', () => {
  it('link themselves in the order given, each chain for itself', () => {
    const { config } = withCapabilities(
      ari(),
      powerManagement({ capabilities: 3 }),
      msi({ at: 0x60 }),
      aer(),
      vpd(),
    );
    expect(config.read8(0x34)).toBe(0x40);
    expect(config.read16(0x40)).toBe(0x6001);
    expect(config.read16(0x60)).toBe(0x7805);
    expect(config.read16(0x78)).toBe(0x0003);
    expect(config.read32(0x100)).toBe(0x1081000e);
    expect(config.read32(0x108)).toBe(0x00010001);
  });

  it('clear Capabilities List in Status when there is none', () => {
    const { config } = withCapabilities();
    expect(config.read16(6)).toBe(0);
    expect(config.read8(0x34)).toBe(0);
    expect(config.read32(0x100)).toBe(0);
  });

  it('refuse a place outside, an overlap, and an extended chain that does not begin at 100h', () => {
    expect(() => placeCapabilities([vpd({ at: 0xfc })])).toThrow(
      'capability VPD at 0xfc must be aligned to 4',
    );
    expect(() => withCapabilities(vpd({ at: 0x40 }), msi({ at: 0x44 }))).toThrow(
      /belongs to VPD VPD Data already/,
    );
    expect(() => placeCapabilities([ari({ at: 0x110 })])).toThrow('must be at 0x100, got ARI');
  });
});

describe('Power Management', () => {
  it('leaves the state alone when an unsupported one is written', () => {
    const fn = withCapabilities(powerManagement({ capabilities: 0x4823 }));
    fn.config.write16(0x44, 1);
    expect(fn.config.read16(0x44) & 3).toBe(0);
    fn.config.write16(0x44, 3);
    expect(fn.powerState).toBe(3);
  });

  it('stops memory requests and decoding in D3hot', () => {
    const fn = withCapabilities(powerManagement({ capabilities: 0x4823, controlStatus: 8 }));
    fn.config.write16(4, 6);
    expect([fn.busMaster, fn.memoryEnabled]).toEqual([true, true]);
    fn.config.write16(0x44, 3);
    expect([fn.busMaster, fn.memoryEnabled]).toEqual([false, false]);
    fn.config.write16(0x44, 0);
    expect([fn.busMaster, fn.memoryEnabled]).toEqual([true, true]);
  });

  it('resets the function at D3hot to D0 when No_Soft_Reset is clear', () => {
    const fn = withCapabilities(powerManagement({ capabilities: 0x4823, controlStatus: 0 }));
    const causes: string[] = [];
    fn.events.on('reset', (_fn, cause) => causes.push(cause));
    fn.config.write16(4, 6);
    fn.config.write16(0x44, 3);
    fn.config.write16(0x44, 0);
    expect(causes).toEqual(['d3hot']);
    expect(fn.config.read16(4)).toBe(0);
  });

  it('keeps PME_En over a Function Level Reset', () => {
    const fn = withCapabilities(powerManagement({ capabilities: 0x4823 }));
    fn.config.write16(0x44, 0x0100);
    fn.functionLevelReset();
    expect(fn.config.read16(0x44)).toBe(0x0100);
  });
});

describe('MSI', () => {
  it.each([
    [false, false, 0x0a],
    [true, false, 0x0e],
    [false, true, 0x14],
    [true, true, 0x18],
  ])('takes the room of its shape: 64-bit %s, maskable %s', (address64, maskable, bytes) => {
    expect(msi({ address64, maskable }).bytes).toBe(bytes);
    const { config } = withCapabilities(msi({ address64, maskable, vectors: 4 }));
    expect(config.read16(0x42)).toBe((2 << 1) | (address64 ? 0x80 : 0) | (maskable ? 0x100 : 0));
    config.write32(0x44, 0xffffffff);
    expect(config.read32(0x44)).toBe(0xfffffffc);
    const mask = 0x40 + (address64 ? 0x10 : 0x0c);
    config.write32(mask, 0xffffffff);
    expect(config.read32(mask)).toBe(maskable ? 15 : 0);
  });

  it('says when it is on', () => {
    const fn = withCapabilities(msi());
    fn.config.write16(0x42, 1);
    expect(fn.msiEnabled).toBe(true);
  });
});

describe('MSI-X', () => {
  const capability = msix({ vectors: 64, tableBar: 4, tableOffset: 0, pbaBar: 4, pbaOffset: 0x2000 });

  it('has Table Size as vectors - 1, and BIR beside the offsets', () => {
    const { config } = withCapabilities(capability);
    expect(config.read16(0x42)).toBe(63);
    expect([config.read32(0x44), config.read32(0x48)]).toEqual([0x00000004, 0x00002004]);
  });

  it('lets software write MSI-X Enable and Function Mask, nothing else', () => {
    const fn = withCapabilities(capability);
    const seen: unknown[] = [];
    fn.events.on('msix', (_fn, enabled, masked) => seen.push([enabled, masked]));
    fn.config.write16(0x42, 0xffff);
    expect(fn.config.read16(0x42)).toBe(0xc03f);
    fn.config.write16(0x42, 0x8000);
    fn.config.write16(0x42, 0x8000);
    expect(seen).toEqual([
      [true, true],
      [true, false],
    ]);
    expect([fn.msixEnabled, fn.msixMasked]).toEqual([true, false]);
  });

  it('refuses sizes, BARs and offsets that do not exist', () => {
    const good = { vectors: 1, tableBar: 0, tableOffset: 0, pbaBar: 0, pbaOffset: 8 };
    expect(() => msix({ ...good, vectors: 2049 })).toThrow('vectors must be');
    expect(() => msix({ ...good, tableBar: 6 })).toThrow('BAR of MSI-X must be');
    expect(() => msix({ ...good, pbaOffset: 4 })).toThrow('offset of MSI-X / 8 must be');
  });
});

describe('PCI Express', () => {
  const endpoint = () =>
    withCapabilities(pciExpress({ deviceCapabilities: 0x10008cc2, linkCapabilities: 0x23482 }));

  it('decodes sizes and attributes when Device Control is written', () => {
    const fn = endpoint();
    expect([fn.maxPayloadBytes, fn.maxReadRequestBytes]).toEqual([128, 512]);
    expect([fn.relaxedOrdering, fn.noSnoop, fn.extendedTags]).toEqual([true, true, false]);
    fn.config.write16(0x48, (5 << 12) | (1 << 5) | (1 << 8));
    expect([fn.maxPayloadBytes, fn.maxReadRequestBytes]).toEqual([256, 4096]);
    expect([fn.relaxedOrdering, fn.noSnoop]).toEqual([false, false]);
  });

  it('takes the reserved sizes for the smallest', () => {
    const fn = endpoint();
    fn.config.write16(0x48, (7 << 12) | (6 << 5));
    expect([fn.maxPayloadBytes, fn.maxReadRequestBytes]).toEqual([128, 128]);
  });

  it('has no Extended Tag Field Enable where extended tags are not supported', () => {
    const fn = endpoint();
    fn.config.write16(0x48, 1 << 8);
    expect(fn.config.read16(0x48)).toBe(0);
    const able = withCapabilities(pciExpress({ deviceCapabilities: 0x20, linkCapabilities: 0 }));
    able.config.write16(0x48, 1 << 8);
    expect(able.extendedTags).toBe(true);
  });

  it('reads Initiate Function Level Reset as 0', () => {
    const fn = endpoint();
    fn.config.write16(0x48, 0x8000);
    expect(fn.config.read16(0x48) & 0x8000).toBe(0);
  });

  it('does not reset without Function Level Reset Capability', () => {
    const fn = withCapabilities(pciExpress({ deviceCapabilities: 0, linkCapabilities: 0 }));
    fn.config.write16(4, 4);
    fn.config.write16(0x48, 0x8000);
    expect(fn.busMaster).toBe(true);
  });

  it('keeps Max_Payload_Size and Link Control over a Function Level Reset, not the rest', () => {
    const fn = endpoint();
    fn.config.write16(0x48, 0x0020);
    fn.config.write16(0x50, 0x0040);
    fn.config.write16(0x48, 0x8020);
    expect(fn.config.read16(0x48)).toBe(0x2830);
    expect(fn.config.read16(0x50)).toBe(0x0040);
  });

  it('clears the bits of Device Status that are written as one', () => {
    const { config } = endpoint();
    config.poke16(0x4a, 0x002b);
    config.write16(0x4a, 0x0009);
    expect(config.read16(0x4a)).toBe(0x0002);
  });
});

describe('Vital Product Data', () => {
  const fn = withCapabilities(vpd({ data: Uint8Array.from([0x82, 3, 0, 0x41, 0x42, 0x43, 0x78]) }));

  it('reads four bytes when an address is written with flag 0, and sets the flag', () => {
    fn.config.write16(0x42, 4);
    expect(fn.config.read16(0x42)).toBe(0x8004);
    expect(fn.config.read32(0x44)).toBe(0x00784342);
  });

  it('clears the flag when a write is done, and writes nothing: the data is read-only', () => {
    fn.config.write32(0x44, 0);
    fn.config.write16(0x42, 0x8000);
    expect(fn.config.read16(0x42)).toBe(0);
    fn.config.write16(0x42, 0);
    expect(fn.config.read32(0x44)).toBe(0x41000382);
  });
});

describe('Advanced Error Reporting', () => {
  it('keeps status, masks and severity over resets: they are sticky', () => {
    const fn = withCapabilities(aer());
    fn.config.poke32(0x104, 1 << 20);
    fn.config.write32(0x108, 1 << 14);
    fn.conventionalReset('hot');
    expect(fn.config.read32(0x104)).toBe(1 << 20);
    expect(fn.config.read32(0x108)).toBe(1 << 14);
    fn.config.write32(0x104, 1 << 20);
    expect(fn.config.read32(0x104)).toBe(0);
    fn.conventionalReset('cold');
    expect(fn.config.read32(0x108)).toBe(0);
  });
});

describe('Device Serial Number', () => {
  it('has the most significant half in the upper dword', () => {
    const { config } = withCapabilities(deviceSerialNumber({ serial: '90-e2-ba-ff-ff-76-86-a8' }));
    expect(config.read32(0x104)).toBe(0xff7686a8);
    expect(config.read32(0x108)).toBe(0x90e2baff);
  });

  it('refuses what is no EUI-64', () => {
    expect(() => deviceSerialNumber({ serial: '90:e2' })).toThrow('serial must be written like');
  });
});

describe('SR-IOV capability', () => {
  const options = {
    totalVfs: 8,
    vfDeviceId: 0x10ca,
    vfBars: [
      { index: 0, kind: 'memory64', bytes: 0x4000 },
      { index: 3, kind: 'memory64', bytes: 0x4000 },
    ],
    routing: {
      ari: { firstVfOffset: 128, vfStride: 2 },
      other: { firstVfOffset: 384, vfStride: 2 },
    },
    vf: { title: 'VF', capabilities: [] },
  } as const;

  it('has the 64 bytes of a real 82576 with one VF enabled', () => {
    const { config } = withCapabilities(
      aer({ at: 0x100 }),
      deviceSerialNumber({ at: 0x140, serial: '00-00-00-00-00-00-00-00' }),
      ari({ at: 0x150 }),
      sriov({ at: SRIOV, ...options }),
    );
    config.write32(SRIOV + 0x24, 0xd2840000);
    config.write32(SRIOV + 0x30, 0xd2860000);
    config.write16(SRIOV + 0x10, 1);
    config.write16(SRIOV + 0x08, 9);
    const real =
      '10000100 00000000 09000000 08000800 01000000 80010200 0000ca10 53050000 ' +
      '01000000 040084d2 00000000 00000000 040086d2 00000000 00000000 00000000';
    const bytes = Array.from({ length: 64 }, (_, i) => config.read8(SRIOV + i));
    expect(bytes.map((value) => value.toString(16).padStart(2, '0')).join('')).toBe(real.replaceAll(' ', ''));
  });

  it('refuses VF BARs in I/O space, and page sizes without the required ones', () => {
    expect(() => sriov({ ...options, vfBars: [{ index: 0, kind: 'io', bytes: 32 }] })).toThrow(
      'VF BAR 0 must be in memory space',
    );
    expect(() => sriov({ ...options, supportedPageSizes: 1 })).toThrow('must include 0x553');
    expect(() => sriov({ ...options, totalVfs: 65536 })).toThrow('totalVfs must be');
  });
});

import { describe, expect, it } from 'vitest';
import {
  Endpoint,
  formatRoutingId,
  type PcieFunction,
  parseRoutingId,
  powerManagement,
  type SriovControl,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { EXPRESS, genericProfile, SRIOV } from './fixture.ts';

const CONTROL = SRIOV + 0x08;
const NUM_VFS = SRIOV + 0x10;
const FIRST_VF_OFFSET = SRIOV + 0x14;
const PAGE_SIZE = SRIOV + 0x20;
const VF_BAR0 = SRIOV + 0x24;
const VFE = 1;
const MSE = 8;
const ARI = 16;

function device(ports: 1 | 2 = 1, options = {}): { endpoint: Endpoint; pf: PcieFunction; pf1: PcieFunction } {
  const endpoint = new Endpoint({ functions: intel82599Config({ ports, ...options }), bus: 1 });
  return { endpoint, pf: endpoint.functions[0], pf1: endpoint.functions[1] };
}

function enable(fn: PcieFunction, count: number, control = VFE | MSE): void {
  fn.config.write16(NUM_VFS, count);
  fn.config.write16(CONTROL, (fn.config.read16(CONTROL) & ARI) | control);
}

describe('Routing IDs of VFs', () => {
  it.each([
    ['01:00.0', true, ['01:10.0', '01:10.2', '01:10.6', '01:11.0', '01:1f.6']],
    ['01:00.1', true, ['01:10.1', '01:10.3', '01:10.7', '01:11.1', '01:1f.7']],
    ['01:00.0', false, ['02:10.0', '02:10.2', '02:10.6', '02:11.0', '02:1f.6']],
    ['01:00.1', false, ['02:10.1', '02:10.3', '02:10.7', '02:11.1', '02:1f.7']],
  ])('are those of real cards: PF %s, ARI Capable Hierarchy %s', (name, ari, expected) => {
    const { endpoint, pf } = device(2);
    if (ari) pf.config.write16(CONTROL, ARI);
    const fn = endpoint.functionAt(parseRoutingId(name))!;
    enable(fn, 64);
    const names = [0, 1, 3, 4, 63].map((i) => formatRoutingId(fn.sriov!.routingIdOf(i)));
    expect(names).toEqual(expected);
    for (const [i, vf] of [0, 1, 3, 4, 63].entries()) {
      expect(endpoint.functionAt(parseRoutingId(expected[i]))).toBe(fn.sriov!.vf(vf));
    }
  });

  it('have device 16 | VF / 4 and function 2 (VF mod 4) | PF, as the data sheet of the 82599 says', () => {
    const { endpoint, pf } = device(2);
    pf.config.write16(CONTROL, ARI);
    for (const fn of endpoint.functions) {
      enable(fn, 64);
      for (let i = 0; i < 64; i++) {
        const expected = (1 << 8) | ((16 | (i >> 2)) << 3) | ((i & 3) << 1) | fn.context.number;
        expect(fn.sriov!.routingIdOf(i)).toBe(expected);
      }
    }
  });

  it('begin 128 behind the PF in an ARI Capable Hierarchy, and 384 without', () => {
    const { pf } = device();
    expect(pf.config.read16(FIRST_VF_OFFSET)).toBe(384);
    pf.config.write16(CONTROL, ARI);
    expect(pf.config.read16(FIRST_VF_OFFSET)).toBe(128);
    pf.config.write16(CONTROL, 0);
    expect(pf.config.read16(FIRST_VF_OFFSET)).toBe(384);
  });

  it('follow the bit of the lowest-numbered PF in every PF', () => {
    const { pf, pf1 } = device(2);
    pf.config.write16(CONTROL, ARI);
    expect(pf1.config.read16(FIRST_VF_OFFSET)).toBe(128);
    expect(pf1.sriov!.firstVfOffset).toBe(128);
  });

  it('carry into the bus number', () => {
    const endpoint = new Endpoint({ functions: [genericProfile({ totalVfs: 600 })], bus: 5 });
    const { sriov, config } = endpoint.functions[0];
    const at = endpoint.functions[0].findExtendedCapability(0x10);
    config.write16(at + 0x10, 600);
    config.write16(at + 8, VFE);
    expect([sriov!.routingIdOf(0), sriov!.routingIdOf(255), sriov!.routingIdOf(256)]).toEqual([
      0x600, 0x6ff, 0x700,
    ]);
    expect(endpoint.functionAt(0x0857)?.vfIndex).toBe(599);
    expect(endpoint.functionAt(0x0858)).toBe(null);
  });

  it('may depend on NumVFs', () => {
    const profile = genericProfile({
      totalVfs: 8,
      routing: (_ari, numVfs) => ({ firstVfOffset: numVfs > 4 ? 16 : 8, vfStride: 1 }),
    });
    const [fn] = new Endpoint({ functions: [profile] }).functions;
    const at = fn.findExtendedCapability(0x10);
    fn.config.write16(at + 0x10, 4);
    expect(fn.config.read16(at + 0x14)).toBe(8);
    fn.config.write16(at + 0x10, 5);
    expect(fn.config.read16(at + 0x14)).toBe(16);
  });

  it('move with the bus number of the device', () => {
    const { endpoint, pf } = device();
    enable(pf, 2);
    const vf = pf.sriov!.vf(1);
    endpoint.configWrite(0x0700, 0x3c, 1, 0, 0);
    expect([pf.name, vf.name]).toEqual(['07:00.0', '08:10.2']);
    expect(endpoint.functionAt(vf.routingId)).toBe(vf);
  });
});

describe('VF Enable', () => {
  it('brings NumVFs VFs and takes them away', () => {
    const { endpoint, pf } = device();
    const seen: (number | string)[] = [];
    pf.events.on('vfsEnabled', (_fn, count) => seen.push(count));
    pf.events.on('vfsDisabled', () => seen.push('disabled'));
    enable(pf, 4, VFE);
    expect(endpoint.allFunctions()).toHaveLength(5);
    expect(endpoint.functionAt(0x0286)).not.toBe(null);
    expect(endpoint.functionAt(0x0288)).toBe(null);
    pf.config.write16(CONTROL, 0);
    expect(endpoint.allFunctions()).toEqual([pf]);
    expect(endpoint.functionAt(0x0280)).toBe(null);
    expect(seen).toEqual([4, 'disabled']);
  });

  it('takes present and bus mastering from the VFs that it takes away', () => {
    const { pf } = device();
    enable(pf, 1);
    const vf = pf.sriov!.vf(0);
    vf.config.write16(4, 4);
    expect([vf.present, vf.busMaster]).toEqual([true, true]);
    pf.config.write16(CONTROL, 0);
    expect([vf.present, vf.busMaster, vf.memoryEnabled]).toEqual([false, false, false]);
  });

  it('brings VFs as after reset when it is set again', () => {
    const { pf } = device();
    enable(pf, 1);
    pf.sriov!.vf(0).config.write16(4, 4);
    pf.config.write16(CONTROL, 0);
    enable(pf, 1);
    expect(pf.sriov!.vf(0).busMaster).toBe(false);
  });

  it('brings no VFs with NumVFs 0', () => {
    const { endpoint, pf } = device();
    enable(pf, 0);
    expect([pf.sriov!.enabled, pf.sriov!.count]).toEqual([true, 0]);
    expect(endpoint.allFunctions()).toEqual([pf]);
  });

  it('brings no VFs with NumVFs above TotalVFs, which the specification leaves undefined', () => {
    const { endpoint, pf } = device();
    enable(pf, 65);
    expect(pf.sriov!.count).toBe(0);
    expect(endpoint.allFunctions()).toEqual([pf]);
  });

  it('keeps NumVFs, System Page Size and ARI Capable Hierarchy from being changed while it is set', () => {
    const { pf } = device();
    enable(pf, 4);
    pf.config.write16(NUM_VFS, 8);
    pf.config.write32(PAGE_SIZE, 2);
    pf.config.write16(CONTROL, VFE | MSE | ARI);
    expect(pf.config.read16(NUM_VFS)).toBe(4);
    expect(pf.config.read32(PAGE_SIZE)).toBe(1);
    expect(pf.config.read16(CONTROL)).toBe(VFE | MSE);
    pf.config.write16(CONTROL, 0);
    pf.config.write16(NUM_VFS, 8);
    expect(pf.config.read16(NUM_VFS)).toBe(8);
  });

  it('leaves the VFs of the other PF alone', () => {
    const { endpoint, pf, pf1 } = device(2);
    enable(pf, 3);
    enable(pf1, 5);
    pf.config.write16(CONTROL, 0);
    expect(endpoint.allFunctions()).toHaveLength(7);
    expect(pf1.sriov!.count).toBe(5);
  });

  it('does not let VFs move when a reset of the lowest-numbered PF clears ARI Capable Hierarchy', () => {
    const { pf, pf1 } = device(2);
    pf.config.write16(CONTROL, ARI);
    enable(pf1, 1);
    pf.functionLevelReset();
    expect(pf1.sriov!.vf(0).name).toBe('01:10.1');
    pf1.config.write16(CONTROL, 0);
    expect(pf1.config.read16(FIRST_VF_OFFSET)).toBe(384);
  });

  it('has no VF beyond NumVFs', () => {
    const { pf } = device();
    expect(() => pf.sriov!.vf(0)).toThrow('01:00.0 has no VFs enabled, got VF 0');
    enable(pf, 2);
    expect(() => pf.sriov!.vf(2)).toThrow('VF must be an integer from 0 to 1, got 2');
  });
});

describe('the SR-IOV registers', () => {
  it('are those of a device that cannot migrate VFs', () => {
    const { pf } = device();
    pf.config.write16(CONTROL, 0xffff);
    expect(pf.config.read16(CONTROL)).toBe(VFE | MSE | ARI);
    pf.config.write16(SRIOV + 0x0a, 0xffff);
    expect(pf.config.read16(SRIOV + 0x0a)).toBe(0);
    expect(pf.config.read16(SRIOV + 0x0c)).toBe(pf.config.read16(SRIOV + 0x0e));
  });

  it('have ARI Capable Hierarchy only in the lowest-numbered PF', () => {
    const { pf, pf1 } = device(2);
    for (const fn of [pf, pf1]) fn.config.write16(CONTROL, ARI);
    expect([pf.config.read16(CONTROL), pf1.config.read16(CONTROL)]).toEqual([ARI, 0]);
  });

  it('take only supported bits in System Page Size', () => {
    const { pf } = device();
    pf.config.write32(PAGE_SIZE, 0xffffffff);
    expect(pf.config.read32(PAGE_SIZE)).toBe(0x553);
  });

  it('are reset with the PF by a Function Level Reset, and the VFs vanish', () => {
    const { endpoint, pf } = device();
    pf.config.write32(PAGE_SIZE, 0x10);
    pf.config.write32(VF_BAR0, 0x80000000);
    pf.config.write16(CONTROL, ARI);
    enable(pf, 4);
    pf.config.write16(EXPRESS + 8, 0x8000);
    expect(endpoint.allFunctions()).toEqual([pf]);
    const { config } = pf;
    expect([config.read16(CONTROL), config.read16(NUM_VFS), config.read32(PAGE_SIZE)]).toEqual([0, 0, 1]);
    expect([config.read32(VF_BAR0), config.read16(FIRST_VF_OFFSET)]).toEqual([4, 384]);
  });
});

describe('ARI Capable Hierarchy Preserved', () => {
  it.each([true, false])('says whether the bit survives the reset at D3hot to D0: %s', (ariPreserved) => {
    const profile = genericProfile({ totalVfs: 4, ariPreserved });
    const capabilities = [powerManagement({ capabilities: 3 }), ...profile.capabilities];
    const [fn] = new Endpoint({ functions: [{ ...profile, capabilities }] }).functions;
    const at = fn.findExtendedCapability(0x10);
    fn.config.write16(at + 0x10, 4);
    fn.config.write16(at + 8, VFE | ARI);
    fn.config.write16(0x44, 3);
    fn.config.write16(0x44, 0);
    expect(fn.config.read32(at + 4)).toBe(ariPreserved ? 2 : 0);
    expect(fn.config.read16(at + 8)).toBe(ariPreserved ? ARI : 0);
    expect([fn.config.read16(at + 0x10), fn.sriov!.count]).toEqual([0, 0]);
  });
});

describe('VF BARs', () => {
  it('are sized like BARs, one VF for all', () => {
    const { pf } = device();
    pf.config.write32(VF_BAR0, 0xffffffff);
    pf.config.write32(VF_BAR0 + 4, 0xffffffff);
    expect([pf.config.read32(VF_BAR0), pf.config.read32(VF_BAR0 + 4)]).toEqual([0xffffc004, 0xffffffff]);
    pf.config.write32(VF_BAR0 + 8, 0xffffffff);
    expect(pf.config.read32(VF_BAR0 + 8)).toBe(0);
  });

  it('have the share of VF i at base + i * size', () => {
    const { endpoint, pf } = device();
    pf.config.write32(VF_BAR0, 0x90000000);
    pf.config.write32(VF_BAR0 + 12, 0x90100000);
    enable(pf, 64);
    for (const i of [0, 1, 63]) {
      const vf = pf.sriov!.vf(i);
      expect([vf.barBase(0), vf.barBytes(0)]).toEqual([0x90000000 + i * 0x4000, 0x4000]);
      expect(endpoint.claim(0x90100000 + i * 0x4000 + 0x2004)).toBe(true);
      expect([endpoint.hitFunction, endpoint.hitBar, endpoint.hitOffset]).toEqual([vf, 3, 0x2004]);
    }
  });

  it('are at least one system page large, and aligned to it', () => {
    const { endpoint, pf } = device();
    pf.config.write32(VF_BAR0, 0x90004000);
    pf.config.write32(PAGE_SIZE, 0x10);
    expect(pf.config.read32(VF_BAR0)).toBe(0x90000004);
    pf.config.write32(VF_BAR0, 0xffffffff);
    expect(pf.config.read32(VF_BAR0)).toBe(0xffff0004);
    pf.config.write32(VF_BAR0, 0x90000000);
    enable(pf, 2);
    expect(pf.sriov!.vf(1).barBase(0)).toBe(0x90010000);
    expect(endpoint.claim(0x90010008)).toBe(true);
    expect([endpoint.hitFunction?.vfIndex, endpoint.hitOffset]).toEqual([1, 8]);
  });

  it('answer with VF MSE of the PF, for the VFs that exist', () => {
    const { endpoint, pf } = device();
    pf.config.write32(VF_BAR0, 0x90000000);
    enable(pf, 2, VFE);
    expect(endpoint.claim(0x90000000)).toBe(false);
    pf.config.write16(CONTROL, VFE | MSE);
    expect(endpoint.claim(0x90007fff)).toBe(true);
    expect(endpoint.claim(0x90008000)).toBe(false);
    pf.config.write16(4, 0);
    expect(endpoint.claim(0x90000000)).toBe(true);
    pf.config.write16(0x44, 3);
    expect(endpoint.claim(0x90000000)).toBe(false);
  });

  it('reach above 4 GiB', () => {
    const { endpoint, pf } = device();
    pf.config.write32(VF_BAR0 + 4, 0x40);
    enable(pf, 64);
    expect(endpoint.claim(0x40_000f_fffc)).toBe(true);
    expect([endpoint.hitFunction?.vfIndex, endpoint.hitOffset]).toEqual([63, 0x3ffc]);
  });
});

describe('a VF', () => {
  function vf(options = {}): { pf: PcieFunction; fn: PcieFunction } {
    const { pf } = device(1, options);
    enable(pf, 2);
    return { pf, fn: pf.sriov!.vf(1) };
  }

  it('is of the same class as its PF, which it knows', () => {
    const { pf, fn } = vf();
    expect(fn.constructor).toBe(pf.constructor);
    expect([fn.isVirtual, fn.physical, fn.vfIndex, fn.sriov]).toEqual([true, pf, 1, null]);
  });

  it('reads FFFFh as Vendor ID and Device ID', () => {
    const { fn } = vf();
    expect(fn.config.read32(0)).toBe(0xffffffff);
  });

  it('has Bus Master Enable in Command and nothing else', () => {
    const { fn } = vf();
    fn.config.write16(4, 0xffff);
    expect(fn.config.read16(4)).toBe(4);
    expect(fn.busMaster).toBe(true);
  });

  it('has no BARs, no INTx and no interrupt line of its own', () => {
    const { fn } = vf();
    for (const offset of [0x0c, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30, 0x3c]) {
      fn.config.write32(offset, 0xffffffff);
      expect(fn.config.read32(offset)).toBe(0);
    }
  });

  it('has the revision and the class of the PF and is no multi-function device', () => {
    const { fn } = vf();
    expect(fn.config.read32(8)).toBe(0x02000001);
    expect(fn.config.read8(0x0e)).toBe(0);
  });

  it('leaves sizes and attributes of requests to the PF', () => {
    const { pf, fn } = vf();
    fn.config.write16(EXPRESS + 8, 0x7fff);
    expect(fn.config.read16(EXPRESS + 8)).toBe(0);
    pf.config.write16(EXPRESS + 8, 0x5030);
    expect([fn.maxPayloadBytes, fn.maxReadRequestBytes]).toEqual([256, 4096]);
    expect([fn.relaxedOrdering, fn.noSnoop]).toEqual([true, false]);
  });

  it('reads Link Status and the masks of error reporting as 0', () => {
    const { fn } = vf({ errata: false });
    expect(fn.config.read16(EXPRESS + 0x12)).toBe(0);
    fn.config.write32(0x108, 0xffffffff);
    expect([fn.config.read32(0x108), fn.config.read32(0x10c), fn.config.read32(0x114)]).toEqual([0, 0, 0]);
  });

  it('has MSI-X of its own', () => {
    const { pf, fn } = vf();
    fn.config.write16(0x72, 0x8000);
    expect([fn.msixEnabled, pf.msixEnabled, pf.sriov!.vf(0).msixEnabled]).toEqual([true, false, false]);
  });

  it('is reset alone by its own Function Level Reset, also where Device Capabilities hides it', () => {
    const { pf, fn } = vf();
    const reset: PcieFunction[] = [];
    pf.events.on('reset', (about) => reset.push(about));
    pf.config.write16(4, 4);
    for (const each of [fn, pf.sriov!.vf(0)]) each.config.write16(4, 4);
    fn.config.write16(EXPRESS + 8, 0x8000);
    expect(reset).toEqual([fn]);
    expect([fn.busMaster, pf.busMaster, pf.sriov!.vf(0).busMaster]).toEqual([false, true, true]);
    expect([pf.sriov!.count, fn.present, fn.config.ownBytes]).toEqual([2, true, 0]);
  });

  it('is made when it is first asked for, and the device model is told', () => {
    const { endpoint, pf } = device();
    const made: number[] = [];
    (pf.sriov as SriovControl).onVfCreated = (each) => made.push(each.vfIndex);
    enable(pf, 64);
    expect(made).toEqual([]);
    endpoint.configRead(0x0284, 0, 4);
    expect(made).toEqual([2]);
  });

  it('costs nothing until somebody asks for it, and little when somebody writes to it', () => {
    const endpoint = new Endpoint({ functions: [genericProfile({ totalVfs: 60_000 })], bus: 1 });
    const [pf] = endpoint.functions;
    const at = pf.findExtendedCapability(0x10);
    pf.config.write16(at + 0x10, 60_000);
    pf.config.write16(at + 0x08, VFE);
    expect([pf.sriov!.count, pf.sriov!.made().length]).toEqual([60_000, 0]);
    const last = endpoint.functionAt(0x0200 + 59_999)!;
    expect([last.config.read32(0), last.config.ownBytes]).toEqual([0xffffffff, 0]);
    last.config.write16(4, 4);
    expect(last.config.ownBytes).toBeLessThan(100);
    expect(pf.sriov!.made()).toEqual([last]);
  });
});

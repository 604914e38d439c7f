import { describe, expect, it } from 'vitest';
import { Endpoint, type PcieFunction, saveConfig } from '../../../src/pcie/index.ts';
import { genericConfig, intel82576Config, intel82599Config } from '../../../src/profiles/index.ts';
import { machine, SRIOV } from './fixture.ts';

const [CONTROL, TOTAL_VFS, NUM_VFS, LINK] = [SRIOV + 0x08, SRIOV + 0x0e, SRIOV + 0x10, SRIOV + 0x12];
const [FIRST, VF_BAR0] = [SRIOV + 0x14, SRIOV + 0x24];
const PM_CONTROL = 0x44;
const DEVICE_CONTROL = 0xa8;
const FLR = 0x8000;
const MASTER = 4;

/** A PF with `count` VFs that have Bus Master Enable and a vector control of their own. */
function withVfs(
  count: number,
  functions = intel82599Config(),
): { endpoint: Endpoint; pf: PcieFunction; vfs: PcieFunction[] } {
  const endpoint = new Endpoint({ functions, bus: 1 });
  const [pf] = endpoint.functions;
  pf.config.write16(4, 6);
  pf.config.write32(VF_BAR0, 0xe000_0000);
  pf.config.write16(NUM_VFS, count);
  pf.config.write16(CONTROL, 0x19);
  const vfs = Array.from({ length: count }, (_, i) => pf.sriov!.vf(i));
  for (const vf of vfs) {
    vf.config.write16(4, MASTER);
    vf.config.write16(0x72, 0x8000);
  }
  return { endpoint, pf, vfs };
}

describe('a Function Level Reset', () => {
  it('of a VF resets that VF and leaves its PF and the other VFs alone', () => {
    const { pf, vfs } = withVfs(3);
    const before = [pf, vfs[0], vfs[2]].map((fn) => saveConfig(fn.config));
    vfs[1].config.write16(DEVICE_CONTROL, FLR);
    expect([vfs[1].busMaster, vfs[1].msixEnabled, vfs[1].present]).toEqual([false, false, true]);
    expect(saveConfig(vfs[1].config)).toHaveLength(0);
    expect([pf, vfs[0], vfs[2]].map((fn) => saveConfig(fn.config))).toEqual(before);
    expect([vfs[0].busMaster, vfs[2].busMaster]).toEqual([true, true]);
  });

  it('of the PF takes its VFs away, with NumVFs, VF BARs and ARI Capable Hierarchy', () => {
    const { endpoint, pf, vfs } = withVfs(3);
    pf.config.write16(DEVICE_CONTROL, FLR);
    expect(vfs.map(({ present, busMaster }) => [present, busMaster])).toEqual(Array(3).fill([false, false]));
    expect([CONTROL, NUM_VFS].map((at) => pf.config.read16(at))).toEqual([0, 0]);
    expect(pf.config.read32(VF_BAR0)).toBe(4);
    expect(endpoint.configRead(0x0180, 0, 4)).toBe(-1);
    expect(endpoint.configWrite(0x0180, 4, 2, MASTER)).toBe(false);
  });

  it('of one PF leaves the VFs of the other', () => {
    const endpoint = new Endpoint({ functions: intel82576Config(), bus: 1 });
    for (const fn of endpoint.functions) {
      fn.config.write16(NUM_VFS, 2);
      fn.config.write16(CONTROL, 0x19);
    }
    endpoint.functions[0].config.write16(DEVICE_CONTROL, FLR);
    expect(endpoint.functions.map(({ sriov }) => sriov!.count)).toEqual([0, 2]);
    expect(endpoint.configRead(0x0181, 0, 4)).toBe(0xffffffff);
  });
});

describe('D3hot', () => {
  it('of a PF stops its VFs too: they have no power states of their own', () => {
    const { endpoint, pf, vfs } = withVfs(2);
    expect(endpoint.claim(0xe000_0000)).toBe(true);
    const heard: string[] = [];
    pf.events.on('busMaster', (fn, on) => heard.push(`${fn.name} ${on}`));
    pf.config.write16(PM_CONTROL, 3);
    expect(vfs.map(({ busMaster }) => busMaster)).toEqual([false, false]);
    expect(heard).toEqual(['01:10.0 false', '01:10.2 false', '01:00.0 false']);
    expect(endpoint.claim(0xe000_0000)).toBe(false);
    expect(endpoint.configRead(0x0180, 0, 4)).toBe(0xffffffff);
  });

  it('left for D0 resets the PF and takes its VFs away where No_Soft_Reset is clear', () => {
    const { pf, vfs } = withVfs(2);
    pf.config.write16(PM_CONTROL, 3);
    pf.config.write16(PM_CONTROL, 0);
    expect([pf.sriov!.count, vfs[0].present, pf.config.read16(NUM_VFS)]).toEqual([0, false, 0]);
  });

  it('left for D0 has the VFs go on as they were where No_Soft_Reset is set', () => {
    const endpoint = new Endpoint({ functions: genericConfig({ totalVfs: 4 }), bus: 1 });
    const [pf] = endpoint.functions;
    const at = pf.findExtendedCapability(0x10);
    pf.config.write16(at + 0x10, 2);
    pf.config.write16(at + 0x08, 0x19);
    const vf = pf.sriov!.vf(1);
    vf.config.write16(4, MASTER);
    pf.config.write16(PM_CONTROL, 3);
    expect(vf.busMaster).toBe(false);
    vf.config.write16(4, 0);
    vf.config.write16(4, MASTER);
    expect(vf.busMaster).toBe(false);
    pf.config.write16(PM_CONTROL, 0);
    expect([vf.present, vf.busMaster, pf.sriov!.count]).toEqual([true, true, 2]);
  });
});

describe('a conventional reset', () => {
  it('takes the VFs of all PFs away', () => {
    const { endpoint, pf, vfs } = withVfs(2);
    endpoint.hotReset();
    expect([pf.sriov!.count, vfs[1].present, pf.config.read16(CONTROL)]).toEqual([0, false, 0]);
  });

  it('of the link comes down from the bridge above', () => {
    const { root, endpoint, nics } = machine();
    root.write(nics[0].routingId, NUM_VFS, 2, 2);
    root.write(nics[0].routingId, CONTROL, 2, 0x19);
    expect(endpoint.functions[0].sriov!.count).toBe(2);
    root.write(0x0008, 0x3e, 2, 0x40);
    expect(endpoint.functions[0].sriov!.count).toBe(0);
  });
});

describe('clearing VF Enable', () => {
  it('leaves NumVFs, and makes requests to VFs unsupported', () => {
    const { endpoint, pf, vfs } = withVfs(3);
    pf.config.write16(CONTROL, 0x18);
    expect(pf.config.read16(NUM_VFS)).toBe(3);
    expect(endpoint.configRead(0x0180, 0, 4)).toBe(-1);
    expect(endpoint.claim(0xe000_0000)).toBe(false);
    expect(vfs[0].memoryEnabled).toBe(false);
  });

  it('frees NumVFs and System Page Size to be written', () => {
    const { pf } = withVfs(3);
    pf.config.write16(CONTROL, 0);
    pf.config.write16(NUM_VFS, 5);
    pf.config.write32(SRIOV + 0x20, 0x10);
    expect([pf.config.read16(NUM_VFS), pf.config.read32(SRIOV + 0x20)]).toEqual([5, 0x10]);
  });
});

describe('NumVFs', () => {
  it('above TotalVFs is stored and brings no VF when VF Enable is set', () => {
    const { endpoint, pf } = withVfs(0);
    pf.config.write16(CONTROL, 0);
    for (const count of [65, 1000, 0xffff]) {
      pf.config.write16(NUM_VFS, count);
      pf.config.write16(CONTROL, 9);
      expect([pf.config.read16(NUM_VFS), pf.sriov!.enabled, pf.sriov!.count]).toEqual([count, true, 0]);
      expect(endpoint.allFunctions()).toHaveLength(1);
      expect(endpoint.claim(0xe000_0000)).toBe(false);
      pf.config.write16(CONTROL, 0);
    }
    pf.config.write16(NUM_VFS, 64);
    pf.config.write16(CONTROL, 9);
    expect(pf.sriov!.count).toBe(64);
  });

  it('written by bytes is one number', () => {
    const { pf } = withVfs(0);
    pf.config.write16(CONTROL, 0);
    pf.config.write8(NUM_VFS, 7);
    pf.config.write8(NUM_VFS + 1, 1);
    expect(pf.config.read16(NUM_VFS)).toBe(0x107);
    pf.config.write32(NUM_VFS, 0xffff0005);
    expect([pf.config.read16(NUM_VFS), pf.config.read8(LINK)]).toEqual([5, 0]);
  });

  it('changes First VF Offset and VF Stride at once where they depend on it', () => {
    const routing = (_ari: boolean, numVfs: number) => ({ firstVfOffset: 256, vfStride: numVfs > 8 ? 1 : 8 });
    const [pf] = new Endpoint({ functions: genericConfig({ totalVfs: 64, routing }) }).functions;
    const at = pf.findExtendedCapability(0x10);
    const strides = [1, 8, 9, 64, 2].map((count) => {
      pf.config.write16(at + 0x10, count);
      return pf.config.read16(at + 0x16);
    });
    expect(strides).toEqual([8, 8, 1, 1, 8]);
  });
});

describe('Function Dependency Link and InitialVFs', () => {
  it('say the own function number and TotalVFs, and cannot be written', () => {
    const endpoint = new Endpoint({ functions: intel82576Config(), bus: 1 });
    for (const { config, context } of endpoint.functions) {
      config.write32(SRIOV + 0x0c, 0xffffffff);
      config.write8(LINK, 0x55);
      expect([config.read16(SRIOV + 0x0c), config.read16(TOTAL_VFS)]).toEqual([8, 8]);
      expect(config.read8(LINK)).toBe(context.number);
    }
  });

  it('leads to another PF where the device says so', () => {
    const { functions } = new Endpoint({
      functions: genericConfig({ pfs: 2, totalVfs: 4, functionDependencyLink: 0 }),
    });
    expect(functions.map((fn) => fn.config.read8(fn.findExtendedCapability(0x10) + 0x12))).toEqual([0, 0]);
  });
});

describe('VFs on the next bus', () => {
  it('answer to type 1 requests alone, and whoever is in between is nobody', () => {
    const endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
    endpoint.functions[0].config.write16(NUM_VFS, 2);
    endpoint.functions[0].config.write16(CONTROL, 1);
    expect(endpoint.functions[0].config.read16(FIRST)).toBe(384);
    expect(endpoint.configRead(0x0280, 0, 4, 1)).toBe(0xffffffff);
    expect(endpoint.configRead(0x0281, 0, 4, 1)).toBe(-1);
    expect(endpoint.configRead(0x0180, 0, 4, 1)).toBe(-1);
    expect(endpoint.configRead(0x0180, 0, 4, 0)).toBe(-1);
  });
});

describe('tens of thousands of VFs', () => {
  it('are enabled without any being made, and one that is made holds nothing until it is written to', () => {
    const endpoint = new Endpoint({ functions: genericConfig(), bus: 1 });
    const [pf] = endpoint.functions;
    const at = pf.findExtendedCapability(0x10);
    pf.config.write16(at + 0x10, 60_000);
    pf.config.write16(at + 0x08, 0x19);
    expect([pf.sriov!.count, pf.sriov!.made().length]).toEqual([60_000, 0]);
    const vf = endpoint.functionAt(0xe000)!;
    expect([vf.vfIndex, vf.config.ownBytes]).toEqual([0xe000 - 0x0101, 0]);
    expect(vf.config.layout).toBe(pf.sriov!.vf(0).config.layout);
    expect(pf.sriov!.made()).toHaveLength(2);
  });
});

describe('what a VF leaves to its PF', () => {
  it('is reserved in Device Control 2 as well, and LTR is for function 0 to turn on', () => {
    const endpoint = new Endpoint({ functions: genericConfig({ pfs: 2, totalVfs: 2 }), bus: 1 });
    const control2 = (fn: PcieFunction) => {
      const express = fn.findCapability(0x10);
      fn.config.write16(express + 0x28, 0xffff);
      return fn.config.read16(express + 0x28);
    };
    const [pf0, pf1] = endpoint.functions;
    const at = pf0.findExtendedCapability(0x10);
    pf0.config.write16(at + 0x10, 1);
    pf0.config.write16(at + 0x08, 0x11);
    // Completion time-out, ordering by ID; LTR.
    expect([pf0, pf1, pf0.sriov!.vf(0)].map(control2)).toEqual([0x071f, 0x031f, 0]);
  });
});

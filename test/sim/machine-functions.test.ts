import { describe, expect, it } from 'vitest';
import { MMIO_HIGH, MMIO_LOW } from '../../src/host/index.ts';
import { createMachine, type RunningMachine } from '../../src/index.ts';
import { run } from './rig.ts';

const PF = 0x0100;
/** The SR-IOV capability of the 82599, and what is in it (SR-IOV 1.1 3.3). */
const SRIOV = 0x160;
const CONTROL = SRIOV + 0x08;
const NUM_VFS = SRIOV + 0x10;
const FIRST_VF_OFFSET = SRIOV + 0x14;
const VF_STRIDE = SRIOV + 0x16;
const VF_ENABLE = 1 << 0;
const VF_MEMORY_SPACE_ENABLE = 1 << 3;
const ARI_CAPABLE_HIERARCHY = 1 << 4;
const ALL_ONES = 0xffff_ffff;
/** Class code and revision: what a VF answers with as its PF does, unlike Vendor ID and Device ID. */
const CLASS_CODE = 0x08;
const ETHERNET_CONTROLLER = 0x0200_0001;

function configOf({ simulation }: RunningMachine) {
  const { rootComplex } = simulation.machine;
  return {
    read: (routingId: number, offset: number, bytes = 4) => rootComplex.configRead(routingId, offset, bytes),
    write: (routingId: number, offset: number, bytes: number, value: number) =>
      rootComplex.configWrite(routingId, offset, bytes, value),
    cycles: () => rootComplex.configCycles,
  };
}

/** Where software has placed the 64-bit BAR at `at`. */
function addressOf(config: ReturnType<typeof configOf>, at: number): number {
  return ((config.read(PF, at) & ~15) >>> 0) + config.read(PF, at + 4) * 2 ** 32;
}

/** Routing IDs from the PF's to the end of the second bus behind it that a function answers at. */
function answering(machine: RunningMachine): number[] {
  const config = configOf(machine);
  const found: number[] = [];
  for (let routingId = PF; routingId < PF + 0x200; routingId++) {
    if (config.read(routingId, CLASS_CODE) !== ALL_ONES) found.push(routingId);
  }
  return found;
}

describe('enumeration', () => {
  it('reads and writes configuration space through the root complex, over the link', () => {
    const machine = createMachine();
    const { counters } = machine.run({ simulatedMs: 0.001 });
    expect(configOf(machine).cycles()).toBeGreaterThan(200);
    expect(counters['rootComplex.configCycles']).toBe(configOf(machine).cycles());
    expect(counters['pcie.downstream.tlps']).toBeGreaterThan(200);
  });

  it('finds the SR-IOV capability at 0x160 with 64 VFs of Device ID 10ed', () => {
    const config = configOf(createMachine());
    expect(config.read(PF, SRIOV) & 0xf_ffff).toBe(0x1_0010);
    expect(config.read(PF, SRIOV + 0x0c)).toBe((64 << 16) | 64);
    expect(config.read(PF, SRIOV + 0x1a, 2)).toBe(0x10ed);
    expect(config.read(PF, SRIOV + 0x20)).toBe(1);
  });

  it('places the BARs of the PF and room for all its VFs in the windows for them, apart from each other', () => {
    const config = configOf(createMachine());
    const address = (at: number) => addressOf(config, at);
    const ranges = [
      [address(0x10), 128 * 1024],
      [address(0x20), 16 * 1024],
      [address(SRIOV + 0x24), 64 * 16 * 1024],
      [address(SRIOV + 0x30), 64 * 16 * 1024],
    ].sort(([a], [b]) => a - b);
    let end = 0;
    for (const [start, bytes] of ranges) {
      expect(start % bytes).toBe(0);
      expect(start).toBeGreaterThanOrEqual(end);
      end = start + bytes;
      const window = start < 2 ** 32 ? MMIO_LOW : MMIO_HIGH;
      expect(start).toBeGreaterThanOrEqual(window.base);
      expect(end).toBeLessThanOrEqual(window.base + window.bytes);
    }
    expect(config.read(PF, 0x04, 2) & 6).toBe(6);
  });
});

describe('VFs', () => {
  it.each([
    ['with ARI', true, 0x0180],
    ['without ARI', false, 0x0280],
  ])(
    'appear at PF + First VF Offset + VF Stride x i when software writes NumVFs, VF MSE and VF Enable, %s',
    (_, ari, first) => {
      const machine = createMachine({ nic: { ari } });
      const config = configOf(machine);
      expect(answering(machine)).toEqual([PF]);
      config.write(PF, NUM_VFS, 2, 3);
      expect(answering(machine)).toEqual([PF]);
      const control = config.read(PF, CONTROL, 2);
      expect(control & ARI_CAPABLE_HIERARCHY).toBe(ari ? ARI_CAPABLE_HIERARCHY : 0);
      config.write(PF, CONTROL, 2, control | VF_MEMORY_SPACE_ENABLE | VF_ENABLE);
      const offset = config.read(PF, FIRST_VF_OFFSET, 2);
      const stride = config.read(PF, VF_STRIDE, 2);
      expect([offset, stride]).toEqual([first - PF, 2]);
      expect(answering(machine)).toEqual([PF, first, first + 2, first + 4]);
      expect(config.read(first, CLASS_CODE)).toBe(ETHERNET_CONTROLLER);
      // Vendor ID and Device ID of a VF read as FFFFh (SR-IOV 1.1 3.4.1.1, 3.4.1.2).
      expect(config.read(first, 0)).toBe(ALL_ONES);

      config.write(PF, CONTROL, 2, control);
      expect(answering(machine)).toEqual([PF]);
    },
  );

  it('answer in memory space only while VF MSE is set', () => {
    const machine = createMachine();
    const config = configOf(machine);
    const { rootComplex } = machine.simulation.machine;
    config.write(PF, NUM_VFS, 2, 2);
    const control = config.read(PF, CONTROL, 2);
    const bar = addressOf(config, SRIOV + 0x24);
    /** VFLINKS of VF 1. */
    const links = () => rootComplex.read(bar + 16 * 1024 + 0x10, 4);
    config.write(PF, CONTROL, 2, control | VF_ENABLE);
    expect(links()).toBe(ALL_ONES);
    config.write(PF, CONTROL, 2, control | VF_ENABLE | VF_MEMORY_SPACE_ENABLE);
    expect(links()).not.toBe(ALL_ONES);
  });

  it.each([true, false])('carry traffic on whatever bus they are, with ARI: %s', (ari) => {
    const simulation = run({
      nic: { ari, vfs: 63 },
      guests: [{ name: 'a' }, { name: 'b', vfs: [{ vf: 62 }] }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
      durationMs: 0.1,
    });
    const report = simulation.report();
    expect(report.endpoints.find(({ name }) => name === 'b')?.routingId).toBe(ari ? '01:1f.4' : '02:1f.4');
    expect(simulation.machine.nic.pf.sriov?.routingIdOf(62)).toBe(ari ? 0x01fc : 0x02fc);
    expect(report.flows[0].delivered).toBeGreaterThan(80);
    expect(report.iommu?.faults).toBe(0);
  });
});

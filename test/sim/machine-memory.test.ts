import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { IOMMU_FAULT, type Iommu } from '../../src/iommu/index.ts';
import { referenceWalk } from '../iommu/reference-walk.ts';
import { boot, reportOf } from './rig.ts';

const MIB = 2 ** 20;

/** Two guests: VF 0 and VF 2 belong to the first, which has small pages, VF 1 to the second, which has large ones. */
function twoGuests(driver: 'interrupt' | 'poll' = 'interrupt') {
  const simulation = boot({
    guests: [
      { name: 'a', vfs: [{ vf: 0 }, { vf: 2 }], driver },
      { name: 'b', vfs: [{ vf: 1 }], pageSize: '2M', driver },
    ],
    nic: { vfs: 4 },
  });
  const { machine } = simulation;
  const iommu = machine.iommu as Iommu;
  const { memory } = machine.memory;
  const rid = (vf: number) => machine.nic.pf.sriov?.routingIdOf(vf) as number;
  /** The walk by hand, over the bytes, without anything of the IOMMU's. */
  const walk = (routingId: number, address: number, isWrite = false) =>
    referenceWalk(
      {
        memory,
        rootTable: iommu.rootTable,
        hostAddressBits: 46,
        inputAddressBits: 48,
        levels: [3, 4],
        largestLeaf: 3,
        memoryLimit: memory.limit,
      },
      routingId,
      address,
      isWrite,
    );
  /** Words of a function's context entry. */
  const context = (routingId: number) => {
    const table = memory.read52(iommu.rootTable + 16 * (routingId >> 8)) & ~0xfff;
    return Array.from({ length: 4 }, (_, i) => memory.read32(table + 16 * (routingId & 0xff) + 4 * i));
  };
  return { simulation, machine, iommu, memory, rid, walk, context };
}

describe('the tables of the IOMMU', () => {
  it('lie as bytes in host memory: a context entry of four levels for each VF, its domain that of its guest', () => {
    const { rid, context, machine } = twoGuests();
    const [a, b] = machine.guests;
    const roots = [a.table?.root, b.table?.root];
    for (const [vf, guest] of [
      [0, 0],
      [1, 1],
      [2, 0],
    ]) {
      const [w0, w1, w2, w3] = context(rid(vf));
      expect(w0 & 0xfff).toBe(1);
      expect((w0 & ~0xfff) + w1 * 2 ** 32).toBe(roots[guest]);
      expect(w2 & 7).toBe(2);
      expect((w2 >>> 8) & 0xffff).toBe(machine.guests[guest].domain);
      expect(w3).toBe(0);
    }
    expect(a.domain).not.toBe(b.domain);
  });

  it('let the PF pass, and refuse a VF that no guest has and functions that do not exist', () => {
    const { rid, walk, iommu } = twoGuests();
    expect(walk(0x0100, 0x1234_5678)).toEqual({ hostPhysical: 0x1234_5678 });
    expect(walk(rid(3), 0x10_0000)).toEqual({ reason: 2 });
    expect(iommu.translate(rid(3), 0x10_0000, true)).toBe(IOMMU_FAULT);
    expect(walk(0x0500, 0x10_0000)).toEqual({ reason: 1 });
  });

  it('map all of a guest and nothing beyond, each page to one of its own', () => {
    const { rid, walk, iommu, machine } = twoGuests();
    const seen = new Map<number, string>();
    for (const [vf, name] of [
      [0, 'a'],
      [1, 'b'],
    ] as const) {
      for (let address = 0; address < 16 * MIB; address += 4096) {
        const found = walk(rid(vf), address + 0x123, true);
        if (!('hostPhysical' in found)) throw new Error(`${name} has nothing at ${address}`);
        const { hostPhysical } = found;
        expect(iommu.translate(rid(vf), address + 0x123, true)).toBe(hostPhysical);
        expect(machine.memory.isMemory(hostPhysical, 4)).toBe(true);
        expect(seen.get(hostPhysical)).toBeUndefined();
        seen.set(hostPhysical, name);
      }
      expect(walk(rid(vf), 16 * MIB)).toEqual({ reason: 6 });
      expect(iommu.translate(rid(vf), 16 * MIB, false)).toBe(IOMMU_FAULT);
    }
    // Two VFs of one guest see the same memory.
    expect(walk(rid(2), 0x80_0000)).toEqual(walk(rid(0), 0x80_0000));
  });

  it('use leaves of the size that the guest has', () => {
    const { machine } = twoGuests();
    const bytesOf = (guest: number) =>
      new Set([0, 5 * MIB, 16 * MIB - 4096].map((at) => machine.guests[guest].table?.find(at)?.bytes));
    expect([...bytesOf(0)]).toEqual([4096]);
    expect([...bytesOf(1)]).toEqual([2 * MIB]);
  });
});

describe('the rings of a VF driver', () => {
  it('lie in guest memory: registers hold guest addresses, and the descriptors lie where those are mapped to', () => {
    const { machine, memory, rid, walk } = twoGuests();
    const { receive, transmit } = machine.nic.data;
    for (const [vf, guest] of [
      [0, 0],
      [1, 1],
      [2, 0],
    ]) {
      for (const { rings } of [receive, transmit]) {
        const base = rings.ring(2 * vf).base;
        expect(rings.ring(2 * vf).routingId).toBe(rid(vf));
        expect(rings.ring(2 * vf).size).toBe(512);
        expect(base).toBeGreaterThanOrEqual(MIB);
        expect(base).toBeLessThan(machine.guests[guest].space.end);
      }
      // The first receive descriptor: a buffer in guest memory, and no status yet.
      const found = walk(rid(vf), receive.rings.ring(2 * vf).base) as { hostPhysical: number };
      const buffer = memory.read52(found.hostPhysical);
      expect(buffer).toBeGreaterThan(MIB);
      expect(walk(rid(vf), buffer)).toHaveProperty('hostPhysical');
      expect(memory.read32(found.hostPhysical + 8)).toBe(0);
    }
  });

  it('of two guests have the same guest addresses, and different host addresses', () => {
    const { machine, rid, walk } = twoGuests();
    const { rings } = machine.nic.data.receive;
    const [first, second] = [rings.ring(0).base, rings.ring(2).base];
    expect(first).toBe(second);
    expect(walk(rid(0), first)).not.toEqual(walk(rid(1), second));
  });
});

describe('translation', () => {
  const flow = { from: 'a', to: 'b', ratePps: 1e6 };

  it('of 2 MiB pages misses the IOTLB less often than that of 4 KiB pages', () => {
    const report = (pageSize: '4K' | '2M') =>
      reportOf({
        guests: [
          { name: 'a', pageSize },
          { name: 'b', pageSize },
        ],
        traffic: [flow],
        durationMs: 0.5,
      });
    const [small, large] = [report('4K'), report('2M')];
    expect(large.iommu?.hitRate).toBeGreaterThan(0.99);
    expect(small.iommu?.hitRate).toBeLessThan(0.9);
    expect(small.iommu?.walkAccesses).toBe((small.iommu?.walks ?? 0) * 4);
    expect(large.flows[0].latencyNs?.mean).toBeLessThan(small.flows[0].latencyNs?.mean ?? 0);
  });

  it('is not there without an IOMMU: the guests are one piece of host memory each, and frames are faster', () => {
    const scenario = (iommu: boolean): Scenario => ({
      host: { iommu },
      guests: [
        { name: 'a', driver: 'poll' },
        { name: 'b', driver: 'poll' },
      ],
      traffic: [{ ...flow, ratePps: 1e5 }],
      durationMs: 0.5,
    });
    const [on, off] = [reportOf(scenario(true)), reportOf(scenario(false))];
    expect(off.iommu).toBeNull();
    expect(on.iommu?.lookups).toBeGreaterThan(0);
    expect(off.flows[0].delivered).toBe(on.flows[0].delivered);
    expect(off.flows[0].latencyNs?.mean).toBeLessThan(on.flows[0].latencyNs?.mean ?? 0);
    const { machine } = boot(scenario(false));
    const region = machine.guests[0].space.allocate(MIB);
    expect(region.physicalOf(0)).toBe(region.address);
    expect(region.physicalOf(MIB - 4)).toBe(region.address + MIB - 4);
  });
});

import { describe, expect, it } from 'vitest';
import { SparseMemory } from '../../../src/base/index.ts';
import { Iommu, RootTable, SecondStageTable } from '../../../src/iommu/index.ts';
import { ECAP_AER, enableAcs } from '../../../src/pcie/index.ts';
import { makeTower } from './fixture.ts';

/** A tower of cards whose VFs are behind an IOMMU, VF 0 of the first card with a table of its own. */
function translatedTower() {
  const memory = new SparseMemory(2 ** 40);
  let next = 0x10_0000;
  const allocatePage = () => (next += 4096);
  const roots = new RootTable({ memory, allocatePage });
  const table = new SecondStageTable({ memory, allocatePage, levels: 4 });
  const iommu = new Iommu({ memory, rootTable: roots.address });
  const tower = makeTower({ translator: iommu, vfs: 2 });
  enableAcs(tower.hierarchy, tower.tree);
  const [from, to] = [tower.cards[0], tower.cards[1]].map((card) => card.functions[0].sriov!.vf(0));
  from.config.write16(4, 4);
  roots.setContext(from.routingId, { domain: 1, root: table.root, levels: table.levels });
  return { tower, iommu, table, from, to };
}

describe('peer-to-peer behind the IOMMU', () => {
  it('is logged by the root port with the address that came, not with its translation', () => {
    const { tower, table, from } = translatedTower();
    table.map(0x4000, 0x7f_0000, 0x1000, { read: true, write: true });
    const [port] = tower.hierarchy.rootPorts;
    const { config } = port.function;
    const at = port.function.findExtendedCapability(ECAP_AER);
    config.write32(at + 0x14, 0);
    const { error } = tower.hierarchy.request({ from, kind: 'write', address: 0x4008 });
    expect([error?.error, error?.at]).toEqual(['Unsupported Request', port.function.name]);
    expect(config.read32(at + 0x24)).toBe(0x4008);
  });

  it('reaches the peer where its BAR is mapped, and nothing else of it', () => {
    const { tower, iommu, table, from, to } = translatedTower();
    table.map(0x4000, to.barBase(0), 0x1000, { read: true, write: true });
    const write = tower.hierarchy.request({ from, kind: 'write', address: 0x4008, value: 0x1234 });
    expect(write.completer).toBe(to);
    expect(write.throughRootComplex).toBe(true);
    expect(tower.hierarchy.load(to.barBase(0) + 8)).toBe(0x1234);
    expect(tower.hierarchy.request({ from, kind: 'read', address: 0x4008 }).value).toBe(0x1234);
    const beyond = tower.hierarchy.request({ from, kind: 'read', address: 0x5008 });
    expect([beyond.completer, beyond.error?.error]).toEqual([null, 'IOMMU fault']);
    expect(iommu.faultLog.take()).toMatchObject({
      sourceId: from.routingId,
      address: 0x5000,
      isWrite: false,
    });
  });

  it('does not know the address of the peer without a mapping, in the name of another VF neither', () => {
    const { tower, table, from, to } = translatedTower();
    table.map(0x4000, to.barBase(0), 0x1000, { read: true, write: true });
    const { hierarchy } = tower;
    const direct = hierarchy.request({ from, kind: 'write', address: to.barBase(0) });
    expect(direct.completer).toBeNull();
    const other = tower.cards[0].functions[0].sriov!.vf(1);
    other.config.write16(4, 4);
    expect(hierarchy.request({ from: other, kind: 'write', address: 0x4000 }).error?.error).toBe(
      'IOMMU fault',
    );
    // Source Validation knows buses, not functions: in the name of VF 0 the same request passes.
    const forged = { from: other, requester: from.routingId, kind: 'write', address: 0x4000 } as const;
    expect(hierarchy.request(forged).completer).toBe(to);
    const [far] = tower.cards[2].functions;
    expect(hierarchy.request({ ...forged, from: far }).error?.error).toBe('ACS Violation');
  });
});

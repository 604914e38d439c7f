import { describe, expect, it } from 'vitest';
import { IOMMU_FAULT } from '../../src/iommu/index.ts';
import { FECTL, FSTS, PFO, PPF, TE } from './vtd-driver.ts';
import { PAGE, setUp, VF } from './vtd-setup.ts';

describe('fault recording', () => {
  it('has reason, source, page and type in the record, and FRI leads to the first', () => {
    const { driver, iommu, tables, unit } = setUp();
    driver.start(tables.roots.address);
    iommu.translate(VF, 12 * PAGE + 8, true);
    iommu.translate(VF, 0x12_3456_7abc, false);
    iommu.translate(0x0300, 0, false);
    expect(unit.read32(FSTS)).toBe(PPF);
    expect(driver.handleFaults()).toEqual([
      { sourceId: VF, reason: 5, isRead: false, low: 12 * PAGE, high: 0 },
      { sourceId: VF, reason: 6, isRead: true, low: 0x3456_7000, high: 0x12 },
      { sourceId: 0x0300, reason: 1, isRead: true, low: 0, high: 0 },
    ]);
    expect(unit.read32(FSTS) & PPF).toBe(0);
  });

  it('goes round: the next fault is recorded behind the last, and FRI says where it is pending', () => {
    const { driver, iommu, tables, unit } = setUp();
    driver.start(tables.roots.address);
    for (let i = 0; i < 3; i++) iommu.translate(VF, 12 * PAGE, true);
    driver.handleFaults();
    for (let i = 0; i < 2; i++) iommu.translate(VF, (14 + i) * PAGE, true);
    expect((unit.read32(FSTS) >>> 8) & 0xff).toBe(3);
    expect(driver.handleFaults().map(({ low }) => low / PAGE)).toEqual([14, 15]);
  });

  it('loses a fault whose record is in use: PFO, and nothing is recorded until it is cleared', () => {
    const { driver, iommu, tables, unit } = setUp();
    driver.start(tables.roots.address);
    for (let i = 0; i < 6; i++) iommu.translate(VF, 12 * PAGE, true);
    expect(unit.read32(FSTS) & (PFO | PPF)).toBe(PFO | PPF);
    expect(iommu.counters().faultsLost).toBe(2);
    // A record is free again, but PFO is still set.
    unit.write32(driver.fro + 12, 1 << 31);
    iommu.translate(VF, 13 * PAGE, true);
    expect(iommu.counters().faultsLost).toBe(3);
    unit.write32(FSTS, PFO);
    iommu.translate(VF, 14 * PAGE, true);
    expect(unit.read32(driver.fro) / PAGE).toBe(14);
    expect(unit.read32(FSTS) & (PFO | PPF)).toBe(PPF);
  });

  it('clears PPF when software has cleared F of every record, not before, and not by a write of PPF', () => {
    const { driver, iommu, tables, unit } = setUp();
    driver.start(tables.roots.address);
    iommu.translate(VF, 12 * PAGE, true);
    iommu.translate(VF, 12 * PAGE, true);
    unit.write32(FSTS, PPF);
    unit.write32(driver.fro + 12, 1 << 31);
    expect(unit.read32(FSTS) & PPF).toBe(PPF);
    unit.write32(driver.fro + 16 + 12, 1 << 31);
    expect(unit.read32(FSTS) & PPF).toBe(0);
  });

  it('does not record what the context entry silences', () => {
    const { driver, iommu, tables, table, unit } = setUp();
    tables.roots.setContext(VF, { domain: 1, root: table.root, levels: 4, silent: true });
    driver.start(tables.roots.address);
    expect(iommu.translate(VF, 12 * PAGE, true)).toBe(IOMMU_FAULT);
    expect(unit.read32(FSTS)).toBe(0);
  });

  it('is what the fault log of the IOMMU shows, and taking from it clears F', () => {
    const { driver, iommu, tables, unit } = setUp();
    driver.start(tables.roots.address);
    iommu.translate(VF, 12 * PAGE, true);
    expect(iommu.faultLog.length).toBe(1);
    expect(iommu.faultLog.take()).toEqual({ sourceId: VF, address: 12 * PAGE, reason: 5, isWrite: true });
    expect(iommu.faultLog.take()).toBeUndefined();
    expect(unit.read32(FSTS) & PPF).toBe(0);
  });

  it('begins with the first record again when translation is switched off', () => {
    const { driver, iommu, tables, unit } = setUp();
    driver.start(tables.roots.address);
    iommu.translate(VF, 12 * PAGE, true);
    driver.handleFaults();
    driver.command(TE, false);
    driver.command(TE);
    iommu.translate(VF, 13 * PAGE, true);
    expect((unit.read32(FSTS) >>> 8) & 0xff).toBe(0);
  });
});

describe('the fault event', () => {
  const ADDRESS = 0xfee0_1000;

  it('is one message for the first of several faults, and one more when all were seen to', () => {
    const { driver, iommu, tables, messages } = setUp();
    driver.setFaultInterrupt(ADDRESS + 2 ** 40, 0x41);
    driver.start(tables.roots.address);
    iommu.translate(VF, 12 * PAGE, true);
    iommu.translate(VF, 12 * PAGE, true);
    expect(messages).toEqual([{ address: ADDRESS + 2 ** 40, data: 0x41 }]);
    driver.handleFaults();
    iommu.translate(VF, 12 * PAGE, true);
    expect(messages.length).toBe(2);
  });

  it('is masked after reset: IP says that it waits, and it goes out when IM is cleared', () => {
    const { driver, iommu, tables, messages, unit } = setUp();
    expect(unit.read32(FECTL)).toBe(2 ** 31);
    driver.start(tables.roots.address);
    iommu.translate(VF, 12 * PAGE, true);
    expect(unit.read32(FECTL)).toBe(0xc000_0000);
    expect(messages).toEqual([]);
    driver.setFaultInterrupt(ADDRESS, 0x41);
    expect(messages).toEqual([{ address: ADDRESS, data: 0x41 }]);
    expect(unit.read32(FECTL)).toBe(0);
  });

  it('does not wait any more when software has seen to everything while it was masked', () => {
    const { driver, iommu, tables, messages, unit } = setUp();
    driver.start(tables.roots.address);
    iommu.translate(VF, 12 * PAGE, true);
    driver.handleFaults();
    expect(unit.read32(FECTL)).toBe(2 ** 31);
    driver.setFaultInterrupt(ADDRESS, 0x41);
    expect(messages).toEqual([]);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { VlanFilters } from '../../src/drivers/vlan-filters.ts';
import type { BarWindow } from '../../src/host/index.ts';

const [VFTA, PFVLVF, PFVLVFB] = [0xa000, 0xf100, 0xf200];
const VIEN = 0x8000_0000;
/** Filters are given from the last one on. */
const LAST = PFVLVF + 4 * 63;

let registers: Map<number, number>;
let filters: VlanFilters;

const read = (at: number) => registers.get(at) ?? 0;

beforeEach(() => {
  registers = new Map();
  filters = new VlanFilters({
    read32: read,
    write32: (at: number, value: number) => registers.set(at, value),
  } as unknown as BarWindow);
});

describe("the driver's VLAN filters", () => {
  it('take one filter for a VLAN, however many pools are members', () => {
    filters.setMember(0, 100, true);
    filters.setMember(33, 100, true);
    expect([read(LAST), read(LAST - 4)]).toEqual([VIEN + 100, 0]);
    expect([read(PFVLVFB + 8 * 63), read(PFVLVFB + 8 * 63 + 4)]).toEqual([1, 2]);
    expect(read(VFTA + 4 * 3)).toBe(1 << 4);
  });

  it('give a filter back when the last pool has left, and admit the VLAN no more', () => {
    filters.setMember(0, 100, true);
    filters.setMember(33, 100, true);
    filters.setMember(0, 100, false);
    expect(read(LAST)).toBe(VIEN + 100);
    filters.setMember(33, 100, false);
    expect([read(LAST), read(VFTA + 4 * 3)]).toEqual([0, 0]);
  });

  it('are used up by 63 VLANs at a time beside VLAN 0, not by 63 VLANs ever', () => {
    for (let vlan = 1; vlan <= 63; vlan++) expect(filters.setMember(1, vlan, true)).toBe(true);
    expect(filters.setMember(1, 64, true)).toBe(false);
    expect(read(PFVLVF)).toBe(0);
    filters.setMember(1, 7, false);
    expect(filters.setMember(1, 64, true)).toBe(true);
    expect(read(LAST - 4 * 6)).toBe(VIEN + 64);
    expect(filters.setMember(1, 0, true)).toBe(true);
    expect(read(PFVLVF)).toBe(VIEN);
  });

  it('have the first one for VLAN 0, whoever comes first', () => {
    filters.setMember(2, 100, true);
    filters.setMember(2, 0, true);
    filters.setMember(33, 0, true);
    expect([read(PFVLVF), read(PFVLVFB), read(PFVLVFB + 4), read(VFTA)]).toEqual([VIEN, 4, 2, 1]);
    filters.setMember(2, 0, false);
    filters.setMember(33, 0, false);
    expect([read(PFVLVF), read(PFVLVFB), read(PFVLVFB + 4), read(VFTA)]).toEqual([0, 0, 0, 0]);
  });

  it('lose a pool that starts over, but for the one that the administrator has given it', () => {
    for (const vlan of [0, 100, 200]) filters.setMember(3, vlan, true);
    filters.setMember(4, 200, true);
    filters.leaveOthers(3, 0);
    expect([read(PFVLVF), read(LAST), read(LAST - 4)]).toEqual([VIEN, 0, VIEN + 200]);
    expect([read(PFVLVFB), read(PFVLVFB + 8 * 62)]).toEqual([1 << 3, 1 << 4]);
  });

  it('have nothing to do for a VLAN that no pool is a member of', () => {
    expect(filters.setMember(1, 9, false)).toBe(true);
    expect(registers.size).toBe(0);
  });
});

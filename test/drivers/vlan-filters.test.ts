import { beforeEach, describe, expect, it } from 'vitest';
import { VlanFilters } from '../../src/drivers/vlan-filters.ts';
import type { BarWindow } from '../../src/host/index.ts';

const [VFTA, PFVLVF, PFVLVFB] = [0xa000, 0xf100, 0xf200];
const VIEN = 0x8000_0000;

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
    expect([read(PFVLVF), read(PFVLVF + 4)]).toEqual([VIEN + 100, 0]);
    expect([read(PFVLVFB), read(PFVLVFB + 4)]).toEqual([1, 2]);
    expect(read(VFTA + 4 * 3)).toBe(1 << 4);
  });

  it('give a filter back when the last pool has left, and admit the VLAN no more', () => {
    filters.setMember(0, 100, true);
    filters.setMember(33, 100, true);
    filters.setMember(0, 100, false);
    expect(read(PFVLVF)).toBe(VIEN + 100);
    filters.setMember(33, 100, false);
    expect([read(PFVLVF), read(VFTA + 4 * 3)]).toEqual([0, 0]);
  });

  it('are used up by 64 VLANs at a time, not by 64 VLANs ever', () => {
    for (let vlan = 1; vlan <= 64; vlan++) expect(filters.setMember(1, vlan, true)).toBe(true);
    expect(filters.setMember(1, 65, true)).toBe(false);
    filters.setMember(1, 7, false);
    expect(filters.setMember(1, 65, true)).toBe(true);
    expect(read(PFVLVF + 4 * 6)).toBe(VIEN + 65);
  });

  it('have nothing to do for a VLAN that no pool is a member of', () => {
    expect(filters.setMember(1, 9, false)).toBe(true);
    expect(registers.size).toBe(0);
  });
});

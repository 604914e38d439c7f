import { describe, expect, it } from 'vitest';
import { INTEL_82599_OFFLOAD_REGISTERS, useOffloads } from '../../src/nic/index.ts';
import { generic100g, INTEL_82599_REGISTERS, intel82599Chip } from '../../src/profiles/index.ts';
import { tableProblems } from '../../src/registers/index.ts';
import { createMachine } from '../../src/sim/index.ts';
import { Card } from './card.ts';

const [SRRCTL_0, SRRCTL_3, MRQC, RETA, PSRTYPE] = [0x1014, 0x10d4, 0xec80, 0xeb00, 0xea00];

/** The PF's BAR 0 as software sees it. */
function barOf(card: Card) {
  const bar = card.nic.pf.bar(0);
  return {
    read: (offset: number) => bar.read32(offset, 4) >>> 0,
    write: (offset: number, value: number) => bar.write32(offset, value >>> 0, 15),
  };
}

describe('the registers of offloads', () => {
  it('are no two in one place, nor where the card has another, and have a section each', () => {
    expect(tableProblems(INTEL_82599_OFFLOAD_REGISTERS)).toEqual([]);
    const rows = [...INTEL_82599_REGISTERS.rows, ...INTEL_82599_OFFLOAD_REGISTERS.rows];
    expect(tableProblems({ ...INTEL_82599_REGISTERS, rows })).toEqual([]);
  });

  it('are not there before they are asked for: they read as zero, and are counted', () => {
    const card = new Card();
    const { read, write } = barOf(card);
    write(RETA, 1);
    expect(read(RETA)).toBe(0);
    expect(card.nic.counters()['unknownRegisterAccesses']).toBe(2);
    useOffloads(card.nic);
    const after = barOf(card);
    after.write(RETA, 1);
    expect(after.read(RETA)).toBe(1);
    expect(card.nic.counters()['unknownRegisterAccesses']).toBe(2);
  });

  it('leave the others where they were, and once is as good as twice', () => {
    const card = new Card();
    useOffloads(card.nic);
    useOffloads(card.nic);
    const { read, write } = barOf(card);
    write(0x5080, 0x400);
    expect(read(0x5080)).toBe(0x400);
    expect(card.read(0x5080)).toBe(0x400);
    expect(read(0x4240)).toBe(0x1_2c2f);
  });

  it('have the places of the 82598, too: SRRCTL, MRQC, PSRTYPE, RETA, RSSRK', () => {
    const card = new Card();
    useOffloads(card.nic);
    const { read, write } = barOf(card);
    const places = [
      [0x2100, SRRCTL_0],
      [0x210c, SRRCTL_3],
      [0x5818, MRQC],
      [0x5488, PSRTYPE + 8],
      [0x5c7c, RETA + 0x7c],
      [0x5ca4, 0xeba4],
    ];
    places.forEach(([alias, place], i) => {
      write(alias, 0x1000_0004 + i);
      expect([read(place), read(alias)]).toEqual([0x1000_0004 + i, 0x1000_0004 + i]);
    });
  });

  it('go back to what they were with a reset: all with CTRL.RST, those of a VF with its own', () => {
    const card = new Card();
    useOffloads(card.nic);
    card.enableVfs(3);
    const { read, write } = barOf(card);
    card.writeVf(2, 0x300, 0x2000_0000);
    expect([card.readVf(2, 0x300), read(PSRTYPE + 8)]).toEqual([0x2000_0000, 0x2000_0000]);
    card.writeVf(1, 0x300, 0x4000_0000);
    card.writeVf(2, 0, 1 << 26);
    expect([read(PSRTYPE + 4), read(PSRTYPE + 8)]).toEqual([0x4000_0000, 0]);
    write(RETA, 7);
    write(0, 1 << 26);
    expect([read(PSRTYPE + 4), read(RETA), read(0x4a8c)]).toEqual([0, 0, 0xf7f]);
  });

  it('are also those of VFs that were there before', () => {
    const card = new Card();
    card.enableVfs(2);
    useOffloads(card.nic);
    card.writeVf(1, 0x300, 0x2000_0000);
    expect(barOf(card).read(PSRTYPE + 4)).toBe(0x2000_0000);
    expect(card.readVf(1, 0x10)).not.toBe(0);
  });

  it('are there from the start in an 82599 as drivers of others meet it, beside all others', () => {
    const { nic } = createMachine({ nic: intel82599Chip({ strict: true }) });
    const bar = nic.pf.bar(0);
    expect([0x4a8c, 0x5000, 0x10010].map((offset) => bar.read32(offset, 4) >>> 0)).toEqual([
      0xf7f,
      0,
      bar.read32(0x10010, 4) >>> 0,
    ]);
    expect(bar.read32(0x10010, 4) & 0x300).toBe(0x300);
    bar.write32(0xeb00, 0x0101_0101, 15);
    expect(bar.read32(0x5c00, 4)).toBe(0x0101_0101);
  });

  it('are refused by a card that sends frames before they are whole', () => {
    const { nic } = createMachine({ nic: { ...generic100g, switching: 'cut-through' } });
    expect(() => useOffloads(nic)).toThrow(/^nic must store and forward frames, got .* with cut-through$/);
  });
});

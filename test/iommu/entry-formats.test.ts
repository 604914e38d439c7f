import { describe, expect, it } from 'vitest';
import { SparseMemory } from '../../src/base/index.ts';
import {
  beyondHostMask,
  contextReserved,
  domainOf,
  faultsDisabled,
  isLeaf,
  isPresent,
  levelsOf,
  pagingReserved,
  pointerOf,
  rootReserved,
  TranslationType,
  translationTypeOf,
  writeContextEntry,
  writeLeafEntry,
  writeRootEntry,
  writeTableEntry,
} from '../../src/iommu/entry-formats.ts';

const AT = 0x4000;

/** Memory whose every byte is 0xa5, so that a byte that is not written shows. */
function dirty(): SparseMemory {
  const memory = new SparseMemory(2 ** 20);
  memory.copyIn(AT, 64, new Uint8Array(64).fill(0xa5), 0);
  return memory;
}

function bytesOf(memory: SparseMemory, count: number): string {
  const bytes = new Uint8Array(count);
  memory.copyOut(AT, count, bytes, 0);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

describe('root entry', () => {
  it('has P in bit 0 and the context table in bits 63:12 of its 16 bytes', () => {
    const memory = dirty();
    writeRootEntry(memory, AT, 0x12_3456_7000);
    expect(bytesOf(memory, 16)).toBe('01 70 56 34 12 00 00 00 00 00 00 00 00 00 00 00');
    expect(isPresent(memory.read32(AT))).toBe(true);
    expect(pointerOf(memory.read32(AT), memory.read32(AT + 4))).toBe(0x12_3456_7000);
  });

  it('reserves bits 11:1, the address bits beyond the host and the upper half', () => {
    const beyond = beyondHostMask(39);
    expect(rootReserved(0x1001, 0x7f, 0, 0, beyond)).toBe(false);
    expect(rootReserved(0x1003, 0, 0, 0, beyond)).toBe(true);
    expect(rootReserved(0x1801, 0, 0, 0, beyond)).toBe(true);
    expect(rootReserved(0x1001, 0x80, 0, 0, beyond)).toBe(true);
    expect(rootReserved(0x1001, 0, 1, 0, beyond)).toBe(true);
    expect(rootReserved(0x1001, 0, 0, 0x8000_0000, beyond)).toBe(true);
  });
});

describe('context entry', () => {
  it('has P, FPD, T, SLPTPTR, AW and DID where the specification puts them', () => {
    const memory = dirty();
    writeContextEntry(memory, AT, {
      type: TranslationType.SECOND_STAGE,
      domain: 0xbeef,
      levels: 4,
      table: 0x3_fedc_b000,
      faultsDisabled: true,
    });
    expect(bytesOf(memory, 16)).toBe('03 b0 dc fe 03 00 00 00 02 ef be 00 00 00 00 00');
    const w0 = memory.read32(AT);
    expect(isPresent(w0)).toBe(true);
    expect(faultsDisabled(w0)).toBe(true);
    expect(translationTypeOf(w0)).toBe(TranslationType.SECOND_STAGE);
    expect(levelsOf(memory.read32(AT + 8))).toBe(4);
    expect(domainOf(memory.read32(AT + 8))).toBe(0xbeef);
  });

  it('says pass-through with T = 10b', () => {
    const memory = dirty();
    writeContextEntry(memory, AT, { type: TranslationType.PASS_THROUGH, domain: 1, levels: 3, table: 0 });
    expect(bytesOf(memory, 16)).toBe('09 00 00 00 00 00 00 00 01 01 00 00 00 00 00 00');
  });

  it('reserves bits 11:4, 71 and 127:88, and leaves 70:67 to software', () => {
    const beyond = beyondHostMask(46);
    expect(contextReserved(0x100d, 0x3fff, 0x00ff_ff7f, 0, beyond)).toBe(false);
    expect(contextReserved(0x1011, 0, 0, 0, beyond)).toBe(true);
    expect(contextReserved(0x1801, 0, 0, 0, beyond)).toBe(true);
    expect(contextReserved(0x1001, 0x4000, 0, 0, beyond)).toBe(true);
    expect(contextReserved(0x1001, 0, 0x80, 0, beyond)).toBe(true);
    expect(contextReserved(0x1001, 0, 0x0100_0000, 0, beyond)).toBe(true);
    expect(contextReserved(0x1001, 0, 0, 1, beyond)).toBe(true);
  });
});

describe('second-stage paging entry', () => {
  const beyond = beyondHostMask(46);

  it('has R in bit 0, W in bit 1, PS in bit 7 and the address in bits 51:12', () => {
    const memory = dirty();
    writeLeafEntry(memory, AT, 2, 0xa_bcde_f020_0000, 1);
    expect(bytesOf(memory, 8)).toBe('81 00 20 f0 de bc 0a 00');
    expect(isLeaf(memory.read32(AT), 2)).toBe(true);
    expect(pointerOf(memory.read32(AT), memory.read32(AT + 4))).toBe(0xa_bcde_f020_0000);
    writeTableEntry(memory, AT, 0x5000);
    expect(bytesOf(memory, 8)).toBe('03 50 00 00 00 00 00 00');
    expect(isLeaf(memory.read32(AT), 2)).toBe(false);
  });

  it('is a leaf at level 1 whatever PS says', () => {
    expect(isLeaf(0x03, 1)).toBe(true);
    expect(isLeaf(0x83, 1)).toBe(true);
  });

  it('ignores bits 61:52 and 63, and reserves 11, 62 and the address bits beyond the host', () => {
    expect(pagingReserved(0x1003, 0xbff0_3fff, 1, 3, beyond)).toBe(false);
    expect(pagingReserved(0x1803, 0, 1, 3, beyond)).toBe(true);
    expect(pagingReserved(0x1003, 0x4000_0000, 1, 3, beyond)).toBe(true);
    expect(pagingReserved(0x1003, 0x4000, 1, 3, beyond)).toBe(true);
  });

  it('reserves the lower address bits of a large page, and PS where large pages are not supported', () => {
    expect(pagingReserved(0x20_0083, 0, 2, 3, beyond)).toBe(false);
    expect(pagingReserved(0x20_1083, 0, 2, 3, beyond)).toBe(true);
    expect(pagingReserved(0x4000_0083, 0, 3, 3, beyond)).toBe(false);
    expect(pagingReserved(0x4020_0083, 0, 3, 3, beyond)).toBe(true);
    expect(pagingReserved(0x20_0083, 0, 2, 1, beyond)).toBe(true);
    expect(pagingReserved(0x83, 0, 4, 3, beyond)).toBe(true);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { ChipCard } from './driver.ts';

const EICR = 0x800;
const EICS = 0x808;
const EIAC = 0x810;
const EIMS = 0x880;
const EIMC = 0x888;
const EIAM = 0x890;
const GPIE = 0x898;
const MULTIPLE_MSIX = 1 << 4;
const EIAME = 1 << 30;
const EICS_EX = 0xa90;
const EIMS_EX = 0xaa0;
const EIMC_EX = 0xab0;
const EIAM_EX = 0xad0;
const SOON = 1_000_000;

let card: ChipCard;
beforeEach(() => {
  card = new ChipCard({ strict: true });
  card.connect(card.nic.pf, 0, 0x40);
  card.write(EIMS, 1);
});

/** A cause comes up, and there is time for its message. */
function fire(bits = 1): void {
  card.write(EICS, bits);
  card.wait(SOON);
}

describe('a message', () => {
  it('clears its cause where EIAC says so, in MSI-X mode only', () => {
    card.write(EIAC, 1);
    fire();
    expect(card.read(EICR)).toBe(1);
    card.write(GPIE, MULTIPLE_MSIX);
    fire();
    expect(card.messages).toHaveLength(2);
    expect(card.read(EICR)).toBe(0);
  });

  it('masks its cause where EIAM says so, with GPIE.EIAME only', () => {
    card.write(EIAM, 1);
    fire();
    expect(card.read(EIMS) & 1).toBe(1);
    card.write(GPIE, EIAME);
    card.write(EICR, 1);
    fire();
    expect(card.read(EIMS) & 1).toBe(0);
  });

  it('does what GPIE says now, whatever was written first', () => {
    card.write(GPIE, MULTIPLE_MSIX | EIAME);
    card.write(EIAC, 1);
    card.write(EIAM, 1);
    card.write(GPIE, 0);
    fire();
    expect([card.read(EIMS) & 1, card.read(EIAC), card.read(EIAM)]).toEqual([1, 1, 1]);
    expect(card.read(EICR)).toBe(1);
  });
});

describe('without GPIE.EIAME', () => {
  beforeEach(() => card.write(EIAM, 0b01));

  it('reading EICR masks what was up and EIAM names', () => {
    card.write(EIMS, 0b10);
    fire(0b11);
    expect(card.read(EICR)).toBe(0b11);
    expect(card.read(EIMS)).toBe(0b10);
  });

  it('reading EICR masks nothing that was not up', () => {
    expect(card.read(EICR)).toBe(0);
    expect(card.read(EIMS)).toBe(1);
  });

  it('a write that clears a cause masks it, and EICS enables it again', () => {
    fire();
    card.write(EICR, 0b11);
    expect(card.read(EIMS)).toBe(0);
    fire();
    expect(card.read(EIMS)).toBe(1);
    expect(card.messages).toHaveLength(2);
  });
});

describe('the extended registers', () => {
  it('show the first sixteen vectors of EIMS again, and set and clear them', () => {
    expect([card.read(EIMS_EX), card.read(EIMS_EX + 4)]).toEqual([1, 0]);
    card.write(EIMS_EX, 0x8004);
    expect(card.read(EIMS)).toBe(0x8005);
    card.write(EIMC_EX, 5);
    expect([card.read(EIMS), card.read(EIMS_EX)]).toEqual([0x8000, 0x8000]);
    card.write(EIMC, 0xffff_ffff);
    expect(card.read(EIMS_EX)).toBe(0);
  });

  it('leave the other causes of EIMS alone', () => {
    card.write(EIMS, 1 << 20);
    card.write(EIMC_EX, 0xffff_ffff);
    expect(card.read(EIMS)).toBe(1 << 20);
  });

  it('keep the vectors from 16 on', () => {
    card.write(EIMS_EX, 1 << 20);
    card.write(EIMS_EX, 1 << 21);
    card.write(EIMS_EX + 4, 0x8000_0001);
    expect([card.read(EIMS_EX), card.read(EIMS_EX + 4)]).toEqual([(3 << 20) | 1, 0x8000_0001]);
    card.write(EIMC_EX, 1 << 20);
    card.write(EIMC_EX + 4, 1);
    expect([card.read(EIMS_EX), card.read(EIMS_EX + 4)]).toEqual([(2 << 20) | 1, 0x8000_0000]);
  });

  it('raise causes and mask them as EICS and EIAM do', () => {
    card.write(GPIE, EIAME);
    card.write(EIAM_EX, 0xffff_ffff);
    card.write(EICS_EX, 1);
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
    expect([card.read(EICR), card.read(EIMS), card.read(EIAM)]).toEqual([1, 0, 0xffff]);
  });
});

describe("a VF's registers as the PF sees them", () => {
  it('are those of the VF', () => {
    card.enableVfs(2);
    card.write(0xd04, 0b11);
    card.write(0xc04, 0b01);
    expect([card.readVf(1, 0x108), card.read(0xd04), card.readVf(0, 0x108)]).toEqual([0b11, 0b11, 0]);
    expect(card.read(0xb04)).toBe(1);
    expect(card.readVf(1, 0x100)).toBe(0);
    card.write(0xe04, 0b01);
    card.write(0x4e04, 0x82);
    expect([card.readVf(1, 0x108), card.readVf(1, 0x140)]).toEqual([0b10, 0x82]);
  });

  it('read as zero where there is no VF', () => {
    card.write(0xd00, 1);
    expect(card.read(0xd00)).toBe(0);
  });
});

describe('a reset', () => {
  it('clears all of them', () => {
    card.write(GPIE, MULTIPLE_MSIX | EIAME);
    for (const offset of [EIAC, EIAM, EIMS_EX, EIMS_EX + 4, EIAM_EX + 4]) card.write(offset, 0xffff_ffff);
    card.write(0x0, 1 << 26);
    for (const offset of [GPIE, EIAC, EIAM, EIMS, EIMS_EX, EIMS_EX + 4, EIAM_EX + 4, EICR])
      expect([offset, card.read(offset)]).toEqual([offset, 0]);
  });
});

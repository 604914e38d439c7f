import { beforeEach, describe, expect, it } from 'vitest';
import { PF } from '../card.ts';
import { ChipCard } from './driver.ts';

const EICR = 0x800;
const EICS = 0x808;
const EIMS = 0x880;
const EIMC = 0x888;
const GPIE = 0x898;
const GPIE_MSIX = 1 << 4;
const PBA_SUPPORT = 0x8000_0000;
const GCR_EXT = 0x11050;
const APBACD = 1 << 4;
const PBACL = 0x110c0;
/** PBACL of the first vectors, where the 82598 has it. */
const PBACL_LOW = 0x11068;
const PBA = 0x2000;
const MSIX_CONTROL = 0x72;
const ENABLED = 0x8000;
const FUNCTION_MASK = 0x4000;
const SOON = 1_000_000;

let card: ChipCard;
beforeEach(() => {
  card = new ChipCard({ strict: true });
  for (const vector of [0, 1, 40]) card.connect(card.nic.pf, vector, 0x40 + vector);
  card.write(GPIE, GPIE_MSIX);
  card.write(EIMS, 0b11);
  card.write(0xaa4, 1 << 8);
});

function mask(vector: number, masked: boolean): void {
  card.nic.pf.bar(4).write32(16 * vector + 12, masked ? 1 : 0, 15);
}

function fire(bits = 1): void {
  card.write(EICS, bits);
  card.wait(SOON);
}

const pending = (word = 0) => card.nic.pf.bar(4).read32(PBA + 4 * word, 4);
const sent = () => card.messages.map(({ data }) => data);

describe('a vector that is masked', () => {
  it('sets its pending bit instead of sending a message, and sends it once it is unmasked', () => {
    mask(1, true);
    fire(0b11);
    expect([sent(), pending()]).toEqual([[0x40], 0b10]);
    mask(1, false);
    card.wait(SOON);
    expect([sent(), pending()]).toEqual([[0x40, 0x41], 0]);
  });

  it('has one pending bit whatever comes up, and one message after it', () => {
    mask(0, true);
    for (let i = 0; i < 3; i++) fire();
    expect(pending()).toBe(1);
    mask(0, false);
    card.wait(10 * SOON);
    expect(sent()).toEqual([0x40]);
  });

  it('beyond the first 32 has its bit in the next word', () => {
    mask(40, true);
    card.write(0xa94, 1 << 8);
    card.wait(SOON);
    expect([pending(0), pending(1)]).toEqual([0, 1 << 8]);
    expect(card.read(PBACL + 4)).toBe(1 << 8);
  });

  it('by MSI-X Function Mask too, which leaves the masks of the vectors alone', () => {
    card.configWrite(PF, MSIX_CONTROL, 2, ENABLED | FUNCTION_MASK);
    mask(1, true);
    fire(0b11);
    expect([sent(), pending()]).toEqual([[], 0b11]);
    card.configWrite(PF, MSIX_CONTROL, 2, ENABLED);
    card.wait(SOON);
    expect([sent(), pending()]).toEqual([[0x40], 0b10]);
  });

  it('is pending no longer when software has cleared its cause, or masked it', () => {
    mask(0, true);
    mask(1, true);
    fire(0b11);
    card.write(EICR, 0b01);
    card.write(EIMC, 0b10);
    expect(pending()).toBe(0);
    mask(0, false);
    mask(1, false);
    card.wait(SOON);
    expect(sent()).toEqual([]);
  });

  it('sends no message for a cause that is not enabled', () => {
    card.write(EIMC, 0b01);
    mask(0, true);
    fire();
    expect(pending()).toBe(0);
    card.write(EIMS, 0b01);
    card.wait(SOON);
    expect(pending()).toBe(1);
  });
});

describe('PBACL', () => {
  it('reads the pending bits, and clears those that are written as 1, at its older place too', () => {
    mask(0, true);
    mask(1, true);
    fire(0b11);
    expect([card.read(PBACL), card.read(PBACL_LOW)]).toEqual([0b11, 0b11]);
    card.write(PBACL, 0b10);
    expect(pending()).toBe(0b01);
    card.write(PBACL_LOW, 0b01);
    expect(pending()).toBe(0);
    mask(0, false);
    mask(1, false);
    card.wait(SOON);
    expect(sent()).toEqual([]);
  });

  it('of a VF is VFPBACL', () => {
    card.enableVfs(2);
    card.connect(card.vf(1), 2, 0x77, true);
    card.writeVf(1, 0x108, 0b100);
    card.writeVf(1, 0x104, 0b100);
    card.wait(SOON);
    expect([card.readVf(1, 0x148), card.readVf(0, 0x148)]).toEqual([0b100, 0]);
    expect(card.vf(1).bar(3).read32(PBA, 4)).toBe(0b100);
    card.writeVf(1, 0x148, 0b100);
    expect(card.vf(1).bar(3).read32(PBA, 4)).toBe(0);
  });
});

describe('GPIE.PBA_support', () => {
  beforeEach(() => {
    card.write(GPIE, (GPIE_MSIX | PBA_SUPPORT) >>> 0);
    mask(0, true);
    fire();
  });

  it('has a write of EIMS clear the pending bit of the vector', () => {
    expect(pending()).toBe(1);
    card.write(EIMS, 1);
    expect(pending()).toBe(0);
  });

  it('does not with GCR_EXT.APBACD: then PBACL alone clears it', () => {
    card.write(GCR_EXT, APBACD);
    card.write(EIMS, 1);
    expect(pending()).toBe(1);
    card.write(PBACL, 1);
    expect(pending()).toBe(0);
  });

  it('is 0 for software that leaves the bits until they are unmasked', () => {
    card.write(GPIE, GPIE_MSIX);
    card.write(EIMS, 1);
    expect(pending()).toBe(1);
  });
});

describe('Bus Master Enable', () => {
  it('holds messages back without a pending bit, until it is set', () => {
    card.configWrite(PF, 0x04, 2, 0x0002);
    fire();
    expect([sent(), pending()]).toEqual([[], 0]);
    card.configWrite(PF, 0x04, 2, 0x0006);
    card.wait(SOON);
    expect(sent()).toEqual([0x40]);
  });
});

describe('a reset', () => {
  it('clears pending bits, and masks all vectors', () => {
    mask(0, true);
    fire();
    card.write(0x0, 1 << 26);
    expect(pending()).toBe(0);
    expect(card.nic.pf.bar(4).read32(12, 4)).toBe(1);
  });
});

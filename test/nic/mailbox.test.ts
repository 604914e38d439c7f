import { beforeEach, describe, expect, it } from 'vitest';
import { Card } from './card.ts';

// PF side (82599 datasheet 8.2.3.27.2, 8.2.3.27.3, 8.2.3.5.20), by VF.
const PFMAILBOX = (vf: number) => 0x4b00 + 4 * vf;
const PFMBMEM = (vf: number, word: number) => 0x13000 + 64 * vf + 4 * word;
const PFMBICR = (vf: number) => 0x710 + 4 * (vf >> 4);
const PFVFLRE = 0x600;
const PFVFLREC = 0x700;
const CTRL_EXT = 0x18;
const PFRSTD = 1 << 14;
const EICR = 0x800;
const MAILBOX_CAUSE = 1 << 19;
// VF side (8.3.5.1.5).
const VFMAILBOX = 0x2fc;
const VFMBMEM = 0x200;
const VFCTRL = 0x0;
const VFCTRL_RST = 1 << 26;
const VTEICR = 0x100;
const VTIVAR_MISC = 0x140;
const [REQ, ACK, VFU, PFU, PFSTS, PFACK, RSTI, RSTD] = [1, 2, 4, 8, 16, 32, 64, 128];
const [STS, RVFU] = [1, 16];

let card: Card;
beforeEach(() => {
  card = new Card();
  card.enableVfs(40);
  card.write(CTRL_EXT, PFRSTD);
  card.readVf(3, VFMAILBOX);
  card.readVf(35, VFMAILBOX);
  card.read(EICR);
});

describe('the memory of a mailbox', () => {
  it('is sixteen words that both sides see, a VF its own only', () => {
    card.writeVf(3, VFMBMEM, 0x1111_1111);
    card.writeVf(3, VFMBMEM + 60, 0xffff_ffff);
    card.write(PFMBMEM(3, 1), 0x8000_0002);
    expect(card.read(PFMBMEM(3, 0))).toBe(0x1111_1111);
    expect(card.read(PFMBMEM(3, 15))).toBe(0xffff_ffff);
    expect(card.readVf(3, VFMBMEM + 4)).toBe(0x8000_0002);
    expect(card.readVf(2, VFMBMEM)).toBe(0);
    expect(card.readVf(4, VFMBMEM)).toBe(0);
  });
});

describe('the lock', () => {
  it('belongs to one side at a time: a write that comes second does not take it', () => {
    card.writeVf(3, VFMAILBOX, VFU);
    expect(card.readVf(3, VFMAILBOX)).toBe(VFU);
    card.write(PFMAILBOX(3), PFU);
    expect(card.read(PFMAILBOX(3))).toBe(VFU);
    card.writeVf(3, VFMAILBOX, 0);
    expect(card.read(PFMAILBOX(3))).toBe(0);
    card.write(PFMAILBOX(3), PFU);
    expect(card.readVf(3, VFMAILBOX)).toBe(PFU);
    card.writeVf(3, VFMAILBOX, VFU);
    expect(card.readVf(3, VFMAILBOX)).toBe(PFU);
    card.write(PFMAILBOX(3), 0);
    expect(card.readVf(3, VFMAILBOX)).toBe(0);
  });

  it('can be taken from a VF by the PF with RVFU', () => {
    card.writeVf(3, VFMAILBOX, VFU);
    card.write(PFMAILBOX(3), RVFU | PFU);
    expect(card.read(PFMAILBOX(3))).toBe(PFU);
  });
});

describe('a message', () => {
  it.each([3, 35])(
    'from VF %d raises its bit in PFMBICR and the mailbox cause, until the PF clears them',
    (vf) => {
      const bit = 1 << (vf & 15);
      card.writeVf(vf, VFMAILBOX, VFU);
      card.writeVf(vf, VFMAILBOX, REQ);
      expect(card.read(PFMBICR(vf))).toBe(bit);
      expect(card.read(PFMBICR(vf + 16))).toBe(0);
      expect(card.read(EICR)).toBe(MAILBOX_CAUSE);
      // REQ without VFU has given the lock back.
      expect(card.read(PFMAILBOX(vf))).toBe(0);
      card.writeVf(vf, VFMAILBOX, ACK);
      expect(card.read(PFMBICR(vf))).toBe((bit | (bit << 16)) >>> 0);
      card.write(PFMBICR(vf), bit);
      expect(card.read(PFMBICR(vf))).toBe((bit << 16) >>> 0);
      card.write(PFMBICR(vf), (bit << 16) >>> 0);
      expect(card.read(PFMBICR(vf))).toBe(0);
    },
  );

  it("from the PF raises PFSTS or PFACK, which reading clears, and the VF's vector", () => {
    card.writeVf(3, VTIVAR_MISC, 0x80 | 1);
    card.write(PFMAILBOX(3), STS);
    expect(card.readVf(3, VFMAILBOX)).toBe(PFSTS);
    expect(card.readVf(3, VFMAILBOX)).toBe(0);
    expect(card.readVf(3, VTEICR)).toBe(1 << 1);
    card.write(PFMAILBOX(3), ACK);
    expect(card.readVf(3, VFMAILBOX)).toBe(PFACK);
    expect(card.readVf(3, VTEICR)).toBe(1 << 1);
    expect(card.readVf(4, VFMAILBOX) & (PFSTS | PFACK)).toBe(0);
  });
});

describe('a reset', () => {
  it('of the PF shows as RSTI, and as RSTD once when CTRL_EXT.PFRSTD says that it is done', () => {
    card.write(0x0, 1 << 26);
    expect(card.readVf(3, VFMAILBOX)).toBe(RSTI);
    expect(card.readVf(3, VFMAILBOX)).toBe(RSTI);
    card.write(CTRL_EXT, PFRSTD);
    expect(card.readVf(3, VFMAILBOX)).toBe(RSTD);
    expect(card.readVf(3, VFMAILBOX)).toBe(0);
  });

  it.each([3, 35])('of VF %d shows in PFVFLRE until the PF clears it, and empties its mailbox', (vf) => {
    for (const word of [0, 1]) card.write(PFVFLREC + 4 * word, 0xffff_ffff);
    card.writeVf(vf, VFMBMEM, 5);
    card.writeVf(vf, VFMAILBOX, VFU | REQ);
    card.read(EICR);
    card.writeVf(vf, VFCTRL, VFCTRL_RST);
    const bit = (1 << (vf & 31)) >>> 0;
    const words = () => [0, 1].map((word) => card.read(PFVFLRE + 4 * word));
    expect(words()).toEqual(vf < 32 ? [bit, 0] : [0, bit]);
    expect(card.read(EICR)).toBe(MAILBOX_CAUSE);
    expect(card.read(PFMBICR(vf))).toBe(0);
    expect(card.read(PFMAILBOX(vf))).toBe(0);
    expect(card.readVf(vf, VFMBMEM)).toBe(0);
    expect(card.readVf(vf, VFMAILBOX)).toBe(RSTD);
    card.write(PFVFLREC + 4 * (vf >> 5), bit);
    expect(words()).toEqual([0, 0]);
  });
});

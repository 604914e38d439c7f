import { beforeEach, describe, expect, it } from 'vitest';
import { ChipCard } from './driver.ts';

const EICR = 0x800;
const EICS = 0x808;
const EIAC = 0x810;
const EIMS = 0x880;
const GPIE = 0x898;
const MULTIPLE_MSIX = 1 << 4;
const OCD = 1 << 5;
const EIAME = 1 << 30;
const IVAR = (queue: number) => 0x900 + 4 * (queue >> 1);
const IVAR_MISC = 0xa00;
const VALID = 0x80;
const EICS_EX = (word: number) => 0xa90 + 4 * word;
const EIMS_EX = (word: number) => 0xaa0 + 4 * word;
const EIAM_EX = (word: number) => 0xad0 + 4 * word;
const MAILBOX = 1 << 19;
const LINK_CHANGE = 1 << 20;
const TCP_TIMER = 1 << 30;
const SOON = 1_000_000;

let card: ChipCard;
beforeEach(() => {
  card = new ChipCard({ strict: true });
  for (const vector of [0, 5, 15, 16, 31, 32, 63]) card.connect(card.nic.pf, vector, 0x40 + vector);
  card.write(GPIE, MULTIPLE_MSIX);
});

/** A receive queue of the PF has written descriptors back. */
function receive(queue: number): void {
  card.nic.queueDone(queue, false);
  card.wait(SOON);
}

const sent = () => card.messages.splice(0).map(({ data }) => data - 0x40);

describe('IVAR', () => {
  it.each([0, 5, 15, 16, 31, 32, 63])('leads a queue to vector %d', (vector) => {
    card.write(IVAR(7), (VALID | vector) << 16);
    card.write(EIMS_EX(vector >> 5), 0x8000_0000 >>> (31 - (vector & 31)));
    receive(7);
    expect(sent()).toEqual([vector]);
  });

  it('has a byte for each direction of a queue, whose valid bit counts', () => {
    card.write(EIMS, 0xffff);
    card.write(IVAR(8), VALID | 5 | (15 << 8));
    card.nic.queueDone(8, true);
    receive(8);
    expect(sent()).toEqual([5]);
    card.write(IVAR(8), (15 << 8) | (VALID << 8));
    card.nic.queueDone(8, true);
    receive(8);
    expect(sent()).toEqual([15]);
  });

  it('shows queues of vectors below 16 in EICR, and no others', () => {
    card.write(IVAR(0), VALID | 5 | ((VALID | 20) << 16));
    receive(0);
    receive(1);
    expect(card.read(EICR)).toBe(1 << 5);
  });

  it('without GPIE.Multiple_MSIX chooses the bit of EICR, and vector 0 tells of all', () => {
    card.write(GPIE, 0);
    card.write(EIMS, 1 << 5);
    card.write(IVAR(0), VALID | 5);
    receive(0);
    expect([sent(), card.read(EICR)]).toEqual([[0], 1 << 5]);
  });
});

describe('vectors from 16 on', () => {
  beforeEach(() => {
    card.write(IVAR(0), VALID | 31 | ((VALID | 32) << 16));
  });

  it('send nothing before EIMS_EX enables them, and what came up then', () => {
    receive(0);
    receive(1);
    expect(sent()).toEqual([]);
    card.write(EIMS_EX(0), 0x8000_0000);
    card.write(EIMS_EX(1), 1);
    card.wait(SOON);
    expect(sent()).toEqual([31, 32]);
  });

  it('have causes that their message clears, without EIAC', () => {
    card.write(EIMS_EX(1), 1);
    receive(1);
    card.write(0xab4, 1);
    card.write(EIMS_EX(1), 1);
    card.wait(SOON);
    expect(sent()).toEqual([32]);
    receive(1);
    expect(sent()).toEqual([32]);
  });

  it('are masked by their message where EIAM_EX says so, with GPIE.EIAME', () => {
    card.write(EIAM_EX(0), 0x8000_0000);
    card.write(EIAM_EX(1), 1);
    card.write(EIMS_EX(0), 0x8000_0000);
    card.write(EIMS_EX(1), 1);
    receive(0);
    expect(card.read(EIMS_EX(0))).toBe(0x8000_0000);
    card.write(GPIE, MULTIPLE_MSIX | EIAME);
    receive(0);
    receive(1);
    expect([card.read(EIMS_EX(0)), card.read(EIMS_EX(1))]).toEqual([0, 0]);
    expect(sent()).toEqual([31, 31, 32]);
    receive(0);
    expect(sent()).toEqual([]);
    card.write(EIMS_EX(0), 0x8000_0000);
    card.wait(SOON);
    expect(sent()).toEqual([31]);
  });

  it('are set by EICS_EX', () => {
    card.write(EIMS_EX(1), 0x8000_0000);
    card.write(EICS_EX(1), 0x8000_0000);
    card.wait(SOON);
    expect(sent()).toEqual([63]);
  });
});

describe('IVAR_MISC', () => {
  beforeEach(() => card.write(EIMS, MAILBOX | LINK_CHANGE | TCP_TIMER));

  it('leads all other causes to one vector, which is moderated as one', () => {
    card.write(IVAR_MISC, (VALID | 16) << 8);
    card.write(EICS, MAILBOX | LINK_CHANGE);
    card.wait(SOON);
    expect(sent()).toEqual([16]);
    expect(card.read(EICR)).toBe(MAILBOX | LINK_CHANGE);
  });

  it('leads the TCP timer to another', () => {
    card.write(IVAR_MISC, VALID | 5 | ((VALID | 16) << 8));
    card.write(EICS, TCP_TIMER);
    card.wait(SOON);
    card.write(EICS, LINK_CHANGE);
    card.wait(SOON);
    expect(sent()).toEqual([5, 16]);
  });

  it('without its valid bits leads them nowhere', () => {
    card.write(IVAR_MISC, 5 | (16 << 8));
    card.write(EICS, TCP_TIMER | LINK_CHANGE);
    card.wait(SOON);
    expect(sent()).toEqual([]);
  });

  it('may name the vector of a queue: one message tells of both', () => {
    card.write(IVAR_MISC, (VALID | 5) << 8);
    card.write(EIMS, 1 << 5);
    card.write(EICS, LINK_CHANGE | (1 << 5));
    card.wait(SOON);
    expect(sent()).toEqual([5]);
  });
});

describe('other causes', () => {
  beforeEach(() => {
    card.write(IVAR_MISC, (VALID | 16) << 8);
    card.write(EIMS, MAILBOX | LINK_CHANGE);
    card.write(EIAC, 0xffff);
  });

  it('come of a request in a mailbox and of a change of the link, and stay until they are cleared', () => {
    card.enableVfs(1);
    card.write(0x18, 1 << 14);
    card.wait(SOON);
    card.read(EICR);
    sent();
    card.writeVf(0, 0x2fc, 1);
    card.wait(SOON);
    expect(sent()).toEqual([16]);
    expect(card.read(EICS)).toBe(MAILBOX);
    card.write(EICR, MAILBOX);
    expect(card.read(EICS)).toBe(0);
    card.write(0x0, 1 << 3);
    card.write(GPIE, MULTIPLE_MSIX);
    card.connect(card.nic.pf, 16, 0x50);
    card.write(IVAR_MISC, (VALID | 16) << 8);
    card.write(EIMS, LINK_CHANGE);
    card.delay(1_000_000);
    expect(sent()).toContain(16);
    expect(card.read(EICR) & LINK_CHANGE).toBe(LINK_CHANGE);
  });

  it('are all that reading EICR clears with GPIE.OCD', () => {
    card.write(GPIE, MULTIPLE_MSIX | OCD);
    card.write(EICS, LINK_CHANGE | 0b100 | TCP_TIMER);
    expect(card.read(EICR)).toBe(LINK_CHANGE | 0b100 | TCP_TIMER);
    expect(card.read(EICR)).toBe(0b100 | TCP_TIMER);
  });
});

describe('the interrupts of a VF', () => {
  const VTEICR = 0x100;
  const VTEICS = 0x104;
  const VTEIMS = 0x108;
  const VTEIMC = 0x10c;
  const VTEIAC = 0x110;
  const VTEIAM = 0x114;
  const VTIVAR = 0x120;
  const VTIVAR_MISC = 0x140;

  beforeEach(() => {
    card.enableVfs(2);
    card.write(0x18, 1 << 14);
    for (const vector of [0, 1, 2]) card.connect(card.vf(1), vector, 0x40 + vector);
    card.writeVf(1, VTEIMS, 0b111);
    card.wait(SOON);
    sent();
  });

  it('come by three vectors, those of its queues by VTIVAR', () => {
    card.writeVf(1, VTIVAR, VALID | 0 | ((VALID | 1) << 8) | ((VALID | 2) << 16));
    card.nic.queueDone(2, false);
    card.wait(SOON);
    card.nic.queueDone(2, true);
    card.wait(SOON);
    card.nic.queueDone(3, false);
    card.wait(SOON);
    expect(sent()).toEqual([0, 1, 2]);
    expect(card.readVf(1, VTEICR)).toBe(0b111);
    expect(card.readVf(1, VTEICR)).toBe(0);
  });

  it('are those of its mailbox by VTIVAR_MISC', () => {
    card.writeVf(1, VTIVAR_MISC, VALID | 2);
    card.write(0x4b04, 1);
    card.wait(SOON);
    expect([sent(), card.readVf(1, VTEICS)]).toEqual([[2], 0b100]);
    // A driver that clears by a write, as that of FreeBSD does.
    card.writeVf(1, VTEICR, 0b100);
    expect(card.readVf(1, VTEICS)).toBe(0);
  });

  it('are set by VTEICS, masked by VTEIMC, and unmasked by VTEIMS', () => {
    card.writeVf(1, VTEIMC, 0b010);
    card.writeVf(1, VTEICS, 0b010);
    card.wait(SOON);
    expect([sent(), card.readVf(1, VTEIMS)]).toEqual([[], 0b101]);
    card.writeVf(1, VTEIMS, 0b010);
    card.wait(SOON);
    expect(sent()).toEqual([1]);
  });

  it('are cleared and masked by their message as VTEIAC and VTEIAM say', () => {
    card.writeVf(1, VTEIAC, 0b001);
    card.writeVf(1, VTEIAM, 0b011);
    card.writeVf(1, VTEICS, 0b011);
    card.wait(SOON);
    expect(sent()).toEqual([0, 1]);
    expect([card.readVf(1, VTEIMS), card.readVf(1, VTEICS)]).toEqual([0b100, 0b010]);
  });

  it('have no cause beyond their vectors, and are not those of another VF', () => {
    card.writeVf(1, VTEICS, 0xffff_fff8);
    card.writeVf(0, VTEICS, 0b1);
    card.wait(SOON);
    expect([sent(), card.readVf(1, VTEICR), card.readVf(0, VTEICR)]).toEqual([[], 0, 1]);
  });

  it('are gone after VFCTRL.RST', () => {
    card.writeVf(1, 0x820, 9 << 3);
    card.writeVf(1, VTEICS, 0b1);
    card.writeVf(1, 0, 1 << 26);
    card.wait(SOON);
    expect(sent()).toEqual([]);
    for (const offset of [VTEICS, VTEIMS, VTEIAC, VTEIAM, VTIVAR, 0x820])
      expect([offset, card.readVf(1, offset)]).toEqual([offset, 0]);
  });
});

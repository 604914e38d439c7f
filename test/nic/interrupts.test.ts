import { beforeEach, describe, expect, it } from 'vitest';
import { intel82599 } from '../../src/profiles/index.ts';
import { Card, PF } from './card.ts';

const EICR = 0x800;
const EICS = 0x808;
const EIAC = 0x810;
const EITR = 0x820;
const EIMS = 0x880;
const EIMC = 0x888;
const EIAM = 0x890;
const GPIE = 0x898;
const GPIE_OCD = 1 << 5;
const IVAR_MISC = 0xa00;
const VTEICR = 0x100;
const VTEICS = 0x104;
const VTEIMS = 0x108;
const VTEIMC = 0x10c;
const VTEIAC = 0x110;
const VTEIAM = 0x114;
const VTEITR = 0x820;
const PENDING_BITS = 0x2000;
/** Long enough for a message to be sent. */
const SOON = 1_000_000;
const UNIT_PS = 2_048_000;

let card: Card;
beforeEach(() => {
  card = new Card();
});

describe('a cause of the PF', () => {
  beforeEach(() => card.connect(card.nic.pf, 0, 0x40));

  it('sends the message of its vector when it comes up', () => {
    card.write(EIMS, 1);
    card.write(EICS, 1);
    card.wait(SOON);
    const { timePs } = card.messages[0];
    expect(card.messages).toEqual([{ timePs, routingId: PF, address: 0xfee0_0000, data: 0x40 }]);
    // From cause to message, and 24 bytes on the link.
    expect(timePs).toBe(intel82599.interruptPs + 24 * 250);
    expect(card.nic.interrupts.counters()).toEqual({ raised: 1, delivered: 1, moderated: 0 });
  });

  it('waits while EIMS masks it, and fires when it is unmasked', () => {
    card.write(EICS, 1);
    card.wait(SOON);
    expect(card.messages).toEqual([]);
    expect(card.read(EIMS)).toBe(0);
    card.write(EIMS, 1);
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
    // Coming up once is raised once.
    expect(card.nic.interrupts.raised).toBe(1);
  });

  it('does not fire after EIMC has masked it, even on its way', () => {
    card.write(EIMS, 1);
    card.write(EICS, 1);
    card.write(EIMC, 1);
    card.wait(SOON);
    expect(card.messages).toEqual([]);
    expect(card.read(EICR)).toBe(1);
  });

  it('stays up until EICR is read, or a one is written to it', () => {
    card.write(EICS, 0b11);
    expect(card.read(EICR)).toBe(0b11);
    expect(card.read(EICR)).toBe(0);
    card.write(EICS, 0b11);
    card.write(EICR, 0b01);
    expect(card.read(EICR)).toBe(0b10);
  });

  it('of a queue stays up over a read of EICR where GPIE.OCD is set', () => {
    card.write(GPIE, GPIE_OCD);
    card.write(EICS, 0b1);
    card.write(EICS, 1 << 19);
    expect(card.read(EICR)).toBe((1 << 19) | 1);
    expect(card.read(EICR)).toBe(1);
  });

  it('is cleared by its message where EIAC says so, and masked where EIAM does', () => {
    card.write(EIMS, 1);
    card.write(EIAC, 1);
    card.write(EIAM, 1);
    card.write(EICS, 1);
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
    expect(card.read(EICR)).toBe(0);
    expect(card.read(EIMS)).toBe(0);
    // What comes up while it is masked fires at once with the next unmask.
    card.write(EICS, 1);
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
    card.write(EIMS, 1);
    card.wait(SOON);
    expect(card.messages).toHaveLength(2);
  });

  it('without auto-clear and auto-mask stays up and enabled: it fires again only when it comes up again', () => {
    card.write(EIMS, 1);
    card.write(EICS, 1);
    card.wait(SOON);
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
    expect(card.read(EIMS)).toBe(1);
    card.write(EICS, 1);
    card.wait(SOON);
    expect(card.messages).toHaveLength(2);
  });

  it('above 15 has the vector of IVAR_MISC', () => {
    card.connect(card.nic.pf, 5, 0x45);
    card.write(IVAR_MISC, (0x80 | 5) << 8);
    card.write(EIMS, 1 << 19);
    card.write(EICS, 1 << 19);
    card.wait(SOON);
    expect(card.messages.map(({ data }) => data)).toEqual([0x45]);
  });
});

describe('interrupt moderation', () => {
  beforeEach(() => {
    card.connect(card.nic.pf, 0, 0x40);
    card.write(EIMS, 1);
    card.write(EIAC, 1);
  });

  it.each([1, 5, 0x1ff])('leaves %d units of 2.048 us between two messages', (units) => {
    card.write(EITR, units << 3);
    for (let i = 0; i < 40; i++) {
      card.write(EICS, 1);
      card.wait((units * UNIT_PS) / 4);
    }
    const times = card.messages.map(({ timePs }) => timePs);
    expect(times.length).toBe(10);
    for (let i = 1; i < times.length; i++) expect(times[i] - times[i - 1]).toBe(units * UNIT_PS);
    // All but the first waited, and one still does.
    expect(card.nic.interrupts.moderated).toBe(10);
  });

  it('of 0 leaves none', () => {
    for (let i = 0; i < 10; i++) {
      card.write(EICS, 1);
      card.wait(100_000);
    }
    expect(card.messages).toHaveLength(10);
  });

  it('lets the first message after a pause out at once', () => {
    card.write(EITR, 5 << 3);
    card.write(EICS, 1);
    card.wait(20 * UNIT_PS);
    const before = card.scheduler.now;
    card.write(EICS, 1);
    card.wait(SOON);
    expect(card.messages[1].timePs).toBe(before + intel82599.interruptPs + 24 * 250);
  });

  it("is each vector's own, up to the last one", () => {
    card.connect(card.nic.pf, 1, 0x41);
    card.write(EIMS, 0b11);
    card.write(EIAC, 0b11);
    card.write(EITR, 100 << 3);
    for (let i = 0; i < 3; i++) {
      card.write(EICS, 0b11);
      card.wait(2 * UNIT_PS);
    }
    expect(card.messages.map(({ data }) => data)).toEqual([0x40, 0x41, 0x41, 0x41]);
    // EITR 24 and following have a place of their own.
    card.write(0x12300, 7 << 3);
    expect(card.read(0x12300)).toBe(7 << 3);
  });
});

describe('MSI-X', () => {
  it('holds back a vector that its table entry masks, shows it as pending, and fires when it is unmasked', () => {
    const { pf } = card.nic;
    card.connect(pf, 3, 0x43, true);
    card.write(EIMS, 1 << 3);
    card.write(EICS, 1 << 3);
    card.wait(SOON);
    expect(card.messages).toEqual([]);
    expect(pf.bar(4).read32(PENDING_BITS, 4)).toBe(1 << 3);
    pf.bar(4).write32(16 * 3 + 12, 0, 15);
    card.wait(SOON);
    expect(card.messages).toMatchObject([{ data: 0x43 }]);
    expect(pf.bar(4).read32(PENDING_BITS, 4)).toBe(0);
  });

  it('holds back all vectors of a function while Function Mask is set or MSI-X is off', () => {
    const { pf } = card.nic;
    card.connect(pf, 0, 0x40);
    card.write(EIMS, 1);
    card.configWrite(PF, 0x72, 2, 0xc000);
    card.write(EICS, 1);
    card.wait(SOON);
    expect(card.messages).toEqual([]);
    card.configWrite(PF, 0x72, 2, 0x8000);
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
  });

  it('sends nothing while Bus Master Enable is clear', () => {
    card.connect(card.nic.pf, 0, 0x40);
    card.configWrite(PF, 0x04, 2, 0x0002);
    card.write(EIMS, 1);
    card.write(EICS, 1);
    card.wait(SOON);
    expect(card.messages).toEqual([]);
  });

  it('has all entries masked after a reset', () => {
    card.connect(card.nic.pf, 0, 0x40);
    card.write(0x0, 1 << 26);
    const bar = card.nic.pf.bar(4);
    expect([0, 4, 8, 12].map((at) => bar.read32(at, 4))).toEqual([0, 0, 0, 1]);
  });
});

describe('a VF', () => {
  beforeEach(() => {
    card.enableVfs(3);
    for (const vf of [1, 2]) card.connect(card.vf(vf), 0, 0x50 + vf);
  });

  it('has causes, masks and three vectors of its own', () => {
    card.writeVf(1, VTEIMS, 0b111);
    card.writeVf(2, VTEICS, 0b001);
    card.wait(SOON);
    expect(card.messages).toEqual([]);
    card.writeVf(1, VTEICS, 0b001);
    card.wait(SOON);
    expect(card.messages).toMatchObject([{ routingId: card.vf(1).routingId, data: 0x51 }]);
    expect(card.readVf(1, VTEICR)).toBe(1);
    expect(card.readVf(1, VTEICR)).toBe(0);
    expect(card.readVf(2, VTEICR)).toBe(1);
    card.writeVf(1, VTEIMC, 0b011);
    expect(card.readVf(1, VTEIMS)).toBe(0b100);
    card.writeVf(1, VTEIAC, 0b10);
    card.writeVf(1, VTEIAM, 0b01);
    expect([card.readVf(1, VTEIAC), card.readVf(1, VTEIAM)]).toEqual([0b10, 0b01]);
    // There is no fourth entry.
    const bar = card.vf(1).bar(3);
    bar.write32(16 * 3, 0x1234, 15);
    expect(bar.read32(16 * 3, 4)).toBe(0);
  });

  it('has its own moderation', () => {
    card.writeVf(1, VTEIMS, 1);
    card.writeVf(1, VTEITR, 5 << 3);
    expect(card.readVf(1, VTEITR)).toBe(5 << 3);
    for (let i = 0; i < 8; i++) {
      card.writeVf(1, VTEICS, 1);
      card.wait(5 * (UNIT_PS / 4));
    }
    expect(card.messages.map(({ timePs }) => timePs - card.messages[0].timePs)).toEqual([0, 5 * UNIT_PS]);
  });

  it('that is reset has nothing up, nothing enabled, and all vectors masked', () => {
    card.writeVf(1, VTEICS, 0b111);
    card.writeVf(1, VTEIMS, 0);
    card.writeVf(1, 0x0, 1 << 26);
    expect([card.readVf(1, VTEICR), card.readVf(1, VTEIMS)]).toEqual([0, 0]);
    expect(card.vf(1).bar(3).read32(12, 4)).toBe(1);
    expect(card.vf(2).bar(3).read32(12, 4)).toBe(0);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { ChipCard } from './driver.ts';

const EICR = 0x800;
const EICS = 0x808;
const EIMS = 0x880;
const GPIE = 0x898;
const MULTIPLE_MSIX = 1 << 4;
const EIMEN = 1 << 6;
const CNT_WDIS = 0x8000_0000;
const LLI_MODERATION = 1 << 15;
const EITR = (vector: number) => (vector < 24 ? 0x820 + 4 * vector : 0x12300 + 4 * (vector - 24));
const VTEITR = 0x820;
/** The unit of EITR, and how long a message takes without it, at most. */
const UNIT = 2_048_000;
const SOON = 1_000_000;

let card: ChipCard;
beforeEach(() => {
  card = new ChipCard({ strict: true });
  card.connect(card.nic.pf, 0, 0x40);
  card.write(GPIE, MULTIPLE_MSIX);
  card.write(EIMS, 1);
});

/** When messages have arrived, in ps after the first. */
function gaps(): number[] {
  return card.messages.map(({ timePs }) => timePs - card.messages[0].timePs);
}

function fire(): void {
  card.write(EICS, 1);
}

function counter(vector = 0): number {
  return (card.read(EITR(vector)) >>> 21) & 0x7f;
}

function credits(): number {
  return (card.read(EITR(0)) >>> 16) & 0x1f;
}

describe('EITR', () => {
  it('keeps an interval of 2.048 us a unit between two messages of its vector', () => {
    card.write(EITR(0), 5 << 3);
    fire();
    card.wait(SOON);
    fire();
    card.wait(6 * UNIT);
    expect(gaps()).toEqual([0, 5 * UNIT]);
    expect(card.nic.interrupts.moderated).toBe(1);
  });

  it('has no effect on a cause that comes up when its counter is at zero', () => {
    card.write(EITR(0), 5 << 3);
    fire();
    card.wait(20 * UNIT);
    const before = card.scheduler.now;
    fire();
    card.wait(SOON);
    expect(card.messages[1].timePs - before).toBeLessThan(SOON);
  });

  it('of 0 lets every cause through', () => {
    for (let i = 0; i < 3; i++) {
      fire();
      card.wait(SOON);
    }
    expect(card.messages).toHaveLength(3);
  });

  it('counts down from the interval when its vector has interrupted, and stops at zero', () => {
    card.write(EITR(0), 400 << 3);
    expect(counter()).toBe(0);
    fire();
    card.wait(SOON);
    expect(counter()).toBe(100);
    card.wait(200 * UNIT);
    expect(counter()).toBe(50);
    card.wait(300 * UNIT);
    expect(counter()).toBe(0);
  });

  it('keeps counter and credit where CNT_WDIS is written, which reads as 0', () => {
    card.write(EITR(0), 400 << 3);
    fire();
    card.wait(SOON);
    card.write(EITR(0), (CNT_WDIS | (8 << 3)) >>> 0);
    expect(card.read(EITR(0)) & 0xffff).toBe(8 << 3);
    expect(counter()).toBe(100);
    expect(card.read(EITR(0)) & CNT_WDIS).toBe(0);
    // The new interval counts from the next message on.
    fire();
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
    card.wait(400 * UNIT);
    expect(card.messages).toHaveLength(2);
    expect(counter()).toBe(2);
  });

  it('sends at once what waits, when a counter of 0 is written', () => {
    card.write(EITR(0), 400 << 3);
    fire();
    card.wait(SOON);
    fire();
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
    card.write(EITR(0), 400 << 3);
    card.wait(SOON);
    expect(card.messages).toHaveLength(2);
    expect(counter()).toBe(100);
  });

  it('holds what waits for the counter that is written', () => {
    card.write(EITR(0), ((20 << 21) | (4 << 3)) >>> 0);
    fire();
    const before = card.scheduler.now;
    card.wait(100 * UNIT);
    expect(card.messages[0].timePs - before - 80 * UNIT).toBeLessThan(SOON);
    expect(card.messages[0].timePs - before).toBeGreaterThanOrEqual(80 * UNIT);
  });

  it('is that of each vector: those from 24 on lie at 12300h', () => {
    card.connect(card.nic.pf, 24, 0x58);
    card.connect(card.nic.pf, 63, 0x7f);
    card.write(0xaa0, 1 << 24);
    card.write(0xaa4, 1 << 31);
    card.write(EITR(24), 3 << 3);
    card.write(EITR(63), 6 << 3);
    for (let i = 0; i < 2; i++) {
      card.write(0xa90, 1 << 24);
      card.wait(SOON);
      card.write(0xa94, 0x8000_0000);
      card.wait(SOON);
    }
    card.wait(10 * UNIT);
    const times = (data: number) => {
      const [first, second] = card.messages.filter((message) => message.data === data);
      return second.timePs - first.timePs;
    };
    expect([times(0x58), times(0x7f)]).toEqual([3 * UNIT, 6 * UNIT]);
    expect(card.read(0x12300)).toBe(3 << 3);
  });

  it('of a vector moderates no other one', () => {
    card.connect(card.nic.pf, 1, 0x41);
    card.write(EIMS, 0b10);
    card.write(EITR(0), 100 << 3);
    fire();
    card.wait(SOON);
    card.write(EICS, 0b11);
    card.wait(SOON);
    expect(card.messages.map(({ data }) => data)).toEqual([0x40, 0x41]);
  });

  it('is 0 after a reset', () => {
    card.write(EITR(0), LLI_MODERATION | (9 << 3));
    card.write(0x0, 1 << 26);
    expect(card.read(EITR(0))).toBe(0);
  });

  it('of a VF is its own, and reads back as that of the PF', () => {
    card.enableVfs(2);
    card.connect(card.vf(1), 2, 0x77);
    card.writeVf(1, VTEITR + 8, 7 << 3);
    card.writeVf(1, 0x108, 0b100);
    for (let i = 0; i < 2; i++) {
      card.writeVf(1, 0x104, 0b100);
      card.wait(SOON);
    }
    expect(card.readVf(1, VTEITR + 8) & 0xffff).toBe(7 << 3);
    expect(card.readVf(1, VTEITR + 8) >>> 21).toBe(1);
    expect(card.readVf(0, VTEITR + 8)).toBe(0);
    card.wait(8 * UNIT);
    expect(gaps()).toEqual([0, 7 * UNIT]);
  });
});

describe('EICS', () => {
  it('waits for EITR as any cause does, or with GPIE.EIMEN not', () => {
    card.write(EITR(0), 50 << 3);
    fire();
    card.wait(SOON);
    fire();
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
    card.write(GPIE, MULTIPLE_MSIX | EIMEN);
    fire();
    card.wait(SOON);
    expect(card.messages).toHaveLength(2);
    // The counter has been loaded again, and nothing is left to be sent.
    expect(counter()).toBe(50 >> 2);
    card.wait(60 * UNIT);
    expect(card.messages).toHaveLength(2);
  });

  it('tells the causes when it is read, and clears none', () => {
    card.write(EICS, 0x10_0001);
    expect([card.read(EICS), card.read(EICS)]).toEqual([0x10_0001, 0x10_0001]);
    card.write(EICR, 0x10_0000);
    expect(card.read(EICS)).toBe(1);
  });
});

describe('low latency interrupts', () => {
  const LL = 2;
  const CREDIT = LL * 4_000_000;

  beforeEach(() => {
    card.write(GPIE, MULTIPLE_MSIX | EIMEN | (LL << 7));
    card.write(EITR(0), LLI_MODERATION | (200 << 3));
    fire();
    card.wait(SOON);
  });

  it('that are moderated take a credit each, and wait for EITR without one', () => {
    card.write(EITR(0), (2 << 16) | (100 << 21) | LLI_MODERATION | (200 << 3));
    expect(credits()).toBe(2);
    for (let i = 0; i < 3; i++) {
      fire();
      card.wait(SOON);
    }
    expect([card.messages.length, credits()]).toEqual([3, 0]);
  });

  it('get a credit every LL_Interval of 4 us, up to 31', () => {
    card.write(EITR(0), LLI_MODERATION | (200 << 3));
    card.wait(3 * CREDIT + 1000);
    expect(credits()).toBe(3);
    card.wait(100 * CREDIT);
    expect(credits()).toBe(31);
  });

  it('are not moderated with an LL_Interval of 0, or without EITR.LLI_Moderation', () => {
    for (const [gpie, eitr] of [
      [MULTIPLE_MSIX | EIMEN, LLI_MODERATION | (200 << 3)],
      [MULTIPLE_MSIX | EIMEN | (LL << 7), 200 << 3],
    ]) {
      card.write(GPIE, gpie);
      card.write(EITR(0), (100 << 21) | eitr);
      const before = card.messages.length;
      fire();
      card.wait(SOON);
      expect(card.messages.length - before).toBe(1);
    }
  });
});

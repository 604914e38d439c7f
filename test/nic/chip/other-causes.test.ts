import { beforeEach, describe, expect, it } from 'vitest';
import { ChipCard } from './driver.ts';

const EICR = 0x800;
const EIMS = 0x880;
const GPIE = 0x898;
const MULTIPLE_MSIX = 1 << 4;
const IVAR_MISC = 0xa00;
const TCPTIMER = 0x4c;
const KICK_START = 1 << 8;
const COUNT_ENABLE = 1 << 9;
const COUNT_FINISH = 1 << 10;
const LOOP = 1 << 11;
const TCP_TIMER = 1 << 30;
const RX_MISS = 1 << 17;
const MILLISECOND = 1000;

let card: ChipCard;
beforeEach(() => {
  card = new ChipCard({ strict: true });
  card.connect(card.nic.pf, 3, 0x43);
  card.write(GPIE, MULTIPLE_MSIX);
  card.write(IVAR_MISC, 0x83 | (0x83 << 8));
  card.write(EIMS, TCP_TIMER | RX_MISS);
});

/** Milliseconds at which the timer interrupts, of the next so many. */
function expiries(milliseconds: number): number[] {
  const found: number[] = [];
  for (let i = 1; i <= milliseconds; i++) {
    card.delay(MILLISECOND);
    if (card.messages.splice(0).length > 0) found.push(i);
    card.read(EICR);
  }
  return found;
}

describe('the TCP timer', () => {
  it('interrupts once, its duration of milliseconds after a kick start', () => {
    card.write(TCPTIMER, 5 | KICK_START | COUNT_ENABLE);
    card.delay(10);
    expect(expiries(12)).toEqual([5]);
    expect(card.read(TCPTIMER)).toBe(5 | COUNT_ENABLE);
  });

  it('does so again and again if it loops, until it is disabled', () => {
    card.write(TCPTIMER, 3 | KICK_START | COUNT_ENABLE | LOOP);
    card.delay(10);
    expect(expiries(10)).toEqual([3, 6, 9]);
    card.write(TCPTIMER, 3 | LOOP);
    expect(expiries(6)).toEqual([]);
  });

  it('keeps what it has counted while it is disabled', () => {
    card.write(TCPTIMER, 6 | KICK_START | COUNT_ENABLE);
    card.delay(10);
    expect(expiries(4)).toEqual([]);
    card.write(TCPTIMER, 6);
    expect(expiries(5)).toEqual([]);
    card.write(TCPTIMER, 6 | COUNT_ENABLE);
    expect(expiries(5)).toEqual([2]);
  });

  it('interrupts at once when software says that it has finished', () => {
    card.write(TCPTIMER, COUNT_FINISH);
    card.delay(1);
    expect(card.messages.map(({ data }) => data)).toEqual([0x43]);
    expect([card.read(EICR), card.read(TCPTIMER)]).toEqual([TCP_TIMER, 0]);
  });

  it('counts nothing without a kick start, and nothing after a reset', () => {
    card.write(TCPTIMER, 2 | COUNT_ENABLE);
    expect(expiries(4)).toEqual([]);
    card.write(TCPTIMER, 2 | KICK_START | COUNT_ENABLE);
    card.write(0x0, 1 << 26);
    card.write(EIMS, TCP_TIMER);
    card.delay(10 * MILLISECOND);
    expect(card.read(EICR) & TCP_TIMER).toBe(0);
  });
});

describe('a frame without room in the packet buffer', () => {
  it('is a cause of an interrupt', () => {
    const { data } = card.nic;
    data.receives = true;
    while (data.slotForWire(1514) >= 0) data.receiveBytes += 1514;
    card.delay(1);
    expect(card.messages).toHaveLength(1);
    expect(card.read(EICR)).toBe(RX_MISS);
  });
});

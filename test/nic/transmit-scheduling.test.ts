import { describe, expect, it } from 'vitest';
import { Card } from './card.ts';

const CTRL = 0x0000;
const CTRL_RST = 1 << 26;
const RTTDCS = 0x4900;
const RTTDQSEL = 0x4904;
const RTTDT1C = 0x4908;
const RTTBCNRC = 0x4984;
const RS_ENA = 0x8000_0000;
const SPEED_CHG = 0x8000_0000;

/** Writes a register of a queue, as drivers do. */
function select(card: Card, queue: number): void {
  card.write(RTTDQSEL, queue);
}

describe('registers of the transmit descriptor plane', () => {
  it('hold a limit and a credit for each queue, which RTTDQSEL selects', () => {
    const card = new Card();
    for (const queue of [0, 5, 127]) {
      select(card, queue);
      card.write(RTTBCNRC, RS_ENA + (10 << 14) + queue);
      card.write(RTTDT1C, 100 + queue);
    }
    for (const queue of [127, 0, 5]) {
      select(card, queue);
      expect(card.read(RTTBCNRC)).toBe(RS_ENA + (10 << 14) + queue);
      expect(card.read(RTTDT1C)).toBe(100 + queue);
    }
    select(card, 6);
    expect(card.read(RTTBCNRC)).toBe(0);
  });

  it('are as after power-on when the device has been reset', () => {
    const card = new Card();
    select(card, 3);
    card.write(RTTBCNRC, RS_ENA + (10 << 14));
    card.write(CTRL, CTRL_RST);
    select(card, 3);
    expect(card.read(RTTBCNRC)).toBe(0);
  });

  it('lose their limits with the speed of the link, and say so', () => {
    const card = new Card();
    for (const queue of [1, 2]) {
      select(card, queue);
      card.write(RTTBCNRC, RS_ENA + (10 << 14));
    }
    card.nic.scheduling.linkSpeedChanged();
    for (const queue of [1, 2]) {
      select(card, queue);
      expect(card.read(RTTBCNRC)).toBe(0);
    }
    expect(card.read(RTTDCS)).toBe(SPEED_CHG);
  });
});

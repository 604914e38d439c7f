import { describe, expect, it } from 'vitest';
import type { CreditAdvertisement, FabricLink } from '../../../src/pcie/index.ts';
import { card } from '../topology/fixture.ts';
import { BYTE_PS, makeFabric, RATE, tlpBytes } from './fixture.ts';

const FEW: CreditAdvertisement = {
  postedHeaders: 2,
  postedData: 32,
  nonPostedHeaders: 1,
  nonPostedData: 1,
  completionHeaders: 2,
  completionData: 32,
};
const bytesOf = (value: number, bytes = 4) => new Uint8Array(bytes).fill(value);

describe('ordering in a switch', () => {
  it('lets no read pass a write of the same card', () => {
    const { fabric, scheduler, pfs, bar } = makeFabric();
    const found: number[] = [];
    for (let i = 1; i <= 50; i++) {
      fabric.request({ from: pfs[0], kind: 'write', address: bar(1), bytes: 4, data: bytesOf(i) }, () => {});
      fabric.request({ from: pfs[0], kind: 'read', address: bar(1), bytes: 4 }, ({ data }) =>
        found.push(data[0]),
      );
    }
    scheduler.runUntilIdle();
    // A read may see a later write, which passes it, and never an earlier state.
    expect(found).toHaveLength(50);
    for (const [i, value] of found.entries()) expect(value).toBeGreaterThanOrEqual(i + 1);
  });

  it('lets writes pass reads that have no credits', () => {
    const link = (): FabricLink => ({ rate: RATE, upperCredits: FEW, lowerCredits: FEW });
    const { fabric, scheduler, pfs, bar } = makeFabric({}, { link, device: () => ({ readPs: 50_000_000 }) });
    const ended: string[] = [];
    for (let i = 0; i < 8; i++) {
      fabric.request({ from: pfs[0], kind: 'read', address: bar(1), bytes: 4 }, () => ended.push('read'));
    }
    for (let i = 0; i < 20; i++) {
      fabric.request({ from: pfs[0], kind: 'write', address: bar(1), bytes: 64 }, () => ended.push('write'));
    }
    scheduler.runUntilIdle();
    expect(ended.slice(0, 20)).toEqual(new Array(20).fill('write'));
    expect(ended.slice(20)).toEqual(new Array(8).fill('read'));
  });

  it('lets no completion pass a write of the completer, so that what it says is there is there', () => {
    const { fabric, scheduler, pfs, bar } = makeFabric();
    const order: string[] = [];
    fabric.request({ from: pfs[0], kind: 'read', address: bar(1), bytes: 4 }, () => order.push('completion'));
    // The other card has begun to write before the read has come.
    fabric.request({ from: pfs[1], kind: 'write', address: bar(0), bytes: 4096 }, () => order.push('write'));
    scheduler.runUntilIdle();
    expect(order).toEqual(['write', 'completion']);
  });
});

describe('buffers of a switch', () => {
  it('hold what has credits, and give them back when it has left: a slow port slows its senders down', () => {
    const link = (): FabricLink => ({ rate: RATE, upperCredits: FEW, lowerCredits: FEW });
    const tower = makeFabric({}, { link });
    const { fabric, scheduler, pfs, bar, ports } = tower;
    let ended = 0;
    for (let i = 0; i < 100; i++) {
      fabric.request({ from: pfs[0], kind: 'write', address: bar(1), bytes: 256 }, () => ended++);
    }
    scheduler.runUntilIdle();
    expect(ended).toBe(100);
    const { creditStalls } = fabric.link(ports[0]).upstream;
    expect(creditStalls).toBeGreaterThan(40);
    // Two TLPs in each time that a credit takes to come back, at the least.
    const symbols = 2 * tlpBytes(256, true) * BYTE_PS;
    expect(scheduler.now).toBeGreaterThan(50 * symbols);
  });

  it('of a port that is held up hold up no other way', () => {
    const cards = [[card()], [card()], [card()]];
    // Card 1 takes one read at a time, and long.
    let asked = 0;
    const { fabric, scheduler, pfs, bar } = makeFabric(
      { cards },
      {
        link: () => ({ rate: RATE, upperCredits: { ...FEW, nonPostedHeaders: 16 }, lowerCredits: FEW }),
        device: () => ({ readPs: asked++ === 1 ? 100_000_000 : 100_000 }),
      },
    );
    const ended: string[] = [];
    for (let i = 0; i < 8; i++) {
      fabric.request({ from: pfs[0], kind: 'read', address: bar(1), bytes: 4 }, () => ended.push('slow'));
    }
    fabric.request({ from: pfs[0], kind: 'read', address: bar(2), bytes: 4 }, () => ended.push('other'));
    scheduler.runUntilIdle();
    expect(ended[0]).toBe('other');
  });
});

describe('arbitration', () => {
  it('lets ports that send to one port take turns, whatever the size of their requests', () => {
    const cards = [[card()], [card()], [card()]];
    const { fabric, scheduler, pfs, bar } = makeFabric({ cards });
    const ended = [0, 0];
    for (let i = 0; i < 400; i++) {
      fabric.request({ from: pfs[0], kind: 'write', address: bar(2), bytes: 256 }, () => ended[0]++);
      fabric.request({ from: pfs[1], kind: 'write', address: bar(2), bytes: 64 }, () => ended[1]++);
    }
    const symbols = (tlpBytes(256, true) + tlpBytes(64, true)) * BYTE_PS;
    scheduler.runUntil(300 * symbols);
    expect(ended[0]).toBeGreaterThan(280);
    expect(Math.abs(ended[0] - ended[1])).toBeLessThanOrEqual(2);
    scheduler.runUntilIdle();
    expect(ended).toEqual([400, 400]);
  });

  it('gives a port that is alone all of the link', () => {
    const { fabric, scheduler, pfs, bar } = makeFabric();
    let ended = 0;
    for (let i = 0; i < 1000; i++) {
      fabric.request({ from: pfs[0], kind: 'write', address: bar(1), bytes: 256 }, () => ended++);
    }
    scheduler.runUntilIdle();
    expect(ended).toBe(1000);
    // SKIPs are 4 symbols in 1,538 of a lane.
    const symbols = 1000 * tlpBytes(256, true) * BYTE_PS * (1 + 4 / 1538);
    expect(scheduler.now).toBeGreaterThan(symbols);
    expect(scheduler.now).toBeLessThan(symbols + 500_000);
  });
});

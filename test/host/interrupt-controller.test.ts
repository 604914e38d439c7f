import { beforeEach, describe, expect, it } from 'vitest';
import { InterruptController, MESSAGE_ADDRESS } from '../../src/host/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';

describe('the interrupt controller', () => {
  let scheduler: Scheduler;
  let controller: InterruptController;
  const calls: [string, number][] = [];

  beforeEach(() => {
    scheduler = new Scheduler();
    controller = new InterruptController('interrupts', scheduler);
    calls.length = 0;
  });

  const allocate = (routingId: number, latencyPs: number, name: string) =>
    controller.allocate(routingId, latencyPs, () => calls.push([name, scheduler.now]));

  it("calls the handler of a message's vector, after its latency", () => {
    const host = allocate(0x0100, 1500, 'host');
    const guest = allocate(0x0180, 3000, 'guest');
    controller.message(0x0180, MESSAGE_ADDRESS, guest);
    controller.message(0x0100, MESSAGE_ADDRESS, host);
    scheduler.runUntilIdle();
    expect(calls).toEqual([
      ['host', 1500],
      ['guest', 3000],
    ]);
    expect(controller.counters()).toEqual({ delivered: 2, refused: 0 });
  });

  it('refuses a vector that another function has, or nobody', () => {
    const vector = allocate(0x0100, 0, 'host');
    controller.message(0x0180, MESSAGE_ADDRESS, vector);
    controller.message(0x0100, MESSAGE_ADDRESS, 77);
    controller.message(0x0100, MESSAGE_ADDRESS, 0xffff_ffff);
    scheduler.runUntilIdle();
    expect(calls).toEqual([]);
    expect(controller.counters()).toEqual({ delivered: 0, refused: 3 });
  });
});

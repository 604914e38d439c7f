import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/index.ts';

describe('VFs that go away after one of them has lost its memory', () => {
  it.each(
    ['sender', 'receiver'].flatMap((victim) =>
      ['interrupt', 'poll'].map((driver) => [victim, driver] as const),
    ),
  )('leave a balance: %s, %s', (victim, driver) => {
    const guest = { driver: driver as 'interrupt' | 'poll' };
    const host = createMachine({
      guests: [
        { name: 'a', ...guest },
        { name: 'b', ...guest },
      ],
    });
    host.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    host.guests[0].traffic.send({ to: 'b', saturate: true, count: 3000 });
    const { simulation } = host;
    const { machine } = simulation;
    simulation.advance(simulation.nowPs + 137_300_000);
    machine.hypervisor.revoke(machine.nic.pf.sriov?.routingIdOf(victim === 'sender' ? 0 : 1) as number);
    simulation.advance(simulation.nowPs + 50_000_000);
    expect(simulation.report({ partial: true }).conservation.balanced).toBe(true);
    host.host.sysfs.write('0000:01:00.0/sriov_numvfs', '0');
    expect(simulation.report({ partial: true }).conservation).toMatchObject({ balanced: true });
  });
});

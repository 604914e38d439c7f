import { describe, expect, it } from 'vitest';
import { createMachine, type Scenario, type VfOptions } from '../../src/sim/index.ts';
import { boot, noteArrivals, settle } from './rig.ts';

const NAMES = ['port', 'host', 'a', 'b', 'mon'];

/** Who gets how many of ten frames, from one to another, with these settings of a. */
function receivers(from: string, to: string, a: VfOptions, rest: Scenario = {}) {
  const simulation = boot({
    nic: { profile: 'generic' },
    guests: [{ name: 'a', vfs: [a] }, { name: 'b' }, { name: 'mon' }],
    traffic: [{ from, to, ratePps: 1e6, count: 10 }],
    warmUpMs: 0,
    durationMs: 0.05,
    ...rest,
  });
  const arrivals = noteArrivals(simulation);
  settle(simulation, 0.5);
  const { conservation } = simulation.report();
  expect(conservation).toMatchObject({ balanced: true, inFlightTotal: 0 });
  const received: Record<string, number> = {};
  for (const { endpoint } of arrivals) received[NAMES[endpoint]] = (received[NAMES[endpoint]] ?? 0) + 1;
  return { ...received, replicas: conservation.replicas };
}

describe('forwarding of a VF', () => {
  it.each<[VfOptions['forwarding'], string, string, Record<string, number>]>([
    [undefined, 'a', 'b', { b: 10, replicas: 0 }],
    ['veb', 'a', 'broadcast', { port: 10, host: 10, b: 10, mon: 10, replicas: 30 }],
    ['port', 'a', 'b', { port: 10, replicas: 0 }],
    ['port', 'a', 'broadcast', { port: 10, replicas: 0 }],
    ['port', 'b', 'a', { a: 10, replicas: 0 }],
    ['port', 'port', 'a', { a: 10, replicas: 0 }],
    ['vepa', 'a', 'b', { port: 10, replicas: 0 }],
    [{ to: 'mon' }, 'a', 'b', { mon: 10, replicas: 0 }],
    [{ to: 'mon' }, 'a', 'port', { mon: 10, replicas: 0 }],
    [{ to: 'mon', port: true }, 'a', 'b', { mon: 10, port: 10, replicas: 10 }],
    [{ to: 'host' }, 'a', 'broadcast', { host: 10, replicas: 0 }],
  ])('%j: from %s to %s', (forwarding, from, to, wanted) => {
    expect(receivers(from, to, { forwarding })).toEqual(wanted);
  });

  it('vepa comes back by reflective relay, in a card that is a VEB for others', () => {
    const rest = { nic: { profile: 'generic' }, adjacentBridge: 'reflective-relay' as const };
    // b is silent: the bridge floods what is for it.
    expect(receivers('a', 'b', { forwarding: 'vepa' }, rest)).toEqual({ b: 10, port: 10, replicas: 10 });
    expect(receivers('b', 'a', { forwarding: 'vepa' }, rest)).toEqual({ a: 10, replicas: 0 });
    expect(receivers('a', 'broadcast', { forwarding: 'vepa' }, rest)).toEqual({
      ...{ port: 10, host: 10, b: 10, mon: 10 },
      replicas: 30,
    });
  });

  it('veb stays inside a card that sends what others send to the wire', () => {
    const rest = { nic: { profile: 'generic', loopback: 'vepa' as const } };
    expect(receivers('a', 'b', { forwarding: 'veb' }, rest)).toEqual({ b: 10, replicas: 0 });
    expect(receivers('b', 'a', { forwarding: 'veb' }, rest)).toEqual({ port: 10, replicas: 0 });
  });

  it('to a VPort that is private ends there', () => {
    expect(receivers('a', 'b', { forwarding: { to: 'mon' }, private: true })).toEqual({ replicas: 0 });
  });

  it('to a VF waits until that is there, and goes to nobody meanwhile', () => {
    const machine = createMachine({
      nic: { profile: 'generic' },
      guests: [{ name: 'a', vfs: [{ forwarding: { to: 'b' } }] }, { name: 'b' }],
    });
    const path = '0000:01:00.0/sriov_numvfs';
    const frames = () => {
      machine.guests[0].traffic.send({ to: 'port', ratePps: 1e6, count: 10 });
      return machine.run({ simulatedMs: 0.2 }).endpoints.map(({ received }) => received.frames);
    };
    machine.host.sysfs.write(path, '1');
    expect(frames()).toEqual([0, 0, 0, 0]);
    machine.host.sysfs.write(path, '0');
    machine.host.sysfs.write(path, '2');
    expect(frames()).toEqual([0, 0, 0, 10]);
  });
});

describe('selfDelivery of a VF', () => {
  it.each(['intel-82599', 'generic'])('brings it its own broadcasts (%s)', (profile) => {
    const wanted = { port: 10, host: 10, b: 10, mon: 10 };
    const rest = { nic: { profile } };
    const own = receivers('a', 'broadcast', { selfDelivery: true }, rest);
    expect(own).toEqual({ ...wanted, a: 10, replicas: 40 });
    expect(receivers('a', 'broadcast', {}, rest)).toEqual({ ...wanted, replicas: 30 });
    expect(receivers('b', 'broadcast', { selfDelivery: true }, rest)).toEqual({
      ...{ port: 10, host: 10, a: 10, mon: 10 },
      replicas: 30,
    });
  });
});

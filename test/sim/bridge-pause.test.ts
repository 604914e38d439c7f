import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { boot, noteArrivals, vfEndpoint } from './rig.ts';

const COUNT = 40;
const common = {
  guests: [{ name: 'a' }, { name: 'b' }],
  traffic: [{ from: 'a', to: 'b', ratePps: 1e6, count: COUNT }],
  warmUpMs: 0,
  durationMs: 1,
} satisfies Scenario;

/** What bridges stand at the other end of the wire and send frames of the card's back to it. */
const BRIDGES: Readonly<Record<string, Scenario>> = {
  'reflective relay': {
    ...common,
    nic: { profile: 'generic', loopback: 'vepa', port: { pause: 'send' } },
    adjacentBridge: 'reflective-relay',
  },
  'a port extender': {
    ...common,
    nic: { profile: 'generic', portExtender: 'etag', port: { pause: 'send' } },
  },
};

describe.each(Object.entries(BRIDGES))('the bridge of %s', (_, scenario) => {
  it('sends nothing back while the card has stopped it, and then all of it in order', () => {
    const simulation = boot(scenario);
    const all = noteArrivals(simulation);
    // The bridge floods until it has learnt the address: the station gets copies.
    const arrivals = () => all.filter(({ endpoint }) => endpoint === vfEndpoint(1));
    const { station } = simulation;
    const pause = (quanta: number) => station.pauseTimers?.receive({ kind: 'pause', quanta });
    pause(0xffff);
    simulation.advance(simulation.startPs + 100 * MICROSECOND);
    expect(arrivals()).toEqual([]);
    expect(station.inFlight).toBe(COUNT);
    pause(0);
    simulation.advance(simulation.endPs);
    expect(arrivals().map(({ sequence }) => sequence)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  });
});

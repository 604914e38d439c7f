import { describe, expect, it } from 'vitest';
import { generic100g } from '../../src/profiles/index.ts';
import { createMachine } from '../../src/sim/create-machine.ts';
import type { PortOptions } from '../../src/sim/scenario-types.ts';
import { boot, noteArrivals } from './rig.ts';

/** When the first frame of a scenario comes out of the switch, from the moment at which its first bit is sent, in ps. */
function switchedAfter(linkGbps: number, frameBytes: number, switching: PortOptions['switching']): number {
  const simulation = boot({
    nic: { profile: 'generic-100g', linkGbps, port: { switching } },
    guests: [{ name: 'a' }],
    traffic: [{ from: 'port', to: 'a', frameBytes, ratePps: 1000, arrivals: 'constant', count: 1 }],
    durationMs: 2,
  });
  let sent = Number.NaN;
  let out = Number.NaN;
  const { machine, station } = simulation;
  const send = station.send.bind(station);
  station.send = (template, sequence) => {
    sent = machine.scheduler.now;
    return send(template, sequence);
  };
  const { receive } = machine.nic.data;
  const deliver = receive.deliver.bind(receive);
  receive.deliver = (queue, slot, operation) => {
    out = machine.scheduler.now;
    deliver(queue, slot, operation);
  };
  simulation.advance(simulation.endPs);
  return out - sent - generic100g.macPs;
}

describe('a frame from the wire', () => {
  /** 40 cycles of 2.5 ns. */
  const PIPELINE = 100_000;
  // 8 bytes of preamble in front of each. PCI Express 4.0 x16 takes 31.74 ps a byte; MPS is 256. Sizes are with
  // the check sequence.
  it.each([
    // 1,526 bytes of 80 ps, then the pipeline; cut-through: 1,514 - 256 bytes of DMA before the last bit, 39,926 ps,
    // and the header's 72 bytes with the pipeline are over before.
    [100, 1518, 122_080 + PIPELINE, 72 * 80 + PIPELINE],
    // At 10 Gb/s the last bit is what counts: 1,526 bytes of 800 ps, less the 39,926 ps.
    [10, 1518, 1_220_800 + PIPELINE, 1_220_800 - 39_926],
    // No more than one TLP: the DMA begins with the last bit.
    [10, 256, 264 * 800 + PIPELINE, 264 * 800],
    [1, 256, 264 * 8000 + PIPELINE, 264 * 8000],
    // The look-up takes longer than the rest.
    [100, 256, 264 * 80 + PIPELINE, 72 * 80 + PIPELINE],
    // The shortest frame is whole with its header.
    [10, 64, 72 * 800 + PIPELINE, 72 * 800 + PIPELINE],
  ])(
    'at %d Gb/s with %d bytes is switched %d ps after its first bit, by cut-through %d',
    (gbps, bytes, stored, cut) => {
      expect(switchedAfter(gbps, bytes, 'store-and-forward')).toBe(stored);
      expect(switchedAfter(gbps, bytes, 'cut-through')).toBe(cut);
    },
  );

  it.each(['store-and-forward', 'cut-through'] as const)(
    'with a bad check sequence is lost with %s, and counted',
    (switching) => {
      for (const frameBytes of [64, 1518]) {
        const simulation = boot({
          nic: { profile: 'generic-100g', port: { switching, badFcsEvery: 4 } },
          guests: [{ name: 'a' }],
          traffic: [
            { from: 'port', to: 'a', frameBytes, ratePps: 100_000, arrivals: 'constant', count: 100 },
          ],
          warmUpMs: 0,
          durationMs: 3,
        });
        const arrivals = noteArrivals(simulation);
        simulation.advance(simulation.endPs);
        const { conservation, counters } = simulation.report();
        expect(conservation.balanced).toBe(true);
        expect(conservation.dropped).toEqual({ badFcs: 25 });
        expect(arrivals.map(({ sequence }) => sequence)).toEqual(
          Array.from({ length: 100 }, (_, i) => i).filter((i) => i % 4 !== 3),
        );
        // Store-and-forward, or whole with its header: at the wire. Else the switch has forwarded it, and its receiver loses it.
        const { data } = simulation.machine.nic;
        const atReceiver = switching === 'cut-through' && frameBytes > 64;
        expect(data.drops.byReason(data.switch.uplink).badFcs).toBe(atReceiver ? 0 : 25);
        expect(data.drops.byReason(0).badFcs).toBe(atReceiver ? 25 : 0);
        expect(counters['nic.receiveBufferBytes']).toBe(0);
        expect(counters['nic.slotsInUse']).toBe(0);
      }
    },
  );

  it('stays in order and is not lost at line rate, whatever its length, by cut-through', () => {
    const simulation = boot({
      nic: { profile: 'generic-100g', linkGbps: 40, port: { switching: 'cut-through' } },
      guests: [{ name: 'a', driver: 'poll' }],
      traffic: [{ from: 'port', to: 'a', saturate: true, frameBytes: { imix: true } }],
      warmUpMs: 0.1,
      durationMs: 0.3,
    });
    const arrivals = noteArrivals(simulation);
    simulation.advance(simulation.endPs);
    const { conservation, endpoints } = simulation.report();
    expect(conservation.balanced).toBe(true);
    expect(endpoints[0].txGbps).toBeGreaterThan(30);
    expect(arrivals.length).toBeGreaterThan(1000);
    for (let i = 1; i < arrivals.length; i++) {
      expect(arrivals[i].sequence).toBeGreaterThan(arrivals[i - 1].sequence);
    }
  });

  it('is stored by a machine whose profile does not say otherwise', () => {
    expect(createMachine({ guests: [] }).simulation.machine.nic.data.cutThrough).toBeNull();
  });
});

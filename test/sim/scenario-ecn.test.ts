import { describe, expect, it } from 'vitest';
import { frameHash } from '../../src/sim/flow-tracker.ts';
import { createMachine, profiles, type TrafficOptions } from '../../src/sim/index.ts';
import {
  buildTestFrame,
  Ecn,
  findIpHeader,
  isIpHeaderValid,
  readEcn,
  writeEcn,
} from '../../src/wire/index.ts';
import { FLAGS, numberOption, PACKET_ID, packetBlocks } from '../wire/pcapng-packets.ts';
import { boot, reportOf, settle } from './rig.ts';

/** More than 10 Gb/s take: 1,538 bytes on the wire last 1.2304 us, and a frame comes every microsecond. */
const overload = (ecn: TrafficOptions['ecn'], to = 'port', count = 1000): TrafficOptions => ({
  from: 'a',
  to,
  frameBytes: 1518,
  ratePps: 1e6,
  count,
  ...(ecn === undefined ? {} : { ecn }),
});
const OUTBOUND = 2;
const slowWire = { profile: 'generic-100g', linkGbps: 10 };
const guests = [{ name: 'a', driver: 'poll' as const }, { name: 'b' }];
const times = { warmUpMs: 0, durationMs: 2 };

describe('ECN of a port that is overloaded', () => {
  it('marks from the 64 KiB on that wait, each frame with a right checksum', () => {
    const simulation = boot({ nic: slowWire, guests, traffic: [overload(true)], ...times });
    const capture = simulation.captureFrames();
    simulation.advance(simulation.endPs);
    const ecns = packetBlocks(capture.bytes())
      .filter(({ options }) => numberOption(options, FLAGS) === OUTBOUND)
      .map(({ bytes }) => {
        const header = findIpHeader(bytes, 0, bytes.length);
        expect(isIpHeaderValid(bytes, header)).toBe(true);
        return readEcn(bytes, header);
      });
    // Frame n finds n - floor(n / 1.2304) - 1 waiting; 44 frames of 1,514 bytes are the first 64 KiB: n = 235, if each
    // came exactly on time.
    const first = ecns.indexOf(Ecn.CE);
    expect(Math.abs(first - 235)).toBeLessThan(4);
    expect(ecns).toEqual(Array.from({ length: 1000 }, (_, i) => (i < first ? Ecn.ECT0 : Ecn.CE)));
    const { flows, endpoints, counters, conservation } = simulation.report();
    expect(flows[0]).toMatchObject({ delivered: 1000, marked: 1000 - first, lost: 0 });
    expect(endpoints.map(({ marked }) => marked)).toEqual([1000 - first, 0, 0, 0]);
    expect(counters['nic.ecn.marked']).toBe(1000 - first);
    expect(conservation.balanced).toBe(true);
  });

  it('lets frames pass that do not understand marks, as the profile says', () => {
    const { flows, counters } = reportOf({ nic: slowWire, guests, traffic: [overload(undefined)], ...times });
    expect(flows[0]).toMatchObject({ delivered: 1000 });
    expect(flows[0]).not.toHaveProperty('marked');
    expect(counters['nic.ecn.marked']).toBe(0);
    expect(counters['nic.ecn.passed']).toBeGreaterThan(700);
  });

  it('drops those on a card that does, and none that understand marks', () => {
    const { generic100g } = profiles.nic;
    const ecn = { minBytes: 65_536, maxBytes: 65_536, maxProbability: 1, nonEct: 'drop' as const };
    const machine = createMachine({ nic: { ...generic100g, linkGbps: [10], ecn }, guests });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    const { from: _, ...flow } = overload(undefined);
    machine.guests[0].traffic.send(flow);
    machine.guests[0].traffic.send({ ...flow, ecn: 'ect1' });
    const { flows, endpoints, conservation, counters } = machine.run({ simulatedMs: 4 });
    expect(counters['nic.ecn.dropped']).toBeGreaterThan(0);
    expect(conservation.dropped).toEqual({ congestion: counters['nic.ecn.dropped'] });
    expect(flows[0].delivered).toBe(1000 - counters['nic.ecn.dropped']);
    expect(flows[1]).toMatchObject({ delivered: 1000, marked: counters['nic.ecn.marked'] });
    expect(endpoints[0].drops).toEqual({ congestion: counters['nic.ecn.dropped'] });
    expect(conservation.balanced).toBe(true);
  });

  it('marks of a broadcast only the copy that waits there', () => {
    const simulation = boot({
      nic: slowWire,
      guests,
      traffic: [
        overload('ect0'),
        { from: 'b', to: 'broadcast', ratePps: 1e5, count: 10, startMs: 0.5, ecn: 'ect1' },
      ],
      ...times,
    });
    const capture = simulation.captureFrames();
    simulation.advance(simulation.endPs);
    settle(simulation, 0.5);
    const { flows, endpoints, conservation } = simulation.report();
    // The wire, the host and a get each.
    expect(flows[1]).toMatchObject({ delivered: 30, marked: 10 });
    expect(endpoints.map(({ marked = 0 }) => marked > 0)).toEqual([true, false, false, false]);
    expect(conservation).toMatchObject({ balanced: true, replicas: 20, inFlightTotal: 0 });
    // All copies of a frame have its number.
    const broadcasts = packetBlocks(capture.bytes()).filter(({ bytes }) => bytes[0] === 0xff);
    const copies = new Map<number | undefined, number>();
    for (const { options } of broadcasts) {
      const id = numberOption(options, PACKET_ID);
      copies.set(id, (copies.get(id) ?? 0) + 1);
    }
    expect([...copies.values()]).toEqual(Array.from({ length: 10 }, () => 4));
  });
});

describe('ECN of a VF that is overloaded', () => {
  it('marks what waits for it in the receive buffer', () => {
    const { flows, endpoints, conservation } = reportOf({
      nic: { profile: 'generic-100g', port: { pause: 'send' } },
      guests,
      traffic: [
        { from: 'port', to: 'b', frameBytes: 128, saturate: true, ecn: true },
        { from: 'b', to: 'port', ratePps: 1e5, ecn: true },
      ],
      warmUpMs: 0,
      durationMs: 0.5,
    });
    // 64 KiB are 528 frames: those behind the first ones that find the ring full.
    expect(flows[0].marked).toBeGreaterThan(1000);
    expect(flows[0].marked).toBeLessThan(flows[0].delivered);
    expect(flows[1].marked).toBe(0);
    expect(endpoints[3].marked).toBe(flows[0].marked);
    expect(conservation.balanced).toBe(true);
  });
});

describe('ecn of traffic', () => {
  it('is nothing to a card that does not mark', () => {
    const { flows, counters } = reportOf({ guests, traffic: [overload('ect1')], ...times });
    expect(flows[0]).toMatchObject({ delivered: 1000, marked: 0 });
    expect(counters).not.toHaveProperty('nic.ecn.marked');
  });

  it.each([
    ['untagged', undefined],
    ['tagged', { id: 100 }],
  ])('does not hide a captured frame: its hash, %s, is the same when it is marked', (_, vlan) => {
    const words = new Int32Array(32);
    const bytes = new Uint8Array(words.buffer);
    const frame = { destination: 2, source: 4, flow: 1, frameBytes: 100, vlan, ecn: Ecn.ECT0 };
    const length = buildTestFrame(frame, bytes, 0);
    const hash = frameHash(words, 0, length);
    const header = findIpHeader(bytes, 0, length);
    writeEcn(bytes, header, Ecn.CE);
    expect(frameHash(words, 0, length)).toBe(hash);
    bytes[header + 8]--;
    expect(frameHash(words, 0, length)).not.toBe(hash);
  });
});

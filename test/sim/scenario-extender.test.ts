import { describe, expect, it } from 'vitest';
import { createMachine, type TrafficOptions } from '../../src/sim/index.ts';
import { parseETag, parseVnTag, readCapture, readSource } from '../../src/wire/index.ts';
import { FLAGS, numberOption, packetBlocks } from '../wire/pcapng-packets.ts';
import { boot, settle } from './rig.ts';

const ten = (from: string, to: string, startMs = 0): TrafficOptions => ({
  from,
  to,
  startMs,
  ratePps: 1e6,
  count: 10,
});

/** A run among a, b, c, the host and the port, and the frames on the wire. */
function extend(portExtender: 'etag' | 'vntag', traffic: TrafficOptions[], profile = 'generic') {
  const simulation = boot({
    nic: { profile, linkGbps: 10, portExtender },
    guests: [{ name: 'a' }, { name: 'b', vfs: [{ vlan: 100 }] }, { name: 'c' }],
    traffic,
    warmUpMs: 0,
    durationMs: 0.5,
  });
  const capture = simulation.captureFrames();
  settle(simulation, 1);
  const report = simulation.report();
  expect(report.conservation).toMatchObject({ balanced: true, inFlightTotal: 0 });
  const file = capture.bytes();
  const names = readCapture(file).interfaces.map(({ name }) => name);
  const packets = packetBlocks(file).map(({ options, bytes, ...packet }) => ({
    at: names[packet.interface],
    up: numberOption(options, FLAGS) === 2,
    bytes,
  }));
  const delivered = report.flows.map((flow) => flow.delivered);
  return { report, delivered, wire: packets.filter(({ at }) => at === 'port'), packets };
}

describe.each(['generic', 'generic-100g'])('nic.portExtender of %s', (profile) => {
  it('sends everything up with the E-Tag of its VPort, and gets it back by tag', () => {
    // c tells the bridge where it is; then a frame for it comes to nobody else.
    const traffic = [ten('c', 'port'), ten('a', 'c', 0.1)];
    const { delivered, wire, packets, report } = extend('etag', traffic, profile);
    // Nobody has heard of the port yet: the first ten are for the wire, a, b and the host.
    expect(delivered).toEqual([40, 10]);
    expect(report.conservation).toMatchObject({ replicas: 30, delivered: 50 });
    const tags = wire.map(({ up, bytes }) => {
      const { base, group, ingressBase } = parseETag(bytes, 12, bytes.length - 12) ?? {};
      return [up, readSource(bytes, 0) % 0x1000000, base, group, ingressBase].join(' ');
    });
    const counts: Record<string, number> = {};
    for (const tag of tags) counts[tag] = (counts[tag] ?? 0) + 1;
    const [a, c] = [0x000100, 0x000300];
    expect(counts).toEqual({
      // From channel 3, and back to group 1 of all channels but that.
      [`true ${c} 3 0 0`]: 10,
      [`false ${c} 1 1 3`]: 10,
      // From channel 1, and back to channel 3.
      [`true ${a} 1 0 0`]: 10,
      [`false ${a} 3 0 0`]: 10,
    });
    // VPorts know of no tag.
    expect(packets.filter(({ at, bytes }) => at !== 'port' && bytes[12] === 0x89)).toEqual([]);
  });
});

describe('nic.portExtender', () => {
  it('does the same with VN-Tags', () => {
    const { delivered, wire } = extend('vntag', [ten('c', 'port'), ten('a', 'c', 0.1)]);
    expect(delivered).toEqual([40, 10]);
    const vifs = wire.slice(-20).map(({ bytes }) => {
      const { toCard, sourceVif, destinationVif } = parseVnTag(bytes, 12, bytes.length - 12) ?? {};
      return `${toCard} ${sourceVif} ${destinationVif}`;
    });
    expect(new Set(vifs)).toEqual(new Set(['false 1 0', 'true 1 3']));
  });

  it('sends a broadcast up once and down once, and not to its sender', () => {
    const { delivered, wire, report } = extend('etag', [ten('a', 'broadcast')]);
    // The wire, the host, b and c: b's port VLAN is the bridge's business.
    expect(delivered).toEqual([40]);
    expect(wire.length).toBe(20);
    expect(report.counters).toMatchObject({ 'bridge.framesUp': 10, 'bridge.framesDown': 10 });
  });

  it('brings what comes from the port to the VF that the bridge has learned', () => {
    const { delivered, report } = extend('etag', [ten('a', 'broadcast'), ten('port', 'a', 0.1)]);
    expect(delivered).toEqual([40, 10]);
    expect(report.counters['bridge.filtered']).toBe(0);
  });

  it('drops a spoofed frame at the card, which never comes to the wire', () => {
    const simulation = boot({
      nic: { profile: 'generic', portExtender: 'etag' },
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [ten('a', 'port')],
      captures: [{ file: 'namespaces.pcap', from: 'a', timing: { ratePps: 1e6 } }],
      warmUpMs: 0,
      durationMs: 0.2,
    });
    settle(simulation, 0.5);
    const { conservation, counters } = simulation.report();
    expect(conservation.dropped).toEqual({ macSpoof: 82 });
    expect(counters['bridge.framesUp']).toBe(10);
    expect(conservation.balanced).toBe(true);
  });

  it('has channels for the VFs that there are', () => {
    const machine = createMachine({
      nic: { profile: 'generic', portExtender: 'etag' },
      guests: [{ name: 'a' }, { name: 'b' }],
    });
    const path = '0000:01:00.0/sriov_numvfs';
    const frames = () => {
      machine.guests[0].traffic.send({ to: 'broadcast', ratePps: 1e6, count: 10 });
      return machine.run({ simulatedMs: 0.2 }).endpoints.map(({ received }) => received.frames);
    };
    machine.host.sysfs.write(path, '1');
    expect(frames()).toEqual([10, 10, 0, 0]);
    machine.host.sysfs.write(path, '0');
    machine.host.sysfs.write(path, '2');
    expect(frames()).toEqual([10, 10, 0, 10]);
  });
});

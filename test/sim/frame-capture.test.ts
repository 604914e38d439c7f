import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { findStamp, readCapture, readStampFlow, readStampSequence } from '../../src/wire/index.ts';
import { COMMENT, FLAGS, numberOption, PACKET_ID, packetBlocks, textOption } from '../wire/pcapng-packets.ts';
import { tshark, whyNoTshark } from '../wire/tshark.ts';
import { jsonOf, makeSimulation, noteArrivals, run, settle, vlanOf } from './rig.ts';

type Traffic = Omit<NonNullable<Scenario['traffic']>[number], 'ratePps'>;

const VLANS: Scenario = {
  guests: [
    { name: 'a', vfs: [{ vlan: 100 }] },
    { name: 'b', vfs: [{ vlan: 100 }] },
    { name: 'c', vfs: [{ trustedVlans: [7] }] },
  ],
};

/** Runs ten frames of each flow, and gives what the capture has of them. */
function capture(traffic: Traffic[], rest: Scenario = VLANS, settleMs = 0.5) {
  const simulation = makeSimulation({
    traffic: traffic.map((flow) => ({ count: 10, ...(flow.saturate ? {} : { ratePps: 1e6 }), ...flow })),
    warmUpMs: 0,
    durationMs: 0.05,
    ...rest,
  });
  const capture = simulation.captureFrames();
  simulation.boot();
  const arrivals = noteArrivals(simulation);
  settle(simulation, settleMs);
  const file = capture.bytes();
  const { interfaces } = readCapture(file);
  const packets = packetBlocks(file).map((packet) => {
    const words = wordsOf(packet.bytes);
    const stamp = findStamp(words, 0, packet.bytes.length);
    return {
      at: interfaces[packet.interface].name,
      inbound: numberOption(packet.options, FLAGS) === 1,
      flow: readStampFlow(words, stamp),
      sequence: readStampSequence(words, stamp),
      vlan: vlanOf(words, 0),
      bytes: packet.bytes.length,
      id: numberOption(packet.options, PACKET_ID),
      comment: textOption(packet.options, COMMENT),
      ns: Number(packet.time),
    };
  });
  return { simulation, file, interfaces, packets, arrivals, report: simulation.report() };
}

function wordsOf(bytes: Uint8Array): Int32Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return new Int32Array(whole.buffer);
}

const counting = Array.from({ length: 10 }, (_, i) => i);

describe('the capture of a simulation', () => {
  it('has an interface for the port, for the PF and for each VF, named as in the report', () => {
    const { interfaces, report } = capture([]);
    expect(interfaces.map(({ name }) => name)).toEqual(report.endpoints.map(({ name }) => name));
  });

  it('holds exactly the frames that were sent, with the VLAN tags of either side', () => {
    const { packets, arrivals, report } = capture([
      { from: 'a', to: 'b' },
      { from: 'a', to: 'port' },
      { from: 'port', to: 'b', vlan: 100, frameBytes: 68 },
      { from: 'c', to: 'port', vlan: 7, frameBytes: 68 },
      { from: 'host', to: 'c' },
    ]);
    const sent = packets.filter(({ inbound }) => inbound);
    const ways = [
      { at: 'a', vlan: null, bytes: 60 },
      { at: 'a', vlan: null, bytes: 60 },
      { at: 'port', vlan: 100, bytes: 64 },
      { at: 'c', vlan: 7, bytes: 64 },
      { at: 'host', vlan: null, bytes: 60 },
    ];
    expect(sent).toHaveLength(50);
    ways.forEach((way, flow) => {
      const frames = sent.filter((packet) => packet.flow === flow);
      expect(frames.map(({ sequence }) => sequence)).toEqual(counting);
      for (const frame of frames) expect(frame).toMatchObject(way);
    });
    const key = (
      at: string,
      { flow, sequence, vlan, bytes }: (typeof packets)[number] | (typeof arrivals)[number],
    ) => `${at} ${flow} ${sequence} ${vlan} ${bytes}`;
    const left = packets.filter(({ inbound }) => !inbound);
    expect(left.map((packet) => key(packet.at, packet)).sort()).toEqual(
      arrivals.map((each) => key(report.endpoints[each.endpoint].name, each)).sort(),
    );
    expect(arrivals).toHaveLength(50);
  });

  it('has times that never go back, and a frame leaves when it has passed the pipeline of the switch', () => {
    const { simulation, packets } = capture([{ from: 'a', to: 'b' }]);
    const times = packets.map(({ ns }) => ns);
    expect(times).toEqual([...times].sort((x, y) => x - y));
    expect(times[0] * 1000).toBeGreaterThan(simulation.startPs);
    const { switchCycles, coreClockPs } = simulation.machine.nic.profile;
    const [first] = packets;
    const second = packets.find(({ id, inbound }) => id === first.id && !inbound);
    expect(Math.abs((second?.ns ?? 0) - first.ns - (switchCycles * coreClockPs) / 1000)).toBeLessThanOrEqual(
      1,
    );
  });

  it('shows of a broadcast one frame that comes in and one for each receiver that goes out', () => {
    const { packets } = capture([{ from: 'a', to: 'broadcast', count: 1 }], {
      guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    });
    expect(packets.filter(({ inbound }) => inbound).map(({ at }) => at)).toEqual(['a']);
    const receivers = packets.filter(({ inbound }) => !inbound).map(({ at }) => at);
    expect(receivers.sort()).toEqual(['b', 'c', 'host', 'port']);
    expect(new Set(packets.map(({ id }) => id)).size).toBe(1);
  });

  it('shows a frame that the switch drops with the reason, where it came in', () => {
    const { packets, report } = capture([{ from: 'port', to: 'b', vlan: 9, frameBytes: 68 }]);
    expect(report.conservation.dropped).toMatchObject({ vlanFilter: 10 });
    const drops = packets.filter(({ comment }) => comment !== undefined);
    expect(drops).toHaveLength(10);
    for (const drop of drops)
      expect(drop).toMatchObject({ at: 'port', inbound: true, vlan: 9, comment: 'dropped: vlanFilter' });
  });

  it('shows as many drops at a receiver as the report counts', () => {
    const guests = [{ name: 'a', ringSize: 64 as const }];
    const { packets, report } = capture([{ from: 'port', to: 'a', saturate: true, count: 3000 }], { guests });
    const { noDescriptor, packetBufferFull } = report.conservation.dropped;
    const drops = packets.filter(({ comment }) => comment !== undefined);
    expect(noDescriptor).toBeGreaterThan(0);
    expect(packetBufferFull ?? 0).toBe(0);
    expect(drops).toHaveLength(noDescriptor);
    for (const drop of drops)
      expect(drop).toMatchObject({ at: 'a', inbound: false, comment: 'dropped: noDescriptor, queue 0' });
  });

  it('changes nothing of the run', () => {
    const scenario: Scenario = {
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [
        { from: 'a', to: 'b', ratePps: 1e6 },
        { from: 'port', to: 'broadcast', ratePps: 1e5 },
      ],
      warmUpMs: 0.05,
      durationMs: 0.2,
    };
    const plain = run(scenario);
    const captured = makeSimulation(scenario);
    const capture = captured.captureFrames();
    captured.boot();
    captured.advance(captured.endPs);
    expect(capture.packets).toBeGreaterThan(400);
    expect(captured.machine.scheduler.digest).toBe(plain.machine.scheduler.digest);
    expect(jsonOf(captured)).toBe(jsonOf(plain));
  });
});

const noTshark = whyNoTshark();

describe(`tshark ${noTshark ?? ''}`.trim(), () => {
  it.skipIf(noTshark !== undefined)('reads interfaces, directions, VLANs, comments and times', () => {
    const { file, packets } = capture([
      { from: 'a', to: 'port' },
      { from: 'port', to: 'b', vlan: 9, frameBytes: 68 },
    ]);
    const rows = tshark(file, [
      'frame.interface_name',
      'frame.packet_flags_direction',
      'vlan.id',
      'frame.comment',
      'frame.packet_id',
      'frame.len',
      'frame.time_epoch',
    ]);
    expect(packets.length).toBe(40);
    expect(rows).toEqual(
      packets.map((packet) => [
        packet.at,
        packet.inbound ? '0x00000001' : '0x00000002',
        packet.vlan === null ? '' : String(packet.vlan),
        packet.comment ?? '',
        String(packet.id),
        String(packet.bytes),
        `${Math.floor(packet.ns / 1e9)}.${String(packet.ns % 1e9).padStart(9, '0')}`,
      ]),
    );
  });
});

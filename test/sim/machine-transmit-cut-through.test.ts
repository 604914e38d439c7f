import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NicProfile } from '../../src/nic/index.ts';
import { FlowClass, TlpKind } from '../../src/pcie/tlp.ts';
import { generic100g } from '../../src/profiles/index.ts';
import { createMachine } from '../../src/sim/create-machine.ts';
import type { PortOptions } from '../../src/sim/scenario-types.ts';
import type { Simulation } from '../../src/sim/simulation.ts';
import { boot, noteArrivals, notReturned, reportOf } from './rig.ts';

const PIPELINE = 100_000;
/** PCI Express 1.0 x1: 8b/10b at 2.5 GT/s. */
const GEN1_X1 = { generation: 1, lanes: 1 } as const;

/** A card at 10 Gb/s that cuts through, on a link with one lane of the first generation. */
const slowCard = (transmitThresholdBytes: number, more: Partial<NicProfile> = {}): NicProfile => ({
  ...generic100g,
  linkGbps: [10],
  pcie: { ...generic100g.pcie, rate: GEN1_X1 },
  switching: 'cut-through',
  transmitThresholdBytes,
  ...more,
});

/** What happens to frames of a guest's to the port, behind the first of them. */
interface Course {
  /** When the train of completions with the first frame has left the root complex, and when its last symbol arrives. */
  trainPs: number[];
  /** Frames that come to the other end of the wire: when their last bit does, with how many bytes, and whether they are whole. */
  ends: { atPs: number; bytes: number; good: boolean }[];
}

/** Notes what a machine does that is booted. */
function watch({ machine, station }: Simulation): Course {
  const course: Course = { trainPs: [], ends: [] };
  const { scheduler, link, nic } = machine;
  const complete = nic.requester.complete.bind(nic.requester);
  nic.requester.complete = (tlp) => {
    if (tlp.kind === TlpKind.COMPLETION_DATA && tlp.cookie >= 0 && tlp.client === nic.data.transmit.client)
      course.trainPs.push(scheduler.now);
    complete(tlp);
  };
  const arrived = station.frameArrived.bind(station);
  station.frameArrived = (slot, tci, stripped) => {
    course.ends.push({ atPs: scheduler.now, bytes: nic.data.frames.lengths[slot] + 4, good: true });
    arrived(slot, tci, stripped);
  };
  const broken = station.badFrameArrived.bind(station);
  nic.data.mac.peer = Object.assign(station, {
    badFrameArrived: (_: number, bytes: number) => {
      course.ends.push({ atPs: scheduler.now, bytes, good: false });
      broken();
    },
  });
  expect(link.downstream.isInfinite(FlowClass.COMPLETION)).toBe(true);
  return course;
}

/** A machine with one guest and that card, which sends `count` frames to the port. */
function sendWith(nic: NicProfile, frameBytes: number, count = 1) {
  const machine = createMachine({ nic, guests: [{ name: 'a' }] });
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
  const course = watch(machine.simulation);
  machine.guests[0].traffic.send({ to: 'port', frameBytes, ratePps: 10_000, count });
  const report = machine.run({ simulatedMs: 1 + count / 10 });
  return { machine, course, report, data: machine.nic.data };
}

describe('a frame to the wire', () => {
  // PCI Express 4.0 x16: 8,125 / 256 ps a byte. Completions of 256 bytes of payload and 20 of overhead; buffers are
  // aligned. What comes behind the first of them is what cut-through does not wait for: the look-up takes longer
  // than that, so that the frame is whole before the wire begins.
  it.each([
    // 1,514 bytes: five more completions with 1,258 bytes, 1,260 in double words.
    [1518, Math.floor(((5 * 20 + 1260) * 8125) / 256)],
    // 296 bytes: one more with 40.
    [300, Math.floor(((20 + 40) * 8125) / 256)],
    // One completion: the header is there with the rest.
    [260, 0],
    [64, 0],
  ])('of %d bytes leaves %d ps earlier by cut-through', (frameBytes, earlier) => {
    const arrivalOf = (switching: 'store-and-forward' | 'cut-through') => {
      const simulation = boot({
        nic: { profile: 'generic-100g', linkGbps: 10, port: { switching } },
        guests: [{ name: 'a' }],
        traffic: [{ from: 'a', to: 'port', frameBytes, ratePps: 1000, arrivals: 'constant', count: 1 }],
        durationMs: 2,
      });
      const arrivals = noteArrivals(simulation);
      simulation.advance(simulation.endPs);
      expect(notReturned(simulation)).toEqual([]);
      return arrivals[0].timePs;
    };
    expect(arrivalOf('store-and-forward') - arrivalOf('cut-through')).toBe(earlier);
  });

  // PCI Express 1.0 x1 takes 4,000 ps a byte, the wire 800. Of 1,514 bytes the completions have 256 each, and the last
  // 234, which are 236 in double words. The first is there (4 * 276 + 256) * 4,000 = 5,440,000 ps before the last,
  // each of the others 1,104,000 ps behind the one before.
  it.each([
    // Begun with the pipeline's end. Byte 256 is due 264 * 800 ps later, and comes 1,104,000 ps after the first.
    [256, -5_440_000 + PIPELINE, 256],
    [64, -5_440_000 + PIPELINE, 256],
    // With the second completion.
    [257, -4_336_000, 512],
    [1024, -2_128_000, 1024],
    // With the fifth: byte 1,280 is due 1,288 * 800 = 1,030,400 ps after -1,024,000, and there at 0.
    [1025, -1_024_000, 1514],
    [1280, -1_024_000, 1514],
    // When it is whole.
    [1281, 0, 1514],
    [1514, 0, 1514],
    [2048, 0, 1514],
  ])(
    'on a slow link with a threshold of %d bytes begins at %d ps, and gets as far as byte %d',
    (threshold, begin, bytes) => {
      const { course, report, data, machine } = sendWith(slowCard(threshold), 1518);
      const good = bytes === 1514;
      const [last] = course.trainPs;
      // Eight bytes of preamble, and four of the check sequence.
      expect(course.ends).toEqual([{ atPs: last + begin + (8 + bytes + 4) * 800, bytes: bytes + 4, good }]);
      expect(data.mac.counters()['underruns']).toBe(good ? 0 : 1);
      expect(machine.simulation.station.badFcs).toBe(good ? 0 : 1);
      expect(data.drops.byReason(data.switch.uplink).underrun).toBe(good ? 0 : 1);
      expect(report.conservation.dropped).toEqual(good ? {} : { underrun: 1 });
      expect(report.conservation.balanced).toBe(true);
      expect(notReturned(machine.simulation)).toEqual([]);
    },
  );

  it('does not run dry where the link is faster than the wire, at line rate and with any threshold', () => {
    for (const transmitThresholdBytes of [64, 256]) {
      const { conservation, counters, endpoints } = reportOf({
        nic: {
          profile: 'generic-100g',
          linkGbps: 10,
          port: { switching: 'cut-through', transmitThresholdBytes },
        },
        guests: [{ name: 'a' }, { name: 'b' }],
        traffic: ['a', 'b'].map((from) => ({ from, to: 'port', saturate: true, frameBytes: { imix: true } })),
        warmUpMs: 0.1,
        durationMs: 0.4,
      });
      expect(conservation.balanced).toBe(true);
      expect(conservation.dropped['underrun']).toBeUndefined();
      expect(counters['nic.mac.underruns']).toBe(0);
      expect(endpoints[0].rxGbps).toBeGreaterThan(9);
    }
  });

  it('that needs several trains of reads breaks off where the next has not even left in time', () => {
    // Two requests of 512 bytes at once. 1,024 bytes come in one train, and only then the rest is asked for.
    const nic = slowCard(256, { linkGbps: [100], pcie: generic100g.pcie, tags: 2, maxReadRequestBytes: 512 });
    const { course, report, machine } = sendWith(nic, 1518);
    const [first, second] = course.trainPs;
    // Three more completions of 276 bytes behind the first, at 8,125 / 256 ps a byte.
    const begin = first - Math.floor((3 * 276 * 8125) / 256) + PIPELINE;
    // A round trip to memory is longer than the wire has bytes for.
    expect(second).toBeGreaterThan(begin + (8 + 1024) * 80);
    expect(course.ends).toEqual([{ atPs: begin + (8 + 1024 + 4) * 80, bytes: 1028, good: false }]);
    expect(report.conservation.dropped).toEqual({ underrun: 1 });
    expect(notReturned(machine.simulation)).toEqual([]);
  });

  // The second train finds no memory, which shows a round trip after the first has come.
  it.each([
    // The wire is there sooner: what has failed is not known yet.
    [100, 'port', 'underrun', 1028],
    // It is known long before the wire comes to the first byte that is not there.
    [1, 'port', 'dmaFailed', 1028],
    // Nothing has been written when it shows.
    [1, 'b', 'dmaFailed', 0],
  ])(
    'at %d Gb/s to %s is lost as %s when a part of it cannot be read',
    (linkGbps, to, reason, bytesOnWire) => {
      const nic = slowCard(256, {
        linkGbps: [linkGbps],
        pcie: generic100g.pcie,
        tags: 2,
        maxReadRequestBytes: 512,
      });
      const machine = createMachine({ nic, guests: [{ name: 'a' }, { name: 'b' }] });
      machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
      const course = watch(machine.simulation);
      const { upstream } = machine.simulation.machine.link;
      const send = upstream.send.bind(upstream);
      let failing = 1;
      upstream.send = (tlp) => {
        const { data } = machine.nic;
        const isPayload =
          tlp.kind === TlpKind.MEMORY_READ && tlp.client === data.transmit.client && tlp.cookie >= 0;
        if (isPayload && tlp.storeOffset - data.frames.offsetOf(tlp.cookie) === 1024 && failing-- > 0)
          tlp.address = 2 ** 45;
        send(tlp);
      };
      machine.guests[0].traffic.send({ to, frameBytes: 1518, ratePps: 10_000, count: 3 });
      const { conservation } = machine.run({ simulatedMs: 2 });
      expect(conservation.dropped[reason]).toBeGreaterThanOrEqual(1);
      expect(conservation.droppedTotal).toBe(linkGbps === 100 ? 3 : 1);
      expect(conservation.balanced).toBe(true);
      expect(course.ends[0]?.bytes ?? 0).toBe(bytesOnWire);
      expect(notReturned(machine.simulation)).toEqual([]);
    },
  );

  it('goes on whole behind one that broke off, which takes the wire no longer than it was', () => {
    const { course, report } = sendWith(slowCard(256), 1518, 5);
    expect(course.ends.map(({ good }) => good)).toEqual([false, false, false, false, false]);
    expect(report.conservation.dropped).toEqual({ underrun: 5 });
    expect(report.endpoints[0].drops).toEqual({ underrun: 5 });
    expect(report.counters['station.badFcs']).toBe(5);
  });

  it('waits for its end where it stays in the card, or is copied', () => {
    const machine = createMachine({ nic: slowCard(64), guests: [{ name: 'a' }, { name: 'b' }] });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    const [a] = machine.guests;
    a.traffic.send({ to: 'b', frameBytes: 1518, ratePps: 10_000, count: 10 });
    a.traffic.send({ to: 'broadcast', frameBytes: 1518, ratePps: 10_000, count: 10 });
    const report = machine.run({ simulatedMs: 3 });
    expect(report.conservation.dropped).toEqual({});
    expect(report.conservation.balanced).toBe(true);
    expect(report.conservation.inFlightTotal).toBe(0);
    expect(machine.nic.data.transmitCutThrough?.framesBegunEarly).toBe(0);
    expect(report.endpoints[3].received.frames).toBe(20);
    expect(report.endpoints[0].received.frames).toBe(10);
  });

  it('is balanced, in order and whole, whatever the sizes, rates and thresholds', () => {
    const guests = ['a', 'b', 'c'];
    const flow = { from: 'a', to: 'port', frameBytes: 1518, ratePps: 100_000, count: 50 };
    const middling = { threshold: 256, tags: 256, mrrs: 512, ecn: false, flows: [flow] };
    let brokenOff = 0;
    let begunEarly = 0;
    fc.assert(
      fc.property(
        fc.record({
          generation: fc.constantFrom(1, 2, 4),
          lanes: fc.constantFrom(1, 2, 8),
          linkGbps: fc.constantFrom(1, 10, 25, 100),
          threshold: fc.integer({ min: 64, max: 1600 }),
          tags: fc.constantFrom(2, 8, 256),
          mrrs: fc.constantFrom(128, 512, 4096),
          ecn: fc.boolean(),
          flows: fc.array(
            fc.record({
              from: fc.constantFrom(...guests),
              to: fc.constantFrom('port', 'port', 'port', 'broadcast', ...guests),
              frameBytes: fc.integer({ min: 64, max: 1518 }),
              ratePps: fc.integer({ min: 50_000, max: 2_000_000 }),
              count: fc.integer({ min: 1, max: 200 }),
            }),
            { minLength: 1, maxLength: 5 },
          ),
        }),
        ({ generation, lanes, linkGbps, threshold, tags, mrrs, ecn, flows }) => {
          const rate = { generation, lanes } as NicProfile['pcie']['rate'];
          const marks = { minBytes: 2000, maxBytes: 4000, maxProbability: 1, nonEct: 'drop' as const };
          const machine = createMachine({
            nic: slowCard(threshold, {
              linkGbps: [linkGbps],
              pcie: { ...generic100g.pcie, rate },
              tags,
              maxReadRequestBytes: mrrs,
              ecn: ecn ? marks : undefined,
            }),
            guests: guests.map((name) => ({ name })),
          });
          machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '3');
          const arrivals = noteArrivals(machine.simulation);
          for (const { from, ...flow } of flows) {
            if (flow.to !== from) machine.guests[guests.indexOf(from)].traffic.send(flow);
          }
          for (let i = 0; i < 20; i++) {
            const { conservation } = machine.run({ simulatedMs: 0.0237 });
            expect(conservation.balanced).toBe(true);
          }
          const { conservation, counters } = machine.run({ simulatedMs: 40 });
          expect(conservation.balanced).toBe(true);
          expect(notReturned(machine.simulation)).toEqual([]);
          expect(counters['nic.mac.underruns']).toBe(conservation.dropped['underrun'] ?? 0);
          expect(counters['station.badFcs']).toBe(conservation.dropped['underrun'] ?? 0);
          const last = new Map<string, number>();
          for (const { endpoint, flow, sequence } of arrivals) {
            const key = `${endpoint} ${flow}`;
            expect(sequence).toBeGreaterThan(last.get(key) ?? -1);
            last.set(key, sequence);
          }
          brokenOff += counters['nic.mac.underruns'];
          begunEarly += machine.nic.data.transmitCutThrough?.framesBegunEarly ?? 0;
        },
      ),
      {
        numRuns: 10,
        examples: [
          // The one runs dry with every frame, the other with none.
          [{ ...middling, generation: 1, lanes: 1, linkGbps: 10 }],
          [{ ...middling, generation: 4, lanes: 2, linkGbps: 1 }],
        ],
      },
    );
    expect(brokenOff).toBeGreaterThan(0);
    expect(begunEarly).toBeGreaterThan(brokenOff);
  });

  it('has a threshold from the header on, where frames are not stored', () => {
    const port = (options: PortOptions) => () =>
      reportOf({ nic: { profile: 'generic-100g', port: options }, durationMs: 0.1 });
    expect(port({ transmitThresholdBytes: 128 })).toThrow(
      'nic.port.transmitThresholdBytes: frames are stored whole before they are sent; allowed with cut-through only',
    );
    const switching = 'cut-through';
    for (const bytes of [63, 2049]) {
      expect(port({ switching, transmitThresholdBytes: bytes })).toThrow(
        `nic.port.transmitThresholdBytes: ${bytes} is out of range; allowed 64 to 2048`,
      );
    }
    expect(() => sendWith(slowCard(63), 64)).toThrow('transmitThresholdBytes must be');
  });
});

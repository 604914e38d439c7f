import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { intel82599, xeonE5v4 } from '../../src/profiles/index.ts';
import type { DriverKind } from '../../src/sim/index.ts';
import { wireBytes } from '../../src/wire/index.ts';
import { reportOf, run } from './rig.ts';

// The parts of a frame's way, in ps, from the profiles and the sizes of TLPs: 8 bytes of framing, sequence number and
// LCRC, a header of 12 bytes for addresses below 4 GiB and of 16 above (PCI Express Base 2.2, 3.5).
const { linkFlightPs, memoryReadPs, outboundPs, guestInterruptPs, software, iommu } = xeonE5v4;
const { switchCycles, coreClockPs, macPs, interruptPs } = intel82599;
/** 5 GT/s with 8b/10b on eight lanes: 4 GB/s. */
const PS_PER_LINK_BYTE = 250;
const PS_PER_WIRE_BYTE = 800;
const HEADER = { low: 8 + 12, high: 8 + 16 };
const COMPLETION = 8 + 12;
/** A frame of 1,514 bytes as writes or completions of 256. */
const LONGEST_TRAIN = 1514 + 6 * 24;
const onLink = (bytes: number) => bytes * PS_PER_LINK_BYTE;

/** A posted write of software's to a register: VF BARs lie below 4 GiB. */
const doorbellPs = outboundPs + onLink(HEADER.low + 4) + linkFlightPs;
const pipelinePs = switchCycles * coreClockPs;

/** A DMA read: the request, memory, the completion. */
function readPs(bytes: number, header: number, walkPs: number): number {
  return onLink(header) + linkFlightPs + walkPs + memoryReadPs + onLink(COMPLETION + bytes) + linkFlightPs;
}

/** From the frame's decision to its write-back in memory, which travels behind it. */
function receivePs(bytes: number, header: number, walkPs: number): number {
  return onLink(header + bytes) + onLink(header + 16) + linkFlightPs + walkPs;
}

/**
 * What comes between now and then: a SKIP ordered set of four symbols on eight lanes, and a few DLLPs of eight bytes
 * that have come due. Four of them on each of five ways over the link.
 */
const TOLERANCE_PS = 5 * (onLink(32) + 4 * onLink(8));

interface Case {
  driver: DriverKind;
  host: NonNullable<Scenario['host']>;
  pageSize: '4K' | '2M';
  /** Header of the guests' DMA: without an IOMMU their memory lies above 4 GiB. */
  header: number;
  /** A frame's accesses to pages that the IOTLB does not hold take a walk. */
  walkPs: number;
}

const NO_IOMMU: Case = {
  driver: 'poll',
  host: { iommu: false },
  pageSize: '4K',
  header: HEADER.high,
  walkPs: 0,
};
const LARGE_PAGES: Case = { driver: 'poll', host: {}, pageSize: '2M', header: HEADER.low, walkPs: 0 };

/** Latencies of frames that come one at a time, in ps. */
function latencies({ driver, host, pageSize }: Case, from: string, to: string, frameBytes: number) {
  const guest = { driver, pageSize };
  const { flows } = reportOf({
    host,
    guests: [
      { name: 'a', ...guest },
      { name: 'b', ...guest },
    ],
    traffic: [{ from, to, frameBytes, ratePps: 47_001 }],
    warmUpMs: 0.1,
    durationMs: 2,
  });
  const latency = flows[0].latencyNs;
  if (latency === null) throw new Error('nothing arrived');
  return { min: latency.min * 1000, max: latency.max * 1000, samples: latency.samples };
}

/** Software that polls finds a frame in its next pass. */
const pollPs = { least: software.poll.pollPs + software.poll.receivePs, spread: software.poll.pollPs };

function expectLatency(found: ReturnType<typeof latencies>, sumPs: number, spreadPs: number): void {
  expect(found.samples).toBeGreaterThan(90);
  expect(found.min).toBeGreaterThanOrEqual(sumPs);
  expect(found.max).toBeLessThanOrEqual(sumPs + spreadPs + TOLERANCE_PS);
}

describe('the latency of a frame at a low rate is the sum of its parts', () => {
  it.each([
    ['without an IOMMU', NO_IOMMU],
    ['with pages that the IOTLB holds', LARGE_PAGES],
  ])('from VF to VF, %s', (_, each) => {
    const { header, walkPs } = each;
    for (const frameBytes of [64, 256]) {
      const bytes = frameBytes - 4;
      const sumPs =
        doorbellPs +
        readPs(16, header, walkPs) +
        readPs(bytes, header, walkPs) +
        pipelinePs +
        receivePs(bytes, header, walkPs) +
        pollPs.least;
      expectLatency(latencies(each, 'a', 'b', frameBytes), sumPs, pollPs.spread);
    }
  });

  it('from VF to VF where a large frame takes several requests and completions', () => {
    const bytes = 1514;
    const { header } = LARGE_PAGES;
    // Requests of 512 bytes leave together; completions and writes are of 256 bytes. What is in the train follows
    // its first TLP without a gap.
    const fetchPs =
      onLink(header) + linkFlightPs + memoryReadPs + onLink(6 * COMPLETION + bytes) + linkFlightPs;
    const deliverPs = onLink(6 * header + bytes) + onLink(header + 16) + linkFlightPs;
    const sumPs = doorbellPs + readPs(16, header, 0) + fetchPs + pipelinePs + deliverPs + pollPs.least;
    expectLatency(latencies(LARGE_PAGES, 'a', 'b', 1518), sumPs, pollPs.spread);
  });

  it('with small pages, where each new page takes a walk of four accesses', () => {
    const { min, max } = latencies({ ...LARGE_PAGES, pageSize: '4K' }, 'a', 'b', 64);
    const { header } = LARGE_PAGES;
    const sumPs =
      doorbellPs + readPs(16, header, 0) + readPs(60, header, 0) + pipelinePs + receivePs(60, header, 0);
    const walksPs = 4 * 4 * iommu.memoryAccessPs;
    expect(min).toBeGreaterThanOrEqual(sumPs + pollPs.least);
    expect(max).toBeLessThanOrEqual(sumPs + pollPs.least + pollPs.spread + walksPs + TOLERANCE_PS);
    // Two frames share a page of buffers: every other one has new pages at both ends.
    expect(max - min).toBeGreaterThan(2 * 4 * iommu.memoryAccessPs - TOLERANCE_PS);
  });

  it('from the port to a VF', () => {
    const { header } = LARGE_PAGES;
    // Arrived is a frame when its last bit has: without the gap behind it.
    const wirePs = (wireBytes(60) - 12) * PS_PER_WIRE_BYTE + macPs;
    const sumPs = wirePs + pipelinePs + receivePs(60, header, 0) + pollPs.least;
    expectLatency(latencies(LARGE_PAGES, 'port', 'b', 64), sumPs, pollPs.spread);
  });

  it('from a VF to the port', () => {
    const { header } = LARGE_PAGES;
    const wirePs = (wireBytes(60) - 12) * PS_PER_WIRE_BYTE + macPs;
    const sumPs = doorbellPs + readPs(16, header, 0) + readPs(60, header, 0) + pipelinePs + wirePs;
    expectLatency(latencies(LARGE_PAGES, 'a', 'port', 64), sumPs, 0);
  });

  it('with an interrupt instead of a polling loop', () => {
    const each: Case = { ...LARGE_PAGES, driver: 'interrupt' };
    const { header } = each;
    const messagePs = interruptPs + onLink(HEADER.low + 4) + linkFlightPs;
    const wakePs = guestInterruptPs + software.interrupt.pollPs + software.interrupt.receivePs;
    const sentPs = doorbellPs + readPs(16, header, 0) + readPs(60, header, 0) + pipelinePs;
    // The message leaves 50 ns after the write-back has been handed to the link: behind it, not in front of it.
    expect(interruptPs).toBeGreaterThan(onLink(header + 60 + header + 16));
    expectLatency(latencies(each, 'a', 'b', 64), sentPs + messagePs + wakePs, 0);
  });
});

describe('the port', () => {
  const SIZES = [64, 65, 128, 256, 512, 1024, 1518];
  /** Frames of a size that 10 Gb/s carry in a ms. */
  const lineRate = (frameBytes: number) => 1e9 / (wireBytes(frameBytes - 4) * PS_PER_WIRE_BYTE);

  it('carries 14.88 million frames of 64 bytes a second', () => {
    expect(lineRate(64)).toBeCloseTo(14_880.952, 3);
  });

  it.each(SIZES)('fills a polling VF with frames of %d bytes at line rate, and loses none', (frameBytes) => {
    const { endpoints, conservation } = reportOf({
      guests: [{ name: 'a', driver: 'poll' }],
      traffic: [{ from: 'port', to: 'a', frameBytes, saturate: true }],
      durationMs: 1,
    });
    const [port, , a] = endpoints;
    expect(Math.abs(port.transmitted.frames - lineRate(frameBytes))).toBeLessThanOrEqual(1);
    // Software takes what has come since its last pass: a batch more or less.
    expect(Math.abs(a.received.frames - lineRate(frameBytes))).toBeLessThanOrEqual(64);
    expect(conservation).toMatchObject({ droppedTotal: 0, balanced: true });
  });

  it.each(SIZES)('is filled by a polling VF with frames of %d bytes at line rate', (frameBytes) => {
    const { endpoints, conservation } = reportOf({
      guests: [{ name: 'a', driver: 'poll' }],
      traffic: [{ from: 'a', to: 'port', frameBytes, saturate: true }],
      durationMs: 1,
    });
    expect(Math.abs(endpoints[0].received.frames - lineRate(frameBytes))).toBeLessThanOrEqual(1);
    expect(conservation).toMatchObject({ droppedTotal: 0, balanced: true });
  });

  it.each([1, 10])('runs at %d Gb/s both ways at once', (linkGbps) => {
    const { endpoints } = reportOf({
      nic: { linkGbps },
      guests: [{ name: 'a', driver: 'poll' }],
      traffic: [
        { from: 'a', to: 'port', frameBytes: 1518, saturate: true },
        { from: 'port', to: 'a', frameBytes: 1518, saturate: true },
      ],
      warmUpMs: 0.5,
      durationMs: 2,
    });
    const wanted = (linkGbps * 1518) / 1538;
    expect(endpoints[0].rxGbps).toBeCloseTo(wanted, 1);
    expect(endpoints[2].rxGbps).toBeCloseTo(wanted, 1);
  });
});

describe('the link', () => {
  it.each([64, 1518])(
    'has a use for every symbol time: TLPs, DLLPs, SKIPs or nothing, frames of %d bytes',
    (frameBytes) => {
      const simulation = run({
        guests: [
          { name: 'a', driver: 'poll' },
          { name: 'b', driver: 'poll' },
        ],
        traffic: [{ from: 'a', to: 'b', frameBytes, saturate: true }],
        durationMs: 1,
      });
      const { pcie, simulated } = simulation.report();
      for (const name of ['upstream', 'downstream'] as const) {
        const { tlpBytes, dllpBytes, skipBytes, idleBytes, payloadBytes, utilisation } = pcie[name];
        // A train counts when its turn has come, which is up to 96 ns before its first symbol leaves.
        const ahead = tlpBytes + dllpBytes + skipBytes + idleBytes - simulated.measuredPs / PS_PER_LINK_BYTE;
        expect(ahead).toBeGreaterThanOrEqual(0);
        expect(ahead).toBeLessThanOrEqual(96_000 / PS_PER_LINK_BYTE + LONGEST_TRAIN);
        if (idleBytes > 0) expect(ahead).toBe(0);
        expect(idleBytes).toBeGreaterThanOrEqual(0);
        expect(payloadBytes).toBeLessThan(tlpBytes);
        const used = tlpBytes + dllpBytes + skipBytes;
        expect(utilisation).toBeCloseTo(used / (used + idleBytes), 9);
        // A SKIP ordered set every 1,538 symbols.
        expect(Math.abs(skipBytes / 32 - simulated.measuredPs / (1538 * 2000))).toBeLessThanOrEqual(1);
      }
    },
  );

  it('is busy for exactly as long as its bytes take', () => {
    const { machine } = run({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', saturate: true, frameBytes: { imix: true } }],
      durationMs: 1,
    });
    for (const direction of [machine.link.upstream, machine.link.downstream]) {
      const { tlpBytes, dllps, skips } = direction.counters() as Record<string, number>;
      expect(direction.busyPs).toBe((tlpBytes + 8 * dllps + 32 * skips) * PS_PER_LINK_BYTE);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { FramePool, RandomStream } from '../../src/base/index.ts';
import { ECN_DROP, EcnMarker, type EcnProfile } from '../../src/nic/ecn-marker.ts';
import { Ecn, findIpHeader, isIpHeaderValid, readEcn, writeIpv4 } from '../../src/wire/index.ts';

const STEP: EcnProfile = { minBytes: 1000, maxBytes: 1000, maxProbability: 1, nonEct: 'pass' };
const IPV6 = 0x86dd;
const IPV4 = 0x0800;
const ARP = 0x0806;

function setUp(profile: Partial<EcnProfile> = {}, slots = 4) {
  const frames = new FramePool({ slots });
  const marker = new EcnMarker(frames, { ...STEP, ...profile }, new RandomStream('ecn'));
  const frame = (type: number, ecn: number): number => {
    const slot = frames.take();
    const at = frames.offsetOf(slot);
    frames.lengths[slot] = 60;
    frames.u8.fill(0, at, at + 60);
    frames.u8.set([type >> 8, type & 0xff], at + 12);
    if (type === IPV6) frames.u8.set([0x60, ecn << 4], at + 14);
    else
      writeIpv4(frames.u8, at + 14, {
        totalBytes: 46,
        protocol: 6,
        source: 1,
        destination: 2,
        trafficClass: ecn,
      });
    return slot;
  };
  const ecnOf = (slot: number) => {
    const at = frames.offsetOf(slot);
    const header = findIpHeader(frames.u8, at, frames.lengths[slot]);
    expect(isIpHeaderValid(frames.u8, header)).toBe(true);
    return readEcn(frames.u8, header);
  };
  return { frames, marker, frame, ecnOf };
}

describe('a queue with ECN', () => {
  it.each([
    ['an ECT(0) packet in a short queue goes as it is', IPV4, Ecn.ECT0, 999, Ecn.ECT0],
    ['an ECT(0) packet in a long queue is marked', IPV4, Ecn.ECT0, 1000, Ecn.CE],
    ['an ECT(1) packet likewise', IPV4, Ecn.ECT1, 1000, Ecn.CE],
    ['an IPv6 packet likewise', IPV6, Ecn.ECT0, 1000, Ecn.CE],
    ['a mark stays', IPV4, Ecn.CE, 0, Ecn.CE],
    ['a packet without ECN passes where it may', IPV4, Ecn.NOT_ECT, 5000, Ecn.NOT_ECT],
  ])('%s', (_, type, ecn, queue, wanted) => {
    const { marker, frame, ecnOf } = setUp();
    const slot = frame(type, ecn);
    expect(marker.enqueue(slot, queue)).toBe(slot);
    expect(ecnOf(slot)).toBe(wanted);
    expect(marker.marked).toBe(wanted === Ecn.CE && ecn !== Ecn.CE ? 1 : 0);
  });

  it('drops a packet without ECN where it is to, and nothing that is not IP', () => {
    const { marker, frame } = setUp({ nonEct: 'drop' });
    expect(marker.enqueue(frame(IPV4, Ecn.NOT_ECT), 1000)).toBe(ECN_DROP);
    const arp = frame(ARP, 0);
    expect(marker.enqueue(arp, 1000)).toBe(arp);
    expect(marker.counters()).toMatchObject({ 'ecn.dropped': 1, 'ecn.passed': 0, 'ecn.marked': 0 });
  });

  it('does not mark a frame for others that hold it too: a copy takes over the reference', () => {
    const { frames, marker, frame, ecnOf } = setUp();
    const slot = frame(IPV4, Ecn.ECT0);
    frames.outerTci[slot] = 100;
    frames.retain(slot, 2);
    const own = marker.enqueue(slot, 1000);
    expect(own).not.toBe(slot);
    expect([ecnOf(slot), ecnOf(own)]).toEqual([Ecn.ECT0, Ecn.CE]);
    expect([frames.references[slot], frames.references[own]]).toEqual([2, 1]);
    expect([frames.lengths[own], frames.outerTci[own]]).toEqual([60, 100]);
  });

  it('gives a copy all tags that travel beside the frame', () => {
    const { frames, marker, frame } = setUp();
    const slot = frame(IPV4, Ecn.ECT0);
    const columns = [frames.outerTci, frames.serviceTag, frames.virtualTag, frames.virtualTagExtension];
    for (const [i, column] of columns.entries()) column[slot] = 100 + i;
    frames.retain(slot);
    const own = marker.enqueue(slot, 1000);
    expect(columns.map((column) => column[own])).toEqual([100, 101, 102, 103]);
  });

  it('leaves a shared frame unmarked, and counts it, when no slot is free', () => {
    const { frames, marker, frame, ecnOf } = setUp({}, 1);
    const slot = frame(IPV4, Ecn.ECT0);
    frames.retain(slot);
    expect(marker.enqueue(slot, 1000)).toBe(slot);
    expect([ecnOf(slot), marker.unmarked, marker.marked]).toEqual([Ecn.ECT0, 1, 0]);
  });

  it('marks with a chance that grows with the queue, by random early detection', () => {
    const { frames, marker, frame } = setUp({ minBytes: 1000, maxBytes: 3000, maxProbability: 0.5 });
    const share = (queue: number) => {
      marker.reset();
      for (let i = 0; i < 4000; i++) frames.release(marker.enqueue(frame(IPV4, Ecn.ECT0), queue));
      return marker.marked / 4000;
    };
    expect(share(1000)).toBe(0);
    // Five standard deviations of 4,000 trials are 0.035 and 0.039.
    expect(Math.abs(share(2000) - 0.25)).toBeLessThan(0.035);
    expect(Math.abs(share(2999) - 0.5)).toBeLessThan(0.04);
    expect(share(3000)).toBe(1);
  });
});

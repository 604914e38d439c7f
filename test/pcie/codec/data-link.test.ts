import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../../src/base/index.ts';
import {
  DataLink,
  type DataLinkOptions,
  encodeDllp,
  frameDllp,
  type LinkEncoding,
} from '../../../src/pcie/index.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';
/** A Memory Write whose payload is its number. */
function tlpOf(number: number): Uint8Array {
  const tlp = new Uint8Array(16);
  tlp.set([0x40, 0, 0, 1, 1, 0, 0, 0x0f, 0, 0, 0x10, 0]);
  new DataView(tlp.buffer).setUint32(12, number);
  return tlp;
}
const numberOf = (tlp: Uint8Array) => new DataView(tlp.buffer, tlp.byteOffset).getUint32(12);

/** Flips bits at a rate: the distance to the next one is drawn, so that right bits cost nothing. */
class Noise {
  bitsLeft: number;
  hits = 0;
  private readonly draw: () => number;
  private readonly rate: number;

  constructor(rate: number, draw: () => number) {
    this.rate = rate;
    this.draw = draw;
    this.bitsLeft = this.gap();
  }

  touch(frame: Uint8Array): Uint8Array {
    const bits = 8 * frame.length;
    let at = this.bitsLeft;
    for (; at < bits; at += 1 + this.gap()) {
      frame[at >> 3] ^= 1 << (at & 7);
      this.hits++;
    }
    this.bitsLeft = at - bits;
    return frame;
  }

  private gap(): number {
    return this.rate === 0
      ? Number.POSITIVE_INFINITY
      : Math.floor(Math.log(1 - this.draw()) / Math.log(1 - this.rate));
  }
}

/** Both directions of a link with TLPs in both; returns what has come, checked in order, and the ends. */
function exchange(count: number, rate: number, options: DataLinkOptions, seed: number) {
  const stream = new RandomStreams(seed).stream('noise');
  const noise = new Noise(rate, () => stream.float());
  const ends = [new DataLink(options), new DataLink(options)];
  const free = [0, 0];
  const given = [0, 0];
  const taken = [0, 0];
  const flight: { at: number; frame: Uint8Array }[][] = [[], []];
  let now = 0;
  let wrong = 0;
  for (
    let steps = 0;
    taken[0] < count || taken[1] < count || ends.some(({ waiting }) => waiting > 0);
    steps++
  ) {
    if (steps > 60 * count + 10_000) break;
    let next = Number.POSITIVE_INFINITY;
    for (const side of [0, 1]) {
      const end = ends[side];
      const arriving = flight[1 - side];
      while (arriving.length > 0 && arriving[0].at <= now) {
        const tlp = end.receive((arriving.shift() as { frame: Uint8Array }).frame, now);
        if (tlp !== null && numberOf(tlp) !== taken[side]++) wrong++;
      }
      while (given[side] < count && end.send(tlpOf(given[side]))) given[side]++;
      if (free[side] <= now) {
        const frame = end.transmit(now);
        if (frame !== null) {
          free[side] = now + frame.length;
          flight[side].push({ at: free[side] + 40, frame: noise.touch(frame) });
        }
      }
      next = Math.min(next, Math.max(free[side], end.dueAt, now + 1));
    }
    for (const arriving of flight)
      if (arriving.length > 0) next = Math.min(next, Math.max(arriving[0].at, now + 1));
    if (next < Number.POSITIVE_INFINITY) now = next;
  }
  return { ends, taken, wrong, hits: noise.hits, now };
}

describe('the data link layer', () => {
  it('sends and acknowledges; without errors nothing is sent twice', () => {
    const { ends, taken, wrong, now } = exchange(5000, 0, {}, 1);
    expect([taken, wrong]).toEqual([[5000, 5000], 0]);
    for (const { counters, waiting } of ends) {
      expect(waiting).toBe(0);
      expect(counters).toMatchObject({ accepted: 5000, duplicates: 0, badTlps: 0, naks: 0, replays: 0 });
    }
    // 24 symbols a TLP, and an Ack of eight at least every 237.
    expect(now).toBeLessThan(5000 * 24 * 1.06);
  });

  it.each<[LinkEncoding, number]>([
    ['8b/10b', 1e-6],
    ['8b/10b', 1e-5],
    ['8b/10b', 1e-3],
    ['128b/130b', 1e-5],
    ['128b/130b', 1e-3],
  ])(
    'of %s with a bit error rate of %d delivers every TLP once, in order',
    (encoding, rate) => {
      const isHarsh = rate > 1e-5;
      // Half of them each way.
      const count = LONG && !isHarsh ? 5_000_000 : isHarsh ? 5000 : 50_000;
      const { ends, taken, wrong, hits } = exchange(count, rate, { encoding }, 3);
      expect([taken, wrong]).toEqual([[count, count], 0]);
      expect(hits).toBeGreaterThan(count * 2 * 8 * 24 * rate * 0.7);
      const sum = (name: keyof DataLink['counters']) =>
        ends.reduce((all, { counters }) => all + counters[name], 0);
      expect(sum('accepted')).toBe(2 * count);
      expect(sum('protocolErrors')).toBe(0);
      if (!isHarsh) return;
      // Everything that can go wrong has.
      for (const name of [
        'badTlps',
        'badDllps',
        'framingErrors',
        'naks',
        'replays',
        'replayTimeouts',
        'duplicates',
      ] as const)
        expect(sum(name), name).toBeGreaterThan(0);
    },
    1_200_000,
  );

  const frameOf = (link: DataLink, now: number) => link.transmit(now) as Uint8Array;

  it('sends a lost TLP again when its replay timer ends, though nobody says Nak', () => {
    const [a, b] = [new DataLink(), new DataLink()];
    a.send(tlpOf(7));
    const first = frameOf(a, 0);
    expect(a.transmit(100)).toBeNull();
    expect(a.dueAt).toBe(first.length + 711);
    const again = frameOf(a, a.dueAt);
    expect(again).toEqual(first);
    expect(a.counters).toMatchObject({ replayTimeouts: 1, replays: 1 });
    expect(numberOf(b.receive(again, 1000) as Uint8Array)).toBe(7);
  });

  it('takes a TLP once whose Ack was lost', () => {
    const [a, b] = [new DataLink(), new DataLink()];
    a.send(tlpOf(1));
    const frame = frameOf(a, 0);
    expect(b.receive(frame, 24)).not.toBeNull();
    expect(b.receive(frame, 800)).toBeNull();
    expect(b.counters).toMatchObject({ accepted: 1, duplicates: 1 });
    a.receive(frameOf(b, 1200), 1210);
    expect(a.waiting).toBe(0);
  });

  it('says Nak once for all that comes behind a wrong TLP, and retrains at the fourth replay in vain', () => {
    const [a, b] = [new DataLink(), new DataLink()];
    for (let i = 0; i < 3; i++) a.send(tlpOf(i));
    for (let i = 0; i < 3; i++) {
      const frame = frameOf(a, 24 * i);
      if (i === 0) frame[5] ^= 1;
      expect(b.receive(frame, 24 * i + 24)).toBeNull();
    }
    expect(b.counters).toMatchObject({ badTlps: 3, naks: 1 });
    const nak = frameOf(b, 100);
    expect(nak).toEqual(frameDllp(encodeDllp({ kind: 'Nak', sequence: 0xfff }), '8b/10b'));
    for (let i = 0; i < 4; i++) {
      a.receive(nak, 200 + 100 * i);
      if (i < 3) frameOf(a, 250 + 100 * i);
    }
    expect(a.counters).toMatchObject({ replays: 4, rollovers: 1 });
    expect(a.transmit(600)).toBeNull();
    expect(numberOf(b.receive(frameOf(a, 500 + 2500), 3030) as Uint8Array)).toBe(0);
  });

  it('drops an Ack for what was never sent: a Data Link Protocol Error', () => {
    const a = new DataLink();
    a.send(tlpOf(0));
    a.transmit(0);
    a.receive(frameDllp(encodeDllp({ kind: 'Ack', sequence: 5 }), '8b/10b'), 10);
    expect(a.counters.protocolErrors).toBe(1);
    expect(a.waiting).toBe(1);
  });

  it('drops an Ack or Nak for a TLP that waits and has never left', () => {
    for (const kind of ['Ack', 'Nak'] as const) {
      const a = new DataLink();
      for (let i = 0; i < 3; i++) a.send(tlpOf(i));
      a.transmit(0);
      a.receive(frameDllp(encodeDllp({ kind, sequence: 2 }), '8b/10b'), 10);
      expect([a.counters.protocolErrors, a.counters.replays, a.waiting]).toEqual([1, 0, 3]);
    }
  });

  it('takes an Ack during a replay for all that has left before it, and no more', () => {
    const a = new DataLink();
    for (let i = 0; i < 4; i++) a.send(tlpOf(i));
    for (let i = 0; i < 3; i++) a.transmit(24 * i);
    const say = (kind: 'Ack' | 'Nak', sequence: number) =>
      a.receive(frameDllp(encodeDllp({ kind, sequence }), '8b/10b'), 100);
    say('Nak', 0xfff);
    frameOf(a, 110);
    say('Ack', 3);
    expect([a.counters.protocolErrors, a.waiting]).toEqual([1, 4]);
    say('Ack', 2);
    expect([a.counters.protocolErrors, a.waiting]).toEqual([1, 1]);
    say('Ack', 1);
    expect([a.counters.protocolErrors, a.waiting]).toEqual([2, 1]);
    expect(new DataView(frameOf(a, 200).buffer).getUint16(1)).toBe(3);
  });

  it('keeps its own copy of a TLP, and takes nothing else', () => {
    const [a, b] = [new DataLink(), new DataLink()];
    const tlp = tlpOf(7);
    a.send(tlp);
    tlp.fill(0xff);
    expect(numberOf(b.receive(frameOf(a, 0), 24) as Uint8Array)).toBe(7);
    expect(() => a.send([1, 2, 3, 4] as never)).toThrow(TypeError);
    expect(() => a.send(new Uint8Array(13))).toThrow(RangeError);
    expect(() => a.send(new Uint8Array(8))).toThrow(RangeError);
    expect(a.waiting).toBe(1);
  });

  it('refuses options that there are not', () => {
    expect(() => new DataLink({ encoding: '64b/66b' as never })).toThrow(
      'encoding must be one of 8b/10b, 128b/130b',
    );
    expect(() => new DataLink({ replayBuffer: 3 } as never)).toThrow('options has no "replayBuffer"');
  });

  it('holds no more than its replay buffer', () => {
    const a = new DataLink({ replayBufferTlps: 2 });
    expect([a.send(tlpOf(0)), a.send(tlpOf(1)), a.send(tlpOf(2))]).toEqual([true, true, false]);
    expect(() => new DataLink({ replayBufferTlps: 2048 })).toThrow(RangeError);
  });
});

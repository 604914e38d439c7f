import { describe, expect, it } from 'vitest';
import type { FrameRate, StormKind } from '../../src/nicswitch/index.ts';
import { Bench, BROADCAST, type FrameFields, GROUP, mac, STRANGER } from './fixtures.ts';

const SECOND = 1e12;

/** Sends `frames` from VPort 0, evenly over `seconds`, and returns how many went somewhere. */
function passed(bench: Bench, clock: { now: number }, fields: FrameFields, frames: number, seconds = 1) {
  let count = 0;
  const start = clock.now;
  for (let i = 0; i < frames; i++) {
    clock.now = start + Math.floor((i * seconds * SECOND) / frames);
    if (bench.route(0, fields).drop === undefined) count++;
  }
  clock.now = start + seconds * SECOND;
  return count;
}

function limited(kind: StormKind, rate: FrameRate): { bench: Bench; clock: { now: number } } {
  const clock = { now: 0 };
  const bench = new Bench(3, { clock });
  bench.nicSwitch.setStormLimit(0, kind, rate);
  return { bench, clock };
}

const STORMS = [
  { kind: 'broadcast', to: BROADCAST, reason: 'broadcastStorm' },
  { kind: 'multicast', to: GROUP, reason: 'multicastStorm' },
  { kind: 'unknownUnicast', to: STRANGER, reason: 'unknownUnicastStorm' },
] as const;

describe.each(STORMS)('a storm limit for $kind', ({ kind, to, reason }) => {
  it('lets its rate pass, and drops the rest under its own reason', () => {
    const { bench, clock } = limited(kind, { framesPerSecond: 100, burstFrames: 1 });
    expect(passed(bench, clock, { to }, 1000)).toBe(100);
    expect(bench.nicSwitch.dropped(reason)).toBe(900);
    expect(bench.nicSwitch.portCounters(0).dropped[reason]).toBe(900);
  });

  it('lets a burst pass after a pause', () => {
    const { bench, clock } = limited(kind, { framesPerSecond: 10, burstFrames: 5 });
    const atOnce = () => Array.from({ length: 20 }, () => bench.receivers(0, { to })).indexOf(reason);
    expect(atOnce()).toBe(5);
    clock.now += SECOND / 10 - 1;
    expect(atOnce()).toBe(0);
    clock.now += 1;
    expect(atOnce()).toBe(1);
    clock.now += 3600 * SECOND;
    expect(atOnce()).toBe(5);
  });

  it('says nothing of the other kinds, of known addresses and of other ports', () => {
    const { bench } = limited(kind, { framesPerSecond: 0 });
    expect(bench.receivers(0, { to })).toBe(reason);
    for (const other of STORMS) {
      if (other.kind !== kind) expect(bench.receivers(0, { to: other.to })).toContain('wire');
    }
    expect(bench.receivers(0, { to: mac(1) })).toBe('1');
    expect(bench.receivers(1, { to })).toContain('wire');
    bench.nicSwitch.setLoopback(false);
    expect(bench.receivers(0, { to })).toBe(reason);
    expect(bench.receivers(0, { to: mac(1) })).toBe('wire');
  });

  it('is kept by the same limit once more, and gone with null', () => {
    const { bench } = limited(kind, { framesPerSecond: 1 });
    for (let i = 0; i < 2; i++) expect(bench.receivers(0, { to })).toContain('wire');
    bench.nicSwitch.setStormLimit(0, kind, { framesPerSecond: 1, burstFrames: 2 });
    bench.nicSwitch.resetFilters(0);
    bench.nicSwitch.setVPortEnabled(0, true, true);
    expect(bench.receivers(0, { to })).toBe(reason);
    bench.nicSwitch.setStormLimit(0, kind, null);
    expect(bench.receivers(0, { to })).toContain('wire');
  });
});

describe('storm limits', () => {
  it.each([
    { framesPerSecond: 10, burst: 2 },
    { framesPerSecond: 5_000, burst: 5 },
    { framesPerSecond: 1_000_000_000, burst: 9000 },
  ])('have a burst of a millisecond by default: $framesPerSecond', ({ framesPerSecond, burst }) => {
    const { bench } = limited('broadcast', { framesPerSecond });
    for (let i = 0; i < burst; i++) bench.route(0, { to: BROADCAST });
    expect(bench.nicSwitch.dropped('broadcastStorm')).toBe(0);
    bench.route(0, { to: BROADCAST });
    expect(bench.nicSwitch.dropped('broadcastStorm')).toBe(1);
  });

  it('are exact at rates that are no whole number of picoseconds a frame', () => {
    const { bench, clock } = limited('broadcast', { framesPerSecond: 7 });
    // The two of the burst, and 7 a second.
    expect(passed(bench, clock, { to: BROADCAST }, 30_000, 100)).toBe(701);
  });

  it('hold for the wire, too: what only the default VPort would take is unknown', () => {
    const { bench } = limited('broadcast', { framesPerSecond: 1 });
    bench.nicSwitch.setDefaultVPort(2);
    bench.nicSwitch.setStormLimit(bench.wire, 'unknownUnicast', { framesPerSecond: 1, burstFrames: 1 });
    expect(bench.receivers(bench.wire, { to: STRANGER })).toBe('2');
    expect(bench.receivers(bench.wire, { to: STRANGER })).toBe('unknownUnicastStorm');
    expect(bench.receivers(bench.wire, { to: mac(1) })).toBe('1');
  });

  it('count what a hash filter names as known', () => {
    const { bench } = limited('unknownUnicast', { framesPerSecond: 0 });
    bench.nicSwitch.setUnicastHash(0xfff, true);
    bench.nicSwitch.setAcceptUnicastHash(2, true);
    expect(bench.receivers(0, { to: STRANGER })).toBe('2 wire');
  });

  it('do not count frames that are dropped for another reason', () => {
    const { bench } = limited('broadcast', { framesPerSecond: 1, burstFrames: 1 });
    bench.nicSwitch.setAntiSpoof(0, { mac: true });
    expect(bench.receivers(0, { to: BROADCAST, from: STRANGER })).toBe('macSpoof');
    expect(bench.receivers(0, { to: BROADCAST, from: mac(0) })).toBe('1 2 wire');
    expect(bench.receivers(0, { to: BROADCAST, from: mac(0) })).toBe('broadcastStorm');
  });

  it.each([
    {
      rate: { framesPerSecond: -1 },
      error: 'broadcast.framesPerSecond must be an integer from 0 to 1000000000',
    },
    { rate: { framesPerSecond: 1.5 }, error: 'broadcast.framesPerSecond must be an integer' },
    {
      rate: { framesPerSecond: 1, burstFrames: 0 },
      error: 'broadcast.burstFrames must be an integer from 1 to 9000',
    },
  ])('refuse $rate', ({ rate, error }) => {
    const { nicSwitch } = new Bench(2, { clock: { now: 0 } });
    expect(() => nicSwitch.setStormLimit(0, 'broadcast', rate)).toThrow(error);
  });

  it('need a clock', () => {
    const { nicSwitch } = new Bench(2);
    expect(() => nicSwitch.setStormLimit(0, 'broadcast', { framesPerSecond: 1 })).toThrow(
      'a storm limit needs a clock: give the switch one',
    );
  });
});

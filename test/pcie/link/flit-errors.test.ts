import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Endpoint, FlitClock, FlitErrors, flitsBetweenSkips, wrongBitsAt } from '../../../src/pcie/index.ts';
import { FlowClass, TlpKind } from '../../../src/pcie/tlp.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { bitsAt, FlitErrorRig, flitsLost, randomBits } from './flit-error-rig.ts';
import { FLIGHT_PS, INFINITE, LinkRig } from './link-rig.ts';
import { CLASSES, exchange, FEW_CREDITS } from './random-exchange.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';
const TLPS = LONG ? 10_000_000 : 6000;
const SEED = Number(process.env['SRIOVSIM_SEED'] ?? 20);
const TIMEOUT_MS = LONG ? 3_600_000 : 60_000;
const { MEMORY_READ, MEMORY_WRITE } = TlpKind;
/** Of a flit on sixteen lanes. */
const FLIT_PS = 2000;
/** Bits of Correctable Error Status. */
const RECEIVER_ERROR = 1 << 0;
const REPLAY_ROLLOVER = 1 << 8;
const NONE = bitsAt([]);

/** From the end of a lost flit to the begin of the first that is sent again, where nothing else is sent. */
function untilReplayPs(): number {
  // The flit behind it, its flight; the Nak goes with the first flit whose DLP bytes are still to come.
  const missedPs = 2 * FLIT_PS + FLIGHT_PS;
  const nakPs = Math.ceil(missedPs / FLIT_PS) * FLIT_PS + FLIT_PS + FLIGHT_PS;
  return Math.ceil(nakPs / FLIT_PS) * FLIT_PS;
}

describe('a flit with wrong bits', () => {
  it('that FEC puts right costs nothing and is counted', () => {
    const { rig, up } = new FlitErrorRig(bitsAt([0, 8 * 254]));
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(10_000_000);
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual([FLIT_PS + FLIGHT_PS]);
    expect(up.counters()).toEqual({
      correctedFlits: 1,
      uncorrectedFlits: 0,
      badFlits: 0,
      naks: 0,
      replayedFlits: 0,
      retrained: 0,
    });
  });

  it('that it does not put right is missed with the next flit, and sent again when the Nak has come', () => {
    const lost = new FlitErrorRig(flitsLost(0));
    const { rig, up } = lost;
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(10_000_000);
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual([untilReplayPs() + FLIT_PS + FLIGHT_PS]);
    expect(up.counters()).toMatchObject({ uncorrectedFlits: 1, badFlits: 1, naks: 1, replayedFlits: 1 });
    expect(rig.link.upstream.counters()).toMatchObject({ tlps: 1, tlpBytes: 32, payloadBytes: 4, dllps: 2 });
    // Neither Bad TLP nor Bad DLLP: there is no LCRC, and no CRC of a DLLP.
    expect(lost.correctable).toEqual({ device: 0, port: RECEIVER_ERROR });
  });

  it('and without TLPs changes nothing: the flit behind it says that there were none', () => {
    const { rig, up } = new FlitErrorRig(flitsLost(0, 1, 2, 3));
    rig.scheduler.runUntil(4 * FLIT_PS);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(1_000_000);
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual([5 * FLIT_PS + FLIGHT_PS]);
    expect(up.counters()).toMatchObject({ uncorrectedFlits: 4, badFlits: 0, replayedFlits: 0 });
  });

  it('takes all behind it with it: they are sent again in order, in as many flits, and new ones behind them', () => {
    const { rig, up } = new FlitErrorRig(flitsLost(1));
    const ids = [208, 208, 208].map((bytes) => rig.send(rig.link.upstream, MEMORY_WRITE, bytes));
    rig.scheduler.runUntil(10 * FLIT_PS);
    ids.push(rig.send(rig.link.upstream, MEMORY_WRITE, 4));
    rig.scheduler.runUntil(untilReplayPs() + FLIT_PS);
    ids.push(rig.send(rig.link.upstream, MEMORY_READ, 64));
    rig.scheduler.runUntil(10_000_000);
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual(ids);
    // Each write is 220 bytes long: flit 1 has the end of the first but one, and the begin of the third.
    expect(rig.arrivedUp[0].timePs).toBe(FLIT_PS + FLIGHT_PS);
    expect(up.replayedFlits).toBe(3);
  });

  it('is counted each, where several in a row have TLPs, for one Nak', () => {
    const { rig, up } = new FlitErrorRig(flitsLost(0, 1, 3));
    for (const bytes of [208, 208, 208]) rig.send(rig.link.upstream, MEMORY_WRITE, bytes);
    rig.scheduler.runUntil(10_000_000);
    // Flits 0 to 2 have TLPs, flit 3 has none.
    expect(up.counters()).toMatchObject({ uncorrectedFlits: 3, badFlits: 2, naks: 1, replayedFlits: 3 });
    expect(rig.arrivedUp).toHaveLength(3);
  });

  it('is sent again until it comes as it is; the eighth time the link is retrained, which the transmitter notes', () => {
    // It is the only flit with TLPs, each time.
    const hits = Array.from({ length: 8 }, (_, i) => (i * untilReplayPs()) / FLIT_PS);
    const lost = new FlitErrorRig(flitsLost(...hits));
    const { rig, up } = lost;
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(100_000_000);
    expect(up.counters()).toMatchObject({ badFlits: 8, replayedFlits: 8, retrained: 1 });
    expect(rig.arrivedUp).toHaveLength(1);
    expect(rig.arrivedUp[0].timePs).toBeGreaterThan(8 * untilReplayPs() + 10_000_000);
    expect(lost.correctable).toEqual({ device: REPLAY_ROLLOVER, port: RECEIVER_ERROR });
  });

  it('is sent again one flit later for each flit with the Nak that is lost', () => {
    const nakFlit = (2 * FLIT_PS + FLIGHT_PS) / FLIT_PS;
    for (const naksLost of [0, 1, 5]) {
      const flits = Array.from({ length: naksLost }, (_, i) => nakFlit + i);
      const { rig } = new FlitErrorRig(flitsLost(0), flitsLost(...flits));
      rig.send(rig.link.upstream, MEMORY_WRITE, 4);
      rig.scheduler.runUntil(1_000_000);
      expect(rig.arrivedUp[0].timePs).toBe(untilReplayPs() + (1 + naksLost) * FLIT_PS + FLIGHT_PS);
    }
  });

  it('comes back to its pool when the link is reset before the replay', () => {
    const { rig } = new FlitErrorRig(flitsLost(0));
    for (let i = 0; i < 3; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(FLIT_PS);
    rig.link.reset();
    rig.scheduler.runUntil(5_000_000);
    expect(rig.arrivedUp).toEqual([]);
    expect(rig.tlps.available).toBe(rig.tlps.capacity);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(6_000_000);
    expect(rig.arrivedUp).toHaveLength(1);
  });
});

describe('an UpdateFC in a flit that is lost', () => {
  it('is made good by the periodic one, where no other follows', () => {
    const one = { ...INFINITE, postedHeaders: 1, postedData: 16 };
    // The write arrives, and the credits go back at once, in this flit.
    const flit = (FLIT_PS + FLIGHT_PS) / FLIT_PS;
    const { rig } = new FlitErrorRig(NONE, flitsLost(flit), { rootCredits: one });
    for (let i = 0; i < 2; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 64);
    rig.scheduler.runUntil(50_000_000);
    expect(rig.arrivedUp).toHaveLength(2);
    expect(rig.arrivedUp[1].timePs - rig.arrivedUp[0].timePs).toBeGreaterThanOrEqual(30_000_000);
    expect(rig.link.upstream.headerCredits(FlowClass.POSTED)).toBe(1);
  });
});

describe('the retry buffer', () => {
  it('holds half of what sequence numbers tell apart: no more leaves until an Ack comes', () => {
    const flightPs = 5_000_000;
    const sentBy = (timePs: number) => {
      const { rig } = new FlitErrorRig(NONE, null, { flightPs });
      const fill = () => {
        while (rig.link.upstream.room(FlowClass.POSTED) > 0) rig.send(rig.link.upstream, MEMORY_WRITE, 224);
      };
      for (let at = 0; at < timePs; at += 20_000) {
        fill();
        rig.scheduler.runUntil(at);
      }
      return rig.link.upstream.counters()['dllps'];
    };
    // A flit takes 2 ns: 512 of them about 1 us, and their Acks twice the flight.
    expect(sentBy(900_000)).toBeGreaterThan(440);
    expect(sentBy(9_000_000)).toBeGreaterThanOrEqual(512);
    // What a transmitter has given to the wire ahead of its time, up to 96 ns.
    expect(sentBy(9_000_000)).toBeLessThanOrEqual(512 + 48);
    expect(sentBy(12_000_000)).toBeGreaterThan(900);
  });
});

describe.each([
  [16, 1e-6],
  [16, 1e-5],
  [16, 1e-4],
  [4, 1e-4],
])(`TLPs on a generation 6 x%i link with a bit error rate of %f before FEC (seed ${SEED})`, (lanes, rate) => {
  it(`${TLPS} of them come once each and in order, and every credit comes back`, {
    timeout: TIMEOUT_MS,
  }, () => {
    const { rig, up, down } = randomRig(lanes, rate, SEED);
    const { ends, arrived } = exchange(rig, TLPS, SEED);
    for (const { direction, sent, taken } of ends) {
      expect(sent.map(({ length }) => length)).toEqual(taken);
      for (const each of CLASSES)
        expect(direction.headerCredits(each)).toBe(direction.trainLimits(each).headers);
    }
    expect(arrived).toBe(rig.link.upstream.tlpsSent + rig.link.downstream.tlpsSent);
    expect(rig.tlps.available).toBe(rig.tlps.capacity);
    // It has been put to the test.
    const counters = [up, down].map((errors) => (errors as FlitErrors).counters());
    const sum = (name: string) => counters.reduce((total, each) => total + each[name], 0);
    expect(sum('correctedFlits')).toBeGreaterThan(10);
    if (rate > 5e-5) expect(sum('replayedFlits')).toBeGreaterThan(10);
    expect(sum('naks')).toBeLessThanOrEqual(sum('badFlits'));
    expect(sum('badFlits')).toBeLessThan(sum('uncorrectedFlits') + 1);
  });
});

describe('every symbol time of a link in Flit Mode with bit errors', () => {
  it('is a byte of a TLP that is sent, or sent again, of NOP TLPs, of DLP, CRC or FEC, or of a SKIP', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 4, 8, 16), fc.nat(1000), (lanes, seed) => {
        const { rig, up, down } = randomRig(lanes, 1e-4, seed);
        exchange(rig, 1000, seed);
        const clock = new FlitClock({ generation: 6, lanes });
        const periods = Math.ceil(rig.scheduler.now / clock.periodPs) + 1;
        rig.scheduler.runUntil(periods * clock.periodPs);
        for (const [direction, errors] of [
          [rig.link.upstream, up],
          [rig.link.downstream, down as FlitErrors],
        ] as const) {
          const { tlpBytes, dllps: flits, skips } = direction.counters();
          expect(skips).toBe(periods);
          expect(flits).toBeGreaterThan(errors.replayedFlits);
          const nopFlits = periods * flitsBetweenSkips(lanes) - flits;
          const nopBytes = flits * 236 - tlpBytes;
          expect(nopFlits).toBeGreaterThanOrEqual(0);
          expect(nopBytes).toBeGreaterThanOrEqual(0);
          const idlePs = ((nopBytes + nopFlits * 256) * 125) / lanes;
          expect(direction.wire.busyPs + idlePs).toBeCloseTo(rig.scheduler.now, 3);
        }
      }),
      { numRuns: LONG ? 100 : 4 },
    );
  });

  it('is the same for the same seed', () => {
    const run = () => {
      const { rig, up, down } = randomRig(8, 1e-4, 5);
      exchange(rig, 2000, 5);
      return [rig.link.counters(), up.counters(), down?.counters(), rig.scheduler.now];
    };
    expect(run()).toEqual(run());
  });
});

describe('bit errors of flits', () => {
  it('are for links in Flit Mode', () => {
    const rig = new LinkRig();
    const [port, device] = [1, 2].map(() => new Endpoint({ functions: intel82599Config() }).functions[0]);
    expect(() => new FlitErrors(rig.scheduler, rig.link.upstream, rig.tlps, NONE, port, device)).toThrow(
      'link.upstream must be in Flit Mode',
    );
    for (const rate of [-1, 0.6, Number.NaN])
      expect(() => wrongBitsAt(rate, { uint32: () => 0 } as never)).toThrow(/^rate must be from 0 to 0.5/);
    expect(wrongBitsAt(0, {} as never).gap()).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([1e-3, 1e-6, 1e-8, 9.9e-9, 1e-12, 1e-15, 1e-17, 1e-30])('keep a rate of %d', (rate) => {
    // Half of all gaps are shorter than this one.
    const gap = wrongBitsAt(rate, { uint32: () => 2 ** 31 - 1 } as never).gap();
    expect(Math.abs(gap + Math.LN2 / Math.log1p(-rate))).toBeLessThanOrEqual(1 + 1e-7 * gap);
  });
});

function randomRig(lanes: number, rate: number, seed: number): FlitErrorRig {
  const options = { rootCredits: FEW_CREDITS, deviceCredits: FEW_CREDITS };
  return new FlitErrorRig(
    randomBits(rate, seed, 'up'),
    randomBits(rate, seed, 'down'),
    options,
    50_000,
    lanes,
  );
}

import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import {
  type BinaryLog,
  LogTrains,
  type SingleTlp,
  singleTlps,
  TrainArrivals,
} from '../../src/trace/index.ts';
import { lastOf, loggedRun } from './tlp-log.ts';

const { TLP_BAD, TLP_RESENT } = ProbeKind;

const scenario = (faults: object[]) => ({
  guests: [{ name: 'a' }, { name: 'b' }],
  traffic: [
    { from: 'a', to: 'b', ratePps: 1.5e6 },
    { from: 'b', to: 'a', ratePps: 5e5, frameBytes: 1518 },
  ],
  warmUpMs: 0,
  durationMs: 0.02,
  faults: faults as never,
});

/** The log from each of its records of some kinds on, that one left out. */
function* logsBehind(log: BinaryLog, kinds: readonly number[]): Generator<BinaryLog> {
  let left = log.length;
  for (const { kind, data } of log.records()) {
    left -= 1 + Math.ceil((data?.length ?? 0) / 20);
    if (kinds.includes(kind)) yield lastOf(log, left);
  }
}

const keyOf = ({ downstream, startPs, sequence }: SingleTlp) => `${downstream} ${startPs} ${sequence}`;

/** Trains by when they leave, and when they arrive. */
function trainsOf(log: BinaryLog) {
  const arrivals = new TrainArrivals(log);
  const trains = new LogTrains();
  const all = new Map<string, { arrivalPs: number; isKnown: boolean }>();
  let count = 0;
  for (const record of log.records()) {
    const train = trains.add(record);
    if (train === null) continue;
    const departures = arrivals.of(count++);
    const arrivalPs = Math.min(...departures.map((each) => each.arrivalPs));
    const isKnown = departures.every((each) => each.isKnown);
    const key = `${train.downstream} ${train.timePs} ${train.sequence}`;
    all.set(key, { arrivalPs: departures.length === 0 ? train.arrivalPs : arrivalPs, isKnown });
  }
  return all;
}

describe.each([
  [
    'hit TLPs',
    scenario(Array.from({ length: 12 }, (_, i) => ({ kind: 'bit-error', atMs: 0.0015 * (i + 1) }))),
  ],
  ['lost Acks as well', scenario([{ kind: 'bit-error', bitErrorRate: 1e-5 }])],
])('a log that begins between an error and the replay, with %s', (_name, faulty) => {
  const { log } = loggedRun(faulty);
  const whole = new Map([...singleTlps(log)].map((tlp) => [keyOf(tlp), tlp]));
  const trains = trainsOf(log);
  const logs = [...logsBehind(log, [TLP_BAD, TLP_RESENT])].slice(0, 24);

  it('never says of a TLP that it was taken or discarded where that is not so', () => {
    let unknown = 0;
    for (const cut of logs) {
      const unsure = new Set<string>();
      for (const tlp of singleTlps(cut)) {
        const truth = whole.get(keyOf(tlp));
        const id = `${tlp.downstream} ${tlp.sequence}`;
        if (truth === undefined) throw new Error(`there is no TLP ${keyOf(tlp)}`);
        if (tlp.received === 'unknown') {
          unknown++;
          unsure.add(id);
          expect(['good', 'discarded']).toContain(truth.received);
        } else if (unsure.has(id) && tlp.received === 'good') {
          expect(['good', 'duplicate']).toContain(truth.received);
        } else expect(tlp.received, `${keyOf(tlp)} in ${cut.length}`).toBe(truth.received);
      }
    }
    expect(unknown).toBeGreaterThan(3);
  });

  it('says when its trains arrive, or that it does not know', () => {
    let unknown = 0;
    for (const cut of logs)
      for (const [key, { arrivalPs, isKnown }] of trainsOf(cut)) {
        const truth = trains.get(key)?.arrivalPs as number;
        if (isKnown) expect(arrivalPs, key).toBe(truth);
        else {
          unknown++;
          expect(arrivalPs).toBeGreaterThanOrEqual(truth);
        }
      }
    expect(unknown).toBeGreaterThan(0);
  });

  it('knows all from its first replay on', () => {
    for (const cut of logs) {
      let isReplayed = [false, false];
      for (const tlp of singleTlps(cut)) {
        const way = Number(tlp.downstream);
        if (tlp.replayed) isReplayed = isReplayed.with(way, true);
        else if (isReplayed[way]) expect(tlp.received).not.toBe('unknown');
      }
    }
  });
});

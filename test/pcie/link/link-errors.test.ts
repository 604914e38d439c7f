import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../../src/base/index.ts';
import { ProbeKind } from '../../../src/kernel/index.ts';
import { type BitErrors, Endpoint, LinkErrors } from '../../../src/pcie/index.ts';
import { TlpKind } from '../../../src/pcie/tlp.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { FLIGHT_PS, INFINITE, LinkRig } from './link-rig.ts';

const { MEMORY_READ, MEMORY_WRITE, COMPLETION_DATA } = TlpKind;
/** Correctable Error Status. */
const CORRECTABLE = 0x110;

/** A link whose upstream direction has bit errors in the transmissions that `hits` says, counted from 0. */
function faulty(hits: (transmission: number) => boolean, rig = new LinkRig()) {
  const told: string[] = [];
  let transmissions = 0;
  const errors: BitErrors = {
    hits: (bytes, isTlp) => (isTlp && hits(transmissions++) ? bytes >> 1 : -1),
    struck: (_, sequence) => told.push(`struck ${sequence}`),
    replayed: (_, sequence, tlps, isRetrained) =>
      told.push(`replay ${sequence}: ${tlps}${isRetrained ? ', retrained' : ''}`),
    recovered: (sequence) => told.push(`recovered ${sequence}`),
  };
  const [device, port] = [1, 2].map(() => new Endpoint({ functions: intel82599Config() }).functions[0]);
  const link = new LinkErrors(rig.scheduler, rig.link.upstream, rig.tlps, errors, port, device);
  return { rig, told, link, device, port };
}

describe('a TLP with a wrong LCRC', () => {
  it('is discarded with a Nak, and sent again when that has come', () => {
    const { rig, told, link, port, device } = faulty((i) => i === 0);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(4_000_000);
    // TLP, flight, Nak, flight, TLP, flight.
    const onceMore = LinkRig.slowPs(24) + FLIGHT_PS + LinkRig.slowPs(8) + FLIGHT_PS;
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual([onceMore + LinkRig.slowPs(24) + FLIGHT_PS]);
    expect(told).toEqual(['struck 0', 'replay 0: 1', 'recovered 0']);
    expect(link.counters()).toMatchObject({ badTlps: 1, naks: 1, replayedTlps: 1, retrained: 0 });
    expect(rig.link.upstream.counters()).toMatchObject({ tlps: 1, tlpBytes: 48, payloadBytes: 4 });
    // The Nak, and the Ack for what has come.
    expect(rig.link.downstream.counters()['dllps']).toBe(2);
    // Bad TLP is the receiver's.
    expect(port.config.read32(CORRECTABLE)).toBe(1 << 6);
    expect(device.config.read32(CORRECTABLE)).toBe(0);
  });

  it('takes all behind it with it, until its Nak has come: they are sent again in order, and new ones behind them', () => {
    const { rig, told } = faulty((i) => i === 1);
    const sent = [0, 1, 2, 3].map(() => rig.send(rig.link.upstream, MEMORY_WRITE, 4));
    rig.scheduler.runUntil(3 * LinkRig.slowPs(24) + FLIGHT_PS);
    sent.push(rig.send(rig.link.upstream, MEMORY_READ, 64));
    rig.scheduler.runUntil(5_000_000);
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual(sent);
    expect(told).toEqual(['struck 1', 'replay 1: 4', 'recovered 1', ...told.slice(3)]);
  });

  it('of a train is sent again with those of the train behind it, and not with those before', () => {
    const { rig, told } = faulty((i) => i === 2);
    rig.send(rig.link.upstream, MEMORY_WRITE, 1024, 4);
    rig.scheduler.runUntil(50_000_000);
    expect(told.slice(0, 3)).toEqual(['struck 2', 'replay 2: 2', 'recovered 2']);
    const train = 4 * 20 + 1024;
    expect(rig.link.upstream.tlpBytes).toBe(train + train / 2);
    expect(rig.arrivedUp).toHaveLength(1);
  });

  it('retrains the link after four replays without progress, which the transmitter notes', () => {
    const { rig, told, link, device } = faulty((i) => i < 5);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(100_000_000);
    expect(told.filter((text) => text.startsWith('replay'))).toEqual([
      'replay 0: 1',
      'replay 0: 1',
      'replay 0: 1',
      'replay 0: 1, retrained',
      'replay 0: 1',
    ]);
    expect(link.rollovers).toBe(1);
    expect(rig.arrivedUp).toHaveLength(1);
    expect(rig.arrivedUp[0].timePs).toBeGreaterThan(10_000_000);
    // One Nak stands until a TLP is taken: the later replays are those of REPLAY_TIMER.
    expect(link.counters()).toMatchObject({ naks: 1, replayTimeouts: 4 });
    expect(device.config.read32(CORRECTABLE)).toBe((1 << 8) | (1 << 12));
  });

  it.each([
    ['writes', MEMORY_WRITE, 0],
    ['writes', MEMORY_WRITE, 2],
    ['reads', MEMORY_READ, 0],
    ['reads', MEMORY_READ, 1],
    ['reads', MEMORY_READ, 3],
  ])('of a train of %s tells when it arrives that is sent again: kind %d, TLP %d', (_name, kind, hit) => {
    const { rig } = faulty((i) => i === hit);
    const told: number[] = [];
    let isResent = false;
    rig.link.upstream.probe.sink = {
      record: (timePs, record, _a, _b, c) => {
        if (record === ProbeKind.TLP_LINK && isResent) told.push(timePs + c);
        isResent = record === ProbeKind.TLP_RESENT;
      },
    };
    rig.send(rig.link.upstream, kind, 1024, 4);
    rig.scheduler.runUntil(50_000_000);
    expect(told).toHaveLength(1);
    expect(rig.arrivedUp.map(({ timePs }) => timePs)).toEqual(told);
  });

  it('comes back to its pool when the link is reset before the replay', () => {
    const { rig } = faulty((i) => i === 0);
    for (let i = 0; i < 3; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(LinkRig.slowPs(24) + FLIGHT_PS);
    rig.link.reset();
    rig.scheduler.runUntil(5_000_000);
    expect(rig.arrivedUp).toEqual([]);
    expect(rig.tlps.available).toBe(rig.tlps.capacity);
  });
});

describe('whatever bit errors there are', () => {
  const credits = {
    ...INFINITE,
    postedHeaders: 8,
    postedData: 128,
    nonPostedHeaders: 4,
    nonPostedData: 4,
    completionHeaders: 8,
    completionData: 128,
  };
  const sending = fc.record({
    kind: fc.constantFrom(MEMORY_READ, MEMORY_WRITE, COMPLETION_DATA),
    bytes: fc.integer({ min: 1, max: 512 }),
    waitPs: fc.integer({ min: 0, max: 300_000 }),
  });

  it('every TLP is delivered once, those of a class in order, and every credit comes back', () => {
    fc.assert(
      fc.property(
        fc.array(sending, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.constantFrom(0.01, 0.1, 0.4),
        (sendings, seed, probability) => {
          const random = new RandomStreams(seed).stream('errors');
          const rig = new LinkRig({ rootCredits: credits }, 5000);
          faulty(() => random.float() < probability, rig);
          const sent = new Map<TlpKind, number[]>();
          for (const { kind, bytes, waitPs } of sendings) {
            const count = kind === MEMORY_READ ? 1 : Math.ceil(bytes / 256);
            const id = rig.send(rig.link.upstream, kind, bytes, count);
            sent.set(kind, [...(sent.get(kind) ?? []), id]);
            rig.scheduler.runUntil(rig.scheduler.now + waitPs);
          }
          rig.scheduler.runUntilIdle();
          // UpdateFCs need no events.
          rig.scheduler.runUntil(rig.scheduler.now + 10_000_000);
          for (const [kind, ids] of sent) {
            expect(rig.arrivedUp.filter((each) => each.kind === kind).map(({ id }) => id)).toEqual(ids);
          }
          expect(rig.arrivedUp).toHaveLength(sendings.length);
          expect(rig.tlps.available).toBe(rig.tlps.capacity);
          expect([0, 1, 2].map((each) => rig.link.upstream.headerCredits(each as 0 | 1 | 2))).toEqual(
            [0, 1, 2].map((each) => rig.link.upstream.trainLimits(each as 0 | 1 | 2).headers),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});

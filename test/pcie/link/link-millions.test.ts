import { describe, expect, it } from 'vitest';
import { naturalLog, RandomStreams } from '../../../src/base/index.ts';
import { FlowClass, TlpKind } from '../../../src/pcie/tlp.ts';
import { ErrorRig, type Hits } from './error-rig.ts';
import { LinkRig } from './link-rig.ts';
import { CLASSES, exchange, FEW_CREDITS } from './random-exchange.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';
const TLPS = LONG ? 10_000_000 : 50_000;
const SEED = Number(process.env['SRIOVSIM_SEED'] ?? 20);
const TIMEOUT_MS = LONG ? 3_600_000 : 60_000;
const { MEMORY_WRITE } = TlpKind;

/** Bit errors at a rate: each gap between two is drawn once. */
function errorsAt(rate: number, bitsPerByte: number, seed: number, name: string): Hits {
  const random = new RandomStreams(seed).stream(name);
  const gap = () => Math.floor(naturalLog((random.uint32() + 1) / 2 ** 32) / naturalLog(1 - rate));
  let left = gap();
  return ({ bytes }) => {
    const bits = bytes * bitsPerByte;
    const at = left < bits ? Math.floor(left / bitsPerByte) : -1;
    while (left < bits) left += gap() + 1;
    left -= bits;
    return at;
  };
}

/** {@link exchange} over a link with finite credits and bit errors at a rate. */
function exchangeAt(generation: number, lanes: number, rate: number, tlps: number, seed: number) {
  const rig = new LinkRig(
    { rate: { generation, lanes }, rootCredits: FEW_CREDITS, deviceCredits: FEW_CREDITS },
    50_000,
  );
  const bits = generation < 3 ? 10 : 8;
  const errors = new ErrorRig(rig, errorsAt(rate, bits, seed, 'up'), errorsAt(rate, bits, seed, 'down'));
  return { rig, errors, ...exchange(rig, tlps, seed) };
}

describe.each([
  [2, 8, 1e-6],
  [2, 8, 1e-5],
  [3, 8, 1e-6],
  [3, 8, 1e-5],
  [5, 16, 1e-5],
])(
  `TLPs on a generation %i x%i link with a bit error rate of %f (seed ${SEED})`,
  (generation, lanes, rate) => {
    it(`${TLPS} of them come once each and in order, and every credit comes back`, {
      timeout: TIMEOUT_MS,
    }, () => {
      const { rig, errors, ends, arrived } = exchangeAt(generation, lanes, rate, TLPS, SEED);
      for (const { direction, sent, taken } of ends) {
        expect(sent.map(({ length }) => length)).toEqual(taken);
        for (const each of CLASSES)
          expect(direction.headerCredits(each)).toBe(direction.trainLimits(each).headers);
      }
      expect(arrived).toBe(rig.link.upstream.tlpsSent + rig.link.downstream.tlpsSent);
      expect(rig.tlps.available).toBe(rig.tlps.capacity);
      // It has been put to the test: at the rate, and each thing that can be hit.
      const { up, down } = errors;
      const bad = up.badTlps + down.badTlps;
      expect(bad).toBeGreaterThan(arrived * rate * 500);
      if (rate > 5e-6) {
        expect(up.badDllps + down.badDllps).toBeGreaterThan(0);
        expect(up.receiverErrors + down.receiverErrors).toBeGreaterThan(0);
      }
    });
  },
);

describe('the symbols of a link with bit errors', () => {
  it.each([
    [1, 1, 1e-4],
    [2, 8, 1e-4],
    [3, 8, 1e-5],
    [3, 12, 1e-4],
    [4, 16, 1e-4],
  ])(
    'are those of TLPs, DLLPs and SKIPs, one after another, else the link is idle: generation %i x%i, %f',
    (generation, lanes, rate) => {
      for (let seed = 0; seed < 4; seed++) {
        const { rig, errors } = exchangeAt(generation, lanes, rate, 3000, seed);
        expect(errors.up.replayed + errors.down.replayed, `seed ${seed}`).toBeGreaterThan(0);
        for (const direction of [rig.link.upstream, rig.link.downstream]) {
          const { tlpBytes, dllpsSent, skipsSent, psPerByte, skipBytes, busyPs } = counted(direction);
          const bytes = tlpBytes + 8 * dllpsSent + skipsSent * skipBytes;
          // Where a byte is no whole number of ps, less than one is left each time that the link falls idle.
          const packets = direction.tlpsSent + dllpsSent + errors.up.replayed + errors.down.replayed;
          const allowance = Number.isInteger(psPerByte) ? 0 : packets;
          expect(bytes * psPerByte - busyPs, `seed ${seed}`).toBeGreaterThanOrEqual(-1e-3);
          expect(bytes * psPerByte - busyPs, `seed ${seed}`).toBeLessThanOrEqual(allowance + 1e-3);
          expect(busyPs).toBeLessThan(rig.scheduler.now);
        }
      }
    },
  );

  it('never take a time that others have', () => {
    const { rig } = exchangeAt(3, 8, 1e-4, 100, 1);
    const { wire } = rig.link.upstream;
    // Each advance of the instant at which the link is free holds the symbols that were counted since the last one.
    let { freeAt, busyPs } = wire;
    let idlePs = 0;
    Object.defineProperty(wire, 'freeAt', {
      get: () => freeAt,
      set: (value: number) => {
        const idle = value - freeAt - (wire.busyPs - busyPs);
        expect(idle).toBeGreaterThanOrEqual(0);
        idlePs += idle;
        [freeAt, busyPs] = [value, wire.busyPs];
      },
    });
    const fromPs = freeAt;
    const fromBusyPs = busyPs;
    for (let i = 0; i < 2000; i++) {
      if (rig.link.upstream.room(FlowClass.POSTED) > 0) rig.send(rig.link.upstream, MEMORY_WRITE, 256);
      if (rig.link.downstream.room(FlowClass.POSTED) > 0) rig.send(rig.link.downstream, MEMORY_WRITE, 64);
      rig.scheduler.runUntil(rig.scheduler.now + 100_000);
    }
    rig.link.upstream.settle();
    expect(idlePs).toBeGreaterThan(0);
    expect(fromPs + idlePs + wire.busyPs - fromBusyPs).toBe(freeAt);
  });
});

function counted(direction: LinkRig['link']['upstream']) {
  direction.settle();
  const { tlpBytes, dllpsSent, skipsSent, psPerByte, skipBytes, busyPs } = direction;
  return { tlpBytes, dllpsSent, skipsSent, psPerByte, skipBytes, busyPs };
}

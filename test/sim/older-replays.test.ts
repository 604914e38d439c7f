import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import { TlpKind } from '../../src/pcie/index.ts';
import { BinaryLog, singleTlps, TrainArrivals } from '../../src/trace/index.ts';
import { asVersion, HEADER, writeLog } from '../trace/log-fixture.ts';
import { loggedRun } from './tlp-log.ts';

const { TLP_RESENT, TLP_SENT } = ProbeKind;
const DOWNSTREAM = 1 << 15;
/** Bytes of a TLP in logs that count them: none that could be a number of TLPs. */
const BYTES = 100;

/** Hits in both directions, often enough that what is sent again is hit, too. */
const { log } = loggedRun({
  guests: [{ name: 'a' }, { name: 'b' }],
  traffic: [
    { from: 'a', to: 'b', ratePps: 5e5, frameBytes: 1518 },
    { from: 'b', to: 'a', ratePps: 3e5, frameBytes: 1518 },
  ],
  warmUpMs: 0,
  durationMs: 0.04,
  faults: Array.from({ length: 24 }, (_, i) => {
    const direction = i % 2 === 0 ? ('upstream' as const) : ('downstream' as const);
    return { kind: 'bit-error' as const, atMs: 0.0015 * (i + 1), direction };
  }),
});
const replays = [...log.recordsOf(TLP_RESENT)];

/** The log as an older program wrote it: replays without their direction, and the first programs in bytes. */
function older(version: 1 | 2, inBytes = false): BinaryLog {
  const { WRITE_LOST: _, ...kinds } = log.header.kinds ?? {};
  const fill: Parameters<typeof writeLog>[0] = (target) => {
    for (const { timePs, kind, a, b, c, data } of log.records()) {
      const isReplay = kind === TLP_RESENT;
      target.record(timePs, kind, a, isReplay && inBytes ? b * BYTES : b, isReplay ? c & ~DOWNSTREAM : c);
      if (data !== null) target.data(data, 0, data.length);
    }
  };
  return new BinaryLog(asVersion(writeLog(fill, { ...log.header, kinds }), version));
}

describe.each([
  ['2', older(2)],
  ['1', older(1)],
  ['1, of its first programs', older(1, true)],
])('replays in logs of version %s', (_version, old) => {
  it('have the direction of the train that is sent again', () => {
    for (const isDown of [false, true])
      expect(replays.filter(({ c }) => ((c & DOWNSTREAM) !== 0) === isDown).length).toBeGreaterThan(10);
    expect([...old.recordsOf(TLP_RESENT)]).toEqual(replays);
    expect([...old.records()]).toEqual([...log.records()]);
  });

  it('show as in logs of the present version', () => {
    expect([...singleTlps(old)]).toEqual([...singleTlps(log)]);
    const [then, now] = [new TrainArrivals(old), new TrainArrivals(log)];
    let trains = 0;
    for (const { kind } of log.records()) if (kind === TLP_SENT) trains++;
    for (let train = 0; train < trains; train++) expect(then.of(train)).toEqual(now.of(train));
  });

  it('come into another log as it is written now', () => {
    const bytes = writeLog((target) => old.replay(target), old.header);
    expect(new DataView(bytes.buffer).getUint32(8, true)).toBe(3);
    expect([...new BinaryLog(bytes).recordsOf(TLP_RESENT)]).toEqual(replays);
  });
});

describe('a replay in a log of version 2 that begins behind its train', () => {
  it.each([
    [0, 5, 0],
    [8, 5, DOWNSTREAM],
    [0, 9, DOWNSTREAM],
    [8, 9, 0],
  ])('is not that of another train: header %d, record %d', (header, record, expected) => {
    const bytes = writeLog(
      (target) => {
        target.record(1, TLP_SENT, 5, 200, 2);
        target.record(1, ProbeKind.TLP_ADDRESS, 0x1000, 0, 160);
        target.record(1, ProbeKind.TLP_HEADER, 0x100, header, 0);
        target.record(1, ProbeKind.TLP_ORIGIN, 0, 0, 0);
        target.record(1, ProbeKind.TLP_LINK, 7, 10, 20);
        target.record(50, TLP_RESENT, record, 1, 1);
        target.record(50, ProbeKind.TLP_LINK, 8, 10, 20);
      },
      { ...HEADER, kinds: {} },
    );
    const [replay] = new BinaryLog(asVersion(bytes, 2)).recordsOf(TLP_RESENT);
    expect([replay.a, replay.b, replay.c & DOWNSTREAM, replay.c & 0xff]).toEqual([record, 1, expected, 1]);
  });

  it.each([
    [TlpKind.MEMORY_READ, 1, 500 + 2 * 25 * 8],
    [TlpKind.MEMORY_READ, 3, 500],
    [TlpKind.MEMORY_READ, 0, 500],
    [TlpKind.MEMORY_WRITE, 1, 500],
  ])('arrives with its last request: kind %d, from TLP %d on', (kind, first, arrivesIn) => {
    const link = { psPerByte: [8, 1] as const, maxPayloadBytes: 256, maxReadRequestBytes: 512 };
    const bytes = writeLog(
      (target) => {
        target.record(1, TLP_SENT, 5, 100, 4);
        target.record(1, ProbeKind.TLP_ADDRESS, 0x1000, 0, 2048);
        target.record(1, ProbeKind.TLP_HEADER, 0x100, kind, 0);
        target.record(1, ProbeKind.TLP_ORIGIN, 0, 0, 0);
        target.record(1, ProbeKind.TLP_LINK, 7, 10, 20);
        target.record(50, TLP_RESENT, 5, 4 - first, first);
        target.record(50, ProbeKind.TLP_LINK, 7 + first, 900, 500);
      },
      { ...HEADER, link: { ...link, readCompletionBoundary: 64, tags: 32 } },
    );
    const [, replay] = new BinaryLog(asVersion(bytes, 2)).recordsOf(ProbeKind.TLP_LINK);
    expect([replay.b, replay.c]).toEqual([900, arrivesIn]);
    const [, now] = new BinaryLog(bytes).recordsOf(ProbeKind.TLP_LINK);
    expect(now.c).toBe(500);
  });

  it('is as it stands where its program has said the direction', () => {
    const bytes = writeLog((target) => target.record(1, TLP_RESENT, 4, 7, 2), HEADER);
    const [{ b, c }] = new BinaryLog(asVersion(bytes, 2)).recordsOf(TLP_RESENT);
    expect([b, c]).toEqual([7, 2]);
  });
});

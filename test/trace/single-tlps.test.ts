import { expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import { BinaryLog, singleTlps } from '../../src/trace/index.ts';
import { HEADER, writeLog } from './log-fixture.ts';

/** A register write downstream: 24 bytes at 250 ps each. */
const WRITE = { kind: 1 | (1 << 3) | (1 << 12), linkBytes: 24, address: 0x8000_0018 | 0, bytes: 4 };
const LINK = {
  psPerByte: [250, 1],
  maxPayloadBytes: 256,
  maxReadRequestBytes: 512,
  readCompletionBoundary: 64,
  tags: 32,
} as const;

it('a TLP that is there when the link goes down is good, though one in front of it takes longer and is lost', () => {
  const bytes = writeLog(
    (target) => {
      for (const [index, timePs, delayPs] of [
        [0, 0, 500_000],
        [1, 10_000, 200_000],
        [2, 250_000, 200_000],
      ]) {
        target.record(timePs, ProbeKind.TLP_SENT, index, WRITE.linkBytes, 1);
        target.record(timePs, ProbeKind.TLP_ADDRESS, WRITE.address, 0, WRITE.bytes);
        target.record(timePs, ProbeKind.TLP_HEADER, 0, WRITE.kind, 1);
        target.record(timePs, ProbeKind.TLP_ORIGIN, -1, 0, -1);
        target.record(timePs, ProbeKind.TLP_LINK, index, 6000, delayPs);
      }
      target.record(300_000, ProbeKind.LINK_STATE, 0, 0, 0);
    },
    { ...HEADER, link: LINK },
  );
  const tlps = [...singleTlps(new BinaryLog(bytes))];
  expect(tlps.map(({ sequence, received }) => [sequence, received])).toEqual([
    [0, 'lost'],
    [1, 'good'],
    [2, 'lost'],
  ]);
});

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { type SingleTlp, singleTlps, TlpCapture, TlpPurposes, TlpSummary } from '../../src/trace/index.ts';
import { tshark, whyNoTshark } from '../wire/tshark.ts';
import { loggedRun } from './tlp-log.ts';

const noTshark = whyNoTshark();
const LUA = `lua_script:${fileURLToPath(new URL('../../wireshark/sriovsim-tlp.lua', import.meta.url))}`;

/** Frames of one TLP and of many, both ways. */
const PAIRS: Scenario = {
  guests: [{ name: 'a' }, { name: 'b' }],
  traffic: [
    { from: 'a', to: 'b', ratePps: 1e6 },
    { from: 'b', to: 'a', ratePps: 3e5, frameBytes: 1518 },
  ],
  warmUpMs: 0,
  durationMs: 0.2,
};

const isCompletion = ({ kind }: SingleTlp) => kind === 2 || kind === 3;

const RATES = [
  { probability: 1e-3 },
  { probability: 0.02 },
  { probability: 0.3 },
  { bitErrorRate: 1e-5 },
  { bitErrorRate: 1e-4 },
];

describe.each(RATES)('TLPs of a link with bit errors, %o', (rate) => {
  const { simulation, log } = loggedRun({ ...PAIRS, faults: [{ kind: 'bit-error', ...rate }] });
  const tlps = [...singleTlps(log)];
  const { counters } = simulation.report();

  it.each([false, true])('are all there, with those that are sent again (downstream: %s)', (downstream) => {
    const own = tlps.filter((tlp) => tlp.downstream === downstream);
    const name = downstream ? 'downstream' : 'upstream';
    expect(own.filter((tlp) => !tlp.replayed).length).toBe(counters[`pcie.${name}.tlps`]);
    expect(own.filter((tlp) => tlp.replayed).length).toBe(counters[`pcie.${name}.replayedTlps`]);
    // Some may still be on their way when the run ends.
    const { now } = simulation.machine.scheduler;
    const arrived = (how: SingleTlp['received']) =>
      own.filter(({ received, arrivalPs }) => received === how && arrivalPs <= now).length;
    expect(arrived('duplicate')).toBe(counters[`pcie.${name}.duplicateTlps`]);
    // Behind one with wrong framing comes one that is out of sequence.
    const badTlps = counters[`pcie.${name}.badTlps`];
    expect(badTlps).toBeGreaterThanOrEqual(arrived('bad'));
    expect(badTlps).toBeLessThanOrEqual(arrived('bad') + arrived('unframed'));
    expect(counters[`pcie.${name}.receiverErrors`]).toBeGreaterThanOrEqual(arrived('unframed'));
    // What is taken has consecutive numbers: nothing is lost, doubled or moved.
    const taken = own.filter(({ received }) => received === 'good');
    expect(taken.map(({ sequence }) => sequence)).toEqual(taken.map((_, i) => i % 4096));
    for (let i = 1; i < own.length; i++) expect(own[i].startPs).toBeGreaterThanOrEqual(own[i - 1].startPs);
  });

  it('have tags that no two outstanding requests share, however late a completion comes', () => {
    const freeAt = new Map<string, number>();
    const outstanding = new Set<string>();
    for (const tlp of tlps) {
      if (tlp.tag === null) continue;
      const key = `${tlp.downstream !== isCompletion(tlp)} ${tlp.tag}`;
      if (!isCompletion(tlp)) {
        if (tlp.replayed) continue;
        expect(outstanding.has(key), `${key} at ${tlp.startPs}`).toBe(false);
        expect(tlp.startPs).toBeGreaterThanOrEqual(freeAt.get(key) ?? 0);
        outstanding.add(key);
      } else if (
        tlp.received === 'good' &&
        tlp.bytes >= Math.min(tlp.byteCount, tlp.kind === 2 ? 0 : tlp.byteCount)
      ) {
        outstanding.delete(key);
        freeAt.set(key, tlp.arrivalPs);
      }
    }
  });

  it.skipIf(noTshark !== undefined)('are as marked in Wireshark, and nothing else is wrong with them', () => {
    const purposes = new TlpPurposes(log);
    const capture = new TlpCapture(log.header.link, purposes.configurations);
    const summary = new TlpSummary(purposes);
    for (const tlp of tlps) {
      capture.add(tlp, purposes.of(tlp));
      summary.add(tlp);
    }
    const file = Buffer.concat(capture.parts());
    const rows = tshark(file, ['frame.number', '_ws.expert.message'], ['-X', LUA]);
    rows.forEach(([, message], i) => {
      const { received, replayed } = tlps[i];
      const expected = [
        ...(received === 'bad' ? ['Wrong LCRC: it is discarded, and a Nak asks for it again'] : []),
        ...(received === 'unframed' ? ['Wrong framing: the receiver does not know it for a TLP'] : []),
        ...(received === 'discarded' ? ['Discarded: it came behind one with a bit error'] : []),
        ...(received === 'duplicate' ? ['Duplicate: it is there already, and discarded'] : []),
        ...(replayed ? ['Sent again from the replay buffer'] : []),
      ];
      expect(message ?? '', `packet ${i + 1}`).toBe(expected.join(','));
    });
    expect(summary.data()).toMatchObject({
      replayed: tlps.filter(({ replayed }) => replayed).length,
      discarded: tlps.filter(({ received }) => received !== 'good').length,
      failed: 0,
    });
  });
});

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import type { FaultOptions } from '../../src/sim/index.ts';
import {
  formatTlp,
  type SingleTlp,
  singleTlps,
  TlpCapture,
  TlpFrames,
  TlpPurposes,
  TlpSummary,
} from '../../src/trace/index.ts';
import { tshark, whyNoTshark } from '../wire/tshark.ts';
import { loggedRun, MIXED } from './tlp-log.ts';

const noTshark = whyNoTshark();
const LUA = `lua_script:${fileURLToPath(new URL('../../wireshark/sriovsim-tlp.lua', import.meta.url))}`;

/** The TLPs of a run in which something goes wrong, with what each is for. */
function runWith(faults: FaultOptions | FaultOptions[], more: Partial<Scenario> = {}) {
  const { log, simulation } = loggedRun({ ...MIXED, durationMs: 0.1, ...more, faults: [faults].flat() });
  const purposes = new TlpPurposes(log, { frames: new TlpFrames(log) });
  const tlps = [...singleTlps(log)];
  const summary = new TlpSummary(purposes);
  for (const tlp of tlps) summary.add(tlp);
  return { simulation, log, tlps, purposes, summary: summary.data(), report: simulation.report() };
}

/** What Wireshark says is wrong, packet by packet. */
function expertOf({ log, tlps, purposes }: ReturnType<typeof runWith>): (string | undefined)[] {
  const capture = new TlpCapture(log.header.link, purposes.configurations);
  for (const tlp of tlps) capture.add(tlp, purposes.of(tlp));
  const file = Buffer.concat(capture.parts());
  return tshark(file, ['frame.number', '_ws.expert.message'], ['-2', '-X', LUA]).map(
    ([, message]) => message,
  );
}

describe('poisoned data', () => {
  const run = runWith({ kind: 'poisoned-data', atMs: 0.02, target: 'a' });

  it('are marked in every TLP that brings them, and nowhere else', () => {
    const poisoned = run.tlps.filter((tlp) => tlp.poisoned);
    expect(poisoned.length).toBeGreaterThan(0);
    expect(run.summary).toMatchObject({ poisoned: poisoned.length, failed: 0 });
    for (const tlp of poisoned) expect(run.purposes.of(tlp)).toMatch(/^completion: .*, poisoned$/);
  });

  it.skipIf(noTshark !== undefined)('are an error in Wireshark', () => {
    const messages = expertOf(run);
    run.tlps.forEach(({ poisoned }, i) => {
      expect(messages[i] === 'Poisoned: the payload is known to be bad').toBe(poisoned);
    });
  });
});

describe('a refused read', () => {
  const run = runWith({ kind: 'iommu-fault', atMs: 0.02, target: 'a', direction: 'read' });

  it('is completed with Unsupported Request, one completion a request', () => {
    const refused = run.tlps.filter(({ status }) => status !== 0);
    expect(refused.length).toBeGreaterThan(0);
    expect(run.summary.failed).toBe(refused.length);
    for (const tlp of refused) {
      expect(tlp).toMatchObject({ status: 1, bytes: 0, answers: 0 });
      expect(run.purposes.of(tlp)).toMatch(
        /^completion, Unsupported Request: (transmit payload|descriptor fetch)/,
      );
      const request = run.tlps.findLast(
        ({ answers, tag, startPs }) => answers === null && tag === tlp.tag && startPs < tlp.startPs,
      ) as SingleTlp;
      expect(tlp.byteCount).toBe(request.bytes);
      // It has no address: memory was not asked.
      expect(formatTlp(tlp, run.purposes)).toMatch(
        /^ *[\d.]+ down +\d+ +\d+ Cpl +[\da-f:.]+ +VF\d+ +- +0 +inf +inf completion, Unsupported Request: /,
      );
    }
  });

  it.skipIf(noTshark !== undefined)('is a warning in Wireshark', () => {
    const messages = expertOf(run);
    run.tlps.forEach(({ status }, i) => {
      expect(messages[i] === 'Unsupported Request: nobody answers to it').toBe(status === 1);
    });
  });
});

describe('lost completions', () => {
  const run = runWith({ kind: 'lost-completion', probability: 0.02, target: 'a' });

  it('leave requests unanswered, whose tags nobody else gets before their time is up', () => {
    const lost = (run.report.faults ?? []).length;
    expect(lost).toBeGreaterThan(0);
    const held = new Map<number, SingleTlp>();
    for (const tlp of run.tlps) {
      if (tlp.tag === null || tlp.downstream === (tlp.answers === null)) continue;
      if (tlp.answers === null) {
        expect(held.has(tlp.tag)).toBe(false);
        held.set(tlp.tag, tlp);
      } else if (tlp.bytes === tlp.byteCount) held.delete(tlp.tag);
    }
    expect(held.size).toBeGreaterThanOrEqual(lost);
    expect(run.summary.unanswered).toBe(held.size);
  });

  it('leave a tag that is free again when the Completion Timeout is over: 10 ms', () => {
    const { tlps } = runWith(
      { kind: 'lost-completion', atMs: 0.01, target: 'a' },
      {
        durationMs: 11,
        traffic: [
          { from: 'a', to: 'port', ratePps: 2e5 },
          { from: 'b', to: 'port', ratePps: 2e5 },
        ],
      },
    );
    const requests = tlps.filter(
      ({ answers, tag, downstream }) => tag !== null && answers === null && !downstream,
    );
    const answered = new Set(tlps.filter(({ answers, downstream }) => answers !== null && downstream));
    const byTag = (list: Iterable<SingleTlp>, tag: number | null) =>
      [...list].filter((tlp) => tlp.tag === tag);
    const lost = requests.find((request) => {
      const next = byTag(requests, request.tag).find(({ startPs }) => startPs > request.startPs);
      const until = next?.startPs ?? 0;
      return !byTag(answered, request.tag).some(
        ({ startPs }) => startPs > request.startPs && startPs < until,
      );
    }) as SingleTlp;
    const again = byTag(requests, lost.tag).find(({ startPs }) => startPs > lost.startPs) as SingleTlp;
    expect(again.startPs - lost.startPs).toBeGreaterThan(1e10);
    expect(again.startPs - lost.startPs).toBeLessThan(1.01e10);
  });

  it.skipIf(noTshark !== undefined)('are a warning in Wireshark, at the request', () => {
    const messages = expertOf(run);
    const warned = messages.filter(
      (text) => text === 'Request whose last completion the capture does not have',
    );
    expect(warned.length).toBe(run.summary.unanswered);
  });
});

describe('a link that goes down and comes up', () => {
  const run = runWith({ kind: 'link-down', atMs: 0.03, forMs: 0.04 });
  const { startPs } = run.simulation;
  const [downPs, upPs] = [startPs + 0.03e9, startPs + 0.07e9];
  const by = (downstream: boolean) => run.tlps.filter((tlp) => tlp.downstream === downstream);

  it('has no TLP on it meanwhile: what is given to it then was never sent', () => {
    const { counters } = run.report;
    expect(counters['pcie.tlpsLost']).toBeGreaterThan(0);
    const sent = [...run.log.records()].filter(({ kind }) => kind === ProbeKind.TLP_SENT);
    expect(sent.filter(({ timePs }) => timePs > downPs && timePs < upPs)).toEqual([]);
    expect(run.tlps.some(({ startPs: at }) => at >= upPs)).toBe(true);
  });

  it('has on it what a link that stays up has until then, and has lost what there arrives only later', () => {
    const [before, shown] = [runWith([]).tlps, run.tlps].map((tlps) =>
      tlps.filter((tlp) => tlp.startPs < downPs),
    );
    // The link takes a train as a whole; that of a read arrives with its first request.
    const arrivals = new Map<number, number>();
    for (const { train, arrivalPs, kind } of before)
      if (kind !== 0 || !arrivals.has(train)) arrivals.set(train, arrivalPs);
    const of = ({ startPs: at, downstream, sequence, kind, address }: SingleTlp) =>
      [at, downstream, sequence, kind, address].join(' ');
    expect(shown.map(of)).toEqual(before.map(of));
    const lost = (tlps: readonly SingleTlp[], isLost: (tlp: SingleTlp) => boolean) =>
      tlps.filter(isLost).map(of);
    const late = lost(before, ({ train }) => (arrivals.get(train) as number) >= downPs);
    expect(late.length).toBeGreaterThan(0);
    expect(lost(shown, ({ received }) => received === 'lost')).toEqual(late);
    // What the link was given and is not shown had not begun to leave.
    const given = run.report.counters['pcie.upstream.tlps'] + run.report.counters['pcie.downstream.tlps'];
    expect(run.tlps.length).toBeLessThanOrEqual(given);
  });

  it.each([false, true])(
    'counts sequence numbers from 0 again, and has all credits; downstream: %s',
    (downstream) => {
      const [before, after] = [true, false].map((isBefore) =>
        by(downstream).filter(({ startPs: at }) => at < upPs === isBefore),
      );
      expect(before.length).toBeGreaterThan(0);
      before.forEach(({ sequence }, i) => {
        expect(sequence).toBe((before[0].sequence + i) & 0xfff);
      });
      expect(before[0].sequence).toBe(0);
      after.forEach(({ sequence }, i) => {
        expect(sequence).toBe(i);
      });
      // Nothing has come back yet: the first of each class finds what was found at power-on.
      const first = (tlps: readonly SingleTlp[]) =>
        tlps.find(({ kind }) => kind === after[0].kind) as SingleTlp;
      expect(first(after).headerCredits).toBe(first(before).headerCredits);
      expect(first(after).dataCredits).toBe(first(before).dataCredits);
    },
  );

  it('discards nothing behind a bit error that the reset has overtaken', () => {
    const { tlps, simulation } = runWith(
      [
        { kind: 'bit-error', probability: 0.5, fromMs: 0.02, toMs: 0.03 },
        { kind: 'link-down', atMs: 0.03, forMs: 0.04 },
      ],
      { traffic: [{ from: 'a', to: 'b', saturate: true }] },
    );
    const up = simulation.startPs + 0.07e9;
    const before = tlps.filter((tlp) => tlp.startPs < up);
    const last = [false, true].map((downstream) => before.findLast((tlp) => tlp.downstream === downstream));
    expect(last.some((tlp) => tlp?.received !== 'good')).toBe(true);
    expect(tlps.length).toBeGreaterThan(before.length);
    for (const { received } of tlps.slice(before.length)) expect(received).toBe('good');
  });
});

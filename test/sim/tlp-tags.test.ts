import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { TlpKind } from '../../src/pcie/index.ts';
import { type BinaryLog, type SingleTlp, singleTlps } from '../../src/trace/index.ts';
import { lastOf, loggedRun, MIXED } from './tlp-log.ts';

/** Many reads at once, of frames of many sizes. */
const BUSY: Scenario = {
  ...MIXED,
  traffic: [
    { from: 'a', to: 'b', saturate: true, frameBytes: 1518 },
    { from: 'b', to: 'a', saturate: true },
    { from: 'host', to: 'b', saturate: true, frameBytes: 700 },
  ],
  durationMs: 0.02,
};

const isRequest = ({ kind }: SingleTlp) =>
  kind === TlpKind.MEMORY_READ || kind === TlpKind.CONFIG_READ || kind === TlpKind.CONFIG_WRITE;
const isCompletion = ({ kind }: SingleTlp) => kind === TlpKind.COMPLETION || kind === TlpKind.COMPLETION_DATA;

describe.each([
  ['intel-82599', MIXED],
  ['intel-82599', BUSY],
  ['generic-100g', { ...BUSY, nic: { profile: 'generic-100g' } }],
] as [string, Scenario][])('the tags of %s', (profile, scenario) => {
  const { log } = loggedRun(scenario);
  const tlps = [...singleTlps(log)];

  it('are those of requests that want completions, and of completions, and of nothing else', () => {
    for (const tlp of tlps) expect(tlp.tag !== null).toBe(isRequest(tlp) || isCompletion(tlp));
  });

  it('are never shared by two requests that are outstanding, and never more than the device has', () => {
    const most = follow(log, tlps);
    const tags = profile === 'intel-82599' ? 32 : 256;
    expect(log.header.link?.tags).toBe(tags);
    for (const { downstream, tag } of tlps.filter(isRequest)) if (!downstream) expect(tag).toBeLessThan(tags);
    expect(most).toBeLessThanOrEqual(tags);
    expect(most).toBeGreaterThan(scenario === MIXED ? 3 : 20);
  });
});

describe('the TLPs of a log', () => {
  const { log } = loggedRun(MIXED);
  const tlps = [...singleTlps(log)];

  it('come in the order in which they leave, both directions together', () => {
    for (let i = 1; i < tlps.length; i++) expect(tlps[i].startPs).toBeGreaterThanOrEqual(tlps[i - 1].startPs);
  });

  it('have arrived when the device or software goes on with them', () => {
    for (const { startPs, endPs, arrivalPs } of tlps) {
      expect(endPs).toBeGreaterThan(startPs);
      expect(arrivalPs).toBeGreaterThan(endPs);
    }
  });

  it('take a credit for each header, one after another through a train', () => {
    let several = 0;
    for (const direction of [false, true]) {
      const own = tlps.filter(({ downstream }) => downstream === direction);
      for (let i = 1; i < own.length; i++) {
        if (own[i].number === 0) continue;
        expect(own[i].number).toBe(own[i - 1].number + 1);
        if (own[i].headerCredits === Number.POSITIVE_INFINITY) continue;
        several++;
        expect(own[i].headerCredits).toBe(own[i - 1].headerCredits - 1);
        const units = own[i].kind === TlpKind.MEMORY_READ ? 0 : Math.ceil(own[i].bytes / 16);
        expect(own[i].dataCredits).toBe(own[i - 1].dataCredits - units);
      }
    }
    expect(several).toBeGreaterThan(20);
  });

  it('have no tag where the request is not in the log, and all others have', () => {
    const last = [...singleTlps(lastOf(loggedRun(BUSY).log, 2000))];
    const first = last.findIndex(isRequest);
    expect(last.filter((tlp) => isCompletion(tlp) && tlp.tag === null).length).toBeGreaterThan(0);
    const outstanding = new Set(last.filter(isRequest).map(({ requester, tag }) => `${requester} ${tag}`));
    for (const tlp of last.filter(isCompletion))
      if (tlp.tag !== null) expect(outstanding.has(`${tlp.requester} ${tlp.tag}`)).toBe(true);
    expect(last[first].tag).toBe(0);
  });
});

/** Follows every request to its last completion; returns the most that the device had outstanding. */
function follow(log: BinaryLog, tlps: readonly SingleTlp[]): number {
  const outstanding = new Map<string, { request: SingleTlp; missing: number }>();
  const freeAt = new Map<string, number>();
  let most = 0;
  for (const tlp of tlps) {
    const { downstream, requester, tag, bytes } = tlp;
    if (tag === null) continue;
    if (isRequest(tlp)) {
      const key = `${downstream} ${tag}`;
      expect(outstanding.has(key), `${key} at ${tlp.startPs}`).toBe(false);
      expect(tlp.startPs).toBeGreaterThanOrEqual(freeAt.get(key) ?? 0);
      outstanding.set(key, { request: tlp, missing: bytes });
      const own = [...outstanding.values()].filter(({ request }) => !request.downstream).length;
      most = Math.max(most, own);
      continue;
    }
    const key = `${!downstream} ${tag}`;
    const waiting = outstanding.get(key);
    expect(waiting, `${key} at ${tlp.startPs}`).toBeDefined();
    if (waiting === undefined) continue;
    const { request } = waiting;
    expect(tlp.requester).toBe(requester);
    expect(request.requester).toBe(requester);
    expect(tlp.answers).toBe(request.kind);
    expect(tlp.startPs).toBeGreaterThanOrEqual(request.endPs);
    if (tlp.kind === TlpKind.COMPLETION_DATA) {
      expect(tlp.byteCount).toBe(waiting.missing);
      // Memory is read where the request says; translation keeps the place in the page.
      const done = request.bytes - waiting.missing;
      expect(tlp.address % 4096).toBe((request.address + done) % 4096);
      waiting.missing -= bytes;
    } else waiting.missing = 0;
    expect(waiting.missing).toBeGreaterThanOrEqual(0);
    if (waiting.missing > 0) continue;
    outstanding.delete(key);
    freeAt.set(key, tlp.arrivalPs);
  }
  // What is still under way at the end of a run was asked for in its last 10 us.
  for (const { request } of outstanding.values())
    expect(request.startPs).toBeGreaterThan(log.trailer.endPs - 1e7);
  return most;
}

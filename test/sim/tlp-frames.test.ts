import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import { TlpKind } from '../../src/pcie/index.ts';
import { type BinaryLog, singleTlps, TlpFrames, TlpPurposes } from '../../src/trace/index.ts';
import { loggedRun, MIXED } from './tlp-log.ts';

/** Frames come from guests, from the host and from the wire; each goes to one receiver. */
const ALL_WAYS: Scenario = {
  guests: [{ name: 'a' }, { name: 'b' }],
  traffic: [
    { from: 'a', to: 'b', saturate: true, frameBytes: 1518 },
    { from: 'b', to: 'port', ratePps: 1e6 },
    { from: 'port', to: 'a', ratePps: 1e6, frameBytes: 300 },
    { from: 'host', to: 'a', ratePps: 5e5, frameBytes: 900 },
  ],
  warmUpMs: 0,
  durationMs: 0.03,
};

/** Bytes of payload that were read and written for each frame. */
function moved(log: BinaryLog): { read: Map<number, number>; written: Map<number, number> } {
  const frames = new TlpFrames(log);
  const purposes = new TlpPurposes(log, { frames });
  const read = new Map<number, number>();
  const written = new Map<number, number>();
  for (const tlp of singleTlps(log)) {
    const frame = frames.frameOf(tlp.train);
    const group = purposes.groupOf(tlp);
    expect(frame === 0 || group.endsWith('payload')).toBe(true);
    if (frame === 0) continue;
    const sums = tlp.kind === TlpKind.MEMORY_WRITE ? written : read;
    if (tlp.kind !== TlpKind.MEMORY_READ) sums.set(frame, (sums.get(frame) ?? 0) + tlp.bytes);
  }
  return { read, written };
}

describe.each([
  ['store and forward', ALL_WAYS],
  ['cut-through', { ...ALL_WAYS, nic: { profile: 'generic-100g', port: { switching: 'cut-through' } } }],
] as [string, Scenario][])('the TLPs of a frame, %s', (_, scenario) => {
  const { log } = loggedRun(scenario);
  const arrived = [...log.records()].filter(({ kind }) => kind === ProbeKind.FRAME_IN);
  const uplink = log.header.store?.pools as number;
  const { read, written } = moved(log);

  it('have read all of it, where a guest or the host sends it, and nothing of one from the wire', () => {
    arrived.forEach(({ b: port, c: bytes }, i) => {
      if (port === uplink) expect(read.has(i + 1)).toBe(false);
      else expect(read.get(i + 1), `frame ${i + 1}`).toBe(bytes);
    });
    expect(read.size).toBeGreaterThan(30);
    expect(arrived.length - read.size).toBeGreaterThan(10);
  });

  it('have written all of it to its receiver', () => {
    const inSlot = new Map<number, number>();
    const expected = new Map<number, number>();
    const port = (target: number) => target & 0xffffff;
    let count = 0;
    for (const { kind, a, b, c, timePs } of log.records()) {
      if (kind === ProbeKind.FRAME_IN) inSlot.set(a, ++count);
      const frame = inSlot.get(a) as number;
      // What goes to a VPort late is not in memory when the run ends.
      const isIn = kind === ProbeKind.FRAME_OUT && port(b) !== uplink && timePs < log.trailer.endPs - 5e6;
      if (isIn) expected.set(frame, c);
      if (kind === ProbeKind.FRAME_DROPPED) expected.delete(frame);
    }
    for (const [frame, bytes] of expected) expect(written.get(frame), `frame ${frame}`).toBe(bytes);
    expect(expected.size).toBeGreaterThan(30);
  });
});

describe('a frame that several receive', () => {
  it('is written as often', () => {
    const { log } = loggedRun({
      ...MIXED,
      guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      traffic: [{ from: 'a', to: 'broadcast', ratePps: 5e5, frameBytes: 200 }],
    });
    const { read, written } = moved(log);
    // To b, to c and to the host; without its frame check sequence.
    expect(read.get(1)).toBe(196);
    expect(written.get(1)).toBe(3 * 196);
  });
});

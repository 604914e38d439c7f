import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counterDifference, formatCounters, snapshotCounters } from '../../src/sim/index.ts';
import { boot } from './rig.ts';

const counters = fc.dictionary(
  fc.string({ unit: fc.constantFrom('a', 'B', '.', ',', '"', '\\', '\n', '\r', '}', '=', ' ') }),
  fc.maxSafeInteger().map((value) => value + 0),
);

/** The text format 0.0.4 of Prometheus, as strictly as its description: what is not allowed is an error. */
function parsePrometheus(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const seen = { help: false, type: false };
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    if (/^# HELP sriovsim_counter [^\\]+$/.test(line) && !seen.help && !seen.type) seen.help = true;
    else if (line === '# TYPE sriovsim_counter untyped' && !seen.type && samples.size === 0) seen.type = true;
    else {
      const sample =
        /^sriovsim_counter\{name="((?:[^"\\\n]|\\[\\"n])*)"\} (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(line);
      if (sample === null) throw new Error(`no line of the format: ${JSON.stringify(line)}`);
      const name = sample[1].replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
      if (samples.has(name)) throw new Error(`twice: ${name}`);
      samples.set(name, Number(sample[2]));
    }
  }
  if (!seen.help || !seen.type) throw new Error('no help or type');
  return samples;
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  let row: string[] = [];
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) throw new Error('no CSV');
    row.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe('counters', () => {
  it('are those of the report, by name', () => {
    const simulation = boot({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
      warmUpMs: 0,
      durationMs: 0.02,
    });
    const before = snapshotCounters(simulation.machine.components);
    simulation.advance(simulation.endPs);
    const after = snapshotCounters(simulation.machine.components);
    expect(after).toEqual(simulation.report().counters);
    expect(Object.keys(after)).toEqual(Object.keys(after).toSorted());
    const difference = counterDifference(after, before);
    expect(difference['pcie.upstream.tlps']).toBeGreaterThan(20);
    expect(difference['pcie.upstream.tlps']).toBe(after['pcie.upstream.tlps'] - before['pcie.upstream.tlps']);
  });

  it('are there for every part of the machine: link, host, IOMMU, card, software, memory', () => {
    const simulation = boot({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
      warmUpMs: 0,
      durationMs: 0.02,
    });
    simulation.advance(simulation.endPs);
    const { counters, endpoints } = simulation.report();
    for (const name of [
      'pcie.upstream.tlps',
      'rootPort.memoryReads',
      'rootComplex.mmioWrites',
      'iommu.hits',
      'iommu.walks',
      'interrupts.delivered',
      'nic.interrupts.raised',
      'nic.transmit.descriptorsFetched',
      'nic.receive.descriptorsFetched',
      'nic.switch.framesIn',
      'nic.mailboxes.messages',
      'nic.requester.readsIssued',
      'memory.allocatedBytes',
    ])
      expect(counters[name], name).toBeGreaterThan(0);
    expect(counters['nic.mac.framesSent']).toBe(0);
    // What a driver counts is what it tells the report, and what the card has seen of it.
    const received = endpoints.find(({ name }) => name === 'b')?.received.frames;
    expect(received).toBeGreaterThan(10);
    expect(counters['drivers.vf1.framesReceived']).toBe(received);
    expect(counters['drivers.vf0.framesPosted']).toBeGreaterThanOrEqual(counters['nic.switch.framesIn']);
    const taken = ['pf', 'vf0', 'vf1'].map((name) => counters[`drivers.${name}.interruptsTaken`]);
    expect(taken.reduce((sum, count) => sum + count)).toBeGreaterThan(0);
    expect(taken.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(counters['interrupts.delivered']);
  });

  it('are there for each queue and VPort that is used: frames, bytes, drops, descriptors', () => {
    const simulation = boot({
      guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      traffic: [
        { from: 'a', to: 'b', ratePps: 1e6, count: 300 },
        { from: 'b', to: 'port', ratePps: 1e6, frameBytes: 1518, count: 20 },
      ],
      warmUpMs: 0,
      durationMs: 0.4,
    });
    const qpp = simulation.machine.nic.profile.queuesPerPool;
    simulation.advance(simulation.endPs);
    const { counters } = simulation.report();
    const sums = (pattern: RegExp) =>
      Object.entries(counters).reduce((sum, [name, count]) => sum + (pattern.test(name) ? count : 0), 0);
    expect(counters['nic.transmit.queue0.frames']).toBe(300);
    expect(counters[`nic.transmit.queue${qpp}.frames`]).toBe(20);
    expect(counters['nic.vport.0.framesIn']).toBe(300);
    expect(counters['nic.vport.0.bytesIn']).toBe(300 * 60);
    expect(counters['nic.vport.1.bytesIn']).toBe(20 * 1514);
    expect(counters['nic.vport.1.framesOut']).toBe(300);
    expect(counters['nic.vport.uplink.bytesOut']).toBe(20 * 1514);
    expect(counters[`nic.receive.queue${qpp}.frames`]).toBe(300);
    expect(counters['drivers.vf1.framesReceived']).toBe(300);
    // What all queues have is what the engine has.
    for (const half of ['transmit', 'receive'])
      expect(sums(new RegExp(`^nic\\.${half}\\.queue\\d+\\.descriptorsFetched$`))).toBe(
        counters[`nic.${half}.descriptorsFetched`],
      );
    expect(sums(/^nic\.transmit\.queue\d+\.frames$/)).toBe(counters['nic.transmit.framesFetched']);
    expect(counters['nic.transmit.queue0.descriptorsTaken']).toBe(300);
    expect(counters[`nic.receive.queue${qpp}.descriptorsTaken`]).toBe(300);
    expect(counters[`nic.receive.queue${qpp}.descriptorsWrittenBack`]).toBe(300);
    expect(counters).not.toHaveProperty('nic.vport.2.framesIn');
  });

  it('of a queue count on when its ring begins anew, and leave out what the ring had in its cache', () => {
    const simulation = boot({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
      warmUpMs: 0,
      durationMs: 0.05,
    });
    const { data } = simulation.machine.nic;
    const qpp = simulation.machine.nic.profile.queuesPerPool;
    simulation.advance(simulation.startPs + 20e6);
    const count = (name: string) => data.receive.counters()[`queue${qpp}.${name}`];
    const before = ['frames', 'descriptorsTaken', 'descriptorsFetched'].map(count);
    const unsent = data.receive.rings.all[qpp].unsent;
    expect(before[1]).toBe(before[0]);
    expect(before[2]).toBeGreaterThan(before[1]);
    data.receive.disable(qpp);
    expect(['frames', 'descriptorsTaken', 'descriptorsFetched'].map(count)).toEqual(before);
    expect(count('descriptorsWrittenBack')).toBe(before[1] - unsent);
    // Frames for a ring that is not there are its queue's, too.
    simulation.advance(simulation.startPs + 30e6);
    expect(count('framesDropped')).toBeGreaterThan(0);
    expect(count('framesDropped')).toBe(data.receive.framesDropped);
  });

  it('are subtracted name by name: one that is new counts from 0, one that is gone is left out', () => {
    expect(counterDifference({ a: 5, b: 2, c: 1 }, { a: 3, b: 4, d: 9 })).toEqual({ a: 2, b: -2, c: 1 });
  });

  it('come back out of each form, whatever they are called', () => {
    fc.assert(
      fc.property(counters, (all) => {
        const entries = Object.entries(all);
        expect(parsePrometheus(formatCounters(all, 'prom'))).toEqual(new Map(entries));
        expect(parseCsv(formatCounters(all, 'csv'))).toEqual([
          ['name', 'value'],
          ...entries.map(([name, value]) => [name, String(value)]),
        ]);
        expect(JSON.parse(formatCounters(all, 'json'))).toEqual({
          schema: 'sriovsim-counters/1',
          counters: all,
        });
      }),
    );
  });
});

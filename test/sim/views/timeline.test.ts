import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../../src/kernel/index.ts';
import { timelineFromLog } from '../../../src/sim/index.ts';
import { BinaryLog, LogError, type LogRecord, singleTlps } from '../../../src/trace/index.ts';
import { PerfettoWriter } from '../../../src/trace/perfetto.ts';
import { join, writeLog } from '../../trace/log-fixture.ts';
import { type ReadSlice, readTrace, slicesOf } from '../../trace/perfetto-schema.ts';
import { loggedRun, MIXED } from './logged-run.ts';

function timelineOf(log: BinaryLog, window = {}) {
  const pieces: Uint8Array[] = [];
  timelineFromLog(log, window).write(new PerfettoWriter((piece) => pieces.push(piece)));
  const trace = readTrace(join(pieces));
  return { trace, slices: slicesOf(trace) };
}

const isQueue = (half: string) => (path: string) =>
  new RegExp(`^sriovsim/queues/\\S+ ${half}\\[\\d+\\]$`).test(path);

describe('the timeline of a run', () => {
  const { log, simulation } = loggedRun(MIXED);
  const { trace, slices } = timelineOf(log);
  const records = [...log.records()];
  const ofKind = (kind: number) => records.filter((record) => record.kind === kind);
  const slicesOn = (matches: (path: string) => boolean) => slices.filter(({ path }) => matches(path));
  const at = (path: string) =>
    trace.events.filter((event) => event.path === path && event.type === 'instant');

  it('has the tracks that it should, and no two groups of one name', () => {
    const paths = new Set(trace.tracks.map(({ path }) => path));
    for (const path of [
      'sriovsim/PCIe link/upstream',
      'sriovsim/PCIe link/downstream',
      'sriovsim/IOMMU walkers',
      'sriovsim/queues/a tx[0]',
      'sriovsim/queues/a tx[0] fetches',
      'sriovsim/queues/b rx[0]',
      'sriovsim/switch/frames in the switch',
      'sriovsim/switch/drops',
      'sriovsim/port/from the wire',
      'sriovsim/port/to the wire',
      'sriovsim/interrupts/b',
      'sriovsim/guests/guest b/b registers',
      'sriovsim/guests/guest b/b interrupts until unmasked',
      'sriovsim/guests/host/host registers',
    ])
      expect(paths).toContain(path);
    expect(trace.tracks.filter(({ path }) => path === 'sriovsim').length).toBe(1);
  });

  it('has a slice for each TLP, for as long as its symbols take', () => {
    const tlps = [...singleTlps(log)];
    for (const downstream of [false, true]) {
      const own = slicesOn((path) => path === `sriovsim/PCIe link/${downstream ? 'down' : 'up'}stream`);
      const expected = tlps.filter((tlp) => tlp.downstream === downstream);
      expect(own.map(({ args, endNs }) => [args['ps'], endNs, args['sequence'], args['bytes']])).toEqual(
        expected.map((tlp) => [tlp.startPs, Math.floor(tlp.endPs / 1000), tlp.sequence, tlp.bytes]),
      );
    }
  });

  it('has a slice for each transmit and receive descriptor, on the track of its queue', () => {
    const { queuesPerPool } = log.header.store as NonNullable<typeof log.header.store>;
    const { vfs } = simulation.scenario;
    const trackOf = (queue: number, half: string) => {
      const pool = Math.floor(queue / queuesPerPool);
      return `sriovsim/queues/${vfs[pool]?.name ?? 'host'} ${half}[${queue % queuesPerPool}]`;
    };
    const sent = slicesOn(isQueue('tx'));
    expect(
      sent.map(({ path, args, endNs }) => [path, args['descriptor'], args['slot'], endNs]).sort(),
    ).toEqual(
      ofKind(ProbeKind.TX_DESCRIPTOR)
        .map(({ timePs, a, b, c }) => [trackOf(a, 'tx'), b, c, Math.floor(timePs / 1000)])
        .sort(),
    );
    expect(sent.every(({ ns, endNs }) => ns < endNs)).toBe(true);
    const received = slicesOn(isQueue('rx'));
    expect(received.map(({ path, args }) => `${path} ${args['descriptor']}`).sort()).toEqual(
      ofKind(ProbeKind.RX_DESCRIPTOR)
        .map(({ a, b }) => `${trackOf(a, 'rx')} ${b}`)
        .sort(),
    );
    expect(received.length).toBeGreaterThan(100);
  });

  it('has each frame in the switch for as long as the switch takes, and every drop with its reason', () => {
    const inSwitch = slicesOn((path) => path === 'sriovsim/switch/frames in the switch');
    const decided = (record: LogRecord, from: number) =>
      records
        .slice(from)
        .some(
          ({ kind, a }) =>
            (kind === ProbeKind.FRAME_OUT || kind === ProbeKind.FRAME_DROPPED) && a === record.a,
        );
    const frames = records.filter((record, i) => record.kind === ProbeKind.FRAME_IN && decided(record, i));
    expect(inSwitch.length).toBe(frames.length);
    const { profile } = simulation.machine.nic;
    const cyclesNs = Math.floor((profile.switchCycles * profile.coreClockPs) / 1000);
    for (const { ns, endNs } of inSwitch) expect(endNs - ns).toBeGreaterThanOrEqual(cyclesNs);
    const drops = ofKind(ProbeKind.FRAME_DROPPED);
    expect(at('sriovsim/switch/drops').map(({ name }) => name)).toEqual(
      drops.map(({ c }) => log.header.dropReasons[c]),
    );
    expect(drops.length).toBeGreaterThan(3);
  });

  it('follows each frame with arrows from its descriptor or the wire over the switch to each of its ends', () => {
    const ends = new Map<number, (typeof trace.events)[number][]>();
    for (const event of trace.events)
      for (const flow of [...event.flows, ...event.endingFlows])
        ends.set(flow, [...(ends.get(flow) ?? []), event]);
    expect(ends.size).toBeGreaterThan(200);
    for (const [flow, chain] of ends) {
      const [first, middle, last] = chain;
      expect(chain.length, `flow ${flow}`).toBe(3);
      expect(isQueue('tx')(first.path) || first.path === 'sriovsim/port/from the wire', first.path).toBe(
        true,
      );
      expect(middle.path).toBe('sriovsim/switch/frames in the switch');
      const isEnd = isQueue('rx')(last.path) || last.path === 'sriovsim/port/to the wire';
      expect(isEnd || last.path === 'sriovsim/switch/drops', last.path).toBe(true);
      // All three are about one frame, and the flow ends with the last.
      expect(new Set(chain.map(({ args }) => args['frame'])).size).toBe(1);
      expect(chain.map(({ endingFlows }) => endingFlows.includes(flow))).toEqual([false, false, true]);
    }
    // Whatever a frame came to is the end of one.
    const received = slicesOn(isQueue('rx'));
    const toWire = slicesOn((path) => path === 'sriovsim/port/to the wire');
    expect(toWire.length).toBe(ofKind(ProbeKind.WIRE_SENT).length);
    const all = [...received, ...toWire, ...at('sriovsim/switch/drops')];
    for (const { endingFlows, args } of all) expect(endingFlows.length, JSON.stringify(args)).toBe(1);
    expect(all.length).toBe(ends.size);
  });

  it('numbers frames as captures do', () => {
    const inSwitch = slicesOn((path) => path === 'sriovsim/switch/frames in the switch');
    const frames = ofKind(ProbeKind.FRAME_IN);
    for (const { args } of inSwitch) {
      const { timePs, a } = frames[Number(args['frame']) - 1];
      expect([args['ps'], args['slot']]).toEqual([timePs, a]);
    }
  });

  it('has what each descriptor fetch brought, from its request to its arrival', () => {
    const fetches = slicesOn((path) => / fetches$/.test(path));
    const { transmit, receive } = simulation.machine.nic.data;
    const fetched = fetches.reduce(
      (sum, { name }) => sum + Number(/^fetch of (\d+)$/.exec(name ?? '')?.[1]),
      0,
    );
    const still = transmit.rings.all
      .concat(receive.rings.all as never)
      .reduce((sum, ring) => sum + ring.inFetch(), 0);
    expect(fetched).toBe(transmit.rings.descriptorsFetched + receive.rings.descriptorsFetched - still);
    // Each goes on where the one before it ended.
    const next = new Map<string, number>();
    for (const { path, name, args } of fetches as ReadSlice[]) {
      const first = Number(args['first descriptor']);
      const end = first + Number(/\d+/.exec(name ?? '')?.[0]);
      expect([0, next.get(path) ?? 0], path).toContain(first);
      next.set(path, end);
    }
  });

  it('has each page walk with as many accesses as it took', () => {
    const walks = slicesOn((path) => path === 'sriovsim/IOMMU walkers');
    expect(walks.length).toBe(ofKind(ProbeKind.PAGE_WALK).length);
    const ends = ofKind(ProbeKind.PAGE_WALK_END);
    const { memoryAccessPs } = simulation.machine.parts.hostProfile.iommu;
    const accesses = walks
      .map(({ args }) => Number(args['accesses'] ?? 0))
      .reduce((sum, count) => sum + count, 0);
    expect(accesses).toBe(ends.reduce((sum, { c }) => sum + (c & 0xff), 0));
    for (const { ns, endNs, args } of walks)
      if (args['accesses'] !== undefined)
        expect(endNs - ns + 1).toBeGreaterThanOrEqual((Number(args['accesses']) * memoryAccessPs) / 1000);
  });

  it('has every interrupt and register access', () => {
    const on = (prefix: string) =>
      trace.events.filter(({ type, path }) => type === 'instant' && path.startsWith(prefix));
    expect(on('sriovsim/interrupts/').length).toBe(ofKind(ProbeKind.INTERRUPT).length);
    const accesses = ofKind(ProbeKind.REGISTER_READ).length + ofKind(ProbeKind.REGISTER_WRITE).length;
    const registers = on('sriovsim/guests/');
    expect(registers.length).toBe(accesses);
    // All that drivers touch has a name.
    expect(registers.filter(({ name }) => name?.includes('BAR 0')).map(({ name }) => name)).toEqual([]);
    const doorbells = registers.filter(
      ({ path, name }) => path.endsWith('/a registers') && name === 'write TDT[0]',
    );
    expect(doorbells.length).toBeGreaterThan(50);
  });

  it('shows an interrupt as handled when its cause is unmasked', () => {
    const handled = slicesOn((path) => path === 'sriovsim/guests/guest b/b interrupts until unmasked');
    expect(handled.length).toBe(at('sriovsim/interrupts/b').length);
    const unmasks = at('sriovsim/guests/guest b/b registers').filter(({ name }) => name === 'write VTEIMS');
    for (const { endNs } of handled.slice(0, -1)) expect(unmasks.map(({ ns }) => ns)).toContain(endNs);
  });

  it('of a window has what touches it, and arrows only between what is there', () => {
    const fromPs = simulation.startPs + 10_000_000;
    const window = { fromPs, toPs: fromPs + 20_000_000 };
    const part = timelineOf(log, window);
    const [fromNs, toNs] = [window.fromPs / 1000, window.toPs / 1000];
    const touches = ({ ns, endNs }: ReadSlice) => ns <= toNs && endNs >= fromNs;
    const key = ({ path, args, name }: ReadSlice) => `${path} ${args['ps']} ${name}`;
    expect(part.slices.map(key).sort()).toEqual(slices.filter(touches).map(key).sort());
    const ends = part.trace.events.flatMap(({ endingFlows }) => endingFlows);
    const begun = new Set(part.trace.events.flatMap(({ flows }) => flows));
    expect(ends.length).toBeGreaterThan(20);
    expect([...begun].sort()).toEqual([...new Set(ends)].sort());
  });

  it('has one line for each direction of a link whose bytes take no whole number of ps', () => {
    const fast = loggedRun({ ...MIXED, nic: { profile: 'generic-100g', linkGbps: 100 }, durationMs: 0.01 });
    const { tracks } = timelineOf(fast.log).trace;
    for (const path of ['sriovsim/PCIe link/upstream', 'sriovsim/PCIe link/downstream'])
      expect(tracks.filter((track) => track.path === path).length).toBe(1);
  });

  it('is had from the last records of a run, too', () => {
    const { header, trailer } = log;
    // As a ring would have it: in the middle of a train, of frames and of walks.
    for (const from of [3001, 3002, 3003, 3004, 3005]) {
      const bytes = writeLog((target) => {
        for (const { timePs, kind, a, b, c, data } of records.slice(from)) {
          target.record(timePs, kind, a, b, c);
          if (data !== null) target.data(data, 0, data.length);
        }
      }, header);
      const cut = Object.assign(new BinaryLog(bytes), { trailer });
      expect(timelineOf(cut).slices.length).toBeGreaterThan(1000);
    }
  });

  it('is had of logs that say neither what the wire carries nor how walks end', () => {
    const old: readonly number[] = [ProbeKind.WIRE_SENT, ProbeKind.WIRE_TAKEN, ProbeKind.PAGE_WALK_END];
    const bytes = writeLog((target) => {
      for (const { timePs, kind, a, b, c, data } of records) {
        if (old.includes(kind)) continue;
        target.record(timePs, kind, a, b, c);
        if (data !== null) target.data(data, 0, data.length);
      }
    }, log.header);
    const before = timelineOf(Object.assign(new BinaryLog(bytes), { trailer: log.trailer }));
    const instants = (path: string) =>
      before.trace.events.filter((event) => event.type === 'instant' && event.path === path);
    const frames = instants('sriovsim/port/to the wire');
    const leave = ofKind(ProbeKind.FRAME_OUT).filter(({ b }) => (b & 0xffffff) === log.header.store?.pools);
    expect(frames.map(({ args }) => args['ps']).sort()).toEqual(leave.map(({ timePs }) => timePs).sort());
    expect(frames.every(({ endingFlows }) => endingFlows.length === 1)).toBe(true);
    expect(instants('sriovsim/IOMMU walkers').length).toBe(ofKind(ProbeKind.PAGE_WALK).length);
  });

  it('is only had of a machine', () => {
    expect(() => timelineFromLog(new BinaryLog(writeLog(() => {})))).toThrow(LogError);
  });
});

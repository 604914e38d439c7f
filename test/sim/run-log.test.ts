import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import { captureFromLog, logHeader, logTrailer, recordLog } from '../../src/sim/index.ts';
import { BinaryLog, LogError, LogRing, LogWriter } from '../../src/trace/index.ts';
import { HEADER, join, writeLog } from '../trace/log-fixture.ts';
import { FLAGS, PACKET_ID, packetBlocks } from '../wire/pcapng-packets.ts';
import { jsonOf, makeSimulation } from './rig.ts';

const SCENARIO: Scenario = {
  seed: 7,
  guests: [
    { name: 'a', vfs: [{ vlan: 100 }] },
    { name: 'b', vfs: [{ vlan: 100 }] },
    { name: 'c', vfs: [{ trustedVlans: [7] }] },
  ],
  traffic: [
    { from: 'a', to: 'b', ratePps: 1e6 },
    { from: 'a', to: 'port', ratePps: 1e6 },
    { from: 'port', to: 'c', ratePps: 1e6, vlan: 7 },
    { from: 'port', to: 'broadcast', ratePps: 1e5 },
    { from: 'b', to: '02:99:00:00:00:01', ratePps: 1e5, frameBytes: 1518 },
  ],
  warmUpMs: 0.01,
  durationMs: 0.05,
};

/** Runs the scenario, with everything logged if asked to, and beside it captured. */
function run(log: boolean, scenario = SCENARIO, frameBytes?: number) {
  const simulation = makeSimulation(scenario);
  const capture = simulation.captureFrames();
  const pieces: Uint8Array[] = [];
  const writer = log ? new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice())) : null;
  if (writer !== null) recordLog(simulation, writer, frameBytes);
  else simulation.probe.sink = null;
  simulation.boot();
  simulation.advance(simulation.endPs);
  writer?.end(logTrailer(simulation));
  return { simulation, capture, bytes: join(pieces) };
}

describe('the log of a simulation', () => {
  it('changes nothing: the same digest and the same report', () => {
    const [on, off] = [run(true), run(false)];
    expect(on.simulation.machine.scheduler.digest).toBe(off.simulation.machine.scheduler.digest);
    expect(jsonOf(on.simulation)).toBe(jsonOf(off.simulation));
  });

  it('is the same bytes each time', () => {
    expect(Buffer.compare(run(true).bytes, run(true).bytes)).toBe(0);
  });

  it('holds every frame: the capture made from it is the one that was made beside it', () => {
    const { capture, bytes } = run(true);
    const fromLog = captureFromLog(new BinaryLog(bytes));
    expect(fromLog.packets).toBeGreaterThan(300);
    expect(fromLog.packets).toBe(capture.packets);
    expect(Buffer.compare(fromLog.bytes(), capture.bytes())).toBe(0);
  });

  it('of the last records numbers frames as the whole run does, in the capture made from it', () => {
    const simulation = makeSimulation(SCENARIO);
    const capture = simulation.captureFrames();
    const ring = new LogRing(5000);
    recordLog(simulation, ring);
    simulation.boot();
    simulation.advance(simulation.endPs);
    const log = new BinaryLog(join(ring.parts(logHeader(simulation), logTrailer(simulation))));
    expect(log.framesLost).toBeGreaterThan(50);
    /** Number, port, time and direction of each packet that has a number. */
    const packets = (file: Uint8Array) =>
      packetBlocks(file).flatMap(({ options, interface: port, time }) => {
        const [id, flags] = [options.get(PACKET_ID), options.get(FLAGS)];
        return id === undefined ? [] : [`${Buffer.from(id).readBigUInt64LE()} ${port} ${time} ${flags}`];
      });
    const [whole, last] = [capture, captureFromLog(log)].map((each) => packets(each.bytes()));
    expect(last.length).toBeGreaterThan(50);
    expect(last[0]).toMatch(new RegExp(`^${log.framesLost + 1} `));
    // What leaves the switch of frames that came in before the first record has no number there.
    const known = whole
      .slice(whole.indexOf(last[0]))
      .filter((each) => Number.parseInt(each, 10) > log.framesLost);
    expect(last).toEqual(known);
  });

  it('holds frames as they are marked, copies of replicas included', () => {
    const { capture, bytes, simulation } = run(true, {
      nic: { profile: 'generic-100g', linkGbps: 10 },
      guests: [{ name: 'a', driver: 'poll' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'broadcast', frameBytes: 1518, ratePps: 1e6, ecn: true }],
      warmUpMs: 0,
      durationMs: 0.4,
    });
    expect(simulation.report().counters['nic.ecn.marked']).toBeGreaterThan(10);
    const fromLog = captureFromLog(new BinaryLog(bytes));
    expect(Buffer.compare(fromLog.bytes(), capture.bytes())).toBe(0);
  });

  it('holds as much of a frame as it is asked to', () => {
    const bytesOf = (frameBytes: number) => run(true, SCENARIO, frameBytes).bytes.length;
    const [none, some, all] = [bytesOf(0), bytesOf(60), bytesOf(1518)];
    expect(some).toBeGreaterThan(none);
    expect(all).toBeGreaterThan(some);
    const { capture, bytes } = run(true, SCENARIO, 60);
    expect(captureFromLog(new BinaryLog(bytes)).packets).toBe(capture.packets);
  });

  it('has the levels of buffers whenever an event has changed them, in as many logs as there are', () => {
    const simulation = makeSimulation(SCENARIO);
    const logs = [0, 1].map(() => {
      const pieces: Uint8Array[] = [];
      const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
      return { pieces, writer };
    });
    recordLog(simulation, logs[0].writer);
    simulation.boot();
    const { data, profile } = simulation.machine.nic;
    simulation.advance(simulation.startPs + 20e6);
    recordLog(simulation, logs[1].writer);
    const levels = () => [
      data.receiveBytes,
      profile.transmitBufferBytes - data.transmit.bufferFree,
      data.frames.slots - data.frames.available,
    ];
    const [from, first] = [simulation.nowPs, levels()];
    simulation.advance(simulation.endPs);
    const [whole, late] = logs.map(({ pieces, writer }) => {
      writer.end(logTrailer(simulation));
      return [...new BinaryLog(join(pieces)).records()].filter(({ kind }) => kind === ProbeKind.BUFFER_LEVEL);
    });
    expect(late[0]).toMatchObject({ timePs: from, a: first[0], b: first[1], c: first[2] });
    expect(late.slice(1)).toEqual(whole.filter(({ timePs }) => timePs > from));
    expect(late.length).toBeGreaterThan(100);
    const last = whole.at(-1);
    expect([last?.a, last?.b, last?.c]).toEqual(levels());
    for (let i = 1; i < whole.length; i++) {
      const [before, after] = [whole[i - 1], whole[i]];
      expect([after.a, after.b, after.c]).not.toEqual([before.a, before.b, before.c]);
    }
  });

  it('says what was run, how it ended, and where registers lie', () => {
    const { simulation, bytes } = run(true);
    const { header, trailer } = new BinaryLog(bytes);
    const { machine, scenario } = simulation;
    expect(header).toMatchObject({ seed: 7, scenario: JSON.parse(JSON.stringify(scenario)) });
    expect(header.components).toContain('pcie');
    expect(header.link).toMatchObject({ readCompletionBoundary: 64, maxPayloadBytes: 256 });
    expect(trailer).toMatchObject({
      outcome: 'complete',
      digest: machine.scheduler.digest,
      endPs: simulation.nowPs,
    });
    expect(trailer.tasks.length).toBeGreaterThan(header.tasks.length);
    const { pf } = machine.nic;
    expect(trailer.apertures[0]).toMatchObject({
      routingId: pf.routingId,
      bar: 0,
      base: pf.barBase(0),
      count: 1,
    });
    const vfs = trailer.apertures.find(({ virtual }) => virtual);
    expect(vfs).toMatchObject({ routingId: pf.sriov?.routingIdOf(0), stride: 2, count: 3, bar: 0 });
  });

  it('says what a failed run was wrong with', () => {
    const simulation = makeSimulation(SCENARIO);
    const ring = new LogRing(100);
    recordLog(simulation, ring);
    simulation.boot();
    const trailer = logTrailer(simulation, new Error('a frame went missing'));
    expect(trailer).toMatchObject({ outcome: 'failed', error: 'Error: a frame went missing' });
    const log = new BinaryLog(join(ring.parts(logHeader(simulation), trailer)));
    expect(log.length).toBe(100);
    expect(logTrailer(simulation).outcome).toBe('partial');
  });

  it('has another hash for another scenario', () => {
    const crc = (scenario: Scenario) => logHeader(makeSimulation(scenario)).scenarioCrc32;
    expect(crc(SCENARIO)).toBe(crc({ ...SCENARIO }));
    expect(crc({ ...SCENARIO, seed: 8 })).not.toBe(crc(SCENARIO));
  });

  it('has frames only if it says where they lay', () => {
    const log = new BinaryLog(writeLog(() => {}, HEADER));
    expect(() => captureFromLog(log)).toThrow(LogError);
  });
});

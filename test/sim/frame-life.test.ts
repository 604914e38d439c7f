import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import {
  type FrameLife,
  lifeOfFrame,
  logHeader,
  logTrailer,
  recordLog,
  traceFrame,
} from '../../src/sim/index.ts';
import { BinaryLog, LogError, LogRing } from '../../src/trace/index.ts';
import { join, writeLog } from '../trace/log-fixture.ts';
import { deciders, logOf } from './life-rig.ts';
import { makeSimulation } from './rig.ts';

/** Life of the first frame of a scenario whose guests poll. */
function first(scenario: Scenario): FrameLife {
  const guests = (scenario.guests ?? []).map((guest) => ({ driver: 'poll' as const, ...guest }));
  return lifeOfFrame(logOf({ ...scenario, guests }), 1);
}

/** Its steps in ns from the first on. */
const course = ({ steps }: FrameLife) =>
  steps.map(({ timePs, kind }) => [(timePs - steps[0].timePs) / 1000, kind] as const);

/** How many frames have come in when one is dropped for a reason. */
function firstDropped(log: BinaryLog, reason: string): number {
  let frames = 0;
  for (const { kind, c } of log.records()) {
    if (kind === ProbeKind.FRAME_IN) frames++;
    if (kind === ProbeKind.FRAME_DROPPED && log.header.dropReasons[c] === reason) return frames;
  }
  throw new Error(`no frame is dropped for ${reason}`);
}

const AB = { guests: [{ name: 'a' }, { name: 'b' }] };

describe('the life of a frame', () => {
  it('from VF to VF has the steps and times of docs/life-of-a-packet.md', () => {
    const scenario = {
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e5 }],
    };
    const life = lifeOfFrame(logOf(scenario), 1);
    expect(course(life)).toEqual([
      [0, 'doorbell'],
      [256, 'doorbell'],
      [256, 'descriptorFetch'],
      [411, 'translation'],
      [921, 'descriptorCompletion'],
      [1080, 'payloadRead'],
      [1235, 'translation'],
      [1745, 'payloadCompletion'],
      [1915, 'switchIn'],
      [2043, 'senderChecks'],
      [2043, 'switchOut'],
      [2043, 'receiveDescriptor'],
      [2043, 'payloadWrite'],
      [2063, 'writeBack'],
      [2093, 'interrupt'],
      [2093, 'interrupt'],
      [2213, 'translation'],
      [2222, 'translation'],
    ]);
    expect(life).toMatchObject({
      number: 1,
      bytes: 60,
      port: 0,
      from: 'a',
      vlan: null,
      registersKnown: true,
    });
    expect(life.branches).toEqual([{ port: 1, name: 'b', outcome: 'written', reason: null }]);
    // Register write, request, completion of 16 bytes, request, completion of 60, frame, write-back, message.
    const onLink = life.steps.filter(({ link }) => link !== null).map(({ linkBytes }) => linkBytes);
    expect(onLink).toEqual([24, 20, 36, 20, 80, 80, 36, 24]);
    const walks = life.steps.filter(({ kind }) => kind === 'translation');
    expect(walks.map(({ timePs, endPs }) => (endPs === null ? null : (endPs - timePs) / 1000))).toEqual([
      290,
      290,
      290,
      null,
    ]);
    expect(walks[0].what).toContain('4 memory accesses, found at level 1');
    expect(walks[3].what).toContain('IOTLB hit');
  });

  it('names cycles of the clock of each unit: core clock, symbols', () => {
    const life = first({ ...AB, traffic: [{ from: 'a', to: 'b', ratePps: 1e5 }] });
    for (const { clock, cycle, timePs } of life.steps) {
      if (clock === 'core') expect(cycle).toBe(Math.floor(timePs / 6400));
      if (clock === 'symbol') expect(cycle).toBe(Math.floor(timePs / 2000));
    }
    const [enter, leave] = ['switchIn', 'switchOut'].map((kind) =>
      life.steps.find((step) => step.kind === kind),
    );
    expect((leave?.cycle ?? 0) - (enter?.cycle ?? 0)).toBe(20);
  });

  it('names the receive address, its pools and what takes untagged frames', () => {
    const life = first({ ...AB, traffic: [{ from: 'a', to: 'b', ratePps: 1e5 }] });
    expect(deciders(life, 'switchOut', 0)).toEqual(['PFDTXGSWC', 'RAH[126]', 'MPSAR[252]', 'PFVML2FLT[1]']);
    expect(deciders(life, 'senderChecks').slice(0, 4)).toEqual([
      'PFVFTE[0]',
      'PFVFSPOOF[0]',
      'RAH[127]',
      'MPSAR[254]',
    ]);
  });

  it('from VF to the wire ends with its last bit and at the other end of the cable', () => {
    const life = first({ ...AB, traffic: [{ from: 'a', to: 'port', ratePps: 1e5 }] });
    expect(life.branches).toEqual([{ port: 64, name: 'port', outcome: 'sent', reason: null }]);
    expect(deciders(life, 'switchOut', 0)).toEqual(['PFDTXGSWC', 'RAH[0..127]']);
    const [sent, arrived] = life.steps.slice(-2);
    expect(course(life).slice(-3)).toEqual([
      [2043, 'switchOut'],
      [2043, 'wireSent'],
      [2400.6, 'wireArrived'],
    ]);
    expect(sent).toMatchObject({
      unit: 'nic.mac',
      link: 'wire.out',
      linkBytes: 72,
      endPs: sent.timePs + 57_600,
    });
    expect(arrived.unit).toBe('station');
  });

  it('waits for the wire behind the frame before it, and the gap between', () => {
    const scenario = {
      guests: [{ name: 'a', driver: 'poll' as const }],
      traffic: [{ from: 'a', to: 'port', saturate: true as const, frameBytes: 1518 }],
    };
    const log = logOf(scenario);
    // Gaps of twelve bytes on average: four frames have four.
    const sent = [20, 24].map((n) => lifeOfFrame(log, n).steps.find(({ kind }) => kind === 'wireSent'));
    expect((sent[1]?.timePs ?? 0) - (sent[0]?.timePs ?? 0)).toBe(4 * (1518 + 20) * 800);
    expect(sent[1]?.what).toContain('having waited');
  });

  it('from the wire begins when its first bit leaves the other end', () => {
    const life = first({ ...AB, traffic: [{ from: 'port', to: 'b', ratePps: 1e5 }] });
    expect(course(life).slice(0, 4)).toEqual([
      [0, 'wireReceived'],
      [357.6, 'switchIn'],
      [485.6, 'switchOut'],
      [485.6, 'receiveDescriptor'],
    ]);
    expect(life).toMatchObject({ from: 'port', port: 64 });
    expect(life.steps[0]).toMatchObject({ link: 'wire.in', linkBytes: 72, unit: 'station' });
    expect(deciders(life, 'switchOut', 0)).toEqual(['RAH[126]', 'MPSAR[252]', 'PFVML2FLT[1]']);
  });

  it('to all has a branch for each receiver, and says who takes broadcasts', () => {
    const life = first({ ...AB, traffic: [{ from: 'a', to: 'broadcast', ratePps: 1e5 }] });
    expect(life.branches.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['b', 'written'],
      ['host', 'written'],
      ['port', 'sent'],
    ]);
    expect(deciders(life, 'switchOut', 0)).toEqual(['PFDTXGSWC', 'PFVML2FLT[1]', 'PFVML2FLT[1]']);
    expect(deciders(life, 'switchOut', 1)).toEqual(['PFDTXGSWC', 'PFVML2FLT[2]', 'PFVML2FLT[2]']);
    expect(deciders(life, 'switchOut', 2)).toEqual(['PFDTXGSWC']);
    for (const branch of [0, 1]) {
      const own = life.steps.filter((step) => step.branch === branch).map(({ kind }) => kind);
      expect(own.slice(0, 3)).toEqual(['switchOut', 'receiveDescriptor', 'payloadWrite']);
      expect(own).toContain('writeBack');
    }
  });

  it('of a forged source ends in the switch, and names anti-spoofing', () => {
    const life = first({
      ...AB,
      captures: [{ file: 'namespaces.pcap', from: 'a', timing: { ratePps: 1e5 } }],
    });
    expect(life.dropped).toBe('macSpoof');
    expect(life.branches).toEqual([]);
    expect(life.steps.at(-1)).toMatchObject({ kind: 'dropped', unit: 'nic.switch' });
    expect(deciders(life, 'dropped')).toEqual(['PFVFSPOOF[0]', 'RAH[0..127]']);
  });

  it('that is for nobody names the default pool, or says that no filter had it', () => {
    const life = first({ ...AB, traffic: [{ from: 'port', to: '02:99:00:00:00:01', ratePps: 1e5 }] });
    expect(life.branches).toMatchObject([{ port: 2, name: 'host' }]);
    expect(deciders(life, 'switchOut', 0)).toEqual(['PFVTCTL']);
    const log = logOf({
      ...AB,
      captures: [{ file: 'namespaces.pcap', timing: { ratePps: 1e6 } }],
      durationMs: 0.5,
    });
    const group = lifeOfFrame(log, firstDropped(log, 'noMatch'));
    expect(group).toMatchObject({ dropped: 'noMatch', branches: [], from: 'port' });
    expect(group.destination).toMatch(/^(33:33|01)/);
    expect(deciders(group, 'dropped')).toEqual(['RAH[0..127]']);
  });

  it("of a VLAN that is not the card's names the table of VLANs", () => {
    const life = first({ ...AB, traffic: [{ from: 'port', to: 'b', vlan: 55, ratePps: 1e5 }] });
    expect(life).toMatchObject({ dropped: 'vlanFilter', vlan: 55 });
    expect(deciders(life, 'dropped')).toEqual(['VLNCTRL', 'VFTA[1]']);
  });

  it('at a full ring ends there, and names what has it dropped', () => {
    const log = logOf({
      guests: [{ name: 'a', ringSize: 64 }],
      traffic: [{ from: 'port', to: 'a', saturate: true }],
      durationMs: 0.02,
    });
    const dropped = firstDropped(log, 'noDescriptor');
    const lives = Array.from({ length: 40 }, (_, i) => lifeOfFrame(log, dropped - i));
    const life = lives.find(({ branches }) => branches[0]?.outcome === 'dropped') as FrameLife;
    expect(life.branches).toEqual([{ port: 0, name: 'a', outcome: 'dropped', reason: 'noDescriptor' }]);
    expect(deciders(life, 'dropped', 0)).toEqual(['SRRCTL[0]']);
    expect(life.steps.at(-1)?.kind).toBe('dropped');
  });

  it('that is mirrored has a branch for the copy, and names the rule', () => {
    const life = first({
      nic: { mirrors: [{ to: 'c', receivedBy: ['b'] }] },
      guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e5 }],
    });
    expect(life.branches.map(({ name }) => name)).toEqual(['b', 'c']);
    expect(deciders(life, 'switchOut', 1)).toEqual(['PFMRCTL[0]']);
  });

  it('in a port VLAN names who puts the tag in, and the filter of the VLAN', () => {
    const life = first({
      guests: [
        { name: 'a', vfs: [{ vlan: 100 }] },
        { name: 'b', vfs: [{ vlan: 100 }] },
      ],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e5 }],
    });
    expect(deciders(life, 'senderChecks')).toContain('PFVMVIR[0]');
    const vlan = deciders(life, 'switchOut', 0).filter((register) => register.startsWith('PFVLVF'));
    expect(vlan).toEqual([
      expect.stringMatching(/^PFVLVF\[\d+\]$/),
      expect.stringMatching(/^PFVLVFB\[\d+\]$/),
    ]);
  });

  it('of a guest that waits for interrupts goes on until the buffer is given back', () => {
    const simulation = makeSimulation({ ...AB, traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }] });
    const life = traceFrame(simulation.scenario, [], 1);
    expect(life.branches).toEqual([{ port: 1, name: 'b', outcome: 'received', reason: null }]);
    expect(life.steps.at(-1)?.what).toContain('RDT of receive queue 2');
  });
});

describe('lifeOfFrame', () => {
  it('says which frames there are', () => {
    const log = logOf({ ...AB, traffic: [{ from: 'a', to: 'b', ratePps: 1e5, count: 2 }] });
    expect(() => lifeOfFrame(log, 3)).toThrow(/has 2 frames: there is none of number 3; allowed 1 to 2/);
    expect(() => lifeOfFrame(log, 0)).toThrow(RangeError);
    expect(() => lifeOfFrame(new BinaryLog(writeLog(() => {})), 1)).toThrow(LogError);
  });

  it('leaves out what a log does not have that begins behind the boot', () => {
    const simulation = makeSimulation({ ...AB, traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }] });
    simulation.boot();
    const ring = new LogRing(1 << 15);
    recordLog(simulation, ring);
    const header = logHeader(simulation);
    simulation.advance(simulation.startPs + 20_000_000);
    const log = new BinaryLog(join(ring.parts(header, logTrailer(simulation))));
    const life = lifeOfFrame(log, 2);
    expect(life.registersKnown).toBe(false);
    expect(life.steps.flatMap(({ decidedBy }) => decidedBy)).toEqual([]);
    expect(life.steps.map(({ kind }) => kind)).toContain('payloadWrite');
    expect(life.branches).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import { TlpKind } from '../../src/pcie/index.ts';
import { lifeOfFrame } from '../../src/sim/index.ts';
import { singleTlps } from '../../src/trace/index.ts';
import { deciders, framesOf, logOf, stepsOf } from './life-rig.ts';

const ABC: Pick<Scenario, 'guests'> = { guests: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] };
const TO_B: Scenario['traffic'] = [{ from: 'a', to: 'b', ratePps: 1e5 }];

describe('the life of a frame names what the host has set at the switch', () => {
  it.each<[string, Scenario, number, string[]]>([
    [
      'a forwarding mode to one VPort',
      { guests: [{ name: 'a', vfs: [{ forwarding: { to: 'b' } }] }, { name: 'b' }, { name: 'c' }] },
      1,
      ['vfs[0].forwarding'],
    ],
    [
      'a forwarding mode to the port',
      { guests: [{ name: 'a', vfs: [{ forwarding: 'port' }] }, { name: 'b' }, { name: 'c' }] },
      64,
      ['vfs[0].forwarding'],
    ],
    [
      'a mirroring rule for what a VPort sends',
      { ...ABC, nic: { mirrors: [{ to: 'c', sentBy: ['a'] }] } },
      2,
      ['nic.mirrors[0]'],
    ],
  ])('%s', (_, scenario, port, expected) => {
    const nic = { profile: 'generic' as const, ...scenario.nic };
    const life = lifeOfFrame(logOf({ ...scenario, nic, traffic: TO_B }), 1);
    const branch = life.branches.findIndex((each) => each.port === port);
    expect(deciders(life, 'switchOut', branch)).toEqual(expected);
  });

  it('frames that come back to their sender', () => {
    const guests = [{ name: 'a', vfs: [{ selfDelivery: true }] }, { name: 'b' }];
    const traffic = [{ from: 'a', to: 'broadcast', ratePps: 1e5 }];
    const life = lifeOfFrame(logOf({ nic: { profile: 'generic' }, guests, traffic }), 1);
    expect(life.branches.map(({ name }) => name)).toEqual(['a', 'b', 'host', 'port']);
    expect(deciders(life, 'switchOut', 0)).toContain('PFVMTXSW[0]');
    expect(deciders(life, 'switchOut', 1)).not.toContain('PFVMTXSW[0]');
  });

  it('VEPA: to the wire, and back from the bridge as another frame', () => {
    const log = logOf({
      ...ABC,
      nic: { loopback: 'vepa' },
      adjacentBridge: 'reflective-relay',
      traffic: TO_B,
    });
    const [there, back] = [lifeOfFrame(log, 1), lifeOfFrame(log, 2)];
    expect(deciders(there, 'switchOut', 0)).toEqual(['PFDTXGSWC']);
    expect(back).toMatchObject({ from: 'port', source: there.source, branches: [{ name: 'b' }] });
    const sentPs = stepsOf(there, 'wireArrived', 0)[0].timePs;
    expect(stepsOf(back, 'wireReceived')[0].timePs).toBe(sentPs);
  });
});

describe('the life of a frame', () => {
  it('with the tag of a port extender knows each write of each receiver, waiting ones too', () => {
    const log = logOf({
      ...ABC,
      nic: { profile: 'generic', portExtender: 'etag' },
      traffic: [{ from: 'a', to: 'broadcast', ratePps: 4e5, frameBytes: 1518 }],
    });
    const lives = Array.from({ length: framesOf(log) }, (_, i) => lifeOfFrame(log, i + 1));
    const received = lives.filter(({ from }) => from === 'port');
    expect(received.length).toBeGreaterThan(10);
    for (const { branches } of received) expect(branches.map(({ name }) => name)).toEqual(['b', 'c', 'host']);
    let written = 0;
    for (const { kind, client, place, word, downstream, linkBytes, cookie } of singleTlps(log)) {
      const isWrite = kind === TlpKind.MEMORY_WRITE && !downstream && word === null && place >= 0;
      // Of the receive engine, and no write-back.
      if (isWrite && client === 1 && cookie < 1 << 30) written += linkBytes;
    }
    const steps = lives.flatMap((life) => life.steps).filter(({ kind }) => kind === 'payloadWrite');
    expect(steps.reduce((sum, { linkBytes }) => sum + linkBytes, 0)).toBe(written);
  });

  it('follows a copy that is marked', () => {
    const log = logOf({
      nic: { profile: 'generic-100g', linkGbps: 10 },
      guests: [{ name: 'a', driver: 'poll' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'broadcast', frameBytes: 1518, ratePps: 1e6, ecn: true }],
      durationMs: 0.3,
    });
    const numbers = new Map<number, number>();
    let frames = 0;
    let copied = 0;
    for (const { kind, a, b } of log.records()) {
      if (kind === ProbeKind.FRAME_IN) numbers.set(a, ++frames);
      else if (kind === ProbeKind.FRAME_COPIED && copied === 0) copied = numbers.get(b) as number;
    }
    const life = lifeOfFrame(log, copied);
    expect(stepsOf(life, 'copied')).toHaveLength(1);
    const port = life.branches.findIndex(({ name }) => name === 'port');
    expect(life.branches[port].outcome).toBe('sent');
    expect(stepsOf(life, 'wireSent', port)[0].what).toContain('having waited');
  });

  it('that is cut through enters the switch before it is whole, in either direction', () => {
    const log = logOf({
      ...ABC,
      nic: { profile: 'generic-100g', linkGbps: 100, port: { switching: 'cut-through' } },
      traffic: [
        { from: 'a', to: 'port', frameBytes: 1518, ratePps: 1e5, count: 1 },
        { from: 'port', to: 'b', frameBytes: 1518, ratePps: 1e5, count: 1 },
      ],
    });
    const [fromWire, toWire] = [lifeOfFrame(log, 1), lifeOfFrame(log, 2)];
    const arrives = ({ arrivesPs }: { arrivesPs: number | null }) => arrivesPs as number;
    expect([fromWire.from, toWire.from]).toEqual(['port', 'a']);
    const [wire] = stepsOf(fromWire, 'wireReceived');
    // Preamble and 64 bytes, and what the header waits for in MAC and PHY, are 0.08 ns a byte.
    expect(stepsOf(fromWire, 'switchIn')[0].timePs).toBe(arrives(wire));
    expect(arrives(wire) - wire.timePs).toBe(72 * 80 + 300_000);
    const [payload] = stepsOf(toWire, 'payloadCompletion');
    expect(stepsOf(toWire, 'switchIn')[0].timePs).toBeLessThan(arrives(payload));
  });

  it('with a wrong check sequence ends in front of the switch', () => {
    const log = logOf({
      ...ABC,
      nic: { port: { badFcsEvery: 1 } },
      traffic: [{ from: 'port', to: 'b', ratePps: 1e5 }],
    });
    const life = lifeOfFrame(log, 1);
    expect(life).toMatchObject({ dropped: 'badFcs', branches: [] });
    expect(life.steps.map(({ unit }) => unit)).toEqual(['station', 'nic', 'nic']);
  });

  it('without an IOMMU has no translations', () => {
    const life = lifeOfFrame(logOf({ ...ABC, host: { iommu: false }, traffic: TO_B }), 1);
    expect(stepsOf(life, 'translation')).toEqual([]);
    expect(life.steps[0].kind).toBe('doorbell');
  });
});

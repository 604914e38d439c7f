import { afterAll, describe, expect, it } from 'vitest';
import { compileC, startC } from '../../bench/reference/programs.ts';
import { SharedWork } from '../../bench/reference/shared-work.ts';
import { HEADLINE, type SwitchScenario, SwitchWork } from '../../bench/reference/switch-scenario.ts';

const program = compileC();
const ROUNDS = 5;

const SCENARIOS: readonly (readonly [string, SwitchScenario])[] = [
  ['unicast between VPorts', HEADLINE],
  ['many filters, a port VLAN', { ...HEADLINE, vports: 16, macsPerVPort: 16, vlan: 'port' }],
  ['IMIX without VLAN and checks', { ...HEADLINE, frameBytes: 'imix', vlan: 'none', antiSpoof: false }],
  ['broadcasts between 2 VPorts', { ...HEADLINE, vports: 2, broadcastPercent: 10 }],
  ['broadcasts between 64 VPorts', { ...HEADLINE, broadcastPercent: 10 }],
  ['so many broadcasts that queues are full', { ...HEADLINE, broadcastPercent: 90 }],
  ['E-Tags up and down', { ...HEADLINE, etag: true }],
  ['E-Tags on frames without VLAN', { ...HEADLINE, etag: true, vlan: 'none' }],
  ['E-Tags of ports with a port VLAN', { ...HEADLINE, etag: true, vlan: 'port', antiSpoof: false }],
  ['E-Tags of a group', { ...HEADLINE, etag: true, broadcastPercent: 10 }],
  [
    'E-Tags of a group, more than queues hold',
    { ...HEADLINE, vports: 256, etag: true, broadcastPercent: 100 },
  ],
  ['shared rings of 2 VPorts', { ...HEADLINE, vports: 2, shared: true }],
  ['shared rings of 64 VPorts', { ...HEADLINE, shared: true }],
  ['shared rings and broadcasts', { ...HEADLINE, vports: 16, shared: true, broadcastPercent: 5 }],
];

describe.skipIf(program === undefined)('the switch and its twin in C (skipped where there is no gcc)', () => {
  const open: { close(): void }[] = [];
  afterAll(() => {
    for (const twin of open) twin.close();
  });

  it.each(SCENARIOS)('do the same: %s', async (_, scenario) => {
    const twin = startC(program as string, scenario);
    open.push(twin);
    const own = scenario.shared === true ? new SharedWork(scenario) : new SwitchWork(scenario);
    // Twice, for what the first rounds leave behind: queues, free slots, the port that is next.
    for (let turn = 0; turn < 2; turn++) {
      const frames = own.rounds(ROUNDS);
      const { ns, ...rounds } = await twin.rounds(ROUNDS);
      expect(ns).toBeGreaterThan(0);
      expect(rounds).toEqual({
        frames,
        checksum: own.checksum >>> 0,
        portsChecksum: own.portsChecksum() >>> 0,
      });
      own.nicSwitch.checkBalance();
    }
  });
});

describe('the frames of a benchmark', () => {
  it('are not written while they are switched', () => {
    const work = new SwitchWork({ ...HEADLINE, broadcastPercent: 10 });
    const before = work.unwritten();
    work.rounds(2);
    expect(work.unwritten()).toEqual(before);
  });

  it('are lost nowhere but in the cases that ask for it', () => {
    for (const scenario of [
      { ...HEADLINE, broadcastPercent: 10 },
      { ...HEADLINE, etag: true, broadcastPercent: 10 },
    ]) {
      const work = new SwitchWork(scenario);
      expect(work.rounds(2)).toBe(4096);
      const { framesIn, replicas, delivered, dropped } = work.nicSwitch.balance();
      expect({ framesIn, dropped }).toEqual({ framesIn: 4096, dropped: 0 });
      expect(delivered).toBe(framesIn + replicas);
      expect(replicas).toBeGreaterThan(0);
    }
  });
});

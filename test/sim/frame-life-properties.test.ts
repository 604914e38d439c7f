import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { TlpKind } from '../../src/pcie/index.ts';
import { type FrameLife, lifeOfFrame } from '../../src/sim/index.ts';
import { singleTlps } from '../../src/trace/index.ts';
import { framesOf, logRun, stepsOf } from './life-rig.ts';

/** Traffic that comes to its end, enough time for it, and all that became of it. */
function runToEnd(scenario: Scenario) {
  const { simulation, log } = logRun({ durationMs: 0.4, ...scenario });
  const lives = Array.from({ length: framesOf(log) }, (_, i) => lifeOfFrame(log, i + 1));
  return { simulation, log, lives };
}

const driver = fc.constantFrom('poll' as const, 'interrupt' as const);
const names = fc.constantFrom('a', 'b', 'port', 'host');
const flow = fc.record({
  from: names,
  to: fc.constantFrom('a', 'b', 'port', 'host', 'broadcast', 'multicast', '02:99:00:00:00:01'),
  frameBytes: fc.constantFrom(64, 100, 594, 1518),
  ratePps: fc.constantFrom(1e5, 3e6),
  count: fc.integer({ min: 1, max: 4 }),
  arrivals: fc.constantFrom('constant' as const, 'poisson' as const),
});
const scenarios = fc.record({
  seed: fc.integer({ min: 1, max: 1000 }),
  guests: fc.tuple(driver, driver, fc.boolean()).map(([a, b, tagged]) => [
    { name: 'a', driver: a, ...(tagged && { vfs: [{ vlan: 7 }] }) },
    { name: 'b', driver: b, ...(tagged && { vfs: [{ vlan: 7 }] }) },
  ]),
  nic: fc.record({
    profile: fc.constantFrom('intel-82599', 'generic'),
    port: fc.record({ pause: fc.constantFrom('none' as const, 'both' as const) }),
  }),
  traffic: fc.array(
    flow.filter(({ from, to }) => from !== to),
    { minLength: 1, maxLength: 3 },
  ),
});

function checkLife(life: FrameLife): void {
  const { steps, branches, dropped, from } = life;
  for (let i = 1; i < steps.length; i++) expect(steps[i].timePs).toBeGreaterThanOrEqual(steps[i - 1].timePs);
  // It begins with its sender, ...
  expect(steps[0].kind).toBe(from === 'port' ? 'wireReceived' : 'doorbell');
  expect(stepsOf(life, 'switchIn')).toHaveLength(1);
  if (from !== 'port') {
    expect(stepsOf(life, 'descriptorFetch')).toHaveLength(1);
    expect(stepsOf(life, 'descriptorCompletion')).toHaveLength(1);
    expect(stepsOf(life, 'payloadRead').length).toBeGreaterThan(0);
    expect(stepsOf(life, 'payloadCompletion')).toHaveLength(stepsOf(life, 'payloadRead').length);
  }
  // ... and ends with every receiver, or in the switch.
  expect(branches.length === 0).toBe(dropped !== null);
  for (const [branch, { outcome, name, reason }] of branches.entries()) {
    expect(outcome).not.toBe('underWay');
    const [out] = stepsOf(life, 'switchOut', branch);
    // A register or a setting stands behind each receiver.
    expect(out.decidedBy.length, `${name} of ${from}`).toBeGreaterThan(0);
    if (outcome === 'dropped') expect(reason).not.toBeNull();
    else if (name === 'port') expect(stepsOf(life, 'wireArrived', branch)).toHaveLength(1);
    else {
      expect(stepsOf(life, 'receiveDescriptor', branch)).toHaveLength(1);
      expect(stepsOf(life, 'payloadWrite', branch).length).toBeGreaterThan(0);
      expect(stepsOf(life, 'writeBack', branch)).toHaveLength(1);
    }
  }
}

describe('the lives of all frames of a run', () => {
  it('begin and end, in order of time, and each receiver has a reason; and their payload is all that the link carried', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const { simulation, log, lives } = runToEnd(scenario);
        for (const life of lives) checkLife(life);
        const { switch: nicSwitch } = simulation.machine.nic.data;
        expect(lives.length).toBe(nicSwitch.counters()['framesIn']);
        // Payload of the device on the link: reads and their completions of slots, writes from slots.
        const { slots, slotBytes } = log.header.store as NonNullable<typeof log.header.store>;
        let wanted = 0;
        for (const { kind, place, client, word, linkBytes } of singleTlps(log)) {
          const isOfFrame = client >= 0 && word === null && place >= 0 && place < slots * slotBytes;
          const isCompletion = kind === TlpKind.COMPLETION_DATA;
          if (isOfFrame && (isCompletion || kind <= TlpKind.MEMORY_WRITE)) wanted += linkBytes;
        }
        const payload = lives.flatMap(({ steps }) => steps).filter(({ kind }) => kind.startsWith('payload'));
        expect(payload.reduce((sum, { linkBytes }) => sum + linkBytes, 0)).toBe(wanted);
        const wire = lives.flatMap(({ steps }) => steps).filter(({ kind }) => kind === 'wireSent');
        // The MAC counts what is behind the preamble.
        const { bytesSent, framesSent } = simulation.machine.nic.data.mac;
        expect(wire.length).toBe(framesSent);
        expect(wire.reduce((sum, { linkBytes }) => sum + linkBytes - 8, 0)).toBe(bytesSent);
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});

import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/index.ts';
import { readCapture } from '../../src/wire/index.ts';
import { makeSimulation, settle } from './rig.ts';

/** The tags of the frames that leave at the port, as type and TCI, each once. */
function tagsAtPort(vf: NonNullable<Scenario['guests']>[number]['vfs'], priority?: number): string[] {
  const simulation = makeSimulation({
    guests: [{ name: 'a', vfs: vf }],
    traffic: [
      {
        from: 'a',
        to: 'port',
        ratePps: 1e6,
        count: 5,
        frameBytes: 68,
        ...(priority === undefined ? {} : { priority }),
      },
    ],
    warmUpMs: 0,
    durationMs: 0.05,
  });
  const capture = simulation.captureFrames();
  simulation.boot();
  settle(simulation, 0.5);
  expect(simulation.report().conservation.balanced).toBe(true);
  const { interfaces, packets } = readCapture(capture.bytes());
  const out = packets.filter((packet) => interfaces[packet.interface].name === 'port');
  expect(out).toHaveLength(5);
  return [...new Set(out.map(({ bytes }) => Buffer.from(bytes.subarray(12, 18)).toString('hex')))];
}

describe('the priority of a port VLAN', () => {
  it('is that of untagged frames', () => {
    expect(tagsAtPort([{ vlan: 100, vlanPriority: 5 }])).toEqual(['8100a0640800']);
    expect(tagsAtPort([{ vlan: 100 }])).toEqual(['810000640800']);
  });

  it('is not that of frames with a priority tag: the tag is replaced, and the priority kept', () => {
    expect(tagsAtPort([{ vlan: 100, vlanPriority: 5 }], 3)).toEqual(['810060640800']);
  });
});

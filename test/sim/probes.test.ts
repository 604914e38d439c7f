import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import { boot } from './rig.ts';

describe('the probes of a machine', () => {
  it('record each page walk once', () => {
    const simulation = boot({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e5 }],
      warmUpMs: 0,
      durationMs: 0.2,
    });
    const walks = () => simulation.machine.iommu?.counters()['walks'] ?? 0;
    const walksBefore = walks();
    let recorded = 0;
    simulation.probe.sink = {
      record: (_timePs, kind) => {
        if (kind === ProbeKind.PAGE_WALK) recorded++;
      },
    };
    simulation.advance(simulation.endPs);
    expect(recorded).toBeGreaterThan(0);
    expect(recorded).toBe(walks() - walksBefore);
  });
});

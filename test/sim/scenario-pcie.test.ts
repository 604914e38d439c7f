import { describe, expect, it } from 'vitest';
import { boot, run } from './rig.ts';

describe('the key pcie', () => {
  it.each([4, 5, 6])('has generic-100g on generation %d, and its registers say so', (generation) => {
    const simulation = run({
      nic: { profile: 'generic-100g' },
      pcie: { generation, lanes: 8, maxPayloadBytes: 512, readCompletionBoundary: 128 },
      guests: [{ name: 'a' }],
      traffic: [{ from: 'a', to: 'port', frameBytes: 1518, ratePps: 1e6 }],
      warmUpMs: 0,
      durationMs: 0.02,
    });
    const { rootComplex, link, nic } = simulation.machine;
    expect(link.upstream.rate).toEqual({ generation, lanes: 8 });
    const express = nic.pf.findCapability(0x10);
    const read = (offset: number) => rootComplex.configRead(nic.pf.routingId, express + offset, 2);
    expect([read(0x0c) & 0x3ff, read(0x12) & 0x3ff]).toEqual([(32 << 4) | 6, (8 << 4) | generation]);
    // Max_Payload_Size 512.
    expect((read(8) >> 5) & 7).toBe(2);
    const { conservation, flows } = simulation.report();
    expect([conservation.balanced, flows[0].delivered > 5, flows[0].lost]).toEqual([true, true, 0]);
  });

  it('has an 82599 on one lane of 2.5 GT/s, as its Link Status and that of the root port say', () => {
    const { machine } = boot({ pcie: { generation: 1, lanes: 1 } });
    const status = (routingId: number, express: number) =>
      machine.rootComplex.configRead(routingId, express + 0x12, 2) & 0x3ff;
    expect(status(machine.nic.pf.routingId, machine.nic.pf.findCapability(0x10))).toBe((1 << 4) | 1);
    expect(status(0x0008, 0x90)).toBe((1 << 4) | 1);
  });
});

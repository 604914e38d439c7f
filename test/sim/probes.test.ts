import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import { boot, makeSimulation } from './rig.ts';

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

  it('record at whole picoseconds, also what software does at an instant between two of them', () => {
    const simulation = boot({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
      warmUpMs: 0,
      durationMs: 0.02,
    });
    const times: number[] = [];
    simulation.probe.sink = { record: (timePs) => times.push(timePs) };
    const { machine } = simulation;
    simulation.advance(simulation.startPs + 4_000_000.7);
    expect(simulation.nowPs).toBe(simulation.startPs + 4_000_000);
    machine.sysfs.write(`${machine.pfPath}/sriov_numvfs`, '0');
    simulation.advance(simulation.endPs);
    expect(times.length).toBeGreaterThan(100);
    expect(times.filter((timePs) => !Number.isInteger(timePs))).toEqual([]);
  });

  it('record what the wire carries as long as it carries it, in both directions', () => {
    const simulation = boot({
      guests: [{ name: 'a' }],
      nic: { port: { cableMetres: 20 } },
      traffic: [
        { from: 'a', to: 'port', ratePps: 1e6, frameBytes: 100 },
        { from: 'port', to: 'a', ratePps: 1e6, frameBytes: 64 },
      ],
      warmUpMs: 0,
      durationMs: 0.02,
    });
    const records: number[][] = [];
    simulation.probe.sink = { record: (...record) => records.push(record) };
    simulation.advance(simulation.endPs);
    const of = (wanted: number) => records.filter(([, kind]) => kind === wanted);
    const sent = of(ProbeKind.WIRE_SENT);
    const taken = of(ProbeKind.WIRE_TAKEN);
    expect(sent.length).toBe(simulation.machine.nic.data.mac.framesSent);
    expect(taken.length).toBeGreaterThan(15);
    // Preamble and frame at 0.8 ns a byte; what comes in has 300 ns of MAC and 100 ns of cable behind it.
    for (const [, , , bytes, ps] of sent) expect([bytes, ps]).toEqual([100, 108 * 800]);
    for (const [, , , bytes, ps] of taken) expect([bytes, ps]).toEqual([64, 72 * 800 + 300_000 + 100_000]);
    // A frame that has come in is the next that enters the switch.
    const ins = of(ProbeKind.FRAME_IN).filter(([, , , port]) => port === 64);
    expect(ins.map(([at, , slot]) => [at, slot])).toEqual(taken.map(([at, , slot]) => [at, slot]));
  });

  it('record how each page walk has ended', () => {
    const simulation = makeSimulation({
      guests: [{ name: 'a' }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', ratePps: 1e5 }],
      warmUpMs: 0,
      durationMs: 0.2,
    });
    let begun = 0;
    let accesses = 0;
    const levels = new Set<number>();
    simulation.probe.sink = {
      record: (_timePs, kind, _a, _b, c) => {
        if (kind === ProbeKind.PAGE_WALK) begun++;
        if (kind !== ProbeKind.PAGE_WALK_END) return;
        begun--;
        accesses += c & 0xff;
        levels.add(c >> 8);
      },
    };
    simulation.boot();
    simulation.advance(simulation.endPs);
    expect(begun).toBe(0);
    expect(accesses).toBe(simulation.machine.iommu?.counters().walkAccesses);
    // The PF's requests pass as they are, those of guests lead to pages of 4 KiB.
    expect([...levels].sort()).toEqual([0, 1]);
  });
});

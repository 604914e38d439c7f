import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../src/cli/command.ts';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { lspciCommand } from '../../src/cli/lspci-command.ts';
import { topologyCommand } from '../../src/cli/topology-command.ts';
import { traceFrameCommand } from '../../src/cli/trace-frame.ts';
import { partsOf, wholeChip } from '../../src/cli/whole-chip.ts';
import type { Scenario } from '../../src/sim/index.ts';
import { resolveScenario, Simulation } from '../../src/sim/index.ts';
import { pcieParts } from '../../src/sim/pcie-of-scenario.ts';
import { logHeader, logTrailer, recordLog } from '../../src/sim/run-log.ts';
import { NIC_PROFILE_NAMES } from '../../src/sim/scenario-profiles.ts';
import { restateScenario } from '../../src/sim/scenario-restate.ts';
import { restoreSimulation, snapshotSimulation } from '../../src/sim/snapshot/index.ts';
import { LogWriter } from '../../src/trace/index.ts';
import { FakeIo } from './fake-simulation.ts';

const scenario = (profile: string): Scenario => ({
  nic: { profile },
  guests: [{ name: 'a' }, { name: 'b', driver: 'interrupt' }],
  traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
  durationMs: 0.05,
});

function booted(profile: string): Simulation {
  const { scenario: resolved } = resolveScenario(scenario(profile));
  const simulation = new Simulation(resolved, [], partsOf(resolved));
  simulation.boot();
  return simulation;
}

/** EERD, and an offset where no register is. */
const EERD = 0x10014;
const NOWHERE = 0x1_fff0;
const read = ({ machine: { nic } }: Simulation, offset: number) =>
  nic.memoryRead(nic.pf.barBase(0) + offset, 4);

describe('the profile of a whole chip', () => {
  it('has a machine with all registers of the chip, whose drivers carry its traffic', () => {
    const simulation = booted('intel-82599-chip');
    simulation.advance(simulation.endPs);
    const report = simulation.report();
    expect(report.conservation.balanced).toBe(true);
    expect(report.flows[0].delivered).toBeGreaterThan(15);
    read(simulation, EERD);
    expect(simulation.report().counters).toMatchObject({
      'nic.chip.resets': 2,
      'nic.unknownRegisterAccesses': 0,
    });
  });

  it('with a subset instead counts what it does not know, by name', () => {
    const simulation = booted('intel-82599');
    expect([read(simulation, EERD), read(simulation, EERD), read(simulation, NOWHERE)]).toEqual([0, 0, 0]);
    expect(simulation.report().counters).toMatchObject({
      'nic.unknownRegisterAccesses': 3,
      'nic.unknown.pf.0x10014': 2,
      'nic.unknown.pf.0x1fff0': 1,
    });
  });

  it('and strict makes a register that nobody knows an error', () => {
    const simulation = booted('intel-82599-strict');
    expect(() => read(simulation, NOWHERE)).toThrow(
      'pf.0x1fff0: software reads a register that is not known',
    );
  });

  it('is for whoever makes the machine to have', () => {
    const { scenario: resolved } = resolveScenario(scenario('intel-82599-chip'));
    expect(restateScenario(resolved).nic?.profile).toBe('intel-82599-chip');
    expect(() => new Simulation(resolved)).toThrow(
      'scenario: nic.profile: there is no profile intel-82599-chip; allowed intel-82599, generic, generic-100g',
    );
  });

  it('has the link that the plain card has, and can have a switch above it', () => {
    const links = NIC_PROFILE_NAMES.map((profile) => {
      const pcie = { switch: {} };
      const { scenario: resolved } = resolveScenario({ ...scenario(profile), pcie }, { pcieParts });
      const simulation = new Simulation(resolved, [], partsOf(resolved));
      simulation.boot();
      return { profile, ...resolved.pcie };
    });
    const plain = links.find(({ profile }) => profile === 'intel-82599');
    expect(plain).toMatchObject({ generation: 2, lanes: 8, switch: { latencyNs: 100 } });
    const whole = links.filter(({ profile }) => profile.startsWith('intel-82599-'));
    expect(whole).toHaveLength(2);
    for (const { profile, ...link } of whole) expect({ ...link, profile: 'intel-82599' }).toEqual(plain);
  });

  it('is known to every command that takes a scenario or its log', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'whole-chip-'));
    const [file, log] = ['s.json', 's.log'].map((name) => join(folder, name));
    const short = { ...scenario('intel-82599-chip'), durationMs: 0.01 };
    writeFileSync(file, JSON.stringify(short));
    const run = async (command: Command, ...args: string[]) => {
      const io = new FakeIo();
      expect([await command.run(readCommandLine('x', command, args), io), io.err]).toEqual([0, '']);
      return io.out;
    };
    try {
      expect(await run(lspciCommand, '--scenario', file)).toContain('01:10.0');
      expect(await run(topologyCommand, file, '--scenario')).toContain('01:10.0');
      const { scenario: resolved } = resolveScenario(short);
      const simulation = new Simulation(resolved, [], partsOf(resolved));
      const pieces: Uint8Array[] = [];
      const writer = new LogWriter(logHeader(simulation), (piece) => pieces.push(piece.slice()));
      recordLog(simulation, writer);
      simulation.boot();
      simulation.advance(simulation.endPs);
      writer.end(logTrailer(simulation));
      writeFileSync(log, Buffer.concat(pieces));
      expect(await run(traceFrameCommand, '2', log)).toBe(await run(traceFrameCommand, '2', file));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is known to a snapshot, which is restored with it', () => {
    const simulation = booted('intel-82599-chip');
    simulation.advance(simulation.startPs + 5e6);
    const bytes = snapshotSimulation(simulation);
    const again = restoreSimulation(bytes, { nicProfile: wholeChip });
    for (const one of [simulation, again]) one.advance(one.endPs);
    expect(again.report()).toEqual(simulation.report());
    expect(() => restoreSimulation(bytes)).toThrow(/profile of its own: give options.nicProfile/);
  });
});

import { describe, expect, it } from 'vitest';
import { createMachine, type Scenario } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { lspciDump, lspciTree, type PcieFunction, parseLspciDump, TlpKind } from '../../src/pcie/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';
import { dmaLatencyExperiment } from '../../src/sim/experiments/dma-latency.ts';
import type { Simulation } from '../../src/sim/index.ts';
import { pcieParts } from '../../src/sim/pcie-of-scenario.ts';
import type { PcieOptions } from '../../src/sim/scenario-types.ts';
import { singleTlps } from '../../src/trace/index.ts';
import { boot, notReturned, run, settle } from './rig.ts';
import { checkMoments } from './snapshot-rig.ts';
import { loggedRun, MIXED } from './tlp-log.ts';

const PAIR: Scenario = { ...MIXED, pcie: { switch: {} } };
const UPSTREAM = 0x0100;
const DOWNSTREAM = 0x0200;
const PF = 0x0300;
const COMMAND = 4;
/** Configuration space of a bridge: Memory Space Enable and I/O, without Bus Master Enable. */
const NO_MASTER = 3;

const read = ({ machine }: Simulation, routingId: number, offset: number, bytes = 4) =>
  machine.rootComplex.configRead(routingId, offset, bytes);
const write = ({ machine }: Simulation, routingId: number, offset: number, bytes: number, value: number) =>
  machine.rootComplex.configWrite(routingId, offset, bytes, value);

function functionsOf({ machine }: Simulation): PcieFunction[] {
  const { bridge, parts, nic } = machine;
  return [bridge.function, ...(parts.between?.functions ?? []), ...nic.endpoint.allFunctions()];
}

describe('a switch between root port and card', () => {
  it('is enumerated, and the card and its VFs are behind its buses', () => {
    const simulation = boot(PAIR);
    expect(simulation.machine.pfPath).toBe('0000:03:00.0');
    expect(simulation.report().endpoints.map(({ routingId }) => routingId)).toEqual([
      undefined,
      '03:00.0',
      '03:10.0',
      '03:10.2',
    ]);
    expect(lspciTree(parseLspciDump(lspciDump(functionsOf(simulation), 'os'))).trimEnd()).toBe(
      [
        '-[0000:00]---01.0-[01-03]----00.0-[02-03]----00.0-[03]--+-00.0',
        '                                                        +-10.0',
        '                                                        \\-10.2',
      ].join('\n'),
    );
    // Device/Port Types 5 and 6; MRRS and MPS as they were set.
    expect([UPSTREAM, DOWNSTREAM].map((port) => (read(simulation, port, 0x92, 2) >> 4) & 15)).toEqual([5, 6]);
    expect([UPSTREAM, DOWNSTREAM].map((port) => (read(simulation, port, 0x98, 2) >> 5) & 7)).toEqual([1, 1]);
    // Link Capabilities 2 has the bit of each speed up to Max Link Speed; a port that leads downstream tells that its link is up.
    const link = (port: number) => [0x9c, 0xbc].map((offset) => read(simulation, port, offset));
    const portsOf = [0x0008, UPSTREAM, DOWNSTREAM].map((port) => {
      const [capabilities, speeds] = link(port);
      const isActive = (read(simulation, port, 0xa2, 2) >> 13) & 1;
      return [capabilities & 15, 31 - Math.clz32(speeds), (capabilities >> 20) & 1, isActive];
    });
    expect(portsOf).toEqual([
      [6, 6, 1, 1],
      [5, 5, 0, 0],
      [5, 5, 1, 1],
    ]);
    // Nobody else is on the buses, and nothing answers behind the last one.
    expect([0x0108, 0x0208, 0x0400].map((nobody) => read(simulation, nobody, 0))).toEqual(
      [-1, -1, -1].map((x) => x >>> 0),
    );
  });

  it('passes frames as without it, over two links', () => {
    const [without, with_] = [undefined, PAIR.pcie].map((pcie) => run({ ...PAIR, pcie }).report());
    expect(with_.flows.map(({ offered, delivered, lost }) => [offered, delivered > 0, lost])).toEqual(
      without.flows.map(({ offered, lost }) => [offered, true, lost]),
    );
    const { rootLink, upstream, downstream } = with_.pcie;
    expect(without.pcie.rootLink).toBeUndefined();
    for (const [upper, card] of [
      [rootLink?.upstream, upstream],
      [rootLink?.downstream, downstream],
    ]) {
      expect(Math.abs((upper?.payloadBytes ?? 0) - (card?.payloadBytes ?? 0))).toBeLessThan(4096);
    }
    expect(with_.counters['pcieSwitch.forwarded']).toBeGreaterThan(300);
    expect(with_.conservation.balanced).toBe(true);
  });

  it.each(['cut-through', 'store-and-forward'] as const)(
    'makes a read wait as long as `dma-latency` has it: %s',
    (forwarding) => {
      const size = 256;
      const [none, behind] = [...dmaLatencyExperiment.run(latencyValues(size, forwarding), 1)].map(
        (row) => row[11] as number,
      );
      const [alone, switched] = [undefined, { switch: { forwarding } }].map((pcie) => readNs(pcie, size));
      expect(switched - alone).toBeCloseTo(behind - none, 2);
    },
  );

  it('refuses requests of the card while Bus Master Enable of one of its ports is clear', () => {
    for (const port of [DOWNSTREAM, UPSTREAM]) {
      const simulation = boot(PAIR);
      write(simulation, port, COMMAND, 2, NO_MASTER);
      const { tlpsSent } = simulation.machine.parts.between?.rootLink.upstream ?? { tlpsSent: 0 };
      simulation.advance(simulation.endPs);
      const report = simulation.report();
      expect(report.flows.every(({ delivered }) => delivered === 0)).toBe(true);
      // Answers to software go up all the same.
      expect((simulation.machine.parts.between?.rootLink.upstream.tlpsSent ?? 0) - tlpsSent).toBeLessThan(4);
      // Unsupported Request Detected, in AER as an advisory error, because reads have completions.
      expect(read(simulation, port, 0x98) >>> 16).toBe(9);
      expect(read(simulation, port, 0x110)).toBe(1 << 13);
      expect(report.conservation.balanced).toBe(true);
    }
  });

  it('does not answer for addresses outside its windows', () => {
    const simulation = boot(PAIR);
    const { machine } = simulation;
    const base = machine.nic.pf.barBase(0);
    expect(machine.rootComplex.read(base + 8, 4)).not.toBe(0xffff_ffff);
    const window = read(simulation, DOWNSTREAM, 0x24);
    write(simulation, DOWNSTREAM, 0x24, 4, 0x0000_fff0);
    expect(machine.rootComplex.read(base + 8, 4)).toBe(0xffff_ffff);
    // Noted by the port that looks.
    expect(read(simulation, UPSTREAM, 0x98) >>> 16).toBe(9);
    write(simulation, DOWNSTREAM, 0x24, 4, window);
    expect(machine.rootComplex.read(base + 8, 4)).not.toBe(0xffff_ffff);
  });

  it('resets what is below with Secondary Bus Reset of each port above', () => {
    for (const port of [0x0008, UPSTREAM, DOWNSTREAM]) {
      const simulation = boot(PAIR);
      const { nic } = simulation.machine;
      expect(nic.pf.sriov?.count).toBe(2);
      write(simulation, port, 0x3e, 2, 1 << 6);
      simulation.advance(simulation.nowPs + MICROSECOND);
      expect(nic.pf.sriov?.count).toBe(0);
      expect(nic.pf.busMaster).toBe(false);
    }
  });
});

describe('the link between switch and card', () => {
  const faulty = (fault: object): Scenario => ({ ...PAIR, durationMs: 0.3, faults: [fault as never] });

  it('goes down and up: software reads all ones from the card, and the ports of the switch answer', () => {
    const simulation = boot(faulty({ kind: 'link-down', atMs: 0.1, forMs: 0.1 }));
    simulation.advance(simulation.startPs + 150 * MICROSECOND);
    expect(read(simulation, PF, 0)).toBe(0xffff_ffff);
    expect(read(simulation, DOWNSTREAM, 0)).not.toBe(0xffff_ffff);
    expect(simulation.machine.rootComplex.read(simulation.machine.nic.pf.barBase(0) + 8, 4)).toBe(
      0xffff_ffff,
    );
    simulation.advance(simulation.startPs + 250 * MICROSECOND);
    expect(read(simulation, PF, 0)).toBe(0x10fb_8086);
    simulation.advance(simulation.endPs);
    const report = simulation.report();
    expect(report.counters['pcie.downs']).toBe(1);
    expect(report.conservation.balanced).toBe(true);
    settle(simulation, 1);
    expect(notReturned(simulation).filter((line) => !/rings:/.test(line))).toEqual([]);
  });

  it('gives every record and credit back, whenever it goes down', () => {
    const runs = isLong ? 100 : 4;
    for (let i = 0; i < runs; i++) {
      const at = { atMs: 0.02 + (i * 0.015) / runs, forMs: i % 2 === 0 ? 0.001 : 0.02 };
      const simulation = run({ ...faulty({ kind: 'link-down', ...at }), durationMs: 0.06 });
      settle(simulation, 1);
      expect(notReturned(simulation).filter((line) => !/rings:/.test(line))).toEqual([]);
      expect(simulation.report().conservation.balanced).toBe(true);
    }
  });

  it('is gone for good with the card', () => {
    const simulation = run(faulty({ kind: 'surprise-removal', atMs: 0.1 }));
    expect(read(simulation, PF, 0)).toBe(0xffff_ffff);
    expect(read(simulation, DOWNSTREAM, 0)).not.toBe(0xffff_ffff);
    expect(simulation.report().conservation.balanced).toBe(true);
  });

  it('survives bit errors, which the port of the switch notes', () => {
    const simulation = run(faulty({ kind: 'bit-error', probability: 0.01 }));
    const { flows, counters, conservation } = simulation.report();
    expect(flows.map(({ lost, reordered, duplicated }) => [lost, reordered, duplicated])).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    expect(counters['pcie.upstream.badTlps']).toBeGreaterThan(5);
    expect(read(simulation, DOWNSTREAM, 0x110) & (1 << 6)).toBe(1 << 6);
    expect(read(simulation, 0x0008, 0x110)).toBe(0);
    expect(conservation.balanced).toBe(true);
    settle(simulation, 1);
    expect(notReturned(simulation)).toEqual([]);
  });

  it('sends the error messages of the port to the root port, where the ports let them', () => {
    const simulation = boot(faulty({ kind: 'bit-error', probability: 0.01 }));
    for (const port of [0x0008, UPSTREAM, DOWNSTREAM])
      write(simulation, port, 0x98, 2, read(simulation, port, 0x98, 2) | 1);
    simulation.advance(simulation.endPs);
    // ERR_COR received, from the downstream port.
    expect(read(simulation, 0x0008, 0x130) & 1).toBe(1);
    expect([DOWNSTREAM, PF]).toContain(read(simulation, 0x0008, 0x134, 2));
  });
});

describe('a message of INTx', () => {
  const EICR = 0x800;
  const EICS = 0x808;
  const EIMS = 0x880;
  const MSIX_CONTROL = 0x72;
  const SECONDARY_STATUS = 0x1e;

  it('passes both ports of the switch without SERR# Enable, and is no error to them', () => {
    const { simulation } = createMachine({ pcie: { switch: {} }, pcieParts, nic: intel82599Chip() });
    const { machine } = simulation;
    const { nic, parts } = machine;
    machine.pfDriver.stop();
    write(simulation, PF, MSIX_CONTROL, 2, 0);
    const base = nic.pf.barBase(0);
    const sentBy = (offset: number, value: number): number => {
      const before = parts.between?.rootLink.upstream.tlpsSent ?? 0;
      nic.memoryWrite(base + offset, value, 0xf);
      simulation.advance(simulation.nowPs + 20 * MICROSECOND);
      return (parts.between?.rootLink.upstream.tlpsSent ?? 0) - before;
    };
    sentBy(EICR, -1);
    sentBy(EIMS, 1);
    expect([sentBy(EICS, 1), sentBy(EICR, -1)]).toEqual([1, 1]);
    const RECEIVED_SYSTEM_ERROR = 1 << 14;
    for (const port of [0x0008, UPSTREAM, DOWNSTREAM])
      expect(read(simulation, port, SECONDARY_STATUS, 2) & RECEIVED_SYSTEM_ERROR).toBe(0);
  });
});

const isLong = process.env['SRIOVSIM_LONG'] !== undefined;
const CASES = [
  ['cut-through', []],
  ['store-and-forward', [{ kind: 'link-down', atMs: 0.015, forMs: 0.01 }]],
  ['cut-through', [{ kind: 'bit-error', probability: 0.02 }]],
] as const;

describe('a snapshot of a machine with a switch', { timeout: 60_000 }, () => {
  it.each(isLong ? CASES : CASES.slice(1, 2))('goes on as the machine does: %s, %o', (forwarding, faults) => {
    const simulation = boot({
      ...PAIR,
      pcie: { switch: { forwarding } },
      faults: [...faults],
      durationMs: 0.04,
    });
    const at = (us: number, events: number) => ({ ps: simulation.startPs + us * MICROSECOND, events });
    checkMoments(simulation, [at(4, 3), at(15, 1), at(20, 2), at(26, 11)]);
  });
});

/** Time of the fastest read of so many bytes of a frame, in ns, from its first symbol to its last data. */
function readNs(pcie: PcieOptions | undefined, bytes: number): number {
  const { log } = loggedRun({
    pcie,
    host: { iommu: false },
    // Behind it memory lies above 4 GiB: headers of four double words.
    guests: [{ name: 'large', memoryMiB: 8192 }, { name: 'a' }],
    traffic: [{ from: 'a', to: 'port', frameBytes: bytes + 4, ratePps: 1e5 }],
    warmUpMs: 0,
    durationMs: 0.2,
  });
  const asked = new Map<number, number>();
  let least = Number.POSITIVE_INFINITY;
  for (const { kind, bytes: brought, address, startPs, arrivalPs } of singleTlps(log)) {
    if (brought !== bytes) continue;
    if (kind === TlpKind.MEMORY_READ) asked.set(address, startPs);
    else if (kind === TlpKind.COMPLETION_DATA)
      least = Math.min(least, arrivalPs - (asked.get(address) ?? Number.NEGATIVE_INFINITY));
  }
  return least / 1000;
}

function latencyValues(size: number, forwarding: string) {
  return {
    generation: [2],
    lanes: [8],
    mps: [256],
    mrrs: [512],
    rcb: [64],
    caches: ['warm'],
    iommu: ['off'],
    switch: ['none', forwarding],
    windows: [8],
    sizes: [size],
  };
}

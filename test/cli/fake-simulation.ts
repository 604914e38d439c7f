import type { Io } from '../../src/cli/io.ts';
import type { Runnable } from '../../src/cli/run-simulation.ts';
import { REPORT_SCHEMA, type Report } from '../../src/sim/report.ts';
import {
  conservation,
  framesPerSecond,
  gigabitsPerSecond,
  linkDirectionReport,
} from '../../src/sim/report-parts.ts';
import type { ResolvedScenario } from '../../src/sim/scenario-resolved.ts';
import { SnapshotError } from '../../src/sim/snapshot/index.ts';

const BOOT_PS = 3_000_000_000;

/** Keeps of a simulation the instant that it has come to. */
export const FAKE_SNAPSHOTS = {
  take: ({ nowPs }: FakeSimulation) => new TextEncoder().encode(`now ${nowPs}`),
  restore: (): never => {
    throw new SnapshotError('this is none');
  },
};

/** Delivers a frame every microsecond, and takes note of how it is called. */
export class FakeSimulation implements Runnable {
  readonly calls: string[] = [];
  readonly scenario: ResolvedScenario;
  /** Called at the end of each slice. */
  onAdvance: () => void = () => {};
  nowPs = 0;

  constructor(scenario: ResolvedScenario) {
    this.scenario = scenario;
  }

  get startPs(): number {
    return BOOT_PS;
  }

  get endPs(): number {
    return BOOT_PS + this.scenario.warmUpPs + this.scenario.durationPs;
  }

  get isBooted(): boolean {
    return this.nowPs > 0;
  }

  boot(): void {
    this.calls.push('boot');
    this.nowPs = BOOT_PS;
  }

  advance(untilPs: number): void {
    this.calls.push('advance');
    this.nowPs = untilPs;
    this.onAdvance();
  }

  captureFrames() {
    this.calls.push('captureFrames');
    return { parts: () => [Uint8Array.of(1, 2), Uint8Array.of(this.calls.length)] };
  }

  report({ partial }: { partial: boolean }): Report {
    this.calls.push('report');
    return exampleReport(this.scenario, this.nowPs, partial);
  }
}

/** A report with something of everything. */
export function exampleReport(scenario: ResolvedScenario, nowPs: number, partial = false): Report {
  const measuredPs = Math.max(0, nowPs - BOOT_PS - scenario.warmUpPs);
  const frames = Math.floor(measuredPs / 1_000_000);
  const sent = { frames, bytes: frames * 64 };
  const none = { frames: 0, bytes: 0 };
  const rates = { txGbps: 0, rxGbps: 0, txPps: 0, rxPps: 0 };
  const latencyNs = {
    samples: frames,
    min: 1801.5,
    p50: 2204,
    p99: 12_345.678,
    p999: 20_000,
    max: 31_007,
    mean: 2310,
  };
  return {
    schema: REPORT_SCHEMA,
    version: '0.1.0',
    partial,
    scenario,
    seed: scenario.seed,
    digest: '8f3a11c07d42be90',
    simulated: {
      bootPs: BOOT_PS,
      startPs: BOOT_PS,
      endPs: nowPs,
      warmUpPs: scenario.warmUpPs,
      measuredPs,
      events: frames * 7,
    },
    endpoints: [
      {
        name: 'port',
        kind: 'port',
        offered: none,
        transmitted: none,
        received: none,
        ...rates,
        latencyNs: null,
        drops: {},
        interrupts: 0,
      },
      {
        name: 'host',
        kind: 'pf',
        routingId: '01:00.0',
        mac: '02:00:00:00:00:00',
        vlan: null,
        offered: none,
        transmitted: none,
        received: none,
        ...rates,
        latencyNs: null,
        drops: { 'ring full': 0 },
        interrupts: 0,
      },
      {
        name: 'a',
        kind: 'vf',
        vf: 0,
        guest: 'a',
        routingId: '01:10.0',
        mac: '02:00:00:00:01:00',
        vlan: null,
        offered: sent,
        transmitted: sent,
        received: none,
        ...rates,
        txPps: framesPerSecond(sent, measuredPs),
        txGbps: gigabitsPerSecond(sent, measuredPs),
        latencyNs: null,
        drops: {},
        interrupts: 12,
      },
      {
        name: 'b',
        kind: 'vf',
        vf: 1,
        guest: 'b',
        routingId: '01:10.2',
        mac: '02:00:00:00:02:00',
        vlan: 100,
        offered: none,
        transmitted: none,
        received: sent,
        ...rates,
        rxPps: framesPerSecond(sent, measuredPs),
        rxGbps: gigabitsPerSecond(sent, measuredPs),
        latencyNs,
        drops: { 'ring full': 3, 'VLAN filter': 40 },
        interrupts: 34,
      },
    ],
    flows: [
      {
        name: 'a to b',
        from: 'a',
        to: 'b',
        offered: frames + 43,
        delivered: frames,
        lost: 43,
        reordered: 0,
        duplicated: 0,
        latencyNs,
      },
    ],
    pcie: {
      upstream: linkDirectionReport({
        tlps: 1234,
        tlpBytes: 98_765,
        payloadBytes: 64_000,
        dllpBytes: 800,
        skipBytes: 435,
        idleBytes: 9_900_000,
      }),
      downstream: linkDirectionReport({
        tlps: 1000,
        tlpBytes: 50_000,
        payloadBytes: 30_000,
        dllpBytes: 400,
        skipBytes: 435,
        idleBytes: 9_949_165,
      }),
      readRequests: 400,
      writeRequests: 834,
      completions: 500,
    },
    iommu: {
      lookups: 5000,
      bypassed: 0,
      hits: 4990,
      misses: 10,
      hitRate: 0.998,
      walks: 10,
      walkAccesses: 32,
      faults: 0,
    },
    interrupts: { raised: 60, delivered: 46, moderated: 14 },
    conservation: conservation({
      offered: frames + 50,
      replicas: 2,
      delivered: frames,
      dropped: { 'VLAN filter': 40, 'ring full': 3, spoofed: 0 },
      inFlight: { 'transmit ring': 8, wire: 1 },
    }),
    counters: { 'nic.rx.frames': frames, 'iommu.walks': 10 },
  };
}

/** Keeps what is written. */
export class FakeIo implements Io {
  out = '';
  err = '';
  stderrIsTerminal = false;

  stdout(text: string): Promise<void> {
    this.out += text;
    return Promise.resolve();
  }

  stderr(text: string): void {
    this.err += text;
  }
}

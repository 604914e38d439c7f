import { RandomStreams } from '../../src/base/index.ts';
import {
  createMachine,
  formatReportJson,
  resolveScenario,
  type Scenario,
  Simulation,
} from '../../src/index.ts';
import { Histogram, Scheduler } from '../../src/kernel/index.ts';

/** Results of the lowest layers, to be equal to the last bit wherever this runs. */
export function baseCourse(): Record<string, unknown> {
  const random = new RandomStreams(2026);
  const uniform = random.stream('uniform');
  const gaps = random.stream('gaps');
  return {
    integers: Array.from({ length: 50 }, () => uniform.uint32()),
    floats: Array.from({ length: 50 }, () => bits(uniform.float())),
    exponentials: Array.from({ length: 1000 }, () => bits(gaps.exponential(1e6))),
    schedule: scheduleCourse(random),
  };
}

/** A machine with something of everything: what a page gets by importing the package. */
const SCENARIO: Scenario = {
  seed: 2026,
  guests: [
    { name: 'a', vfs: [{ vlan: 100 }] },
    { name: 'b', vfs: [{ trustedVlans: [100] }, {}], pageSize: '2M', driver: 'poll' },
  ],
  traffic: [
    { from: 'a', to: 'b', ratePps: 1e6, arrivals: 'poisson', frameBytes: { imix: true } },
    { from: 'b', to: 'a', vlan: 100, saturate: true, frameBytes: { min: 64, max: 1518 } },
    { from: 'b.1', to: 'broadcast', ratePps: 1e5 },
    { from: 'port', to: 'host', ratePps: 5e5 },
  ],
  warmUpMs: 0.05,
  durationMs: 0.2,
};

/** The digest and the whole report of a run, to be equal to the last byte wherever this runs. */
export function machineCourse(): Record<string, string> {
  const simulation = new Simulation(resolveScenario(SCENARIO).scenario);
  simulation.boot();
  simulation.advance(simulation.endPs);
  const machine = createMachine({ guests: [{ name: 'a' }] });
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
  machine.guests[0].traffic.send({ to: 'broadcast', ratePps: 1e5 });
  return {
    digest: simulation.report().digest,
    report: formatReportJson(simulation.report()),
    machine: formatReportJson(machine.run({ simulatedMs: 0.1 })),
  };
}

/** A hundred tokens pass among tasks, with delays from nothing to beyond the wheel's horizon. */
function scheduleCourse(random: RandomStreams): Record<string, unknown> {
  const scheduler = new Scheduler();
  const delays = random.stream('delays');
  const histogram = new Histogram();
  const tasks = [1e3, 1e6, 1e9].map((meanPs) =>
    scheduler.task(`about ${meanPs} ps`, (token, hops) => {
      const delayPs = Math.round(delays.exponential(meanPs));
      histogram.record(delayPs);
      scheduler.schedule(delayPs, tasks[(token + hops) % 3], token, hops + 1);
    }),
  );
  for (let token = 0; token < 100; token++) scheduler.schedule(token, tasks[token % 3], token, 0);
  scheduler.runUntil(20_000_000);
  return {
    pending: scheduler.pending,
    events: scheduler.events,
    digest: scheduler.digest,
    delays: [histogram.samples, histogram.maxPs, histogram.percentile(0.5), histogram.percentile(0.999)],
  };
}

/** The bytes of a double, in hexadecimal. */
function bits(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16);
}

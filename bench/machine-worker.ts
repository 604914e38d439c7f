import { parentPort, workerData } from 'node:worker_threads';
import { createMachine, type RunningMachine } from 'sriovsim';
import { Scheduler } from 'sriovsim/kernel';
import { logHeader, recordLog } from 'sriovsim/sim';
import { LogWriter } from 'sriovsim/trace';

/** What a worker runs: a machine under saturating traffic, or a scheduler whose events do nothing. */
export type Workload =
  | {
      kind: 'vfToVf';
      frameBytes: number;
      driver: 'poll' | 'interrupt';
      pageSize: '4K' | '2M';
      /** A binary log of everything, or of the boot alone: then its sink is taken off. Default: none. */
      log?: 'on' | 'off';
    }
  | { kind: 'portToVf'; frameBytes: number }
  | { kind: 'idleEvents' };

/** What came of a batch. */
export interface Batch {
  frames: number;
  events: number;
}

/** Makes what a workload says; the function that it returns runs so many simulated ms of it. */
export function start(workload: Workload): (simulatedMs: number) => Batch {
  if (workload.kind === 'idleEvents') return idleEvents();
  const machine = workload.kind === 'vfToVf' ? vfToVf(workload) : portToVf(workload.frameBytes);
  const { simulation, scheduler } = machine;
  const arrived = () =>
    simulation.tracker.endpoints.reduce((sum, endpoint) => sum + endpoint.totalReceived, 0);
  return (simulatedMs) => {
    const frames = arrived();
    const { events } = scheduler;
    simulation.advance(simulation.nowPs + simulatedMs * 1e9);
    return { frames: arrived() - frames, events: scheduler.events - events };
  };
}

function vfToVf({ frameBytes, driver, pageSize, log }: Workload & { kind: 'vfToVf' }): RunningMachine {
  const machine = createMachine({
    guests: [
      { name: 'a', driver, pageSize },
      { name: 'b', driver, pageSize },
    ],
  });
  const { simulation } = machine;
  // Its bytes are made and thrown away: a file's speed is not the simulator's.
  const end =
    log === undefined ? null : recordLog(simulation, new LogWriter(logHeader(simulation), () => {}));
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
  if (log === 'off') end?.();
  machine.guests[0].traffic.send({ to: 'b', frameBytes, saturate: true });
  return machine;
}

function portToVf(frameBytes: number): RunningMachine {
  const machine = createMachine({ guests: [{ name: 'a', driver: 'poll', pageSize: '2M' }] });
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
  machine.port.traffic.send({ to: 'a', frameBytes, saturate: true });
  return machine;
}

/** Events with the delays and in the number that the machine has under way, whose handlers only schedule the next. */
function idleEvents(): (simulatedMs: number) => Batch {
  const scheduler = new Scheduler();
  const delays = [150_000, 220_000, 171_000, 128_000, 171_000, 30_000, 60_000];
  const tasks: number[] = [];
  for (let i = 0; i < delays.length; i++) {
    const next = (i + 1) % delays.length;
    tasks.push(scheduler.task(`idle ${i}`, () => scheduler.schedule(delays[next], tasks[next], 0, 0)));
  }
  for (let i = 0; i < 60; i++) scheduler.schedule(i * 3_000, tasks[i % tasks.length], 0, 0);
  return (simulatedMs) => {
    const { events } = scheduler;
    scheduler.runUntil(scheduler.now + simulatedMs * 1e9);
    return { frames: 0, events: scheduler.events - events };
  };
}

const port = parentPort;
if (port !== null) {
  const run = start(workerData as Workload);
  port.on('message', (simulatedMs: number) => port.postMessage(run(simulatedMs)));
}

import { createMachine, type RunningMachine } from 'sriovsim';
import { Scheduler } from 'sriovsim/kernel';
import { type BenchOptions, type BenchPart, type BenchResult, heapGrowth, interleave } from './harness.ts';

/** Simulated time of a batch, in ms: long enough that the compiler's work does not show. */
const BATCH_MS = 0.5;

/**
 * The whole machine at cycle level: drivers, rings, PCIe link with credits and DLLPs, IOMMU, switch, interrupts or polling. What each
 * figure is compared to runs in the same process, in turn with it.
 */
export const part: BenchPart = {
  name: 'machine',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const small = saturated(64);
    const frames = await interleave(options, {
      unit: 'frames/s',
      reference: 'VF to VF, 64 B, interrupts',
      contenders: [
        { name: 'VF to VF, 64 B, polling', run: () => framesOf(small) },
        { name: 'VF to VF, 64 B, interrupts', run: batchOfFrames(saturated(64, 'interrupt')) },
        { name: 'VF to VF, 64 B, 4 KiB pages', run: batchOfFrames(saturated(64, 'poll', '4K')) },
        { name: 'VF to VF, 1518 B, polling', run: batchOfFrames(saturated(1518)) },
      ],
    });
    const events = await interleave(options, {
      unit: 'events/s',
      reference: 'as many events that do nothing',
      contenders: [
        { name: 'events of VF to VF, 64 B', run: batchOfEvents(saturated(64)) },
        { name: 'as many events that do nothing', run: idleEvents() },
      ],
    });
    const port = portAtLineRate();
    const realTime = await interleave(options, {
      unit: 'x real time',
      timing: 'own',
      contenders: [{ name: 'port at 10 Gb/s, 1518 B, to a VF', run: () => simulatedOverWall(port) }],
    });
    const rounds = options.quick ? 4 : 40;
    const samples = Math.min(options.samples, 3);
    const growth = heapGrowth(
      { ...options, samples },
      `heap growth over ${rounds * BATCH_MS} ms of 64 B`,
      () => {
        for (let i = 0; i < rounds; i++) framesOf(small);
      },
    );
    return [...frames, ...events, ...realTime, growth];
  },
};

function saturated(frameBytes: number, driver: 'poll' | 'interrupt' = 'poll', pageSize: '4K' | '2M' = '2M') {
  const machine = createMachine({
    guests: [
      { name: 'a', driver, pageSize },
      { name: 'b', driver, pageSize },
    ],
  });
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
  machine.guests[0].traffic.send({ to: 'b', frameBytes, saturate: true });
  return machine;
}

function portAtLineRate(): RunningMachine {
  const machine = createMachine({ guests: [{ name: 'a', driver: 'poll', pageSize: '2M' }] });
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
  machine.port.traffic.send({ to: 'a', frameBytes: 1518, saturate: true });
  return machine;
}

function advance({ simulation }: RunningMachine): void {
  simulation.advance(simulation.nowPs + BATCH_MS * 1e9);
}

/** Runs a batch; returns the frames that arrived in it. */
function framesOf(machine: RunningMachine): number {
  const { tracker } = machine.simulation;
  const arrived = () => tracker.endpoints.reduce((sum, endpoint) => sum + endpoint.totalReceived, 0);
  const before = arrived();
  advance(machine);
  return arrived() - before;
}

function batchOfFrames(machine: RunningMachine): () => number {
  return () => framesOf(machine);
}

function batchOfEvents(machine: RunningMachine): () => number {
  return () => {
    const before = machine.scheduler.events;
    advance(machine);
    return machine.scheduler.events - before;
  };
}

/** Events with the delays and in the number that the machine has under way, whose handlers only schedule the next. */
function idleEvents(): () => number {
  const scheduler = new Scheduler();
  const delays = [150_000, 220_000, 171_000, 128_000, 171_000, 30_000, 60_000];
  const tasks: number[] = [];
  for (let i = 0; i < delays.length; i++) {
    const next = (i + 1) % delays.length;
    tasks.push(scheduler.task(`idle ${i}`, () => scheduler.schedule(delays[next], tasks[next], 0, 0)));
  }
  for (let i = 0; i < 60; i++) scheduler.schedule(i * 3_000, tasks[i % tasks.length], 0, 0);
  return () => {
    const before = scheduler.events;
    scheduler.runUntil(scheduler.now + 5e9);
    return scheduler.events - before;
  };
}

function simulatedOverWall(machine: RunningMachine): number {
  const started = performance.now();
  let simulated = 0;
  do {
    advance(machine);
    simulated += BATCH_MS;
  } while (performance.now() - started < 200);
  return simulated / (performance.now() - started);
}

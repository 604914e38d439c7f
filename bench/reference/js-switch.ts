/**
 * The switch as a program, like its twin in C: takes a scenario as JSON, and then a number of rounds from each line
 * of its input; for each it prints frames, nanoseconds and two checksums. After `traces` and a number of rounds it
 * prints what those have left behind: bytes of frames that have changed, and of the heap. In a process of its own,
 * because the compiler treats the first switch of a process better than those that follow.
 */
import { createInterface } from 'node:readline';
import { settledHeapBytes } from '../harness.ts';
import { SharedWork } from './shared-work.ts';
import { type SwitchScenario, SwitchWork } from './switch-scenario.ts';

const scenario = JSON.parse(process.argv[2]) as SwitchScenario;
const work = scenario.shared === true ? new SharedWork(scenario) : new SwitchWork(scenario);

for await (const line of createInterface({ input: process.stdin })) {
  const [first, second] = line.split(' ');
  console.log((first === 'traces' ? traces(Number(second)) : rounds(Number(first))).join(' '));
}

function rounds(count: number): number[] {
  // Processor time, as in C: what else the machine does counts less.
  const start = process.cpuUsage();
  const frames = work.rounds(count);
  const { user, system } = process.cpuUsage(start);
  work.nicSwitch.checkBalance();
  return [frames, (user + system) * 1e3, work.checksum >>> 0, work.portsChecksum() >>> 0];
}

function traces(count: number): number[] {
  const before = work.unwritten();
  const heapBefore = settledHeapBytes();
  work.rounds(count);
  const heapBytes = settledHeapBytes() - heapBefore;
  const after = work.unwritten();
  let changed = 0;
  for (let i = 0; i < after.length; i++) if (after[i] !== before[i]) changed += 4;
  return [changed, heapBytes];
}

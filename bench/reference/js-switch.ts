/**
 * The switch as a program, like its twin in C: takes a scenario as JSON, and then a number of rounds from each line
 * of its input; for each it prints frames, nanoseconds and two checksums. In a process of its own, because the
 * compiler treats the first switch of a process better than those that follow.
 */
import { createInterface } from 'node:readline';
import { type SwitchScenario, SwitchWork } from './switch-scenario.ts';

const work = new SwitchWork(JSON.parse(process.argv[2]) as SwitchScenario);

for await (const line of createInterface({ input: process.stdin })) {
  // Processor time, as in C: what else the machine does counts less.
  const start = process.cpuUsage();
  const frames = work.rounds(Number(line));
  const { user, system } = process.cpuUsage(start);
  const ns = (user + system) * 1e3;
  work.nicSwitch.checkBalance();
  console.log([frames, ns, work.checksum >>> 0, work.portsChecksum() >>> 0].join(' '));
}

import { useOffloads } from '../../nic/index.ts';
import type { Simulation } from '../simulation.ts';
import { SnapshotError } from './snapshot-error.ts';

/** A part of a card that it has only once registers, or a program, ask for it. */
interface LatePart {
  /** The first of its tasks, by which its place in the order of making is known; none: it has no tasks. */
  readonly task?: string;
  isThere(simulation: Simulation): boolean;
  /** Makes it, idle: how it is set up is state. */
  make(simulation: Simulation): void;
}

const nicOf = ({ machine }: Simulation) => machine.nic;

/** All such parts; what has no tasks is made last. */
const LATE_PARTS: readonly LatePart[] = [
  {
    task: 'nic.flowControl.resume',
    isThere: (simulation) => nicOf(simulation).data.classPath !== null,
    make: (simulation) => nicOf(simulation).useClasses(),
  },
  {
    task: 'nic.transmit.limits',
    isThere: (simulation) => tasksOf(simulation).includes('nic.transmit.limits'),
    make: (simulation) => void nicOf(simulation).scheduling.prepare(),
  },
  {
    isThere: (simulation) => nicOf(simulation).data.transmit.shares !== null,
    make: (simulation) => {
      const { scheduling } = nicOf(simulation);
      scheduling.useShares(scheduling.prepare());
    },
  },
  {
    isThere: (simulation) => nicOf(simulation).data.transmit.offload !== null,
    make: (simulation) => useOffloads(nicOf(simulation)),
  },
];

const tasksOf = ({ machine }: Simulation) => machine.scheduler.taskNames;

/** For each part that registers have asked for until now: the task that it began with, -1 if it has none; else null. */
export type LateTasks = readonly (number | null)[];

/** Which parts there are, and when each was made: between which tasks. */
export function lateTasksOf(simulation: Simulation): LateTasks {
  return LATE_PARTS.map(({ task, isThere }) => {
    if (!isThere(simulation)) return null;
    return task === undefined ? -1 : tasksOf(simulation).indexOf(task);
  });
}

/** Makes the parts whose turn it is, by the number of the task that is made next. */
export function makeLateParts(simulation: Simulation, tasks: LateTasks): void {
  for (;;) {
    const next = tasksOf(simulation).length;
    const part = LATE_PARTS[tasks.indexOf(next)];
    if (part === undefined) return;
    part.make(simulation);
  }
}

/** Makes the parts that have no tasks. @throws {@link SnapshotError} if another is missing. */
export function makeLastParts(simulation: Simulation, tasks: LateTasks): void {
  LATE_PARTS.forEach((part, i) => {
    if (tasks[i] === null || part.isThere(simulation)) return;
    if (part.task !== undefined) throw new SnapshotError(`the machine comes to have no ${part.task}`);
    part.make(simulation);
  });
}

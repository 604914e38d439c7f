import type { DataPath } from '../drivers/index.ts';
import type { Component } from '../kernel/index.ts';

/** What of a machine software keeps. */
interface Software {
  readonly ixgbe: { readonly path: DataPath } | null;
  readonly vfDrivers: ReadonlyMap<number, { readonly path: DataPath }>;
  readonly memory: { readonly memory: { readonly allocatedBytes: number } };
}

/**
 * What software has counted of its own: the host's driver of the PF and the guests' of their VFs, and the memory that is in
 * use. A reset of the card does not concern it.
 */
export function softwareCounts(machine: Software): Component[] {
  const part = (name: string, counters: Component['counters']) => ({ name, counters, reset: () => {} });
  return [
    part('memory', () => ({ allocatedBytes: machine.memory.memory.allocatedBytes })),
    part('drivers', () => {
      const all: Record<string, number> = {};
      for (const [vf, driver] of [[-1, machine.ixgbe] as const, ...machine.vfDrivers]) {
        if (driver === null) continue;
        const { queue, polls, interruptsTaken, ringFull } = driver.path;
        const { framesPosted, framesReceived, framesAbandoned } = queue;
        const own = { framesPosted, framesReceived, framesAbandoned, polls, interruptsTaken, ringFull };
        for (const [key, value] of Object.entries(own)) all[`${vf < 0 ? 'pf' : `vf${vf}`}.${key}`] = value;
      }
      return all;
    }),
  ];
}

// Not whole folders: the command waits for this file whatever it is asked.
import { SoftwareError } from '../host/software-error.ts';
import { SriovError } from '../pcie/sriov-software.ts';
import type { FaultReport } from './report.ts';

/** Faults that the message names one by one. */
const NAMED = 3;

/** The machine did not come up because of faults that were asked for; one line that names them, and what failed. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

/** What boots, and may have faults on demand. */
export interface Bootable {
  boot(): void;
  /** In ps from power-on. */
  readonly nowPs: number;
  readonly faults?: { report(): readonly FaultReport[] };
}

/**
 * Boots a simulation.
 *
 * @throws {@link BootError} if its software fails ({@link SoftwareError}, {@link SriovError}) after faults have struck; any
 *   other error as it is, with its stack.
 * @example
 * const { scenario, captures } = resolveScenario({
 *   guests: [{ name: 'a' }],
 *   faults: [{ kind: 'bit-error', since: 'power-on', atMs: 1 }],
 * });
 * bootSimulation(new Simulation(scenario, captures));
 */
export function bootSimulation(simulation: Bootable): void {
  try {
    simulation.boot();
  } catch (error) {
    throw bootError(error, simulation.nowPs, simulation.faults?.report() ?? []);
  }
}

function bootError(error: unknown, nowPs: number, faults: readonly FaultReport[]): unknown {
  // All else is a defect of a program, and shows where it is.
  const isSoftware = error instanceof SoftwareError || error instanceof SriovError;
  if (!isSoftware || faults.length === 0) return error;
  const named = faults
    .slice(0, NAMED)
    .map(
      ({ kind, target, atNs }) => `${kind}${target === undefined ? '' : ` (${target})`} at ${atNs / 1e6} ms`,
    );
  if (faults.length > NAMED) named.push(`${faults.length - NAMED} more`);
  return new BootError(
    `the machine did not come up, ${nowPs / 1e9} ms after power-on: ${error.message}; faults before that: ${named.join(', ')}`,
    { cause: error },
  );
}

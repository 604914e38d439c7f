import type { PcieFunction } from '../pcie/index.ts';
import { bootSimulation } from '../sim/boot-error.ts';
import type { Machine } from '../sim/machine.ts';
import { Simulation } from '../sim/simulation.ts';
import type { FileUses } from './file-uses.ts';
import { loadScenario } from './load-scenario.ts';
import { partsOf } from './whole-chip.ts';

/** The machine of a scenario, with its VFs, before any traffic. */
export function bootedMachine(files: FileUses, file: string): Machine {
  const { scenario, captures } = loadScenario(files, file);
  const simulation = new Simulation(scenario, captures, partsOf(scenario));
  bootSimulation(simulation);
  return simulation.machine;
}

/** Its functions, ports and VFs included, by ascending Routing ID. */
export function functionsOf({ bridge, parts, nic }: Machine): PcieFunction[] {
  return [bridge.function, ...(parts.between?.functions ?? []), ...nic.endpoint.allFunctions()];
}

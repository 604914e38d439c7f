import type { NicProfile } from '../nic/index.ts';
import { intel82599Chip } from '../profiles/index.ts';
import type { MachineParts } from '../sim/machine.ts';
import { pcieParts } from '../sim/pcie-of-scenario.ts';
import type { ResolvedNic, ResolvedScenario } from '../sim/scenario-resolved.ts';
import { machineParts } from '../sim/simulation.ts';

/** The card of a scenario that has all registers of its chip; undefined for one that comes with every machine. */
export function wholeChip({ profile }: Pick<ResolvedNic, 'profile'>): NicProfile | undefined {
  const strict = profile === 'intel-82599-strict';
  return strict || profile === 'intel-82599-chip' ? intel82599Chip({ strict }) : undefined;
}

/** What the machine of a scenario is made of, its card with all registers if the scenario asks for them. */
export function partsOf(scenario: ResolvedScenario): MachineParts {
  return machineParts(scenario, { pcieParts, nicProfile: wholeChip(scenario.nic) });
}

import type { CapturePacket } from '../wire/index.ts';
import type { PcieParts } from './pcie-parts.ts';
import { resolveCaptures } from './scenario-captures.ts';
import { EndpointDirectory } from './scenario-endpoints.ts';
import { ProblemReporter } from './scenario-error.ts';
import { resolveFaults } from './scenario-faults.ts';
import { SCENARIO_DEFAULTS as DEFAULTS, SCENARIO_RANGES as RANGES } from './scenario-limits.ts';
import { resolveMachine } from './scenario-machine.ts';
import type { ResolvedScenario } from './scenario-resolved.ts';
import { resolveTimes } from './scenario-times.ts';
import { nameFlows, resolveFlow } from './scenario-traffic.ts';
import type { Scenario } from './scenario-types.ts';

/** How a scenario is resolved. */
export interface ResolveOptions {
  /** What the scenario is called in errors. Default `scenario`. */
  source?: string;
  /** Bytes of a capture that the scenario names. Throws an error whose message says why there are none. */
  readCapture?: (file: string) => Uint8Array;
  /** What a scenario with the key `pcie` needs. */
  pcieParts?: PcieParts;
}

/** A scenario that is ready to run. */
export interface LoadedScenario {
  scenario: ResolvedScenario;
  /** What it was made from. */
  source: Scenario;
  /** The frames of `scenario.captures[i]`, filtered, in order of time. */
  captures: (readonly CapturePacket[])[];
}

/**
 * Fills in every default, numbers the VFs, assigns the addresses, reads the captures, and checks what hangs together.
 *
 * @throws {@link ScenarioError} for the first thing that is wrong.
 *
 * @example
 * ```ts
 * const { scenario } = resolveScenario({
 *   guests: [{ name: 'a' }, { name: 'b' }],
 *   traffic: [{ from: 'a', to: 'b', ratePps: 1e6 }],
 * });
 * scenario.vfs[1].mac; // '02:00:00:00:02:00'
 * ```
 */
export function resolveScenario(scenario: Scenario, options: ResolveOptions = {}): LoadedScenario {
  const { source = 'scenario', readCapture = noFiles } = options;
  const reporter = new ProblemReporter(source);
  const machine = resolveMachine(scenario, source, undefined, options);
  const endpoints = new EndpointDirectory(machine, reporter);
  const times = resolveTimes(scenario);
  const context = { endpoints, mtu: machine.nic.mtu, times, reporter };
  const traffic = scenario.traffic ?? [];
  const flows = traffic.map((flow, i) => resolveFlow(flow, `traffic[${i}]`, context));
  nameFlows(flows, traffic, reporter);
  const captures = resolveCaptures(scenario.captures ?? [], { ...context, readCapture });
  return {
    source: scenario,
    scenario: {
      name: scenario.name ?? '',
      description: scenario.description ?? '',
      seed: reporter.integer('seed', scenario.seed ?? DEFAULTS.seed, RANGES.seed),
      ...machine,
      flows,
      captures: captures.map(({ resolved }) => resolved),
      ...resolveFaults(scenario.faults, 'faults', { ...context, iommu: machine.host.iommu }),
      warmUpPs: times.warmUpPs,
      durationPs: times.durationPs,
    },
    captures: captures.map(({ packets }) => packets),
  };
}

function noFiles(): never {
  throw new Error('there are no files here');
}

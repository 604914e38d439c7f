import {
  type BridgePort,
  Endpoint,
  type EnumeratedTree,
  enableAcs,
  enableCardVfs,
  enumerate,
  PcieHierarchy,
  PcieSwitch,
  SriovError,
  WIDE_WINDOWS,
} from '../pcie/index.ts';
import { CARD_CONFIGS } from '../profiles/card-configs.ts';
import { ScenarioError } from './scenario-error.ts';
import type { Topology, TopologyPort } from './topology-file.ts';

/** A hierarchy as firmware and operating system leave it. */
export interface BuiltTopology {
  readonly hierarchy: PcieHierarchy;
  readonly tree: EnumeratedTree;
}

/**
 * Builds the hierarchy of a topology, numbers its buses, places BARs, enables VFs and, if the topology says so, isolating
 * services.
 *
 * @param source what the topology is called in errors.
 * @throws `ScenarioError` if VFs cannot be enabled.
 */
export function buildTopology(topology: Topology, source = 'topology'): BuiltTopology {
  const hierarchy = new PcieHierarchy({ rootPorts: topology.rootPorts.map(optionsOf) });
  const cards: { endpoint: Endpoint; vfs: number; path: string }[] = [];
  const connect = (ports: readonly BridgePort[], plans: readonly TopologyPort[], path: string) => {
    for (const [i, plan] of plans.entries()) {
      const at = `${path}[${i}]`;
      if (plan.switch !== undefined) {
        const inner = new PcieSwitch({ ports: plan.switch.map(optionsOf) });
        hierarchy.connect(ports[i], inner);
        connect(inner.downstream, plan.switch, `${at}.switch`);
      } else if (plan.card !== undefined) {
        const config = CARD_CONFIGS.find(({ name }) => name === plan.card)!;
        const functions = config.functions(plan.cardPorts ?? config.ports[0], false);
        const endpoint = new Endpoint({ functions });
        hierarchy.connect(ports[i], endpoint);
        cards.push({ endpoint, vfs: plan.vfs ?? 0, path: `${at}.vfs` });
      }
    }
  };
  connect(hierarchy.rootPorts, topology.rootPorts, 'rootPorts');
  const tree = enumerate(hierarchy, WIDE_WINDOWS);
  for (const { endpoint, vfs, path } of cards) {
    try {
      enableCardVfs(hierarchy, tree, endpoint, vfs);
    } catch (error) {
      if (!(error instanceof SriovError)) throw error;
      const problem = `${vfs} does not fit: ${error.message}`;
      throw new ScenarioError({ source, path, value: vfs, problem, allowed: 'fewer' });
    }
  }
  if (topology.enableAcs ?? true) enableAcs(hierarchy, tree);
  return { hierarchy, tree };
}

function optionsOf({ acs = true, ari = true }: TopologyPort) {
  return { acs: acs ? {} : null, ariForwarding: ari };
}

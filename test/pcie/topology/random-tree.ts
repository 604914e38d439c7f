import fc from 'fast-check';
import {
  type AcsOptions,
  type BridgePort,
  busOf,
  Endpoint,
  type EnumeratedTree,
  enableVfs,
  enumerate,
  findFunctions,
  type PcieFunction,
  PcieHierarchy,
  PcieSwitch,
  type VfRoutingRule,
} from '../../../src/pcie/index.ts';
import { card, turnOn, WINDOWS } from './fixture.ts';

/** A port of a random tree: its services (none, or those turned on), and what is below. */
export interface PortPlan {
  readonly services: { readonly on: number; readonly egress: number } | null;
  readonly ari: boolean;
  readonly below: DevicePlan | null;
}

export type DevicePlan =
  | { readonly kind: 'switch'; readonly ports: readonly PortPlan[] }
  | { readonly kind: 'card'; readonly pfs: readonly { readonly total: number; readonly vfs: number }[] };

const ALL: AcsOptions = { services: 0x7f, egressBits: 16 };

/** @param services bits that may be on in ACS Control. */
export function arbitraryPorts(services: number, depth = 3): fc.Arbitrary<PortPlan[]> {
  const pf = fc
    .record({ total: fc.integer({ min: 1, max: 12 }), vfs: fc.nat(12) })
    .map(({ total, vfs }) => ({ total, vfs: Math.min(total, vfs) }));
  const device: fc.Arbitrary<DevicePlan> = fc.record({
    kind: fc.constant('card' as const),
    pfs: fc.array(pf, { minLength: 1, maxLength: 3 }),
  });
  const tower: fc.Arbitrary<DevicePlan> =
    depth <= 1
      ? device
      : fc.record({ kind: fc.constant('switch' as const), ports: arbitraryPorts(services, depth - 1) });
  const port: fc.Arbitrary<PortPlan> = fc.record({
    services: fc.option(fc.record({ on: fc.nat(0x7f).map((on) => on & services), egress: fc.nat(0xffff) }), {
      freq: 3,
    }),
    ari: fc.boolean(),
    below: fc.oneof(
      { weight: 5, arbitrary: device },
      { weight: 3, arbitrary: tower },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
  });
  return fc.array(port, { minLength: 1, maxLength: 3 });
}

/** A function of a random tree, and the plans of the ports above it, from the root port on. */
export interface Placed {
  readonly fn: PcieFunction;
  readonly path: readonly PortPlan[];
}

export interface RandomTree {
  readonly hierarchy: PcieHierarchy;
  readonly tree: EnumeratedTree;
  readonly ports: readonly BridgePort[];
  /** PFs and VFs. */
  readonly functions: readonly Placed[];
}

/** Builds a random tree as firmware and operating system leave it: enumerated, VFs enabled, access control services on. */
export function buildTree(plans: readonly PortPlan[]): RandomTree {
  const optionsOf = ({ services, ari }: PortPlan) => ({
    acs: services === null ? null : ALL,
    ariForwarding: ari,
  });
  const hierarchy = new PcieHierarchy({ rootPorts: plans.map(optionsOf) });
  const cards: { endpoint: Endpoint; plan: DevicePlan & { kind: 'card' }; path: readonly PortPlan[] }[] = [];
  const ports: [BridgePort, PortPlan][] = [];
  const build = (made: readonly BridgePort[], of: readonly PortPlan[], above: readonly PortPlan[]) => {
    for (const [i, plan] of of.entries()) {
      ports.push([made[i], plan]);
      const { below } = plan;
      if (below === null) continue;
      if (below.kind === 'switch') {
        const tower = new PcieSwitch({ ports: below.ports.map(optionsOf) });
        hierarchy.connect(made[i], tower);
        build(tower.downstream, below.ports, [...above, plan]);
      } else {
        const endpoint = new Endpoint({
          functions: below.pfs.map(({ total }) => card(total, 0, ROUTING)),
        });
        hierarchy.connect(made[i], endpoint);
        cards.push({ endpoint, plan: below, path: [...above, plan] });
      }
    }
  };
  build(hierarchy.rootPorts, plans, []);
  const tree = enumerate(hierarchy, WINDOWS);
  for (const { endpoint, plan } of cards) {
    const found = findFunctions(tree, 0x1234, 1).filter((each) => busOf(each.routingId) === endpoint.bus);
    for (const [i, { vfs }] of plan.pfs.entries()) {
      enableVfs(hierarchy, found[i], vfs, { wait: () => {} });
    }
    for (const fn of endpoint.allFunctions()) fn.config.write16(4, 6);
  }
  for (const [port, { services }] of ports) {
    if (services !== null) turnOn(port.function, services.on, services.egress);
  }
  return {
    hierarchy,
    tree,
    ports: ports.map(([port]) => port),
    functions: cards.flatMap(({ endpoint, path }) => endpoint.allFunctions().map((fn) => ({ fn, path }))),
  };
}

/** VFs of up to three PFs take turns, from function 8 on, or on the next bus. */
const ROUTING: VfRoutingRule = {
  ari: { firstVfOffset: 8, vfStride: 3 },
  other: { firstVfOffset: 256, vfStride: 3 },
};

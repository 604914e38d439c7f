import {
  ACS_OF_PORTS,
  type AcsOptions,
  AcsService,
  acs,
  aer,
  type BridgePort,
  type ConnectOptions,
  ECAP_ACS,
  Endpoint,
  type EnumeratedTree,
  type EnumerateOptions,
  enableVfs,
  enumerate,
  type FunctionProfile,
  findFunctions,
  type HierarchyOptions,
  type PcieFunction,
  PcieHierarchy,
  PcieSwitch,
  type PortOptions,
  type VfRoutingRule,
} from '../../../src/pcie/index.ts';
import { genericProfile } from '../config/fixture.ts';

export const WINDOWS: EnumerateOptions = {
  memory32: { base: 0x8000_0000, bytes: 0x4000_0000 },
  memory64: { base: 0x40_0000_0000, bytes: 2 ** 38 },
};

/** Ports with all services that there are. */
export const ALL_SERVICES: AcsOptions = { services: 0x7f, egressBits: 16 };

const ROUTING: VfRoutingRule = {
  ari: { firstVfOffset: 16, vfStride: 1 },
  other: { firstVfOffset: 256, vfStride: 1 },
};

/** A card without a maker: VFs from 16 behind its PF on with ARI, on the next bus without. */
export function card(totalVfs = 4, functionServices = 0, routing = ROUTING): FunctionProfile {
  const profile = genericProfile({ totalVfs, routing });
  const services = functionServices === 0 ? [] : [acs({ services: functionServices, egressBits: 64 })];
  return {
    ...profile,
    capabilities: [
      profile.capabilities[0],
      aer({ acs: functionServices !== 0 }),
      ...profile.capabilities.slice(1),
      ...services,
    ],
  };
}

/** Storage behind BAR 0 of every function, so that what is written can be read. */
export function withRegisters(endpoint: Endpoint): Endpoint {
  const attach = (fn: PcieFunction) => {
    const dwords = new Map<number, number>();
    fn.attachBar(0, {
      read32: (offset) => dwords.get(offset) ?? 0,
      write32(offset, value, byteEnables) {
        let lanes = 0;
        for (let i = 0; i < 4; i++) if ((byteEnables >> i) & 1) lanes |= 0xff << (8 * i);
        dwords.set(offset, (((dwords.get(offset) ?? 0) & ~lanes) | (value & lanes)) >>> 0);
      },
    });
  };
  for (const fn of endpoint.functions) {
    attach(fn);
    if (fn.sriov !== null) fn.sriov.onVfCreated = attach;
  }
  return endpoint;
}

export interface Tower {
  readonly hierarchy: PcieHierarchy;
  readonly root: BridgePort;
  readonly tower: PcieSwitch;
  /** The downstream ports of the switch. */
  readonly ports: readonly BridgePort[];
  readonly cards: readonly Endpoint[];
  readonly tree: EnumeratedTree;
}

export interface TowerOptions extends Partial<Omit<HierarchyOptions, 'rootPorts'>> {
  readonly root?: PortOptions;
  readonly ports?: readonly PortOptions[];
  readonly cards?: readonly (readonly FunctionProfile[])[];
  readonly connect?: ConnectOptions;
  /** VFs to enable in every PF. */
  readonly vfs?: number;
}

/** A root port, a switch below it, and a card at each of its ports. */
export function makeTower(options: TowerOptions = {}): Tower {
  const { root = { acs: ALL_SERVICES }, cards = [[card()], [card()]], vfs = 0, connect, ...others } = options;
  const { ports = cards.map(() => ({ acs: ALL_SERVICES })), ...rest } = others;
  const hierarchy = new PcieHierarchy({ ...rest, rootPorts: [root, { acs: ALL_SERVICES }] });
  const tower = new PcieSwitch({ ports });
  hierarchy.connect(hierarchy.rootPorts[0], tower);
  const endpoints = cards.map((functions, i) => {
    const endpoint = withRegisters(new Endpoint({ functions }));
    hierarchy.connect(tower.downstream[i], endpoint, connect);
    return endpoint;
  });
  const other = withRegisters(new Endpoint({ functions: [card()] }));
  hierarchy.connect(hierarchy.rootPorts[1], other);
  const tree = enumerate(hierarchy, WINDOWS);
  for (const nic of findFunctions(tree, 0x1234, 1)) {
    if (vfs > 0) enableVfs(hierarchy, nic, vfs, { wait: () => {} });
    hierarchy.write(nic.routingId, 4, 2, 6);
  }
  return {
    hierarchy,
    root: hierarchy.rootPorts[0],
    tower,
    ports: tower.downstream,
    cards: [...endpoints, other],
    tree,
  };
}

/** Turns services on in a port or a function: ACS Control, and the Egress Control Vector where given. */
export function turnOn(fn: PcieFunction, services: number, egress?: number): void {
  const at = fn.findExtendedCapability(ECAP_ACS);
  fn.config.write16(at + 6, services);
  if (egress !== undefined) fn.config.write32(at + 8, egress);
}

/** Uncorrectable Error Status. */
export function uncorrectable(fn: PcieFunction): number {
  return fn.config.read32(0x104);
}

export { ACS_OF_PORTS, AcsService };

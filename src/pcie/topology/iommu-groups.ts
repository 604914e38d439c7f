import { checkOneOf } from '../../base/index.ts';
import { PORT_DOWNSTREAM, PORT_ROOT, PORT_UPSTREAM } from '../capabilities/pci-express.ts';
import type { ConfigAccess } from '../config-access.ts';
import type { EnumeratedFunction, EnumeratedTree } from '../enumerated.ts';
import { formatRoutingId, type RoutingId } from '../routing-id.ts';
import { currentVfs } from '../sriov-software.ts';
import { isMultiFunction, lacksIsolation, portTypeOf } from './isolation.ts';

/** A function, and why it is in its group. */
export interface GroupedFunction {
  readonly routingId: RoutingId;
  /** `03:00.0`. */
  readonly name: string;
  /** `VF 0 of 03:00.0` and so on for VFs. */
  readonly role: string;
  /** A sentence for each reason. */
  readonly why: readonly string[];
}

/** Functions that an operating system can lend to a guest together only. */
export interface IommuGroup {
  /** From 0, in the order of the lowest Routing IDs. */
  readonly id: number;
  /** By ascending Routing ID. */
  readonly functions: readonly GroupedFunction[];
}

/** How {@link iommuGroups} judges. */
export interface IommuGroupOptions {
  /**
   * `reach`: functions are together if one of them can reach the other past the root complex. `path`: each function is
   * judged by the ports above it alone, as Linux's `pci_device_group` has done: a port of a switch without access control
   * services then puts what is below it together, and not what can be reached from there through other ports. Default `reach`.
   */
  readonly rule?: 'reach' | 'path';
  /** Functions that send requests with the Requester ID of another one, too. Default none. */
  readonly aliases?: readonly (readonly [RoutingId, RoutingId])[];
}

interface Node {
  readonly routingId: RoutingId;
  readonly role: string;
  /** Bridges above, from the nearest one. */
  readonly path: readonly EnumeratedFunction[];
  /** The function itself; of a VF, its PF. */
  readonly fn: EnumeratedFunction;
  readonly isVf: boolean;
  readonly why: string[];
  /** Another node of its group, on the way to the one that stands for the group; null in that one. */
  towards: Node | null;
}

/**
 * IOMMU groups as an operating system forms them from what configuration space says, and why. The IOMMU can keep apart only
 * what comes to it, each with a Requester ID of its own:
 *
 * - a root port or a downstream port of a switch without {@link ACS_ISOLATION} puts all below it into its group;
 * - so do other bridges of devices with several functions, that lack it;
 * - a switch with such a port has all of its ports, and all below them, in one group: requests from below that port reach them;
 * - functions of one device that lack it are together;
 * - a function is together with those whose Requester ID it uses.
 *
 * VFs count as functions on the bus of their PF that the device itself keeps apart.
 *
 * @param access reads configuration space.
 * @param tree what {@link enumerate} found; VFs that are enabled now are found by their PFs.
 * @throws RangeError if an alias names a function that is not there.
 * @example
 * for (const { id, functions } of iommuGroups(hierarchy, tree)) {
 *   for (const { name, why } of functions) console.log(`group ${id}: ${name}: ${why.join('; ')}`);
 * }
 */
export function iommuGroups(
  access: ConfigAccess,
  tree: EnumeratedTree,
  options: IommuGroupOptions = {},
): IommuGroup[] {
  const rule = checkOneOf('rule', options.rule ?? 'reach', ['reach', 'path']);
  const nodes = listNodes(access, tree);
  const find = (fn: EnumeratedFunction) => nodes.find((each) => !each.isVf && each.fn === fn)!;
  const behind = (bridge: EnumeratedFunction) => nodes.filter((each) => each.path.includes(bridge));
  for (const { fn, isVf } of nodes) {
    if (isVf || !fn.isBridge) continue;
    const reason = lacksIsolation(access, fn);
    if (reason === null) continue;
    join(
      [find(fn), ...behind(fn)],
      `${formatRoutingId(fn.routingId)} ${reason}, and all below is in its group`,
    );
  }
  if (rule === 'reach') {
    for (const { fn, isVf } of nodes) {
      if (isVf || !fn.isBridge || portTypeOf(access, fn) !== PORT_UPSTREAM) continue;
      const open = fn.children.find(
        (port) => portTypeOf(access, port) === PORT_DOWNSTREAM && lacksIsolation(access, port) !== null,
      );
      if (open === undefined) continue;
      const names = `${formatRoutingId(open.routingId)} ${lacksIsolation(access, open)}`;
      join(
        behind(fn),
        `${names}: from below it all ports of the switch ${formatRoutingId(fn.routingId)} are in reach`,
      );
    }
  }
  for (const device of devicesOf(access, tree.functions, false)) joinFunctions(access, device.map(find));
  for (const [a, b] of options.aliases ?? []) {
    const pair = [a, b].map((routingId) => {
      const node = nodes.find((each) => each.routingId === routingId);
      if (node !== undefined) return node;
      throw new RangeError(`aliases must be of functions that are there, got ${formatRoutingId(routingId)}`);
    });
    join(pair, `${formatRoutingId(a)} sends requests as ${formatRoutingId(b)}, too`);
  }
  return collect(access, nodes);
}

/** The groups as text: a line for each group, and below it each function with its reasons. */
export function formatIommuGroups(groups: readonly IommuGroup[]): string {
  return groups
    .flatMap(({ id, functions }) => [
      `group ${id}`,
      ...functions.map(({ name, role, why }) => `  ${name} ${role}: ${why.join('; ')}`),
    ])
    .join('\n');
}

function listNodes(access: ConfigAccess, tree: EnumeratedTree): Node[] {
  const nodes: Node[] = [];
  const add = (part: Omit<Node, 'towards' | 'why'>) => nodes.push({ ...part, why: [], towards: null });
  const walk = (fn: EnumeratedFunction, path: readonly EnumeratedFunction[]) => {
    add({ routingId: fn.routingId, role: roleOf(access, fn), path, fn, isVf: false });
    const vfs = fn.sriov === undefined ? [] : currentVfs(access, fn);
    vfs.forEach((routingId, i) => {
      const role = `VF ${i} of ${formatRoutingId(fn.routingId)}`;
      add({ routingId, role, path, fn, isVf: true });
    });
    for (const child of fn.children) walk(child, [fn, ...path]);
  };
  for (const fn of tree.functions) walk(fn, []);
  return nodes.sort((a, b) => a.routingId - b.routingId);
}

function roleOf(access: ConfigAccess, fn: EnumeratedFunction): string {
  const role = ['endpoint', 'endpoint', '', '', 'root port', 'upstream port', 'downstream port'];
  return role[portTypeOf(access, fn)] ?? (fn.isBridge ? 'bridge' : 'function');
}

/** Functions that are no VFs, by device: a link leads to one device, whatever function numbers ARI gives it. */
function* devicesOf(
  access: ConfigAccess,
  functions: readonly EnumeratedFunction[],
  isLink: boolean,
): Generator<EnumeratedFunction[]> {
  const devices = new Map<number, EnumeratedFunction[]>();
  for (const fn of functions) {
    const device = isLink ? 0 : fn.routingId >> 3;
    devices.set(device, [...(devices.get(device) ?? []), fn]);
  }
  yield* devices.values();
  for (const fn of functions) {
    const type = portTypeOf(access, fn);
    yield* devicesOf(access, fn.children, type === PORT_ROOT || type === PORT_DOWNSTREAM);
  }
}

function joinFunctions(access: ConfigAccess, device: readonly Node[]): void {
  const open = device.filter(({ fn }) => isMultiFunction(access, fn) && lacksIsolation(access, fn) !== null);
  if (open.length < 2) return;
  const names = open.map(({ routingId }) => formatRoutingId(routingId)).join(', ');
  join(
    open,
    `${names} are functions of one device, and ${formatRoutingId(open[0].routingId)} ${lacksIsolation(access, open[0].fn)}`,
  );
}

/** Puts functions into one group, and notes why. */
function join(nodes: readonly Node[], reason: string): void {
  if (nodes.length < 2) return;
  const target = rootOf(nodes[0]);
  for (const node of nodes) {
    node.why.push(reason);
    const other = rootOf(node);
    if (other !== target) other.towards = target;
  }
}

function rootOf(node: Node): Node {
  let at = node;
  while (at.towards !== null) at = at.towards;
  return at;
}

function collect(access: ConfigAccess, nodes: readonly Node[]): IommuGroup[] {
  const groups = new Map<Node, GroupedFunction[]>();
  for (const node of nodes) {
    const root = rootOf(node);
    const { routingId, role } = node;
    const why = node.why.length > 0 ? node.why : [whyAlone(access, node)];
    const members = groups.get(root) ?? [];
    members.push({ routingId, name: formatRoutingId(routingId), role, why });
    groups.set(root, members);
  }
  return [...groups.values()].map((functions, id) => ({ id, functions }));
}

function whyAlone(access: ConfigAccess, { path, fn, isVf }: Node): string {
  const ports = path.filter((port) => portTypeOf(access, port) !== PORT_UPSTREAM);
  const names = ports.map((port) => formatRoutingId(port.routingId)).join(' and ');
  const way =
    ports.length === 0
      ? 'it is on the root bus'
      : `${names} above it ${ports.length > 1 ? 'have' : 'has'} all isolating services on`;
  if (isVf) return `${way}, and a VF has a Requester ID of its own`;
  if (!isMultiFunction(access, fn)) {
    if (!fn.isBridge) return `${way}, and it is the only function of its device`;
    if (lacksIsolation(access, fn) === null) return `${way}, and it isolates what is below it`;
    return `${way}, and nothing is below it`;
  }
  return lacksIsolation(access, fn) === null
    ? `${way}, and it has all isolating services on that its device needs`
    : `${way}, and no other function of its device lacks isolating services`;
}

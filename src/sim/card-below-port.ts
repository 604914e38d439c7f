import {
  BridgePort,
  CAP_PCI_EXPRESS,
  type ConfigAccess,
  Endpoint,
  type EnumeratedFunction,
  enableVfs,
  enumerate,
  type FunctionProfile,
  LINK_ACTIVE_REPORTING,
  LINK_STATUS_ACTIVE,
  RootBus,
  type RoutingId,
} from '../pcie/index.ts';
import { xeonE5v4 } from '../profiles/xeon-e5-v4.ts';

/** The root port that the card sits below: 00:01.0. */
const ROOT_PORT = 0x0008;
/** Where firmware of PCs places BARs: below the I/O APICs at the top of the first 4 GiB. */
const MEMORY32 = { base: 0xe000_0000, bytes: 0x1000_0000 };
const MEMORY64 = { base: 0x40_0000_0000, bytes: 2 ** 36 };
const IO = { base: 0x1000, bytes: 0xf000 };
/** Link Capabilities of the root port: 8 GT/s, 16 lanes, and it tells whether its link is up. */
const LINK_CAPABILITIES = 0x103 | LINK_ACTIVE_REPORTING;

/** How a card is brought up. */
export interface BringUpOptions {
  /** VFs of each PF. Default 0. */
  readonly vfs?: number;
  /** Whether the slot forwards ARI. Default true. */
  readonly ari?: boolean;
}

/** A card that has been brought up below a root port. */
export interface CardBelowPort {
  readonly root: RootBus;
  readonly port: BridgePort;
  readonly endpoint: Endpoint;
  /** The PFs as they were found. */
  readonly pfs: readonly EnumeratedFunction[];
  /** Routing IDs of the VFs of each PF. */
  readonly vfs: readonly (readonly RoutingId[])[];
  /** What could not be given a bus or an address. */
  readonly problems: readonly string[];
}

/**
 * What firmware and operating system do, by configuration cycles that take no time: find the functions, place their BARs, set
 * the sizes of payloads and reads, enable the VFs. A card whose VFs need more than there is below 4 GiB has its
 * prefetchable BARs above.
 *
 * @throws SriovError if a PF cannot have so many VFs.
 */
export function bringUpCard(
  functions: readonly FunctionProfile[],
  { vfs = 0, ari = true }: BringUpOptions = {},
): CardBelowPort {
  const root = new RootBus();
  const endpoint = new Endpoint({ functions });
  const linkStatus = linkStatusOf(endpoint);
  const port = new BridgePort({
    routingId: ROOT_PORT,
    ariForwarding: ari,
    linkCapabilities: LINK_CAPABILITIES,
    linkStatus,
  });
  port.downstream = endpoint;
  root.attach(port);
  const memory64 = vfMemory(endpoint) > MEMORY32.bytes / 2 ? MEMORY64 : undefined;
  const tree = enumerate(root, { memory32: MEMORY32, memory64, io: IO, ari });
  const [bridge] = tree.functions;
  const found = bridge.children;
  for (const fn of [bridge, ...found]) setSizes(root, fn);
  const pfs = found.filter((fn) => fn.sriov !== undefined);
  const enabled = pfs.map((pf) => enableVfs(root, pf, vfs, { wait: () => {} }));
  return { root, port, endpoint, pfs, vfs: enabled, problems: tree.problems };
}

/** Both ends of a link have trained to the same speed and width. */
function linkStatusOf(endpoint: Endpoint): number {
  const [fn] = endpoint.functions;
  const express = fn.findCapability(CAP_PCI_EXPRESS);
  return express === 0 ? 0 : fn.config.read16(express + 0x12) | LINK_STATUS_ACTIVE;
}

/** Memory that all VFs of a device can take, in bytes. */
function vfMemory(endpoint: Endpoint): number {
  let bytes = 0;
  for (const { sriov } of endpoint.functions) {
    for (const bar of sriov?.vfBars ?? []) bytes += bar.bytes * (sriov?.totalVfs ?? 0);
  }
  return bytes;
}

/** Max_Payload_Size and Max_Read_Request_Size as the host has them, as far as the function can. */
function setSizes(access: ConfigAccess, fn: EnumeratedFunction): void {
  const express = fn.capabilities.find(({ id, extended }) => id === CAP_PCI_EXPRESS && !extended);
  if (express === undefined) return;
  const code = (bytes: number) => 24 - Math.clz32(bytes);
  const supported = access.read(fn.routingId, express.offset + 4, 4) & 7;
  const payload = Math.min(supported, code(xeonE5v4.maxPayloadBytes));
  const at = express.offset + 8;
  const kept = access.read(fn.routingId, at, 2) & ~0x70e0;
  const sizes = (payload << 5) | (code(xeonE5v4.maxReadRequestBytes) << 12);
  access.write(fn.routingId, at, 2, kept | sizes);
}

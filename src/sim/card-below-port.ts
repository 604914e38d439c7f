import {
  BridgePort,
  Endpoint,
  type EnumeratedFunction,
  enableVfs,
  enumerate,
  type FunctionProfile,
  findFunctions,
  RootBus,
  type RoutingId,
} from '../pcie/index.ts';

/** The root port that the card sits below: 00:01.0. */
const ROOT_PORT = 0x0008;
/** Where firmware of PCs places BARs: below the I/O APICs at the top of the first 4 GiB. */
const MEMORY32 = { base: 0xe000_0000, bytes: 0x1000_0000 };
const IO = { base: 0x1000, bytes: 0xf000 };

/** A card's functions without a machine around them. */
export interface BareCard {
  readonly functions: readonly FunctionProfile[];
  readonly vendorId: number;
  readonly deviceId: number;
}

/** A card that has been brought up below a root port. */
export interface CardBelowPort {
  readonly root: RootBus;
  readonly port: BridgePort;
  readonly endpoint: Endpoint;
  readonly pf: EnumeratedFunction;
  /** Routing IDs of the VFs. */
  readonly vfs: readonly RoutingId[];
}

/**
 * What firmware and operating system do, by configuration cycles that take no time: find the functions, place their BARs, enable
 * the VFs.
 *
 * @param ari whether the slot forwards ARI.
 * @throws SriovError if the card has not so many VFs.
 */
export function bringUpCard(card: BareCard, vfs: number, ari: boolean): CardBelowPort {
  const root = new RootBus();
  const port = new BridgePort({ routingId: ROOT_PORT, ariForwarding: ari });
  const endpoint = new Endpoint({ functions: [...card.functions] });
  port.downstream = endpoint;
  root.attach(port);
  const tree = enumerate(root, { memory32: MEMORY32, io: IO, ari });
  const [pf] = findFunctions(tree, card.vendorId, card.deviceId);
  return { root, port, endpoint, pf, vfs: enableVfs(root, pf, vfs, { wait: () => {} }) };
}

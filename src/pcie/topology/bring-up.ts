import type { ConfigAccess } from '../config-access.ts';
import type { Endpoint } from '../endpoint.ts';
import { type EnumeratedTree, findFunctions } from '../enumerated.ts';
import { enableVfs, SriovError } from '../sriov-software.ts';

/** Where firmware has room for the BARs of many cards: below 4 GiB, above all memory, and in I/O space. For `enumerate`. */
export const WIDE_WINDOWS = {
  memory32: { base: 0x8000_0000, bytes: 0x6000_0000 },
  memory64: { base: 0x100_0000_0000, bytes: 2 ** 42 },
  io: { base: 0x1000, bytes: 0xf000 },
} as const;

/**
 * Enables VFs in every PF of a card, as an operating system does, in no time.
 *
 * @param tree as `enumerate` found it.
 * @param vfs of each PF.
 * @throws `SriovError` if a PF cannot have so many, or was not found.
 */
export function enableCardVfs(access: ConfigAccess, tree: EnumeratedTree, card: Endpoint, vfs: number): void {
  if (vfs === 0) return;
  for (const { routingId, profile } of card.functions) {
    const { vendorId, deviceId } = profile.identity;
    const found = findFunctions(tree, vendorId, deviceId).find((each) => each.routingId === routingId);
    if (found === undefined) throw new SriovError('ENODEV', 'no bus number is left for the card');
    enableVfs(access, found, vfs, { wait: () => {} });
  }
}

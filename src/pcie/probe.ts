import { barFromProbe } from './bar.ts';
import type { ConfigAccess } from './config-access.ts';
import type { EnumeratedBar, EnumeratedCapability } from './enumerated.ts';
import { CAPABILITIES_POINTER, STATUS, STATUS_CAPABILITIES } from './header.ts';
import type { RoutingId } from './routing-id.ts';

/**
 * The capabilities of a function, PCI-compatible ones first, in the order of the chains. A chain ends where it comes back to
 * itself.
 *
 * @param pointer where its Capabilities Pointer is.
 */
export function listCapabilities(
  access: ConfigAccess,
  routingId: RoutingId,
  pointer = CAPABILITIES_POINTER,
): EnumeratedCapability[] {
  const found: EnumeratedCapability[] = [];
  const isNew = (offset: number) => found.every((each) => each.offset !== offset);
  if ((access.read(routingId, STATUS, 2) & STATUS_CAPABILITIES) !== 0) {
    let offset = access.read(routingId, pointer, 1) & 0xfc;
    while (offset >= 0x40 && isNew(offset)) {
      const header = access.read(routingId, offset, 2);
      found.push({ id: header & 0xff, extended: false, offset, version: 0 });
      offset = (header >> 8) & 0xfc;
    }
  }
  let offset = 0x100;
  while (offset >= 0x100 && isNew(offset)) {
    const header = access.read(routingId, offset, 4);
    if (header === 0 || header === 0xffffffff) break;
    found.push({ id: header & 0xffff, extended: true, offset, version: (header >>> 16) & 15 });
    offset = (header >>> 20) & 0xffc;
  }
  return found;
}

/** Offset of the capability with this ID in a list, or 0. */
export function offsetOf(list: readonly EnumeratedCapability[], id: number, extended: boolean): number {
  return list.find((each) => each.id === id && each.extended === extended)?.offset ?? 0;
}

/** Sizes `count` BARs from offset `base` on, by writing all ones and reading back (PCI 3.0 6.2.5.1). */
export function probeBars(
  access: ConfigAccess,
  routingId: RoutingId,
  base: number,
  count: number,
): EnumeratedBar[] {
  const bars: EnumeratedBar[] = [];
  for (let index = 0; index < count; index++) {
    const offset = base + 4 * index;
    const low = probe(access, routingId, offset);
    const is64 = (low & 7) === 4 && index + 1 < count;
    const high = is64 ? probe(access, routingId, offset + 4) : 0;
    const bar = barFromProbe(index, low, high);
    if (bar !== null) bars.push({ ...bar, prefetchable: bar.prefetchable ?? false, address: -1 });
    if (is64) index++;
  }
  return bars;
}

function probe(access: ConfigAccess, routingId: RoutingId, offset: number): number {
  access.write(routingId, offset, 4, 0xffffffff);
  const value = access.read(routingId, offset, 4);
  access.write(routingId, offset, 4, 0);
  return value;
}

import { alignUp } from '../base/index.ts';
import {
  IO_BASE,
  IO_BASE_UPPER,
  IO_LIMIT,
  MEMORY_BASE,
  PREFETCH_BASE,
  PREFETCH_BASE_UPPER,
  PREFETCH_LIMIT_UPPER,
} from './bridge.ts';
import { SRIOV_VF_BAR0 } from './capabilities/sriov.ts';
import type { ConfigAccess } from './config-access.ts';
import type {
  AddressWindow,
  EnumeratedBar,
  EnumeratedFunction,
  EnumeratedTree,
  EnumerateOptions,
} from './enumerated.ts';
import { BAR0, COMMAND, COMMAND_BUS_MASTER, COMMAND_IO, COMMAND_MEMORY } from './header.ts';

/**
 * The three windows of a bridge. A 64-bit prefetchable BAR goes into `prefetch`; every other memory BAR into
 * `memory`, which a bridge has below 4 GiB only.
 */
type Space = 'io' | 'memory' | 'prefetch';
const SPACES: readonly Space[] = ['io', 'memory', 'prefetch'];

/** Granularity of a bridge window (PCI-to-PCI Bridge 1.2 3.2.5.6, 3.2.5.8). */
const WINDOW_BYTES: Readonly<Record<Space, number>> = { io: 0x1000, memory: 0x100000, prefetch: 0x100000 };

/** Something to be placed: a BAR, the VF BARs of all VFs, or the window of a bridge with what is in it. */
interface Item {
  readonly bytes: number;
  readonly align: number;
  readonly place: (address: number) => void;
  /** The same without VF BARs, for want of room. */
  readonly smaller?: () => Item;
}

/** Gives every BAR an address, every bridge its windows, and turns the functions on. */
export function placeResources(access: ConfigAccess, tree: EnumeratedTree, options: EnumerateOptions): void {
  const pools: Record<Space, Pool> = {
    io: new Pool(options.io ?? { base: 0, bytes: 0 }),
    memory: new Pool(options.memory32),
    prefetch: new Pool(options.memory64 ?? { base: 0, bytes: 0 }),
  };
  if (options.memory64 === undefined) pools.prefetch = pools.memory;
  for (const space of SPACES) {
    const all = tree.functions.flatMap((fn) => itemsOf(access, fn, space, true));
    for (const { fn, item } of all.sort((a, b) => b.item.align - a.item.align)) {
      if (pools[space].place(item)) continue;
      // The machine must come up all the same: once more without VF BARs.
      const placed = item.smaller !== undefined && pools[space].place(item.smaller());
      const without = placed ? 'VF BARs' : 'address';
      tree.problems.push(`${fn.name}: no room for ${item.bytes} bytes of ${space} space: no ${without}`);
    }
  }
  for (const fn of tree.functions) turnOn(access, fn);
}

/** What `fn` asks of a space: its BARs one by one, or as a bridge one window for everything below. */
function itemsOf(
  access: ConfigAccess,
  fn: EnumeratedFunction,
  space: Space,
  withVfs: boolean,
): { fn: EnumeratedFunction; item: Item }[] {
  const items: Item[] = [];
  for (const bar of fn.bars) {
    if (spaceOf(bar) === space) {
      items.push({ bytes: bar.bytes, align: bar.bytes, place: (at) => setBar(access, fn, BAR0, bar, at) });
    }
  }
  if (fn.sriov !== undefined && withVfs) {
    const { vfBars, totalVfs, offset } = fn.sriov;
    for (const bar of vfBars) {
      if (spaceOf(bar) !== space) continue;
      const place = (at: number) => setBar(access, fn, offset + SRIOV_VF_BAR0, bar, at);
      items.push({ bytes: bar.bytes * totalVfs, align: bar.bytes, place });
    }
  }
  if (fn.isBridge) items.push(windowOf(access, fn, space, withVfs));
  return items.filter((item) => item.bytes > 0).map((item) => ({ fn, item }));
}

function windowOf(access: ConfigAccess, bridge: EnumeratedFunction, space: Space, withVfs: boolean): Item {
  const inside = bridge.children
    .flatMap((child) => itemsOf(access, child, space, withVfs))
    .map(({ item }) => item)
    .sort((a, b) => b.align - a.align);
  closeWindow(access, bridge, space);
  let bytes = 0;
  for (const item of inside) bytes = alignUp(bytes, item.align) + item.bytes;
  const unit = WINDOW_BYTES[space];
  bytes = alignUp(bytes, unit);
  return {
    bytes,
    align: Math.max(unit, inside[0]?.align ?? 0),
    ...(withVfs ? { smaller: () => windowOf(access, bridge, space, false) } : {}),
    place(address) {
      openWindow(access, bridge, space, address, address + bytes - 1);
      let at = address;
      for (const item of inside) {
        at = alignUp(at, item.align);
        item.place(at);
        at += item.bytes;
      }
    },
  };
}

function spaceOf(bar: EnumeratedBar): Space {
  if (bar.kind === 'io') return 'io';
  return bar.kind === 'memory64' && bar.prefetchable ? 'prefetch' : 'memory';
}

/** Addresses that are given away from the lower end. */
class Pool {
  private readonly end: number;
  private next: number;

  constructor(window: AddressWindow) {
    this.next = window.base;
    this.end = window.base + window.bytes;
  }

  place(item: Item): boolean {
    const address = alignUp(this.next, item.align);
    if (address + item.bytes > this.end) return false;
    item.place(address);
    this.next = address + item.bytes;
    return true;
  }
}

function setBar(
  access: ConfigAccess,
  fn: EnumeratedFunction,
  base: number,
  bar: EnumeratedBar,
  address: number,
) {
  bar.address = address;
  const offset = base + 4 * bar.index;
  access.write(fn.routingId, offset, 4, address % 2 ** 32);
  if (bar.kind === 'memory64') access.write(fn.routingId, offset + 4, 4, Math.floor(address / 2 ** 32));
}

function openWindow(
  access: ConfigAccess,
  bridge: EnumeratedFunction,
  space: Space,
  base: number,
  limit: number,
) {
  const write = (offset: number, bytes: number, value: number) =>
    access.write(bridge.routingId, offset, bytes, value);
  const upper = (address: number) => Math.floor(address / 2 ** 32);
  const bits31to20 = (address: number) => ((address % 2 ** 32) / 2 ** 16) & 0xfff0;
  if (space === 'io') {
    write(IO_BASE, 1, (base >> 8) & 0xf0);
    write(IO_LIMIT, 1, (limit >> 8) & 0xf0);
    write(IO_BASE_UPPER, 4, ((base >>> 16) | (limit & 0xffff0000)) >>> 0);
    return;
  }
  if (space === 'prefetch') {
    write(PREFETCH_BASE_UPPER, 4, upper(base));
    write(PREFETCH_LIMIT_UPPER, 4, upper(limit));
  }
  const at = space === 'prefetch' ? PREFETCH_BASE : MEMORY_BASE;
  write(at, 2, bits31to20(base));
  write(at + 2, 2, bits31to20(limit));
}

/** A limit below the base closes a window. */
function closeWindow(access: ConfigAccess, bridge: EnumeratedFunction, space: Space): void {
  openWindow(access, bridge, space, space === 'io' ? 0xf000 : 0xfff0_0000, 0);
}

/** Turns on what is placed completely: a BAR without address must not answer at 0. */
function turnOn(access: ConfigAccess, fn: EnumeratedFunction): void {
  for (const child of fn.children) turnOn(access, child);
  const placed = (io: boolean) =>
    fn.bars.filter((bar) => (bar.kind === 'io') === io).every((bar) => bar.address >= 0);
  let command = access.read(fn.routingId, COMMAND, 2) | COMMAND_BUS_MASTER;
  if (placed(false)) command |= COMMAND_MEMORY;
  if (placed(true) && (fn.isBridge || fn.bars.some((bar) => bar.kind === 'io'))) command |= COMMAND_IO;
  access.write(fn.routingId, COMMAND, 2, command);
}

import { hex } from '../base/index.ts';
import { SECONDARY_BUS, SUBORDINATE_BUS } from './bridge.ts';
import { HEADER_TYPE } from './header.ts';
import type { LspciFunction } from './lspci.ts';
import { busOf, deviceOf, functionOf } from './routing-id.ts';

/** How {@link lspciTree} writes a tree. */
export interface LspciTreeOptions {
  /** Write titles behind functions that are no bridges, as `lspci -vt` writes names. Default false. */
  readonly titles?: boolean;
}

/** A bridge, or with `fn` null the host bridge. */
interface Bridge {
  readonly fn: LspciFunction | null;
  readonly secondary: number;
  readonly subordinate: number;
  readonly buses: Set<number>;
}

/**
 * The functions of a dump as the tree that `lspci -t` shows: each bus at the bridge whose range of buses holds it most
 * closely. Buses that no bridge has, as those of VFs that were not reckoned with, stand beside the root bus.
 *
 * @param functions as {@link parseLspciDump} returns them.
 * @example
 * console.log(lspciTree(parseLspciDump(lspciDump(hierarchy.functions(), 'os'))));
 */
export function lspciTree(functions: readonly LspciFunction[], options: LspciTreeOptions = {}): string {
  const segments = new Set([0, ...functions.map(({ segment = 0 }) => segment)]);
  const roots = [...segments]
    .sort((a, b) => a - b)
    .flatMap((segment) => {
      const within = functions.filter((fn) => (fn.segment ?? 0) === segment);
      return rootBuses(within, segment, options.titles ?? false);
    });
  const [{ head, lines }] = roots;
  const one = { head: `-${head}`, lines };
  const all = roots.length === 1 ? one : { head: '-', lines: branches(roots.map(join)) };
  return `${join(all).join('\n')}\n`;
}

/** The buses of a segment that no bridge leads to, with what is below them. */
function rootBuses(functions: readonly LspciFunction[], segment: number, titles: boolean): Block[] {
  const sorted = [...functions].sort((a, b) => a.routingId - b.routingId);
  const host: Bridge = { fn: null, secondary: 0, subordinate: 255, buses: new Set([0]) };
  const bridges = [host];
  for (const fn of sorted) {
    // Bridges, those to CardBus among them, which have the same numbers at the same places.
    if (![1, 2].includes((fn.bytes[HEADER_TYPE] ?? 0) & 0x7f)) continue;
    // What a short dump does not have is a bridge that has no numbers yet, and leads nowhere.
    const secondary = fn.bytes[SECONDARY_BUS] ?? 0;
    const subordinate = fn.bytes[SUBORDINATE_BUS] ?? 0;
    bridges.push({ fn, secondary, subordinate, buses: new Set() });
  }
  const buses = new Set(sorted.map(({ routingId }) => busOf(routingId)));
  // There is always a bus 0 of segment 0.
  if (segment !== 0 && !buses.has(0)) host.buses.clear();
  buses.delete(0);
  for (const bus of buses) closest(bridges, bus).buses.add(bus);
  for (const bus of buses) {
    // Bridges in a circle, which nothing leads to: one of their buses is at the host.
    if (reached(host, bridges).has(bus)) continue;
    for (const each of bridges) each.buses.delete(bus);
    host.buses.add(bus);
  }
  return new TreeLines(sorted, bridges, titles, segment).ofHost(host);
}

function closest(bridges: readonly Bridge[], bus: number): Bridge {
  let best = bridges[0];
  for (const bridge of bridges.slice(1)) {
    const { fn, secondary, subordinate } = bridge;
    if (secondary === 0 || bus < secondary || bus > subordinate) continue;
    // A bridge does not lead to the bus that it is on itself.
    if (fn !== null && busOf(fn.routingId) === bus) continue;
    if (subordinate - secondary < best.subordinate - best.secondary) best = bridge;
  }
  return best;
}

/** The buses that a bridge leads to, with all below them. Each bus is at one bridge. */
function reached(host: Bridge, bridges: readonly Bridge[]): ReadonlySet<number> {
  const found = new Set(host.buses);
  // A set is gone through with what is added meanwhile.
  for (const bus of found) {
    for (const { fn, buses } of bridges)
      if (fn !== null && busOf(fn.routingId) === bus) for (const below of buses) found.add(below);
  }
  return found;
}

/** Text whose further lines are indented below the first part. */
interface Block {
  readonly head: string;
  readonly lines: readonly string[];
}

class TreeLines {
  private readonly functions: readonly LspciFunction[];
  private readonly bridges: readonly Bridge[];
  private readonly titles: boolean;
  private readonly segment: number;

  constructor(
    functions: readonly LspciFunction[],
    bridges: readonly Bridge[],
    titles: boolean,
    segment: number,
  ) {
    this.functions = functions;
    this.bridges = bridges;
    this.titles = titles;
    this.segment = segment;
  }

  ofHost({ buses }: Bridge): Block[] {
    return this.blocksOf(buses);
  }

  private blocksOf(buses: ReadonlySet<number>): Block[] {
    return [...buses]
      .sort((a, b) => a - b)
      .map((bus) => ({ head: `[${hex(this.segment, 4)}:${hex(bus, 2)}]-`, lines: this.ofBus(bus) }));
  }

  private ofBuses(buses: ReadonlySet<number>): string[] {
    return branches(this.blocksOf(buses).map(join));
  }

  private ofBus(bus: number): string[] {
    const blocks = this.functions
      .filter(({ routingId }) => busOf(routingId) === bus)
      .map((fn) => this.ofFunction(fn));
    return blocks.length === 1 ? join({ head: '--', lines: blocks[0] }) : branches(blocks);
  }

  private ofFunction(fn: LspciFunction): string[] {
    const name = `${hex(deviceOf(fn.routingId), 2)}.${functionOf(fn.routingId)}`;
    const bridge = this.bridges.find((each) => each.fn === fn);
    if (bridge === undefined || bridge.secondary === 0) return [this.titles ? `${name}  ${fn.title}` : name];
    const { secondary, subordinate, buses } = bridge;
    const range =
      secondary === subordinate ? hex(secondary, 2) : `${hex(secondary, 2)}-${hex(subordinate, 2)}`;
    const head = `${name}-[${range}]--`;
    if (buses.size === 0) return [head];
    const lines = buses.size === 1 && buses.has(secondary) ? this.ofBus(secondary) : this.ofBuses(buses);
    return join({ head, lines });
  }
}

/** Blocks below each other, with lines from each to the next. */
function branches(blocks: readonly string[][]): string[] {
  return blocks.flatMap((lines, i) => {
    const isLast = i === blocks.length - 1;
    return lines.map((line, k) => {
      if (k === 0) return `${isLast ? '\\' : '+'}-${line}`;
      return `${isLast ? ' ' : '|'} ${line}`;
    });
  });
}

function join({ head, lines }: Block): string[] {
  if (lines.length === 0) return [head];
  const indent = ' '.repeat(head.length);
  return lines.map((line, i) => (i === 0 ? head : indent) + line);
}

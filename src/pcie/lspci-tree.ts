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
  const sorted = [...functions].sort((a, b) => a.routingId - b.routingId);
  const host: Bridge = { fn: null, secondary: 0, subordinate: 255, buses: new Set([0]) };
  const bridges = [host];
  for (const fn of sorted) {
    if (((fn.bytes[HEADER_TYPE] ?? 0) & 0x7f) !== 1) continue;
    const secondary = fn.bytes[SECONDARY_BUS];
    const subordinate = fn.bytes[SUBORDINATE_BUS];
    // A bridge that has no numbers yet leads nowhere.
    const buses = new Set(secondary === 0 ? [] : [secondary]);
    bridges.push({ fn, secondary, subordinate, buses });
  }
  for (const bus of new Set(sorted.map(({ routingId }) => busOf(routingId)))) {
    closest(bridges, bus).buses.add(bus);
  }
  const lines = new TreeLines(sorted, bridges, options.titles ?? false);
  return `${join(lines.ofHost(host)).join('\n')}\n`;
}

function closest(bridges: readonly Bridge[], bus: number): Bridge {
  let best = bridges[0];
  for (const bridge of bridges.slice(1)) {
    const { secondary, subordinate } = bridge;
    if (secondary === 0 || bus < secondary || bus > subordinate) continue;
    if (subordinate - secondary < best.subordinate - best.secondary) best = bridge;
  }
  return best;
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

  constructor(functions: readonly LspciFunction[], bridges: readonly Bridge[], titles: boolean) {
    this.functions = functions;
    this.bridges = bridges;
    this.titles = titles;
  }

  ofHost({ buses }: Bridge): Block {
    if (buses.size > 1) return { head: '-', lines: this.ofBuses(buses) };
    return { head: '-[0000:00]-', lines: this.ofBus(0) };
  }

  private ofBuses(buses: ReadonlySet<number>): string[] {
    const blocks = [...buses]
      .sort((a, b) => a - b)
      .map((bus) => join({ head: `[0000:${hex(bus, 2)}]-`, lines: this.ofBus(bus) }));
    return branches(blocks);
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
    if (bridge === undefined || bridge.buses.size === 0) return [this.titles ? `${name}  ${fn.title}` : name];
    const { secondary, subordinate, buses } = bridge;
    const range =
      secondary === subordinate ? hex(secondary, 2) : `${hex(secondary, 2)}-${hex(subordinate, 2)}`;
    const lines = buses.size > 1 ? this.ofBuses(buses) : this.ofBus(secondary);
    return join({ head: `${name}-[${range}]--`, lines });
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

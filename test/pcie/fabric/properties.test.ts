import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../../src/base/index.ts';
import { Scheduler } from '../../../src/kernel/index.ts';
import {
  type BarTarget,
  type BitErrors,
  type CreditAdvertisement,
  type FabricOptions,
  type FabricOutcome,
  type FabricRequest,
  FlowClass,
  PcieFabric,
  type PcieFunction,
} from '../../../src/pcie/index.ts';
import { arbitraryPorts, buildTree, type RandomTree } from '../topology/random-tree.ts';

const RUNS = process.env['SRIOVSIM_LONG'] === '1' ? 1000 : 30;
const TIMEOUT_MS = 600_000;

/** Memory behind a BAR, which notes what is written where. */
class Registers implements BarTarget {
  readonly bytes = new Map<number, number>();
  /** First bytes of what was written, in order. */
  readonly written: number[] = [];

  read32(offset: number): number {
    let value = 0;
    for (let i = 0; i < 4; i++) value += (this.bytes.get(offset + i) ?? 0) * 2 ** (8 * i);
    return value;
  }

  write32(offset: number, value: number, byteEnables: number): void {
    for (let i = 0; i < 4; i++) {
      if ((byteEnables >> i) & 1) this.bytes.set(offset + i, Math.floor(value / 2 ** (8 * i)) % 256);
    }
    this.written.push(value);
  }
}

const credits = (few: number): CreditAdvertisement => ({
  postedHeaders: few,
  postedData: 16 * few,
  nonPostedHeaders: few,
  nonPostedData: few,
  completionHeaders: few,
  completionData: 16 * few,
});

/** Links, switches and devices of any kind, drawn from `pick`. */
function optionsOf(pick: (below: number) => number): FabricOptions {
  return {
    link: () => ({
      rate: { generation: 1 + pick(5), lanes: [1, 2, 4, 8, 16][pick(5)] },
      maxPayloadBytes: [128, 256][pick(2)],
      upperCredits: credits(1 + pick(6)),
      lowerCredits: credits(1 + pick(6)),
    }),
    switchTiming: () => ({
      forwarding: pick(2) === 0 ? 'cut-through' : 'store-and-forward',
      latencyPs: 1000 * pick(200),
    }),
    device: () => ({ readPs: 1000 * pick(300), tags: 1 + pick(8), maxReadRequestBytes: [128, 512][pick(2)] }),
    tlps: 1024,
  };
}

/** A random tree in time, with registers behind the first BAR of every function. */
function inTime(tree: RandomTree, pick: (below: number) => number) {
  const registers = new Map<PcieFunction, Registers>();
  for (const { fn } of tree.functions) {
    registers.set(fn, new Registers());
    fn.attachBar(0, registers.get(fn)!);
  }
  const scheduler = new Scheduler();
  const fabric = new PcieFabric('fabric', scheduler, tree.hierarchy, optionsOf(pick));
  return { registers, scheduler, fabric };
}

/** Runs a check on random trees; `services` are the ones that may be on. */
function onTrees(services: number, check: (tree: RandomTree, pick: (below: number) => number) => void): void {
  fc.assert(
    fc.property(arbitraryPorts(services), fc.infiniteStream(fc.nat(0xffffff)), (plans, numbers) => {
      const tree = buildTree(plans);
      if (tree.functions.length > 0) check(tree, (below) => (numbers.next().value as number) % below);
    }),
    { numRuns: RUNS },
  );
}

describe('random hierarchies in time', () => {
  it('take every request the way, and to the end, that they take it without time', {
    timeout: TIMEOUT_MS,
  }, () => {
    onTrees(0x7f, (tree, pick) => {
      const { functions, hierarchy } = tree;
      const { fabric, scheduler } = inTime(tree, pick);
      const ports = tree.ports.filter((port) => port.downstream !== null);
      for (let i = 0; i < 20; i++) {
        const from = pick(6) === 0 ? null : functions[pick(functions.length)].fn;
        const to = functions[pick(functions.length)].fn;
        const address = pick(8) === 0 ? 4 * pick(2 ** 20) : to.barBase(0) + 4 * pick(16);
        const requester = pick(5) === 0 && from !== null ? pick(0x400) : undefined;
        const kind = pick(2) === 0 ? 'read' : 'write';
        const request = {
          from,
          requester,
          kind,
          address,
          bytes: 4,
          addressType: pick(12) === 0 ? 2 : 0,
        } as const;
        const expected = hierarchy.request(request);
        const outcomes: FabricOutcome[] = [];
        fabric.request(request, (outcome) => outcomes.push(outcome));
        scheduler.runUntilIdle();
        expect(outcomes).toHaveLength(1);
        const [{ status, error, throughRootComplex, hops }] = outcomes;
        expect({ status, error, throughRootComplex }).toEqual({
          status: expected.status,
          error: expected.error,
          throughRootComplex: expected.throughRootComplex,
        });
        expect(hops.map(({ timePs: _, ...hop }) => hop)).toEqual(expected.hops);
        const times = hops.map(({ timePs }) => timePs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }
      expect(ports.length).toBeGreaterThan(0);
    });
  });

  it('lose nothing, change nothing, and keep the order, whatever is under way, with bit errors too', {
    timeout: TIMEOUT_MS,
  }, () => {
    let checked = 0;
    let repaired = 0;
    let delivered = 0;
    onTrees(0, (tree, pick) => {
      const { functions, hierarchy, ports } = tree;
      const { fabric, scheduler, registers } = inTime(tree, pick);
      const random = new RandomStreams(pick(1000)).stream('errors');
      const errors: BitErrors = {
        hits: (bytes) => (random.integer(20) === 0 ? bytes >> 1 : -1),
        struck: () => repaired++,
        replayed: () => {},
        recovered: () => {},
      };
      if (pick(2) === 0) {
        for (const port of ports) {
          if (port.downstream === null) continue;
          fabric.addErrors(port, 'upstream', errors);
          fabric.addErrors(port, 'downstream', errors);
        }
      }
      const pending = new Set<number>();
      /** By sender and receiver, what was written in order. */
      const sent = new Map<string, number[]>();
      const reads: { found: Uint8Array; atLeast: number; from: number; to: number }[] = [];
      for (let i = 1; i <= 60; i++) {
        const from = pick(functions.length);
        const to = pick(functions.length);
        const target = functions[to].fn;
        if (functions[from].fn === target) continue;
        const key = `${from}-${to}`;
        // A double word of the receiver for each sender, and numbers that ascend.
        const address = target.barBase(0) + 4 * (from % 32);
        const list = sent.get(key) ?? [];
        sent.set(key, list);
        const isRead = pick(3) === 0;
        const value = i * 256 + from;
        if (!isRead) list.push(value);
        const data = isRead ? undefined : Uint8Array.of(value & 255, value >> 8, 0, 0);
        const request: FabricRequest = {
          from: functions[from].fn,
          kind: isRead ? 'read' : 'write',
          address,
          bytes: 4,
          data,
        };
        const atLeast = list.at(-1) ?? 0;
        pending.add(i);
        fabric.request(request, ({ status, data: found }) => {
          expect(pending.delete(i)).toBe(true);
          if (status !== 'successful') return;
          checked++;
          if (isRead) reads.push({ found, atLeast, from, to });
        });
        if (pick(3) === 0) scheduler.runUntil(scheduler.now + 1000 * pick(500));
      }
      scheduler.runUntilIdle();
      expect([...pending]).toEqual([]);
      // All buffers are empty, and all credits are back.
      expect(fabric.counters()['tlpsUnderWay']).toBe(0);
      scheduler.runUntil(scheduler.now + 100_000_000);
      for (const port of ports) {
        if (port.downstream === null) continue;
        const { upstream, downstream } = fabric.link(port);
        for (const direction of [upstream, downstream]) {
          for (const flowClass of [FlowClass.POSTED, FlowClass.NON_POSTED, FlowClass.COMPLETION]) {
            const { headers } = direction.trainLimits(flowClass);
            expect(direction.headerCredits(flowClass)).toBe(headers);
          }
        }
      }
      const written = new Map(functions.map(({ fn }) => [fn, [...registers.get(fn)!.written]]));
      for (const [key, list] of sent) {
        const [from, to] = key.split('-').map((each) => functions[Number(each)].fn);
        const came = written.get(to)!.filter((value) => functions[value % 256].fn === from);
        // All where the hierarchy delivers them, none where it does not.
        const { completer } = hierarchy.request({ from, kind: 'write', address: to.barBase(0) });
        expect(came).toEqual(completer === to ? list : []);
        if (completer === to) delivered += list.length;
      }
      for (const { found, atLeast, from } of reads) {
        const value = found[0] + found[1] * 256;
        if (functions.length <= 32 && value !== 0) expect(value % 256).toBe(from);
        if (functions.length <= 32) expect(value).toBeGreaterThanOrEqual(atLeast);
      }
    });
    expect(checked).toBeGreaterThan(100);
    expect(repaired).toBeGreaterThan(10);
    expect(delivered).toBeGreaterThan(10);
  });

  it('bring every byte of large reads and writes where it belongs', { timeout: TIMEOUT_MS }, () => {
    let checked = 0;
    onTrees(0, (tree, pick) => {
      const { functions, hierarchy } = tree;
      const pairs = functions.flatMap((from) => functions.map((to) => [from.fn, to.fn] as const));
      const reaching = pairs.filter(([from, to]) => {
        const { completer } = hierarchy.request({ from, kind: 'write', address: to.barBase(0) });
        return from !== to && completer === to;
      });
      if (reaching.length === 0) return;
      const [from, to] = reaching[pick(reaching.length)];
      const { fabric, scheduler, registers } = inTime(tree, pick);
      const offset = pick(100);
      const bytes = 1 + pick(Math.min(3000, to.barBytes(0) - offset));
      const data = Uint8Array.from({ length: bytes }, () => pick(256));
      const outcomes: FabricOutcome[] = [];
      const at = { from, address: to.barBase(0) + offset, bytes };
      fabric.request({ ...at, kind: 'write', data }, (outcome) => outcomes.push(outcome));
      fabric.request({ ...at, kind: 'read' }, (outcome) => outcomes.push(outcome));
      scheduler.runUntilIdle();
      expect(outcomes).toHaveLength(2);
      checked++;
      expect(outcomes.map(({ status }) => status)).toEqual(['successful', 'successful']);
      expect(outcomes[1].data).toEqual(data);
      const held = registers.get(to)!.bytes;
      for (const [i, value] of data.entries()) expect(held.get(offset + i)).toBe(value);
    });
    expect(checked).toBeGreaterThan(0);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACS_ISOLATION,
  AcsService,
  allEnumerated,
  iommuGroups,
  type PcieFunction,
} from '../../../src/pcie/index.ts';
import { arbitraryPorts, buildTree, type Placed, type PortPlan, type RandomTree } from './random-tree.ts';

const RUNS = process.env['SRIOVSIM_LONG'] === '1' ? 2000 : 40;
const TIMEOUT_MS = 600_000;
const { requestRedirect, upstreamForwarding, egressControl, directTranslated } = AcsService;

/** Runs a check on random trees; `services` are the ones that may be on. */
function onTrees(services: number, check: (tree: RandomTree, pick: (below: number) => number) => void): void {
  fc.assert(
    fc.property(arbitraryPorts(services), fc.infiniteStream(fc.nat(0xffffff)), (plans, numbers) => {
      check(buildTree(plans), (below) => (numbers.next().value as number) % below);
    }),
    { numRuns: RUNS },
  );
}

/** Up to 30 pairs of different functions. */
function* pairs({ functions }: RandomTree, pick: (below: number) => number): Generator<[Placed, Placed]> {
  if (functions.length < 2) return;
  for (let i = 0; i < 30; i++) {
    const [a, b] = [functions[pick(functions.length)], functions[pick(functions.length)]];
    if (a.fn !== b.fn) yield [a, b];
  }
}

/**
 * By the rules of the specification, from the plan of the tree alone: whether an untranslated request of one function for
 * another one goes there directly, through the root complex, or not at all.
 *
 * @param siblings of every port, by plan, in the order of their Port Numbers.
 */
function expected(
  from: Placed,
  to: Placed,
  siblings: ReadonlyMap<PortPlan, number>,
): 'direct' | 'root' | 'never' {
  let isComingBack = false;
  for (let level = from.path.length - 1; level >= 0; level--) {
    const port = from.path[level];
    const on = port.services?.on ?? 0;
    if (port === to.path[level]) {
      // Both are below this port.
      if ((on & upstreamForwarding) === 0) return 'never';
      isComingBack = true;
    } else if (from.path.slice(0, level).every((each, i) => each === to.path[i])) {
      const peer = to.path[level];
      const inVector = ((port.services?.egress ?? 0) >> siblings.get(peer)!) & 1;
      const redirects = (on & requestRedirect) !== 0;
      const isFree = (on & egressControl) === 0 ? !redirects : inVector === 0;
      if (isFree) return level === 0 ? 'root' : 'direct';
      if (!redirects) return 'never';
      isComingBack = true;
    }
  }
  expect(isComingBack).toBe(true);
  return 'root';
}

function portNumbers(plans: readonly PortPlan[], into = new Map<PortPlan, number>()): Map<PortPlan, number> {
  for (const [i, plan] of plans.entries()) {
    into.set(plan, i + 1);
    if (plan.below?.kind === 'switch') portNumbers(plan.below.ports, into);
  }
  return into;
}

describe('random hierarchies', () => {
  it('answer at the Routing IDs of their functions, VFs included, and at no other', {
    timeout: TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(arbitraryPorts(0), (plans) => {
        const { hierarchy, tree } = buildTree(plans);
        const answering: number[] = [];
        // Status with its capabilities list: every function has one.
        for (let routingId = 0; routingId < 0x4000; routingId++) {
          if (hierarchy.read(routingId, 6, 2) !== 0xffff) answering.push(routingId);
        }
        const functions = hierarchy.functions();
        expect(answering).toEqual(functions.map((fn) => fn.routingId));
        expect(
          allEnumerated(tree)
            .map(({ routingId }) => routingId)
            .sort((a, b) => a - b),
        ).toEqual(functions.filter((fn) => !fn.isVirtual).map((fn) => fn.routingId));
        for (const fn of functions) {
          hierarchy.write(fn.routingId, 4, 2, 0);
          expect(fn.busMaster).toBe(false);
        }
        const beyond = Array.from({ length: 0xc000 / 61 }, (_, i) => 0x4000 + i * 61);
        expect(beyond.filter((routingId) => hierarchy.read(routingId, 6, 2) !== 0xffff)).toEqual([]);
        expect(tree.problems).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it('take every address of a BAR to the function that owns it', { timeout: TIMEOUT_MS }, () => {
    onTrees(0x7f, ({ hierarchy, functions }, pick) => {
      for (const { fn } of functions) {
        const base = fn.barBase(0);
        for (const offset of [0, fn.barBytes(0) - 4, 4 * pick(fn.barBytes(0) / 4)]) {
          const outcome = hierarchy.request({ from: null, kind: 'read', address: base + offset });
          expect([outcome.status, outcome.completer, outcome.bar]).toEqual(['successful', fn, 0]);
        }
      }
    });
  });

  it('let requests through to peers where the access control services allow it, by the way that they prescribe', {
    timeout: TIMEOUT_MS,
  }, () => {
    let checked = { direct: 0, root: 0, never: 0 };
    fc.assert(
      fc.property(
        arbitraryPorts(0x7f & ~directTranslated),
        fc.infiniteStream(fc.nat(0xffffff)),
        (plans, numbers) => {
          const random = buildTree(plans);
          const siblings = portNumbers(plans);
          for (const [from, to] of pairs(random, (below) => (numbers.next().value as number) % below)) {
            const address = to.fn.barBase(0);
            const outcome = random.hierarchy.request({ from: from.fn, kind: 'write', address });
            const way = expected(from, to, siblings);
            checked = { ...checked, [way]: checked[way] + 1 };
            if (way === 'never') {
              expect([outcome.completer, outcome.error === null]).toEqual([null, false]);
            } else {
              expect([outcome.completer, outcome.throughRootComplex]).toEqual([to.fn, way === 'root']);
            }
          }
        },
      ),
      { numRuns: RUNS },
    );
    expect(Math.min(...Object.values(checked))).toBeGreaterThan(0);
  });

  it('have IOMMU groups that are a partition, and hold all that reach each other past the root complex', {
    timeout: TIMEOUT_MS,
  }, () => {
    let reached = 0;
    onTrees(ACS_ISOLATION | AcsService.translationBlocking, (random, pick) => {
      const { hierarchy, tree } = random;
      const groups = iommuGroups(hierarchy, tree);
      const members = groups.flatMap(({ functions }) => functions.map(({ routingId }) => routingId));
      expect(members.sort((a, b) => a - b)).toEqual(hierarchy.functions().map((fn) => fn.routingId));
      expect(groups.every(({ functions }) => functions.every(({ why }) => why.length > 0))).toBe(true);
      const groupOf = (fn: PcieFunction) =>
        groups.findIndex(({ functions }) => functions.some(({ routingId }) => routingId === fn.routingId));
      for (const [from, to] of pairs(random, pick)) {
        const address = to.fn.barBase(0);
        const outcome = hierarchy.request({ from: from.fn, kind: 'write', address });
        if (outcome.completer === null || outcome.throughRootComplex) continue;
        reached++;
        expect(groupOf(from.fn)).toBe(groupOf(to.fn));
      }
    });
    expect(reached).toBeGreaterThan(0);
  });

  it('never throw and never let a function answer for another, whatever is written to ports and functions', {
    timeout: TIMEOUT_MS,
  }, () => {
    const write = fc.tuple(
      fc.nat(0xffff),
      fc.oneof(
        fc.constantFrom(0x04, 0x10, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x3c, 0xb8, 0x140, 0x144, 0x148),
        fc.nat(1023).map((dword) => dword * 4),
      ),
      fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 6, 0x20, 0xffffffff, 0x00ff0100)),
    );
    fc.assert(
      fc.property(arbitraryPorts(0x7f), fc.array(write, { maxLength: 40 }), (plans, writes) => {
        const { hierarchy, functions } = buildTree(plans);
        const all = hierarchy.functions();
        for (const [number, offset, value] of writes) {
          hierarchy.write(all[number % all.length].routingId, offset, 4, value);
          const { fn } = functions[number % functions.length] ?? { fn: null };
          if (fn === null || !fn.present) continue;
          const address = fn.barBase(0);
          // Beyond 2^53 there is nobody to ask.
          if (!Number.isSafeInteger(address)) continue;
          const from = number % 3 === 0 ? null : functions[value % functions.length].fn;
          const requester = number % 5 === 0 ? value & 0xffff : undefined;
          const outcome = hierarchy.request({ from, kind: 'read', address, requester, addressType: 0 });
          const { completer, bar } = outcome;
          if (completer === null || completer === 'memory') continue;
          const base = completer.barBase(bar);
          expect(address >= base && address < base + completer.barBytes(bar)).toBe(true);
        }
      }),
      { numRuns: 3 * RUNS },
    );
  });
});

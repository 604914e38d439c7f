import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../src/base/index.ts';
import { IOMMU_FAULT, type Iommu, type SecondStageTable } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { Tables } from './setup.ts';

/**
 * Domains map and unmap, functions are assigned to domains, requests come, and software invalidates when it likes. No
 * answer may be an address that neither the tables nor anything not yet invalidated gives the function.
 */

const DOMAINS = 2;
const FUNCTIONS = 3;
const SPOTS = 6;
const SPOT_BYTES = 4096;
const MIB2 = 2 ** 21;

/** Where requests go: single pages of 4 KiB, or the first and the last 4 KiB of pages of 2 MiB. */
interface Layout {
  pageBytes: number;
  spotsPerPage: number;
  addressOf(spot: number): number;
}
const SMALL: Layout = { pageBytes: 4096, spotsPerPage: 1, addressOf: (spot) => spot * 4096 };
const LARGE: Layout = {
  pageBytes: MIB2,
  spotsPerPage: 2,
  addressOf: (spot) => (spot >> 1) * MIB2 + (spot & 1) * (MIB2 - SPOT_BYTES),
};

interface Mapping {
  host: number;
  write: boolean;
}

/** What a request may see: the present state, and earlier states that no invalidation has covered since. */
class Model {
  readonly now = new Map<string, Mapping>();
  readonly stale = new Map<string, Mapping[]>();
  readonly assigned: number[] = new Array(FUNCTIONS).fill(0);
  readonly wasAssigned: number[][] = Array.from({ length: FUNCTIONS }, () => []);

  set(domain: number, spot: number, mapping: Mapping | undefined): void {
    const key = `${domain}/${spot}`;
    const before = this.now.get(key);
    if (before) this.stale.set(key, [...(this.stale.get(key) ?? []), before]);
    if (mapping) this.now.set(key, mapping);
    else this.now.delete(key);
  }

  assign(routingId: number, domain: number): void {
    this.wasAssigned[routingId].push(this.assigned[routingId]);
    this.assigned[routingId] = domain;
  }

  mayAnswer(routingId: number, spot: number, isWrite: boolean, answer: number): boolean {
    return [this.assigned[routingId], ...this.wasAssigned[routingId]].some((domain) => {
      const key = `${domain}/${spot}`;
      const now = this.now.get(key);
      const stale = this.stale.get(key) ?? [];
      if (answer !== IOMMU_FAULT) {
        return [...stale, ...(now ? [now] : [])].some((m) => m.host === answer && (m.write || !isWrite));
      }
      return now === undefined || (isWrite && !now.write) || stale.length > 0;
    });
  }
}

const step = fc.record({
  what: fc.constantFrom(
    ...['map', 'map', 'map', 'unmap', 'access', 'access', 'access', 'access', 'access'],
    ...['assign', 'spots', 'domain', 'all', 'context', 'move', 'time', 'time'],
  ),
  domain: fc.nat({ max: DOMAINS - 1 }),
  routingId: fc.nat({ max: FUNCTIONS - 1 }),
  spot: fc.nat({ max: SPOTS - 1 }),
  count: fc.integer({ min: 1, max: 3 }),
  host: fc.nat({ max: 7 }),
  write: fc.boolean(),
  picoseconds: fc.nat({ max: 200_000 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const world = fc.record({
  layout: fc.constantFrom(SMALL, LARGE),
  walkers: fc.integer({ min: 1, max: 3 }),
  iotlb: fc.record({
    sets: fc.constantFrom(1, 2),
    ways: fc.integer({ min: 1, max: 6 }),
    replacement: fc.constantFrom('lru' as const, 'clock' as const, 'random' as const),
  }),
  pagingStructureCache: fc.constantFrom(null, { sets: 1, ways: 4, replacement: 'lru' as const }),
  steps: fc.array(step, { minLength: 1, maxLength: 150, size: 'max' }),
});

/** Runs the steps that change something; `access` and `time` are the caller's. */
function change(
  s: Step,
  layout: Layout,
  model: Model,
  tables: Tables,
  table: SecondStageTable,
  iommu: Iommu,
): void {
  const page = Math.floor(s.spot / layout.spotsPerPage);
  const spots = Array.from({ length: layout.spotsPerPage }, (_, i) => page * layout.spotsPerPage + i);
  const address = page * layout.pageBytes;
  const { pageBytes } = layout;
  const last = Math.min(s.spot + s.count, SPOTS) - 1;
  switch (s.what) {
    case 'map': {
      if (table.find(address)) return;
      const host = 2 ** 40 * (s.domain + 1) + s.host * pageBytes;
      table.map(address, host, pageBytes, { read: true, write: s.write, pageBytes });
      for (const spot of spots) {
        model.set(s.domain, spot, { host: host + layout.addressOf(spot) - address, write: s.write });
      }
      return;
    }
    case 'unmap':
      table.unmap(address, pageBytes);
      for (const spot of spots) model.set(s.domain, spot, undefined);
      return;
    case 'assign':
      tables.roots.setContext(s.routingId, { domain: s.domain, root: table.root, levels: 4 });
      model.assign(s.routingId, s.domain);
      return;
    case 'context':
      iommu.invalidateContext(s.routingId);
      model.wasAssigned[s.routingId] = [];
      return;
    case 'spots': {
      const from = layout.addressOf(s.spot);
      iommu.invalidatePages(s.domain, from, layout.addressOf(last) + SPOT_BYTES - from);
      for (let spot = s.spot; spot <= last; spot++) model.stale.delete(`${s.domain}/${spot}`);
      return;
    }
    case 'move':
      moveLeafTable(layout, tables, table, s, iommu);
      for (let spot = 0; spot < SPOTS; spot++) model.stale.delete(`${s.domain}/${spot}`);
      return;
    case 'domain':
      iommu.invalidateDomain(s.domain);
      for (let spot = 0; spot < SPOTS; spot++) model.stale.delete(`${s.domain}/${spot}`);
      return;
    case 'all':
      iommu.invalidateAll();
      model.stale.clear();
      for (const list of model.wasAssigned) list.length = 0;
      return;
  }
}

/** Where nobody's pages lie. */
const NOBODY = 2 ** 39;

/**
 * Copies the table of the leaves to another page, invalidates what it covers, and then uses the old page for something
 * else: whoever still holds a pointer to it reads addresses that belong to nobody.
 */
function moveLeafTable(
  layout: Layout,
  tables: Tables,
  table: SecondStageTable,
  { domain, write }: Step,
  iommu: Iommu,
): void {
  const { memory } = tables;
  let link = table.root;
  for (let hops = layout === SMALL ? 2 : 1; hops > 0; hops--) {
    link = memory.read52(link);
    if (link === 0) return;
    link -= 3;
  }
  if (memory.read32(link) === 0) return;
  const old = memory.read52(link) - 3;
  const bytes = new Uint8Array(4096);
  memory.copyOut(old, 4096, bytes, 0);
  const moved = tables.allocatePage();
  memory.copyIn(moved, 4096, bytes, 0);
  memory.write32(link, moved + 3);
  if (write) iommu.invalidatePages(domain, 0, 512 * layout.pageBytes);
  else iommu.invalidateDomain(domain);
  for (let entry = 0; entry < 512; entry++) {
    memory.write64(old + 8 * entry, 0x83, NOBODY / 2 ** 32);
  }
}

describe('isolation', () => {
  it('gives a function no page but those of its domain, at once', () => {
    fc.assert(
      fc.property(world, ({ layout, walkers, iotlb, pagingStructureCache, steps }) => {
        const tables = new Tables();
        const all = Array.from({ length: DOMAINS }, () => tables.table());
        for (let id = 0; id < FUNCTIONS; id++) {
          tables.roots.setContext(id, { domain: 0, root: all[0].root, levels: 4 });
        }
        const iommu = tables.iommu({
          profile: { walkers, iotlb, pagingStructureCache },
          random: new RandomStream('x'),
        });
        const model = new Model();
        for (const s of steps) {
          if (s.what !== 'access') {
            change(s, layout, model, tables, all[s.domain], iommu);
            continue;
          }
          const answer = iommu.translate(s.routingId, layout.addressOf(s.spot), s.write);
          expect(model.mayAnswer(s.routingId, s.spot, s.write, answer)).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('gives a function no page but those of its domain, with walks under way while everything changes', () => {
    fc.assert(
      fc.property(world, ({ layout, walkers, iotlb, pagingStructureCache, steps }) => {
        const tables = new Tables();
        const all = Array.from({ length: DOMAINS }, () => tables.table());
        for (let id = 0; id < FUNCTIONS; id++) {
          tables.roots.setContext(id, { domain: 0, root: all[0].root, levels: 4 });
        }
        const scheduler = new Scheduler();
        const iommu = tables.iommu({
          scheduler,
          profile: { walkers, iotlb, pagingStructureCache },
          random: new RandomStream('x'),
        });
        const model = new Model();
        let waiting = 0;
        const check = (s: Step, answer: number) =>
          expect(model.mayAnswer(s.routingId, s.spot, s.write, answer)).toBe(true);
        const client = {
          translated(cookie: number, answer: number) {
            waiting--;
            check(steps[cookie], answer);
          },
        };
        steps.forEach((s, i) => {
          if (s.what === 'time') scheduler.runUntil(scheduler.now + s.picoseconds);
          else if (s.what !== 'access') change(s, layout, model, tables, all[s.domain], iommu);
          else {
            const answer = iommu.lookup(s.routingId, layout.addressOf(s.spot), s.write);
            if (answer !== -1) check(s, answer);
            else {
              waiting++;
              iommu.walk(s.routingId, layout.addressOf(s.spot), s.write, client, i);
            }
          }
        });
        scheduler.runUntilIdle();
        expect(waiting).toBe(0);
      }),
      { numRuns: 600 },
    );
  });
});

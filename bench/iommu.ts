import { SparseMemory } from 'sriovsim/base';
import {
  type CacheShape,
  DEFAULT_IOMMU_PROFILE,
  Iommu,
  type IommuProfile,
  RootTable,
  SecondStageTable,
} from 'sriovsim/iommu';
import { Scheduler } from 'sriovsim/kernel';
import {
  type BenchOptions,
  type BenchPart,
  type BenchResult,
  freshCopy,
  heapGrowth,
  interleave,
} from './harness.ts';
import { MapTranslator } from './rivals/map-translator.ts';
import type * as TranslationLoops from './rivals/translation-loops.ts';

const PAGE_BYTES = 4096;
const FUNCTION = 0x0180;
const DOMAIN = 5;
/** Where pages are mapped: above 2^32 on both sides, as in a machine. */
const WINDOW = 2 ** 40;
const HOST = 2 ** 33;
/** Pages that fit into the IOTLB, and pages that do not. */
const HELD_PAGES = 64;
const MISSED_PAGES = 16_384;

/**
 * Nanoseconds of wall time for a translation: a look-up that hits, a translation with an untimed walk, and a walk in
 * simulated time. Requests are uniform in a window, every second one a write.
 */
export const part: BenchPart = {
  name: 'iommu',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const hits = await interleave(options, {
      unit: 'ns',
      timing: 'cost',
      reference: 'Map from page to page, hit',
      contenders: [
        { name: 'look-up, hit', run: await lookups({}) },
        { name: 'look-up, hit, LRU', run: await lookups({ iotlb: shape('lru') }) },
        { name: 'look-up, hit, 2 MiB page', run: await lookups({}, 2 ** 21) },
        { name: 'Map from page to page, hit', run: await mapLookups() },
      ],
    });
    const structures: CacheShape = { sets: 1, ways: 64, replacement: 'clock' };
    const misses = await interleave(options, {
      unit: 'ns',
      timing: 'cost',
      reference: 'untimed walk of four levels',
      contenders: [
        { name: 'untimed walk of four levels', run: await walks({}) },
        { name: 'untimed walk of the leaf', run: await walks({ pagingStructureCache: structures }) },
        { name: 'walk in simulated time, six at once', run: await timedWalks() },
      ],
    });
    const walk = await timedWalks();
    const rounds = options.quick ? 20 : 200;
    const samples = Math.min(options.samples, 3);
    const growth = heapGrowth({ ...options, samples }, `heap growth over ${rounds * 2} k timed walks`, () => {
      for (let i = 0; i < rounds; i++) walk();
    });
    return [...hits, ...misses, growth];
  },
};

function shape(replacement: CacheShape['replacement']): CacheShape {
  return { ...DEFAULT_IOMMU_PROFILE.iotlb, replacement };
}

/** Each contestant gets a loop that the compiler has seen with no other. */
function loops(): Promise<typeof TranslationLoops> {
  return freshCopy<typeof TranslationLoops>(new URL('./rivals/translation-loops.js', import.meta.url));
}

async function lookups(profile: Partial<IommuProfile>, pageBytes = PAGE_BYTES): Promise<() => number> {
  const { lookupLoop } = await loops();
  const { iommu } = iommuOf(profile, HELD_PAGES, pageBytes);
  for (let page = 0; page < HELD_PAGES; page++) iommu.translate(FUNCTION, WINDOW + page * pageBytes, false);
  return lookupLoop(iommu, FUNCTION, WINDOW, HELD_PAGES, pageBytes);
}

async function mapLookups(): Promise<() => number> {
  const { lookupLoop } = await loops();
  const map = new MapTranslator();
  for (let page = 0; page < HELD_PAGES; page++) {
    map.fill(DOMAIN, WINDOW + page * PAGE_BYTES, HOST + page * PAGE_BYTES, true);
  }
  map.assign(FUNCTION, DOMAIN);
  return lookupLoop(map, FUNCTION, WINDOW, HELD_PAGES, PAGE_BYTES);
}

async function walks(profile: Partial<IommuProfile>): Promise<() => number> {
  const { translateLoop } = await loops();
  const { iommu } = iommuOf(profile, MISSED_PAGES, PAGE_BYTES);
  return translateLoop(iommu, FUNCTION, WINDOW, MISSED_PAGES, PAGE_BYTES);
}

async function timedWalks(): Promise<() => number> {
  const { timedLoop } = await loops();
  const { iommu, scheduler } = iommuOf({}, MISSED_PAGES, PAGE_BYTES);
  return timedLoop(iommu, scheduler, FUNCTION, WINDOW, MISSED_PAGES, PAGE_BYTES);
}

function iommuOf(profile: Partial<IommuProfile>, pages: number, pageBytes: number) {
  const memory = new SparseMemory(2 ** 40);
  let next = 0x10_0000;
  const allocatePage = () => {
    next += PAGE_BYTES;
    return next;
  };
  const roots = new RootTable({ memory, allocatePage });
  const table = new SecondStageTable({ memory, allocatePage, levels: 4 });
  table.map(WINDOW, HOST, pages * pageBytes, { read: true, write: true, pageBytes });
  roots.setContext(FUNCTION, { domain: DOMAIN, root: table.root, levels: table.levels });
  const scheduler = new Scheduler();
  return { iommu: new Iommu({ memory, rootTable: roots.address, scheduler, profile }), scheduler };
}

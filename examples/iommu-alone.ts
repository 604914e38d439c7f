/**
 * The IOMMU alone. Tables are bytes in memory, built as a hypervisor builds them; requests are translated, refused, and put on
 * record. Then the same with time: what a walk costs, and how often one is needed once the window is larger than the IOTLB.
 *
 *     node .build/examples/iommu-alone.js
 */
import { RandomStreams, SparseMemory } from 'sriovsim/base';
import { FAULT_PHRASES, IOMMU_FAULT, IOMMU_MISS, Iommu, RootTable, SecondStageTable } from 'sriovsim/iommu';
import { NANOSECOND, Scheduler } from 'sriovsim/kernel';
import { formatRoutingId } from 'sriovsim/pcie';

const PAGE = 4096;
const MIB = 2 ** 20;
const VF = 0x0180; // 01:10.0
const OTHER_VF = 0x0182;

const memory = new SparseMemory(2 ** 40);
let nextPage = MIB;
const allocatePage = () => {
  nextPage += PAGE;
  return nextPage;
};

// A guest with 64 MiB: its address 0 is at 4 GiB of the host. Its first page can be read only.
const roots = new RootTable({ memory, allocatePage });
const table = new SecondStageTable({ memory, allocatePage, levels: 4 });
table.map(0, 4 * 1024 * MIB, PAGE, { read: true, write: false });
table.map(PAGE, 4 * 1024 * MIB + PAGE, 64 * MIB - PAGE, { read: true, write: true, pageBytes: PAGE });
roots.setContext(VF, { domain: 7, root: table.root, levels: table.levels });

const scheduler = new Scheduler();
const iommu = new Iommu({ memory, rootTable: roots.address, scheduler });

/** Translates without time, and prints what comes of it. */
function request(routingId: number, address: number, isWrite: boolean): void {
  const physical = iommu.translate(routingId, address, isWrite);
  const fault = physical === IOMMU_FAULT ? iommu.faultLog.take() : undefined;
  const answer =
    fault === undefined ? `0x${physical.toString(16)}` : `refused: ${FAULT_PHRASES[fault.reason]}`;
  const verb = isWrite ? 'writes' : 'reads ';
  console.log(`${formatRoutingId(routingId)} ${verb} 0x${address.toString(16).padEnd(8)} ${answer}`);
}

request(VF, 0x1010, true);
request(VF, 0x0010, false);
request(VF, 0x0010, true);
request(VF, 64 * MIB, false);
request(OTHER_VF, 0x1010, false);

/** Mean time of one translation, one at a time, at random addresses of a window. */
function meanLatencyNs(windowBytes: number, requests: number): number {
  const addresses = new RandomStreams(1).stream('addresses');
  const start = scheduler.now;
  for (let i = 0; i < requests; i++) {
    const address = addresses.integer(windowBytes / 64) * 64;
    if (iommu.lookup(VF, address, false) !== IOMMU_MISS) continue;
    let waiting = true;
    const client = {
      translated: () => {
        waiting = false;
      },
    };
    iommu.walk(VF, address, false, client, i);
    while (waiting) scheduler.step();
  }
  return (scheduler.now - start) / NANOSECOND / requests;
}

console.log(`\nThe IOTLB holds ${iommu.iotlb.capacity} translations; a walk reads 4 tables:`);
for (const pages of [64, 128, 256, 1024, 4096, 16384]) {
  iommu.invalidateAll();
  meanLatencyNs(pages * PAGE, 5_000); // fills the IOTLB
  const before = iommu.counters();
  const ns = meanLatencyNs(pages * PAGE, 20_000);
  const after = iommu.counters();
  const hitRate = (after.hits - before.hits) / (after.lookups - before.lookups);
  const window = `${(pages * PAGE) / 1024} KiB`;
  console.log(
    `window ${window.padStart(9)}: ${(100 * hitRate).toFixed(1).padStart(5)} % hits, ${ns.toFixed(0).padStart(3)} ns a translation`,
  );
}

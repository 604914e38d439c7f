/**
 * The IOMMU as the driver of an operating system programs it: by registers and memory. A unit is brought up, a fault is told by a
 * message, and then two ways to unmap are compared: to wait for the invalidation of every page, or to leave pages
 * reachable for a while and invalidate once for many.
 *
 *     node .build/examples/iommu-registers.js
 */
import { SparseMemory } from 'sriovsim/base';
import {
  FAULT_PHRASES,
  type FaultReason,
  Iommu,
  RootTable,
  SecondStageTable,
  StaleTranslations,
  VtdUnit,
} from 'sriovsim/iommu';
import { NANOSECOND, Scheduler } from 'sriovsim/kernel';
import { formatRoutingId } from 'sriovsim/pcie';

const PAGE = 4096;
const VF = 0x0180; // 01:10.0
const QUEUE = 0x1_0000;
const STATUS = 0x2_0000;

/** Registers, by offset, and bits of GCMD and GSTS. */
const [GCMD, GSTS, RTADDR, FSTS, FECTL, IQT, IQA] = [0x18, 0x1c, 0x20, 0x34, 0x38, 0x88, 0x90];
const [TE, SRTP, QIE] = [1 << 31, 1 << 30, 1 << 26];
const FIRST_RECORD = 0x100;

function machine(events: (address: number, data: number) => void = () => {}) {
  const memory = new SparseMemory(2 ** 40);
  let nextPage = 0x10_0000;
  const allocatePage = () => {
    nextPage += PAGE;
    return nextPage;
  };
  const roots = new RootTable({ memory, allocatePage });
  const table = new SecondStageTable({ memory, allocatePage, levels: 4 });
  roots.setContext(VF, { domain: 7, root: table.root, levels: 4 });
  const scheduler = new Scheduler();
  const iommu = new Iommu({ memory, scheduler });
  const unit = new VtdUnit({ iommu, memory, scheduler, events });
  /** Lets time pass until a register or a word in memory says what it should. */
  const poll = (done: () => boolean) => {
    while (!done() && scheduler.step());
  };
  const command = (bit: number) => {
    unit.write32(GCMD, (unit.read32(GSTS) & ~SRTP) | bit);
    poll(() => (unit.read32(GSTS) & bit) !== 0);
  };
  let tail = 0;
  /** Queues the descriptor of an invalidation and a wait behind it, and waits for its status. */
  const invalidate = (low: number, address: number) => {
    memory.write32(STATUS, 0);
    memory.write64(QUEUE + tail * 16, low, 0);
    memory.write64(QUEUE + tail * 16 + 8, address, 0);
    memory.write64(QUEUE + tail * 16 + 16, 5 | (1 << 5), 1);
    memory.write64(QUEUE + tail * 16 + 24, STATUS, 0);
    tail = (tail + 2) % 256;
    unit.write32(IQT, tail << 4);
    poll(() => memory.read32(STATUS) === 1);
  };
  unit.write64(IQA, QUEUE, 0);
  command(QIE);
  unit.write64(RTADDR, roots.address, 0);
  command(SRTP);
  unit.write32(FECTL + 4, 0x41);
  unit.write32(FECTL + 8, 0xfee0_0000);
  unit.write32(FECTL, 0);
  command(TE);
  return { memory, table, scheduler, iommu, unit, invalidate };
}

{
  const { iommu, unit, scheduler } = machine((address, data) => {
    console.log(`message: 0x${data.toString(16)} to 0x${address.toString(16)}`);
  });
  console.log(`translation is on after ${scheduler.now / NANOSECOND} ns`);
  iommu.translate(VF, 0x5123, true);
  const [low, source, top] = [0, 8, 12].map((at) => unit.read32(FIRST_RECORD + at));
  const phrase = FAULT_PHRASES[(top & 0xff) as FaultReason];
  console.log(`${formatRoutingId(source)} at 0x${low.toString(16)}: ${phrase}`);
  unit.write32(FIRST_RECORD + 12, 1 << 31);
  console.log(`fault status once the record is cleared: ${unit.read32(FSTS)}`);
}

/** Unmaps pages of which a device goes on using each one, invalidating after every `batch` of them. */
function unmapping(batch: number): { nsPerPage: number; exposed: number } {
  const { memory, table, scheduler, iommu, invalidate } = machine();
  const pages = 256;
  table.map(0, 2 ** 30, pages * PAGE, { read: true, write: true, pageBytes: PAGE });
  const device = new StaleTranslations(iommu, memory);
  const begin = scheduler.now;
  for (let page = 0; page < pages; page++) {
    device.translate(VF, page * PAGE, true);
    table.unmap(page * PAGE, PAGE);
    // One page with the address, or, for many, the domain.
    if (batch === 1) invalidate(2 | (3 << 4) | (7 << 16), page * PAGE);
    else if ((page + 1) % batch === 0) invalidate(2 | (2 << 4) | (7 << 16), 0);
    for (let before = Math.max(0, page - batch + 1); before <= page; before++)
      device.translate(VF, before * PAGE, true);
  }
  return { nsPerPage: (scheduler.now - begin) / NANOSECOND / pages, exposed: device.exposed };
}

console.log('\npages an invalidation   ns a page   uses of pages that were unmapped');
for (const batch of [1, 4, 16, 64]) {
  const { nsPerPage, exposed } = unmapping(batch);
  console.log(
    `${String(batch).padStart(21)}${nsPerPage.toFixed(1).padStart(12)}${String(exposed).padStart(35)}`,
  );
}

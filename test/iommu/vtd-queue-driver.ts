import type { PhysicalMemory } from '../../src/base/index.ts';
import type { VtdUnit } from '../../src/iommu/index.ts';
import { FSTS, IQE, IRE, QIE, SIRTP, VtdDriver } from './vtd-driver.ts';

export const IQH = 0x80;
export const IQT = 0x88;
export const IQA = 0x90;
export const ICS = 0x9c;
export const IECTL = 0xa0;
export const IQERCD = 0xb0;
export const IRTA = 0xb8;

/** Status that a wait descriptor of the driver writes. */
const DONE = 2;

/** The four words of a descriptor or an entry. */
export type Words = readonly [number, number, number, number];

export const contextFlush = (granularity: number, domain = 0, sourceId = 0, mask = 0): Words => [
  1 | (granularity << 4) | (domain << 16),
  sourceId | (mask << 16),
  0,
  0,
];
export const iotlbFlush = (granularity: number, domain = 0, address = 0, mask = 0, hint = 0): Words => [
  2 | (granularity << 4) | (domain << 16),
  0,
  (address % 2 ** 32) | (hint << 6) | mask,
  Math.floor(address / 2 ** 32),
];
export const deviceTlbFlush = (sourceId: number, low: number, high = 0): Words => [3, sourceId, low, high];
export const interruptFlush = (index: number, mask = 0): Words => [4 | (1 << 4) | (mask << 27), index, 0, 0];
export const ALL_INTERRUPTS: Words = [4, 0, 0, 0];
export const WAIT_IF = 1 << 4;
export const WAIT_SW = 1 << 5;
export const WAIT_FN = 1 << 6;
export const wait = (flags: number, data = 0, address = 0): Words => [
  5 | flags,
  data,
  address % 2 ** 32,
  Math.floor(address / 2 ** 32),
];

/** What an operating system does with the invalidation queue and the interrupt remapping table. */
export class QueueDriver extends VtdDriver {
  /** Where the queue lies, and the status words behind it. */
  readonly queue: number;
  readonly entries: number;
  readonly table: number;
  private tail = 0;

  /**
   * @param area memory of its own: queue, status words, then the interrupt remapping table.
   * @param size QS.
   */
  constructor(
    unit: VtdUnit,
    memory: PhysicalMemory,
    area: number,
    advance: () => boolean = () => false,
    size = 0,
  ) {
    super(unit, memory, advance);
    this.queue = area;
    this.entries = 256 << size;
    this.table = area + 0x40_0000;
  }

  enableQueue(): void {
    const { unit, queue, entries } = this;
    this.tail = 0;
    unit.write32(IQT, 0);
    unit.write64(IQA, (queue % 2 ** 32) | Math.log2(entries / 256), Math.floor(queue / 2 ** 32));
    this.command(QIE);
  }

  /** Puts descriptors into the queue and tells of them. */
  submit(...descriptors: Words[]): void {
    for (const words of descriptors) {
      this.put(this.tail, words);
      this.tail = (this.tail + 1) % this.entries;
    }
    this.unit.write32(IQT, this.tail << 4);
  }

  /** The same with a wait behind them, and polls for its status; a bad one is overwritten by the wait, as Linux does. */
  submitSync(...descriptors: Words[]): void {
    const first = this.tail;
    const last = (first + descriptors.length) % this.entries;
    const status = this.status(last);
    const done = wait(WAIT_SW, DONE, status);
    this.memory.write32(status, 1);
    this.submit(...descriptors, done);
    let isBad = false;
    this.poll('status of the wait', () => {
      if (this.memory.read32(status) === DONE) return true;
      if ((this.unit.read32(FSTS) & IQE) !== 0 && this.unit.read32(IQH) >>> 4 === first) {
        isBad = true;
        this.put(first, done);
        this.unit.write32(FSTS, IQE);
        return true;
      }
      return false;
    });
    if (isBad) throw new Error('invalid descriptor');
  }

  /** Address of the status word of an entry. */
  status(index: number): number {
    return this.queue + 0x20_0000 + index * 4;
  }

  put(index: number, words: Words): void {
    words.forEach((word, i) => {
      this.memory.write32(this.queue + index * 16 + i * 4, word);
    });
  }

  /** Table pointer, invalidation of all entries, interrupt remapping on. */
  enableInterrupts(size: number, isExtended: boolean): void {
    const low = (this.table % 2 ** 32) | (isExtended ? 1 << 11 : 0) | size;
    this.unit.write64(IRTA, low, Math.floor(this.table / 2 ** 32));
    this.command(SIRTP);
    this.submitSync(ALL_INTERRUPTS);
    this.command(IRE);
  }

  /** Writes an entry of the interrupt remapping table, without invalidating it. */
  writeEntry(index: number, words: Words): void {
    const at = this.table + index * 16;
    // The word with P comes last.
    for (const i of [3, 2, 1, 0]) this.memory.write32(at + i * 4, words[i]);
  }

  /** Writes it and has the unit look at it. */
  setEntry(index: number, words: Words): void {
    this.writeEntry(index, words);
    this.submitSync(interruptFlush(index));
  }
}

/** Address and data of a message in remappable format, without and with SHV. */
export function message(index: number, subhandle: number | null = null): { address: number; data: number } {
  const handle = ((index & 0x7fff) << 5) | ((index >>> 15) << 2);
  return {
    address: 0xfee0_0000 + (handle | (1 << 4) | (subhandle === null ? 0 : 1 << 3)),
    data: subhandle ?? 0,
  };
}

import type { PhysicalMemory } from '../../src/base/index.ts';
import type { VtdUnit } from '../../src/iommu/index.ts';

/** Registers, by offset. */
export const VER = 0x00;
export const CAP = 0x08;
export const ECAP = 0x10;
export const GCMD = 0x18;
export const GSTS = 0x1c;
export const RTADDR = 0x20;
export const CCMD = 0x28;
export const FSTS = 0x34;
export const FECTL = 0x38;
export const FEDATA = 0x3c;
export const FEADDR = 0x40;
export const FEUADDR = 0x44;

/** GCMD and GSTS. */
export const TE = 1 << 31;
export const SRTP = 1 << 30;
export const WBF = 1 << 27;
export const QIE = 1 << 26;
export const IRE = 1 << 25;
export const SIRTP = 1 << 24;
export const CFI = 1 << 23;
/** Bits of GSTS that are written back with the next command: not those that act each time. */
const LASTING = 0x96ff_ffff;

/** FSTS. */
export const PFO = 1;
export const PPF = 2;
export const IQE = 1 << 4;
export const ITE = 1 << 6;

/** A fault as a driver prints it. */
export interface DriverFault {
  readonly sourceId: number;
  readonly reason: number;
  readonly isRead: boolean;
  /** Address, or the index of an interrupt. */
  readonly low: number;
  readonly high: number;
}

/**
 * What an operating system does with a unit: through registers and memory only, in the order in which Linux does it.
 * `advance` lets time pass while the driver polls; it says false when nothing can happen any more.
 */
export class VtdDriver {
  readonly iro: number;
  readonly fro: number;
  readonly records: number;
  readonly faults: DriverFault[] = [];
  protected readonly unit: VtdUnit;
  protected readonly memory: PhysicalMemory;
  private readonly advance: () => boolean;

  constructor(unit: VtdUnit, memory: PhysicalMemory, advance: () => boolean = () => false) {
    this.unit = unit;
    this.memory = memory;
    this.advance = advance;
    this.iro = ((unit.read32(ECAP) >>> 8) & 0x3ff) * 16;
    this.fro = ((unit.read32(CAP) >>> 24) & 0xff) * 16 + (unit.read32(CAP + 4) & 3) * 4096;
    this.records = ((unit.read32(CAP + 4) >>> 8) & 0xff) + 1;
  }

  /** Polls until `done`. */
  poll(what: string, done: () => boolean): void {
    while (!done()) if (!this.advance()) throw new Error(`${what} never came`);
  }

  /** Writes GCMD with one bit changed, and waits for its status. */
  command(command: number, on = true): void {
    const held = this.unit.read32(GSTS) & LASTING;
    this.unit.write32(GCMD, on ? held | command : held & ~command);
    if (command === WBF) this.poll('WBFS clear', () => (this.unit.read32(GSTS) & WBF) === 0);
    else this.poll('status', () => ((this.unit.read32(GSTS) & command) !== 0) === on);
  }

  setRootTable(address: number): void {
    this.unit.write64(RTADDR, address % 2 ** 32, Math.floor(address / 2 ** 32));
    this.command(SRTP);
  }

  /** Context-cache invalidation by CCMD; gives CAIG. */
  flushContext(granularity: number, domain = 0, sourceId = 0, mask = 0): number {
    const { unit } = this;
    unit.write64(CCMD, domain | (sourceId << 16), (1 << 31) | (granularity << 29) | mask);
    this.poll('ICC clear', () => unit.read32(CCMD + 4) >>> 31 === 0);
    return (unit.read32(CCMD + 4) >>> 27) & 3;
  }

  /** IOTLB invalidation by registers; gives IAIG. */
  flushIotlb(granularity: number, domain = 0, address = 0, mask = 0, leavesOnly = false): number {
    const { unit, iro } = this;
    if (granularity === 3) {
      const low = (address % 2 ** 32) | (leavesOnly ? 1 << 6 : 0) | mask;
      unit.write64(iro, low, Math.floor(address / 2 ** 32));
    }
    unit.write64(iro + 8, 0, (1 << 31) | (granularity << 28) | domain);
    this.poll('IVT clear', () => unit.read32(iro + 12) >>> 31 === 0);
    return (unit.read32(iro + 12) >>> 25) & 3;
  }

  /** Has faults told by a message, and opens it. */
  setFaultInterrupt(address: number, data: number): void {
    const { unit } = this;
    unit.write32(FEDATA, data);
    unit.write32(FEADDR, address % 2 ** 32);
    unit.write32(FEUADDR, Math.floor(address / 2 ** 32));
    unit.write32(FECTL, 0);
  }

  /** Root table, global invalidations, translation on. */
  start(rootTable: number): void {
    this.setRootTable(rootTable);
    this.flushContext(1);
    this.flushIotlb(1);
    this.command(TE);
  }

  /** The handler of the fault interrupt. */
  handleFaults(): DriverFault[] {
    const { unit, fro, records } = this;
    const status = unit.read32(FSTS);
    const found: DriverFault[] = [];
    if ((status & PPF) !== 0) {
      for (let index = (status >>> 8) & 0xff; ; index = (index + 1) % records) {
        const at = fro + 16 * index;
        const top = unit.read32(at + 12);
        if (top >>> 31 === 0) break;
        found.push({
          reason: top & 0xff,
          isRead: ((top >>> 30) & 1) === 1,
          sourceId: unit.read32(at + 8) & 0xffff,
          low: unit.read32(at),
          high: unit.read32(at + 4),
        });
        unit.write32(at + 12, 1 << 31);
      }
    }
    unit.write32(FSTS, PFO | PPF);
    this.faults.push(...found);
    return found;
  }
}

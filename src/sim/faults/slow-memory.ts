import type { ArmedFault } from './armed-fault.ts';
import type { FaultRun, TimedEffect } from './fault-effect.ts';
import type { FaultRecord } from './fault-record.ts';

/** Memory that answers late: reads of the card, and accesses of page walks, that begin while it lasts. */
export class SlowMemory implements TimedEffect {
  private readonly run: FaultRun;
  /** Factors in force: those of faults that overlap multiply. */
  private readonly factors: number[] = [];
  private readonly open: FaultRecord[] = [];

  constructor(run: FaultRun) {
    this.run = run;
  }

  strike(armed: ArmedFault): FaultRecord {
    const record = this.run.struck(armed);
    record.isOpen = true;
    this.factors.push(armed.fault.factor);
    record.before = [...this.counts(), Number.POSITIVE_INFINITY, 0];
    this.open.push(record);
    this.apply();
    return record;
  }

  over(record: FaultRecord, { fault }: ArmedFault): void {
    record.notes.push(this.told(record));
    record.isOpen = false;
    this.open.splice(this.open.indexOf(record), 1);
    this.factors.splice(this.factors.indexOf(fault.factor), 1);
    this.apply();
  }

  tell(record: FaultRecord): readonly string[] {
    return record.isOpen ? [`${this.told(record)}, and it goes on`] : [];
  }

  private told({ before }: FaultRecord): string {
    // Others may have come and gone meanwhile.
    const [, , least, most] = before;
    const [reads, accesses] = this.counts().map((count, i) => count - before[i]);
    const { hostProfile } = this.run.simulation.machine.parts;
    const slow = (ps: number) => {
      const times = (least === most ? [least] : [least, most]).map((factor) => (ps * factor) / 1000);
      return `${times.join(' to ')} instead of ${ps / 1000} ns`;
    };
    const walks = `${accesses} accesses of page walks ${slow(hostProfile.iommu.memoryAccessPs)}`;
    return `${reads} reads of the card waited ${slow(hostProfile.memoryReadPs)} for memory${accesses > 0 ? `, ${walks}` : ''}`;
  }

  /** Reads of memory by the card, and by page walks. */
  private counts(): readonly number[] {
    const { rootPort, iommu } = this.run.simulation.machine;
    return [rootPort.memoryReads, iommu?.counters()['walkAccesses'] ?? 0];
  }

  /** Applies the product of all that are in force, and notes it for each of them. */
  private apply(): void {
    const { rootPort, iommu, parts } = this.run.simulation.machine;
    const factor = this.factors.reduce((product, each) => product * each, 1);
    rootPort.foreseenPs = Math.round(parts.hostProfile.memoryReadPs * factor);
    if (iommu !== null) iommu.memoryAccessPs = Math.round(iommu.profile.memoryAccessPs * factor);
    for (const record of this.open) {
      const [reads, accesses, least, most] = record.before;
      record.before = [reads, accesses, Math.min(least, factor), Math.max(most, factor)];
    }
  }
}

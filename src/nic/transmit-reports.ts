import { ReportPolicy } from '../dma/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import type { BarTarget, PcieFunction } from '../pcie/index.ts';
import type { Nic } from './nic.ts';
import { transmitQueueAt, vfTransmitQueueAt } from './queue-offsets.ts';
import { TXDCTL } from './queue-registers.ts';

/** Transmit Descriptor Completion Write-Back Address, within a queue's registers (82599 data sheet 8.2.3.9.11). */
const TDWBAL = 0x38;
const TDWBAH = 0x3c;
const HEAD_WB_EN = 1 << 0;
/** The hardware takes addresses on multiples of this only, whatever the data sheet says. */
const HEAD_ALIGNMENT = 16;
/** A host addresses below 2^52. */
const HIGH_MASK = 0xfffff;
const WTHRESH_SHIFT = 16;
const WTHRESH_MASK = 0x7f;
/** TXDCTL.SWFLSH, which reads as zero. */
const SWFLSH = 1 << 26;

/** In front of a BAR: what software writes to TXDCTL, TDWBAL and TDWBAH of a queue has its effect on the reports, too. */
class ReportRegisters implements BarTarget {
  private readonly under: BarTarget;
  private readonly queueAt: (offset: number) => number;
  private readonly written: (queue: number, flushes: boolean) => void;

  /** @param queueAt queue of the card whose transmit registers lie at an offset, or -1. */
  constructor(
    under: BarTarget,
    queueAt: (offset: number) => number,
    written: (queue: number, flushes: boolean) => void,
  ) {
    this.under = under;
    this.queueAt = queueAt;
    this.written = written;
  }

  read32(offset: number, bytes: number): number {
    return this.under.read32(offset, bytes);
  }

  write32(offset: number, value: number, byteEnables: number): void {
    const register = offset & 0x3f;
    const isControl = register === TXDCTL;
    const queue = isControl || register === TDWBAL || register === TDWBAH ? this.queueAt(offset) : -1;
    this.under.write32(offset, queue >= 0 && isControl ? value & ~SWFLSH : value, byteEnables);
    if (queue >= 0) this.written(queue, isControl && (value & SWFLSH) !== 0);
  }
}

/**
 * Gives a card the reports of sent descriptors that an 82599 has beside the plain ones (data sheet 7.2.3.4, 7.2.3.5): in batches of
 * TXDCTL.WTHRESH, which are written sooner when the time of EITR is over or TXDCTL.SWFLSH is set, and by head (TDWBAL, TDWBAH).
 * A vector without moderation has no such time: a batch waits until it is full. VFs have no head write-back. It is to be called
 * once the machine is made, and before there are VFs; `intel82599Chip` has it from the start.
 *
 * @throws RangeError if the card's PF has no BAR 0.
 *
 * @example
 * const machine = createMachine({ guests: [{ name: 'a', vfs: 1 }] });
 * useTransmitReports(machine.nic, machine.scheduler);
 */
export function useTransmitReports(nic: Nic, scheduler: Scheduler): void {
  const { data, queues, requester, registers, interrupts, pf } = nic;
  const { transmit, frames } = data;
  const { all } = transmit.rings;
  const timeOf = (queue: number) => {
    const vf = nic.vfOfQueue(queue);
    const vector =
      vf < 0
        ? registers.vectorOf(queue, true)
        : nic.vfRegisters[vf].vectorOf(queue % data.queuesPerPool, true);
    const ps = vector < 0 ? 0 : interrupts.intervalOf(vf + 1, vector);
    return ps > 0 ? ps : Number.POSITIVE_INFINITY;
  };
  const policy = new ReportPolicy(
    transmit,
    transmit.name,
    scheduler,
    frames,
    requester,
    frames.extraOffset,
    timeOf,
  );
  const written = (queue: number, flushes: boolean) => {
    // A queue that begins anew after a reset begins with what its registers have.
    const control = queues.readTransmit(queue, TXDCTL);
    policy.setThreshold(queue, (control >> WTHRESH_SHIFT) & WTHRESH_MASK);
    if (flushes) policy.flush(queue);
    const low = queues.readTransmit(queue, TDWBAL);
    const isOn = (low & HEAD_WB_EN) !== 0 && nic.vfOfQueue(queue) < 0;
    const high = queues.readTransmit(queue, TDWBAH) & HIGH_MASK;
    policy.setHeadAddress(queue, isOn ? low - (low % HEAD_ALIGNMENT) + high * 2 ** 32 : null);
  };
  const front = (fn: PcieFunction, queueAt: (offset: number) => number) =>
    fn.attachBar(0, new ReportRegisters(fn.bar(0), queueAt, written));
  front(pf, (offset) => transmitQueueAt(offset, all.length));
  const { sriov } = pf;
  if (sriov === null || !('onVfCreated' in sriov)) return;
  const created = sriov.onVfCreated as (vf: PcieFunction) => void;
  sriov.onVfCreated = (vf: PcieFunction) => {
    created(vf);
    front(vf, (offset) => {
      const queue = vfTransmitQueueAt(offset);
      return queue >= 0 && queue < data.queuesPerPool ? vf.vfIndex * data.queuesPerPool + queue : -1;
    });
  };
}

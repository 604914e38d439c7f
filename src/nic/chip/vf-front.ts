import type { BarTarget } from '../../pcie/index.ts';
import { type CompiledTable, RegisterFile } from '../../registers/index.ts';
import { vfReceiveQueueAt, vfTransmitQueueAt } from '../queue-offsets.ts';
import type { ChipInterrupts } from './chip-interrupts.ts';
import type { FrameStatistics } from './frame-statistics.ts';
import { isLinkUp, type PortLink } from './port-link.ts';
import { hookVfStatistics } from './statistics-registers.ts';
import type { UnknownRegisters } from './unknown-registers.ts';

/** VFSTATUS.Link Up (82599 data sheet 8.3.5.1.2). */
const LINK_UP = 1 << 7;
const VTEICR = 0x100;
/** Causes that a VF has: those of its vectors. */
const CAUSES = 7;
/** Queues that a VF's registers have room for, whatever its pool has. */
const QUEUES = 8;

/** What the VFs' registers tell of the whole chip. */
export interface VfSurroundings {
  /** Time in ps. */
  readonly now: number;
  readonly link: PortLink;
  readonly unknown: UnknownRegisters;
  readonly statistics: FrameStatistics;
  readonly division: { readonly queuesPerPool: number };
  readonly interrupts: ChipInterrupts;
}

/**
 * BAR 0 of a VF: what the table has and the card does not, in front of the card's own. The registers of queues that the
 * pool does not have read as zero, as software clears all eight.
 */
export class VfFront implements BarTarget {
  /** The card's own registers of the VF; known once there is the VF. */
  core: BarTarget | null = null;
  private readonly vf: number;
  private readonly file: RegisterFile;
  private readonly around: VfSurroundings;

  constructor(vf: number, table: CompiledTable, around: VfSurroundings) {
    this.vf = vf;
    this.file = new RegisterFile(table);
    this.around = around;
    const { file } = this;
    hookVfStatistics(file, vf, around.statistics);
    file.onRead('VFLINKS', () => around.link.links);
    file.onRead('VFSTATUS', (_, stored) => (isLinkUp(around.link.links) ? stored | LINK_UP : stored));
    file.onRead('VFFRTIMER', () => freeRunning(around.now));
    const { interrupts } = around;
    file.onRead('VTEITR', (vector) => interrupts.readThrottle(vf + 1, vector));
    file.onWrite('VTEITR', (vector, _, written) => interrupts.writeThrottle(vf + 1, vector, written));
    file.onRead('VTEICS', () => interrupts.causes[vf + 1]);
    file.onWrite('VTEICS', (_, __, written) => interrupts.set(vf + 1, written & CAUSES));
    file.onRead('VFPBACL', () => interrupts.readPending(vf + 1, 0) | 0);
    file.onWrite('VFPBACL', (_, __, written) => interrupts.clearPending(vf + 1, 0, written));
  }

  read32(offset: number, bytes: number): number {
    const queue = queueAt(offset);
    if (queue >= this.queues && queue < QUEUES) return 0;
    const access = this.whose(offset);
    if (access === 'own') return this.file.read32(offset);
    if (access === 'nobody') this.around.unknown.note(`vf${this.vf}`, offset, 'reads');
    if (this.core === null) return 0;
    const value = this.core.read32(offset, bytes);
    if (offset === VTEICR) this.around.interrupts.settle(this.vf + 1);
    return value;
  }

  write32(offset: number, value: number, byteEnables: number): void {
    const queue = queueAt(offset);
    if (queue >= this.queues && queue < QUEUES) return;
    const access = this.whose(offset);
    if (access === 'own') this.file.write32(offset, value, byteEnables);
    else {
      if (access === 'nobody') this.around.unknown.note(`vf${this.vf}`, offset, 'writes');
      this.core?.write32(offset, value, byteEnables);
      if (offset === VTEICR) this.around.interrupts.settle(this.vf + 1);
    }
  }

  /** The VF has been reset. */
  reset(): void {
    this.file.reset();
  }

  /** Queues that the VF has. */
  private get queues(): number {
    return this.around.division.queuesPerPool;
  }

  private whose(offset: number): 'own' | 'core' | 'nobody' {
    const slot = this.file.compiled.slotAt[offset >>> 2];
    if (slot !== undefined && slot >= 0) return 'own';
    const queue = queueAt(offset);
    if (queue >= 0) return queue < this.queues ? 'core' : 'nobody';
    return isCore(offset) ? 'core' : 'nobody';
  }
}

/** Queue within the VF whose registers lie here, or -1. */
function queueAt(offset: number): number {
  const receive = vfReceiveQueueAt(offset);
  return receive >= 0 ? receive : vfTransmitQueueAt(offset);
}

/** First and last offsets of what the card has itself: control, interrupts, vectors, mailbox, throttling. */
const CORE: readonly (readonly [number, number])[] = [
  [0x000, 0x000],
  [0x100, 0x114],
  [0x120, 0x12c],
  [0x140, 0x140],
  [0x200, 0x23c],
  [0x2fc, 0x2fc],
];

function isCore(offset: number): boolean {
  return CORE.some(([first, last]) => offset >= first && offset <= last);
}

/** Microseconds, milliseconds and seconds since power-on, ten bits each but for the seconds. */
function freeRunning(ps: number): number {
  const microseconds = Math.floor(ps / 1e6);
  const milliseconds = Math.floor(microseconds / 1000);
  const seconds = Math.floor(milliseconds / 1000) & 0xfff;
  return (microseconds % 1000) | ((milliseconds % 1000) << 10) | (seconds << 20);
}

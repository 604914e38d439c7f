import type { BarTarget } from '../pcie/index.ts';
import { compileTable, RegisterFile, type RegisterTable } from '../registers/index.ts';
import type { ClassPath } from './class-path.ts';
import { FLOW_REGISTERS, hookFlowCounters } from './flow-registers.ts';
import type { CardInterrupts } from './interrupts.ts';
import type { Mailboxes } from './mailbox.ts';
import { receiveQueueAt, transmitQueueAt } from './queue-offsets.ts';
import type { QueueRegisters } from './queue-registers.ts';
import { SWITCH_REGISTERS } from './switch-control.ts';
import { TRANSMIT_BUFFER_REGISTERS } from './transmit-division.ts';
import { IVAR_VALID } from './vf-registers.ts';

/** What the PF's registers act upon. */
export interface PfRegisterContext {
  readonly queues: QueueRegisters;
  readonly queueCount: number;
  readonly interrupts: CardInterrupts;
  readonly mailboxes: Mailboxes;
  readonly throttleUnitPs: number;
  /** Element `index` of a register that steers the switch has been changed. */
  switchChanged(name: string, index: number): void;
  /** Frames that anti-spoofing has dropped, ever. */
  framesSpoofed(): number;
  /** A register that steers flow control or the classes of the receive buffer has been written. */
  flowChanged(): void;
  /** A register that divides the transmit packet buffer has been written. */
  transmitBufferChanged(): void;
  /** What counts pauses and frames without room; null while the card does without classes. */
  flowCounts(): ClassPath | null;
  /** Bytes of the receive packet buffer, which are the first class's after a reset. */
  readonly receiveBufferBytes: number;
  /** CTRL.RST. */
  resetDevice(): void;
  /** RXCTRL.RXEN. */
  setReceive(enabled: boolean): void;
  /** Rate of the physical port in Gb/s. */
  readonly linkGbps: number;
  /** NumVFs and VF Enable, for STATUS. */
  vfs(): { readonly count: number; readonly enabled: boolean };
}

/** PF function number in the interrupt block. */
const PF = 0;

/** CTRL bits. */
const CTRL_RST = 1 << 26;
const CTRL_LRST = 1 << 3;
/** CTRL_EXT.EXTENDED_VLAN. */
const EXTENDED_VLAN = 1 << 26;
/** CTRL_EXT.PFRSTD. */
const PFRSTD = 1 << 14;
/** RXCTRL.RXEN. */
const RXEN = 1 << 0;
/** GPIE.OCD: reading EICR clears the causes 29:16 only. */
const OCD = 1 << 5;
const OTHER_CAUSES = 0x3fff_0000;
/** LINKS: up, and the speed in 29:28; what an 82599 does not have in 26:24. */
const LINK_UP = 1 << 30;
const LINK_SPEED: Readonly<Record<number, number>> = {
  0.1: 1 << 28,
  1: 2 << 28,
  10: 3 << 28,
  25: 1 << 24,
  40: 2 << 24,
  100: 3 << 24,
};
/** EICR cause of the mailboxes and of VF resets. */
export const EICR_MAILBOX = 19;

/** LINKS of a port of this rate that is up (8.2.3.22.20), or VFLINKS. */
export function linksUp(linkGbps: number): number {
  return LINK_UP | (LINK_SPEED[linkGbps] ?? 0);
}

/** The PF's registers in BAR 0: queues go to the queue block, the rest is a register file with hooks. */
export class PfRegisters implements BarTarget {
  readonly file: RegisterFile;
  private readonly context: PfRegisterContext;
  private spoofedBefore = 0;

  constructor(table: RegisterTable, context: PfRegisterContext) {
    this.file = new RegisterFile(compileTable(table));
    this.context = context;
    this.hookControl();
    this.hookInterrupts();
    this.hookMailboxes();
    for (const name of SWITCH_REGISTERS) {
      this.file.onWrite(name, (index, stored, _, before) => {
        if (stored !== before) context.switchChanged(name, index);
      });
    }
    // Counts what two reads have between them: the read that clears is this one.
    this.file.onRead('SSVPC', () => {
      const spoofed = context.framesSpoofed();
      const count = spoofed - this.spoofedBefore;
      this.spoofedBefore = spoofed;
      return count | 0;
    });
    this.file.set('RXPBSIZE', context.receiveBufferBytes);
    hookFlowCounters(this.file, () => context.flowCounts());
    for (const name of FLOW_REGISTERS) this.file.onWrite(name, () => context.flowChanged());
    for (const name of TRANSMIT_BUFFER_REGISTERS)
      this.file.onWrite(name, () => context.transmitBufferChanged());
  }

  /** Cause bit that IVAR gives to a queue, or -1. Two queues a register; receive is the lower byte of a pair. */
  vectorOf(queue: number, transmit: boolean): number {
    const ivar = this.file.get('IVAR', queue >> 1);
    const byte = (ivar >> (16 * (queue & 1) + (transmit ? 8 : 0))) & 0xff;
    return (byte & IVAR_VALID) !== 0 ? byte & 0xf : -1;
  }

  read32(offset: number): number {
    const queue = receiveQueueAt(offset);
    if (queue >= 0) return this.context.queues.readReceive(queue, offset & 0x3f);
    const transmit = transmitQueueAt(offset, this.context.queueCount);
    if (transmit >= 0) return this.context.queues.readTransmit(transmit, offset & 0x3f);
    return this.file.read32(offset);
  }

  write32(offset: number, value: number, byteEnables: number): void {
    const queue = receiveQueueAt(offset);
    const transmit = transmitQueueAt(offset, this.context.queueCount);
    if (queue >= 0) this.context.queues.writeReceive(queue, offset & 0x3f, value);
    else if (transmit >= 0) this.context.queues.writeTransmit(transmit, offset & 0x3f, value);
    else this.file.write32(offset, value, byteEnables);
  }

  /** As after CTRL.RST. */
  reset(): void {
    this.file.reset();
    this.file.set('LINKS', linksUp(this.context.linkGbps));
    this.file.set('RXPBSIZE', this.context.receiveBufferBytes);
    this.context.setReceive(false);
    this.spoofedBefore = this.context.framesSpoofed();
  }

  private hookControl(): void {
    const { file } = this;
    const context = this.context;
    file.set('LINKS', linksUp(context.linkGbps));
    file.onWrite('RXCTRL', (_, stored) => context.setReceive((stored & RXEN) !== 0));
    file.onWrite('CTRL', (_, stored) => {
      if ((stored & (CTRL_RST | CTRL_LRST)) === 0) return;
      context.resetDevice();
      file.set('CTRL', 0);
    });
    file.onWrite('CTRL_EXT', (_, stored, __, before) => {
      if ((stored & PFRSTD) !== 0) context.mailboxes.resetDone();
      // As if the EtherType of outer tags had changed: there are any now, or none.
      if (((stored ^ before) & EXTENDED_VLAN) !== 0) context.switchChanged('EXVET', 0);
    });
    file.onRead('STATUS', (_, stored) => {
      const { count, enabled } = context.vfs();
      return stored | ((count & 0xff) << 10) | (enabled ? 1 << 18 : 0);
    });
    file.onWrite('PFQDE', (_, stored) => {
      if ((stored & (1 << 16)) !== 0) context.queues.setDropByPf((stored >> 8) & 0x7f, (stored & 1) !== 0);
    });
  }

  private hookInterrupts(): void {
    const { file } = this;
    const { interrupts, throttleUnitPs } = this.context;
    file.onRead('EICR', () => {
      const causes = interrupts.causes[PF];
      interrupts.causes[PF] &= (file.get('GPIE') & OCD) !== 0 ? ~OTHER_CAUSES : 0;
      return causes;
    });
    file.onWrite('EICR', (_, __, written) => {
      interrupts.causes[PF] &= ~written;
    });
    file.onWrite('EICS', (_, __, written) => {
      for (let bit = 0; bit < 31; bit++) if (((written >> bit) & 1) !== 0) interrupts.raise(PF, bit);
    });
    file.onRead('EIMS', () => interrupts.enabled[PF]);
    file.onWrite('EIMS', (_, __, written) => interrupts.enable(PF, written));
    file.onWrite('EIMC', (_, __, written) => interrupts.disable(PF, written));
    file.onWrite('EIAC', (_, stored) => {
      interrupts.autoClear[PF] = stored;
    });
    file.onWrite('EIAM', (_, stored) => {
      interrupts.autoMask[PF] = stored;
    });
    file.onWrite('EITR', (vector, stored) => {
      if (vector < 64) interrupts.setInterval(PF, vector, ((stored >> 3) & 0x1ff) * throttleUnitPs);
    });
    file.onWrite('IVAR_MISC', (_, stored) => {
      interrupts.otherVector[PF] = (stored >> 8) & 0x3f;
    });
  }

  private hookMailboxes(): void {
    const { file } = this;
    const { mailboxes } = this.context;
    file.onRead('PFMAILBOX', (vf) => mailboxes.readPf(vf));
    file.onWrite('PFMAILBOX', (vf, _, written) => mailboxes.writePf(vf, written));
    file.onRead('PFMBMEM', (word) => mailboxes.memory[word]);
    file.onWrite('PFMBMEM', (word, stored) => {
      mailboxes.memory[word] = stored;
    });
    // Sixteen VFs a register: requests below, acknowledges above.
    file.onRead('PFMBICR', (index) => {
      const shift = 16 * (index & 1);
      const requests = (mailboxes.requested[index >> 1] >>> shift) & 0xffff;
      const acknowledges = (mailboxes.acknowledged[index >> 1] >>> shift) & 0xffff;
      return requests | (acknowledges << 16);
    });
    file.onWrite('PFMBICR', (index, _, written) => {
      const shift = 16 * (index & 1);
      mailboxes.requested[index >> 1] &= ~((written & 0xffff) << shift);
      mailboxes.acknowledged[index >> 1] &= ~((written >>> 16) << shift);
    });
    file.onWrite('PFVFLREC', (index, _, written) => {
      file.set('PFVFLRE', file.get('PFVFLRE', index) & ~written, index);
    });
  }
}

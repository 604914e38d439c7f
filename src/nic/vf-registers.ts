import type { BarTarget } from '../pcie/index.ts';
import type { CardInterrupts } from './interrupts.ts';
import { MAILBOX_WORDS, type Mailboxes } from './mailbox.ts';
import type { QueueDivision } from './queue-division.ts';
import { VF_RECEIVE, VF_TRANSMIT } from './queue-offsets.ts';
import type { QueueRegisters } from './queue-registers.ts';

/** VF registers beside the queues (82599 datasheet 8.3). */
export const VFCTRL = 0x000;
export const VFSTATUS = 0x008;
export const VFLINKS = 0x010;
export const VTEICR = 0x100;
export const VTEICS = 0x104;
export const VTEIMS = 0x108;
export const VTEIMC = 0x10c;
export const VTEIAC = 0x110;
export const VTEIAM = 0x114;
/** Vectors of the queues, a byte a direction (8.3.4). */
export const VTIVAR = 0x120;
export const VTIVAR_MISC = 0x140;
export const VFMBMEM = 0x200;
export const VFMAILBOX_REGISTER = 0x2fc;
export const VTEITR = 0x820;
/** VFCTRL.RST. */
export const VFCTRL_RST = 1 << 26;

/** Valid bit of an IVAR byte. */
export const IVAR_VALID = 0x80;

/** What the registers of all VFs act upon. */
export interface VfRegisterContext {
  readonly queues: QueueRegisters;
  readonly division: Readonly<QueueDivision>;
  readonly interrupts: CardInterrupts;
  readonly mailboxes: Mailboxes;
  readonly throttleUnitPs: number;
  readonly vectors: number;
  /** LINKS as the VF sees it. */
  links(): number;
  /** VFCTRL.RST: resets the VF's queues and tells the PF. */
  resetVf(vf: number): void;
  /** An access to an offset that the model does not know. */
  unknown(offset: number): void;
}

/** The registers of one VF in its BAR 0: a window onto its pool's queues, its interrupts and its mailbox. */
export class VfRegisters implements BarTarget {
  private readonly vf: number;
  private readonly context: VfRegisterContext;
  private readonly ivar = new Int32Array(5);

  constructor(vf: number, context: VfRegisterContext) {
    this.vf = vf;
    this.context = context;
  }

  /** Vector that VTIVAR gives to a queue of this VF, or -1. Receive is byte 0 of a queue's pair, transmit byte 1. */
  vectorOf(queue: number, transmit: boolean): number {
    const byte = (this.ivar[queue >> 1] >> (16 * (queue & 1) + (transmit ? 8 : 0))) & 0xff;
    return (byte & IVAR_VALID) !== 0 ? byte & 3 : -1;
  }

  /** Vector of the mailbox, or -1. */
  get mailboxVector(): number {
    return (this.ivar[4] & IVAR_VALID) !== 0 ? this.ivar[4] & 3 : -1;
  }

  read32(offset: number): number {
    const context = this.context;
    const vf = this.vf;
    const fn = vf + 1;
    const { interrupts } = context;
    const queue = (offset & 0xfc0) >> 6;
    const own = this.queueOf(queue);
    if ((offset & ~0xfff) === VF_RECEIVE && own >= 0) return context.queues.readReceive(own, offset & 0x3f);
    if ((offset & ~0xfff) === VF_TRANSMIT && own >= 0) return context.queues.readTransmit(own, offset & 0x3f);
    if (offset >= VFMBMEM && offset < VFMBMEM + 4 * MAILBOX_WORDS) {
      return context.mailboxes.memory[vf * MAILBOX_WORDS + ((offset - VFMBMEM) >> 2)] >>> 0;
    }
    if (offset >= VTIVAR && offset < VTIVAR + 16) return this.ivar[(offset - VTIVAR) >> 2] >>> 0;
    const vector = (offset - VTEITR) >> 2;
    if (vector >= 0 && vector < context.vectors)
      return Math.round(interrupts.intervalOf(fn, vector) / context.throttleUnitPs) << 3;
    switch (offset) {
      case VFCTRL:
        return 0;
      case VFSTATUS:
        return context.links() !== 0 ? 0x80 : 0;
      case VFLINKS:
        return context.links();
      case VTEICR: {
        const causes = interrupts.causes[fn] >>> 0;
        interrupts.causes[fn] = 0;
        return causes;
      }
      case VTEIMS:
        return interrupts.enabled[fn] >>> 0;
      case VTEIAC:
        return interrupts.autoClear[fn] >>> 0;
      case VTEIAM:
        return interrupts.autoMask[fn] >>> 0;
      case VTIVAR_MISC:
        return this.ivar[4] >>> 0;
      case VFMAILBOX_REGISTER:
        return context.mailboxes.readVf(vf);
    }
    context.unknown(offset);
    return 0;
  }

  write32(offset: number, value: number): void {
    const context = this.context;
    const vf = this.vf;
    const queue = (offset & 0xfc0) >> 6;
    const own = this.queueOf(queue);
    if ((offset & ~0xfff) === VF_RECEIVE && own >= 0) {
      context.queues.writeReceive(own, offset & 0x3f, value);
    } else if ((offset & ~0xfff) === VF_TRANSMIT && own >= 0) {
      context.queues.writeTransmit(own, offset & 0x3f, value);
    } else if (offset >= VFMBMEM && offset < VFMBMEM + 4 * MAILBOX_WORDS) {
      context.mailboxes.memory[vf * MAILBOX_WORDS + ((offset - VFMBMEM) >> 2)] = value;
    } else if (offset >= VTIVAR && offset < VTIVAR + 16) {
      this.ivar[(offset - VTIVAR) >> 2] = value;
    } else {
      this.writeControl(offset, value);
    }
  }

  /** Queue of the card that is this VF's `queue`, or -1. */
  private queueOf(queue: number): number {
    const { queuesPerPool, pools } = this.context.division;
    const own = this.vf * queuesPerPool + queue;
    return queue < queuesPerPool && own < pools.length ? own : -1;
  }

  private writeControl(offset: number, value: number): void {
    const context = this.context;
    const { interrupts } = context;
    const fn = this.vf + 1;
    const vector = (offset - VTEITR) >> 2;
    if (offset >= VTEITR && vector < context.vectors) {
      interrupts.setInterval(fn, vector, ((value >> 3) & 0x1ff) * context.throttleUnitPs);
      return;
    }
    switch (offset) {
      case VFCTRL:
        if ((value & VFCTRL_RST) !== 0) context.resetVf(this.vf);
        return;
      case VTEICR:
        interrupts.causes[fn] &= ~value;
        return;
      case VTEICS:
        for (let bit = 0; bit < context.vectors; bit++)
          if (((value >> bit) & 1) !== 0) interrupts.raise(fn, bit);
        return;
      case VTEIMS:
        interrupts.enable(fn, value);
        return;
      case VTEIMC:
        interrupts.disable(fn, value);
        return;
      case VTEIAC:
        interrupts.autoClear[fn] = value;
        return;
      case VTEIAM:
        interrupts.autoMask[fn] = value;
        return;
      case VTIVAR_MISC:
        this.ivar[4] = value;
        return;
      case VFMAILBOX_REGISTER:
        context.mailboxes.writeVf(this.vf, value);
        return;
    }
    context.unknown(offset);
  }

  /** As after a reset of the VF. */
  reset(): void {
    this.ivar.fill(0);
  }
}

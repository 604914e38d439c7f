import type { Component } from '../kernel/index.ts';

/** Bits of VFMAILBOX (82599 datasheet 8.3.5.1.5). */
export const VFMAILBOX = {
  REQ: 1 << 0,
  ACK: 1 << 1,
  VFU: 1 << 2,
  PFU: 1 << 3,
  PFSTS: 1 << 4,
  PFACK: 1 << 5,
  RSTI: 1 << 6,
  RSTD: 1 << 7,
} as const;

/** Bits of PFMAILBOX (8.2.3.27.2). */
export const PFMAILBOX = { STS: 1 << 0, ACK: 1 << 1, VFU: 1 << 2, PFU: 1 << 3, RVFU: 1 << 4 } as const;

/** Words of a mailbox's memory. */
export const MAILBOX_WORDS = 16;

/** Bits of VFMAILBOX that reading clears. */
const READ_CLEARS = VFMAILBOX.PFSTS | VFMAILBOX.PFACK | VFMAILBOX.RSTD;

/** Who is interrupted by a mailbox. */
export interface MailboxInterrupts {
  /** A VF has sent a request or an acknowledge, or was reset. */
  toPf(vf: number): void;
  /** The PF has sent a message or an acknowledge. */
  toVf(vf: number): void;
}

/**
 * The mailboxes between the PF's driver and those of the VFs: sixteen words of memory each, a lock that one
 * side holds at a time, and doorbells that interrupt the other side (82599 datasheet 4.6.11, 7.10.2.9).
 */
export class Mailboxes implements Component {
  readonly name: string;
  requests = 0;
  messages = 0;
  /** Memory of all mailboxes, {@link MAILBOX_WORDS} a VF. */
  readonly memory: Int32Array;
  /** Requests and acknowledges from VFs that the PF has not cleared, a bit a VF, 32 VFs a word. */
  readonly requested: Int32Array;
  readonly acknowledged: Int32Array;
  private readonly lock: Uint8Array;
  private readonly vf: Int32Array;
  private readonly interrupts: MailboxInterrupts;

  constructor(name: string, vfs: number, interrupts: MailboxInterrupts) {
    this.name = name;
    this.memory = new Int32Array(vfs * MAILBOX_WORDS);
    this.requested = new Int32Array((vfs + 31) >> 5);
    this.acknowledged = new Int32Array((vfs + 31) >> 5);
    this.lock = new Uint8Array(vfs);
    this.vf = new Int32Array(vfs);
    this.interrupts = interrupts;
  }

  /** VFMAILBOX as the VF reads it. */
  readVf(vf: number): number {
    const value = this.vf[vf] | this.lockBits(vf);
    this.vf[vf] &= ~READ_CLEARS;
    return value;
  }

  /** VFMAILBOX as the VF writes it. */
  writeVf(vf: number, value: number): void {
    if ((value & VFMAILBOX.VFU) === 0) {
      if (this.lock[vf] === VFMAILBOX.VFU) this.lock[vf] = 0;
    } else if (this.lock[vf] === 0) {
      this.lock[vf] = VFMAILBOX.VFU;
    }
    const bit = 1 << (vf & 31);
    if ((value & VFMAILBOX.REQ) !== 0) this.requested[vf >> 5] |= bit;
    if ((value & VFMAILBOX.ACK) !== 0) this.acknowledged[vf >> 5] |= bit;
    if ((value & (VFMAILBOX.REQ | VFMAILBOX.ACK)) === 0) return;
    this.requests++;
    this.interrupts.toPf(vf);
  }

  /** PFMAILBOX of a VF as the PF reads it. */
  readPf(vf: number): number {
    return this.lockBits(vf);
  }

  /** PFMAILBOX of a VF as the PF writes it. */
  writePf(vf: number, value: number): void {
    if ((value & PFMAILBOX.RVFU) !== 0 && this.lock[vf] === VFMAILBOX.VFU) this.lock[vf] = 0;
    if ((value & PFMAILBOX.PFU) === 0) {
      if (this.lock[vf] === VFMAILBOX.PFU) this.lock[vf] = 0;
    } else if (this.lock[vf] === 0) {
      this.lock[vf] = VFMAILBOX.PFU;
    }
    if ((value & PFMAILBOX.STS) !== 0) this.vf[vf] |= VFMAILBOX.PFSTS;
    if ((value & PFMAILBOX.ACK) !== 0) this.vf[vf] |= VFMAILBOX.PFACK;
    if ((value & (PFMAILBOX.STS | PFMAILBOX.ACK)) === 0) return;
    this.messages++;
    this.interrupts.toVf(vf);
  }

  /** The PF is ready: every VF reads RSTD once, and no longer RSTI. */
  resetDone(): void {
    for (let vf = 0; vf < this.vf.length; vf++) {
      this.vf[vf] = (this.vf[vf] & ~VFMAILBOX.RSTI) | VFMAILBOX.RSTD;
    }
  }

  /** A VF was reset: its lock is free, what it had asked for is void, and it reads RSTD once if the PF is ready. */
  resetVf(vf: number): void {
    this.lock[vf] = 0;
    this.vf[vf] = (this.vf[vf] & VFMAILBOX.RSTI) !== 0 ? VFMAILBOX.RSTI : VFMAILBOX.RSTD;
    const bit = 1 << (vf & 31);
    this.requested[vf >> 5] &= ~bit;
    this.acknowledged[vf >> 5] &= ~bit;
    this.memory.fill(0, vf * MAILBOX_WORDS, (vf + 1) * MAILBOX_WORDS);
  }

  reset(): void {
    for (let vf = 0; vf < this.vf.length; vf++) {
      this.resetVf(vf);
      this.vf[vf] = VFMAILBOX.RSTI;
    }
    this.requests = this.messages = 0;
  }

  counters(): Record<string, number> {
    return { requests: this.requests, messages: this.messages };
  }

  // VFU and PFU have the same places on both sides.
  private lockBits(vf: number): number {
    return this.lock[vf];
  }
}

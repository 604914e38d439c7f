import type { RegisterFile } from '../../registers/index.ts';
import type { WalkClock } from '../walk-unit.ts';
import { CFI, IRE, QIE, SIRTP, SRTP, TE, WBF } from './bits.ts';
import { Delayed } from './delayed.ts';

/** Does what a command asks for. */
export interface CommandTarget {
  /** @param command one of the bits of GCMD; @param on whether it is switched on, true for one that acts each time. */
  command(command: number, on: boolean): void;
}

/** In the order in which they are carried out if one write asks for several: pointers before what uses them. */
const COMMANDS = [WBF, SRTP, SIRTP, QIE, CFI, IRE, TE];
/** They stay as they are written; the others act each time. */
const LASTING = QIE | CFI | IRE | TE;

/**
 * GCMD and GSTS (VT-d 11.4.4, 11.4.5). Each command takes its time, and its status bit follows when it has been carried
 * out. Software changes one thing a write and waits for its status; what is asked for together is done one behind the other.
 */
export class GlobalCommands {
  /** Commands carried out. */
  done = 0;
  /** Writes that asked for more than one change, or for one before the last was done. */
  atOnce = 0;
  private readonly file: RegisterFile;
  private readonly target: CommandTarget;
  private readonly status: number;
  /** Commands that act each time and that this unit has. */
  private readonly oneShotMask: number;
  private readonly delay: Delayed;
  /** One-shot commands that wait, and the lasting ones as they were last written. */
  private oneShots = 0;
  private wanted = 0;
  private isBusy = false;

  constructor(
    file: RegisterFile,
    target: CommandTarget,
    clock: WalkClock | null,
    name: string,
    commandPs: number,
    flushesWriteBuffers: boolean,
  ) {
    this.file = file;
    this.target = target;
    this.status = file.slot('GSTS_REG');
    this.oneShotMask = SRTP | SIRTP | (flushesWriteBuffers ? WBF : 0);
    this.delay = new Delayed(clock, name, commandPs, () => this.carryOut());
    file.onWrite('GCMD_REG', (_, __, written) => this.write(written));
  }

  /** As after power-on. */
  reset(): void {
    this.delay.cancel();
    this.done = 0;
    this.atOnce = 0;
    this.oneShots = 0;
    this.wanted = 0;
    this.isBusy = false;
  }

  private write(written: number): void {
    const changed = ((written ^ this.wanted) & LASTING) | (written & this.oneShotMask);
    const isSeveral = (changed & (changed - 1)) !== 0;
    if (isSeveral || (this.isBusy && changed !== 0)) this.atOnce++;
    this.wanted = written & LASTING;
    this.oneShots |= written & this.oneShotMask;
    const { values } = this.file;
    // The pointers count as not set until they have been taken over.
    values[this.status] &= ~(written & (SRTP | SIRTP));
    values[this.status] |= written & this.oneShotMask & WBF;
    if (!this.isBusy) this.goOn();
  }

  private goOn(): void {
    this.isBusy = this.next() !== 0;
    if (this.isBusy) this.delay.start();
  }

  private carryOut(): void {
    const command = this.next();
    const { values } = this.file;
    this.oneShots &= ~command;
    const on = (LASTING & command) === 0 || (this.wanted & command) !== 0;
    if (command !== 0) {
      this.target.command(command, on);
      values[this.status] &= ~command;
      if (on && command !== WBF) values[this.status] |= command;
      this.done++;
    }
    this.goOn();
  }

  /** The command that is to be carried out now, or 0. */
  private next(): number {
    const waiting = this.oneShots | ((this.wanted ^ this.file.values[this.status]) & LASTING);
    for (const command of COMMANDS) if ((waiting & command) !== 0) return command;
    return 0;
  }
}

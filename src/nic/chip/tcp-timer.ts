import { MILLISECOND, type Scheduler, Timer } from '../../kernel/index.ts';
import type { RegisterFile } from '../../registers/index.ts';

/** Fields of TCPTIMER (82599 data sheet 8.2.3.16.1). */
const DURATION = 0xff;
const KICK_START = 1 << 8;
const COUNT_ENABLE = 1 << 9;
const COUNT_FINISH = 1 << 10;
const LOOP = 1 << 11;
/** Bits that act when they are written, and read as 0. */
const ACTS = KICK_START | COUNT_FINISH;

/**
 * The TCP timer (82599 data sheet 7.3.2.3, 8.2.3.16.1): counts milliseconds from a kick start on, interrupts when there are as many as
 * its duration, or when software says that it has finished, and begins again if it loops. What it has counted stays while it is disabled.
 */
export class TcpTimer {
  private readonly file: RegisterFile;
  private readonly timer: Timer;
  private readonly scheduler: Scheduler;
  /** What of its time is left while it is disabled, in ps; 0 if it does not count. */
  private leftPs = 0;

  /** @param expired called when it interrupts. */
  constructor(name: string, scheduler: Scheduler, file: RegisterFile, expired: () => void) {
    this.file = file;
    this.scheduler = scheduler;
    this.timer = new Timer(scheduler, `${name}.tcpTimer`, () => {
      expired();
      if ((file.get('TCPTIMER') & LOOP) !== 0) this.start();
    });
    file.onWrite('TCPTIMER', (_, stored) => {
      file.set('TCPTIMER', stored & ~ACTS);
      this.written(stored);
      if ((stored & COUNT_FINISH) !== 0) expired();
    });
  }

  /** As after a reset. */
  reset(): void {
    this.timer.cancel();
    this.leftPs = 0;
  }

  private written(value: number): void {
    if ((value & KICK_START) !== 0) {
      this.reset();
      this.leftPs = (value & DURATION) * MILLISECOND;
    }
    if ((value & COUNT_ENABLE) === 0) {
      if (this.timer.pending) this.leftPs = this.timer.duePs - this.scheduler.now;
      this.timer.cancel();
    } else if (this.leftPs > 0) {
      this.timer.reschedule(this.leftPs);
      this.leftPs = 0;
    }
  }

  private start(): void {
    const duration = this.file.get('TCPTIMER') & DURATION;
    if (duration > 0) this.timer.reschedule(duration * MILLISECOND);
  }
}

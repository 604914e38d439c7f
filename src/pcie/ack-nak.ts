import { type Scheduler, Timer } from '../kernel/index.ts';

/** What becomes of a TLP at the receiver's data link layer. */
export type Acceptance = 'accepted' | 'duplicate' | 'bad' | 'outOfSequence' | 'discarded';

/**
 * The receiver's half of Ack and Nak: which TLP it takes, and what it owes the transmitter (PCI Express Base 3.6.3.1). An Ack
 * covers one TLP and all that arrive until it is due; one Nak stands until a TLP is taken again.
 */
export class AckNak {
  duplicates = 0;
  acks = 0;
  naks = 0;
  /** Sequence number of the next TLP that is taken, not cut to twelve bits. */
  expected: number;
  private nakScheduled = false;
  private readonly timer: Timer;
  private readonly latencyPs: number;
  private readonly send: (isNak: boolean, sequence: number) => void;

  /**
   * @param next what is expected.
   * @param latencyPs the longest wait with an Ack.
   * @param send sends an Ack or Nak with the sequence number of the last TLP that was taken.
   */
  constructor(
    name: string,
    scheduler: Scheduler,
    next: number,
    latencyPs: number,
    send: (isNak: boolean, sequence: number) => void,
  ) {
    this.expected = next;
    this.latencyPs = latencyPs;
    this.send = send;
    this.timer = new Timer(scheduler, `${name}.ackTimer`, () => this.acknowledge());
  }

  /** A TLP has come, with a right LCRC or not. */
  receive(sequence: number, isGood: boolean): Acceptance {
    if (isGood && sequence === this.expected) {
      this.expected++;
      this.nakScheduled = false;
      this.oweAck();
      return 'accepted';
    }
    if (isGood && sequence < this.expected) {
      this.duplicates++;
      this.oweAck();
      return 'duplicate';
    }
    const outcome = isGood ? (this.nakScheduled ? 'discarded' : 'outOfSequence') : 'bad';
    if (!this.nakScheduled) {
      this.nakScheduled = true;
      this.timer.cancel();
      this.naks++;
      this.send(true, this.expected - 1);
    }
    return outcome;
  }

  /** The link begins anew. */
  restart(): void {
    this.expected = 0;
    this.nakScheduled = false;
    this.timer.cancel();
  }

  private oweAck(): void {
    if (!this.timer.pending) this.timer.schedule(this.latencyPs);
  }

  private acknowledge(): void {
    this.acks++;
    this.send(false, this.expected - 1);
  }
}

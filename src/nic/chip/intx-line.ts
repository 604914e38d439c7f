import type { PcieFunction } from '../../pcie/index.ts';

/** Configuration space: Status with Interrupt Status, and Interrupt Pin (PCI 3.0 6.2). */
const STATUS = 0x06;
const INTERRUPT_STATUS = 1 << 3;
const INTERRUPT_PIN = 0x3d;
/** Message Codes of INTA (PCI Express 2.2.8.1); those of the other pins follow. */
const ASSERT_INTA = 0x20;
const DEASSERT_INTA = 0x24;

/**
 * The INTx of a function: messages that say when its pin is asserted and when no longer, and Interrupt Status, which is set
 * whether Interrupt Disable lets a message through or not (PCI Express 2.2.8.1, 7.5.1.1). While no message can leave, the line
 * may change back and forth: then one tells what it is, and none if it is as it was told.
 */
export class IntxLine {
  /** The pin is asserted; the message that says so may still wait. */
  isAsserted = false;
  private isUp = false;
  /** As the last message says. */
  private isTold = false;
  private readonly fn: PcieFunction;
  private readonly send: (routingId: number, code: number) => boolean;

  /** @param send sends a message, or returns false and sees to it that {@link IntxLine.tell} is called later. */
  constructor(fn: PcieFunction, send: (routingId: number, code: number) => boolean) {
    this.fn = fn;
    this.send = send;
  }

  /** The function has an interrupt to tell, or no longer. */
  set(isUp: boolean): void {
    const { config } = this.fn;
    this.isUp = isUp;
    const status = config.read16(STATUS);
    if (((status & INTERRUPT_STATUS) !== 0) !== isUp) config.poke16(STATUS, status ^ INTERRUPT_STATUS);
    this.settle();
  }

  /** Interrupt Disable may have changed. */
  settle(): void {
    const { fn } = this;
    this.isAsserted = this.isUp && !fn.intxDisabled;
    this.tell();
  }

  /** Sends a message if the last one says otherwise. */
  tell(): void {
    const { fn, isAsserted } = this;
    if (isAsserted === this.isTold) return;
    const pin = fn.config.read8(INTERRUPT_PIN) - 1;
    if (this.send(fn.routingId, (isAsserted ? ASSERT_INTA : DEASSERT_INTA) + pin)) this.isTold = isAsserted;
  }
}

/** Signals that end a run early, with the exit status that shells expect. */
export const INTERRUPT_STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that ends a run early. */
export type InterruptSignal = keyof typeof INTERRUPT_STATUS;

/** Waits for a signal that asks for an early end. A second one ends the process as if nobody had waited. */
export class Interrupts {
  /** The signal that has come, or null. */
  signal: InterruptSignal | null = null;

  constructor() {
    for (const name of Object.keys(INTERRUPT_STATUS)) process.on(name, this.onSignal);
  }

  /** Signals end the process again. */
  release(): void {
    for (const name of Object.keys(INTERRUPT_STATUS)) process.off(name, this.onSignal);
  }

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    this.signal = signal as InterruptSignal;
    this.release();
  };
}

import type { Component, Scheduler } from '../kernel/index.ts';

/** Where messages of the first vector are written; a message's data is its vector. */
export const MESSAGE_ADDRESS = 0xfee0_0000;

/**
 * Takes interrupt messages and calls the software they are for. A vector belongs to one function: a message
 * of another function with its number is refused and counted.
 */
export class InterruptController implements Component {
  readonly name: string;
  delivered = 0;
  /** Messages for vectors that nobody has, or that belong to another function. */
  refused = 0;
  private readonly scheduler: Scheduler;
  private readonly owners: number[] = [];
  private readonly handlers: (() => void)[] = [];
  private readonly latencies: number[] = [];
  private readonly dispatch: number;

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.scheduler = scheduler;
    this.dispatch = scheduler.task(`${name}.dispatch`, (vector) => {
      this.delivered++;
      this.handlers[vector]();
    });
  }

  /**
   * Allocates a vector for function `routingId`; `handler` runs `latencyPs` after a message of its arrives.
   * Returns the data of that message.
   */
  allocate(routingId: number, latencyPs: number, handler: () => void): number {
    this.owners.push(routingId);
    this.latencies.push(latencyPs);
    return this.handlers.push(handler) - 1;
  }

  message(routingId: number, _address: number, data: number): void {
    if (this.owners[data] !== routingId) {
      this.refused++;
      return;
    }
    this.scheduler.schedule(this.latencies[data], this.dispatch, data, 0);
  }

  reset(): void {
    this.delivered = this.refused = 0;
  }

  counters(): Record<string, number> {
    return { delivered: this.delivered, refused: this.refused };
  }
}

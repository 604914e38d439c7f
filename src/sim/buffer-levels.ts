import type { FramePool } from '../base/index.ts';
import { ProbeKind, type ProbeSink, type Scheduler } from '../kernel/index.ts';
import type { DataPlane } from '../nic/index.ts';

/**
 * Records how full the buffers of a card are, when an event has changed that. It looks at the machine after each event, as the
 * scheduler's watcher: the model need not say when a buffer fills or empties, which it does in many places.
 */
export class BufferLevels {
  private readonly sink: ProbeSink;
  private readonly scheduler: Scheduler;
  private readonly data: DataPlane;
  private readonly frames: FramePool;
  private readonly transmitBytes: number;
  private receive = 0;
  private transmit = 0;
  private slots = 0;

  /** @param transmitBytes bytes of the transmit packet buffer. */
  constructor(sink: ProbeSink, scheduler: Scheduler, data: DataPlane, transmitBytes: number) {
    this.sink = sink;
    this.scheduler = scheduler;
    this.data = data;
    this.frames = data.frames;
    this.transmitBytes = transmitBytes;
  }

  /** Looks on from now on, beside who does already; what it finds now is recorded if it is not nothing. */
  watch(): void {
    const { scheduler } = this;
    const before = scheduler.watcher;
    scheduler.watcher =
      before === null
        ? this.look
        : () => {
            before();
            this.look();
          };
    this.look();
  }

  private readonly look = (): void => {
    const { data, frames } = this;
    const receive = data.classPath === null ? data.receiveBytes : data.classPath.classed.buffer.used;
    const transmit = this.transmitBytes - data.transmit.bufferFree;
    const slots = frames.slots - frames.available;
    if (receive === this.receive && transmit === this.transmit && slots === this.slots) return;
    this.receive = receive;
    this.transmit = transmit;
    this.slots = slots;
    this.sink.record(this.scheduler.now, ProbeKind.BUFFER_LEVEL, receive, transmit, slots);
  };
}

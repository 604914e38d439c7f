import type { ReceiveSink } from '../../dma/index.ts';
import type { QueueCounts } from './frame-statistics.ts';

/**
 * Counts the frames that queues had no descriptor for, in front of a card's data path: that knows them by pool, and the
 * statistics registers by queue (82599 data sheet 8.2.3.23).
 */
export class QueueDrops implements ReceiveSink {
  private readonly sink: ReceiveSink;
  private readonly counts: QueueCounts;

  constructor(sink: ReceiveSink, counts: QueueCounts) {
    this.sink = sink;
    this.counts = counts;
  }

  frameDropped(queue: number, slot: number): void {
    this.counts.dropped[queue]++;
    this.sink.frameDropped(queue, slot);
  }

  frameWritten(queue: number, slot: number, index: number): void {
    this.sink.frameWritten(queue, slot, index);
  }

  statusWritten(queue: number): void {
    this.sink.statusWritten(queue);
  }

  frameReleased(queue: number, slot: number): void {
    this.sink.frameReleased(queue, slot);
  }

  ringFailed(queue: number): void {
    this.sink.ringFailed(queue);
  }
}

import { checkInteger } from '../base/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import type { DmaClient, DmaPort } from './dma-port.ts';
import type { DmaRequest } from './dma-request.ts';

/**
 * A {@link DmaPort} in front of another, of an engine that takes its time with what it has read: its clients are told of the end of
 * each read so much later. Reads do not wait for each other, so what the port carries stays the same.
 *
 * @example
 * const port = new PipelinedPort('nic.dma', scheduler, requester, 650_000);
 */
export class PipelinedPort implements DmaPort {
  private readonly name: string;
  private readonly scheduler: Scheduler;
  private readonly port: DmaPort;
  private readonly readPs: number;
  private clients = 0;

  /**
   * @param readPs from the arrival of the last byte of a read until its client knows, in ps.
   * @throws TypeError or RangeError if it is no whole number of them from 0 to 10^12.
   */
  constructor(name: string, scheduler: Scheduler, port: DmaPort, readPs: number) {
    this.name = name;
    this.scheduler = scheduler;
    this.port = port;
    this.readPs = checkInteger('readPs', readPs, 0, 1e12);
  }

  addClient(client: DmaClient): number {
    const { scheduler, readPs } = this;
    const known = scheduler.task(`${this.name}.read${this.clients++}`, (cookie, status) =>
      client.readDone(cookie, status),
    );
    return this.port.addClient({
      readDone: (cookie, status) => {
        scheduler.schedule(readPs, known, cookie, status);
      },
      writeDone: (cookie) => client.writeDone(cookie),
      requesterReady: () => client.requesterReady(),
    });
  }

  canRead(bytes: number): boolean {
    return this.port.canRead(bytes);
  }

  canFetch(bytes: number): boolean {
    return this.port.canFetch(bytes);
  }

  canWrite(): boolean {
    return this.port.canWrite();
  }

  read(request: DmaRequest): number {
    return this.port.read(request);
  }

  write(request: DmaRequest): number {
    return this.port.write(request);
  }
}

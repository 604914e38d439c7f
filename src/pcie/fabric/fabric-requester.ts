import { completionTimeoutPs } from '../completion-timeout.ts';
import { FlowClass } from '../tlp.ts';
import { noteFailedRead, noteTimeout } from '../topology/errors.ts';
import type { FabricCore } from './fabric-core.ts';
import type { Transfer } from './fabric-request.ts';
import type { CompletionTaker, FabricCompletion, FabricTlp } from './fabric-tlp.ts';

/** How requests are cut, and how many may be under way. */
export interface RequesterLimits {
  readonly tags: number;
  readonly maxPayloadBytes: number;
  readonly maxReadRequestBytes: number;
}

/** Requests of a class that are at the port and have not left. */
const AT_PORT = 16;
const PAGE_BYTES = 4096;
/** Estimate: as long as the least that is recommended to devices. */
const PROCESSOR_TIMEOUT_PS = 10_000_000_000;

/**
 * Cuts the reads and writes of a device, or of processors, into requests, and puts together what comes back. A read never
 * sets out before a write that was asked for earlier; a write passes reads that wait for tags.
 */
export class FabricRequester implements CompletionTaker {
  private readonly core: FabricCore;
  private readonly limits: RequesterLimits;
  private readonly launch: (request: FabricTlp) => void;
  private readonly reads: Transfer[] = [];
  private readonly writes: Transfer[] = [];
  /** Requests of each class that are at the port. */
  private readonly atPort = [0, 0, 0];
  private tagsFree: number;
  private isPumping = false;
  /** Runs when the timer of a request runs out whose completion is lost. */
  private readonly timeout: number;
  /** Those requests, in the order of their losses. */
  private readonly overdue = new Map<number, FabricTlp>();
  private overdues = 0;

  /** @param launch sends a request; it tells with {@link FabricRequester.sent} that it comes to the port. */
  constructor(name: string, core: FabricCore, limits: RequesterLimits, launch: (request: FabricTlp) => void) {
    this.core = core;
    this.limits = limits;
    this.launch = launch;
    this.tagsFree = limits.tags;
    this.timeout = core.scheduler.task(`${name}.timeout`, (number) => this.timedOut(number));
  }

  start(transfer: Transfer): void {
    (transfer.isRead ? this.reads : this.writes).push(transfer);
    this.pump();
  }

  /** A request has been given to the port. */
  sent(flowClass: FlowClass): void {
    this.atPort[flowClass]++;
  }

  /** One has left. */
  left(flowClass: FlowClass): void {
    this.atPort[flowClass]--;
    this.pump();
  }

  /** A completion has come. */
  complete({ request, bytes, at, status }: FabricCompletion): void {
    if (request.missing === 0) return;
    const { transfer } = request;
    const { from } = transfer.request;
    if (status === 'successful') {
      transfer.data.set(request.value.subarray(at - request.at, at - request.at + bytes), at);
      request.missing -= bytes;
      if (request.missing > 0) return;
    } else {
      request.missing = 0;
      if (from !== null) noteFailedRead(from, status);
    }
    this.endRead(request, status);
  }

  /** A completion will never come: the timer of its request runs out. */
  lost({ request }: FabricCompletion, at: string, reason: string): void {
    const { transfer } = request;
    const { from } = transfer.request;
    transfer.error ??= { at, error: 'Unexpected Completion', reason };
    if (request.missing === 0) return;
    const { now } = this.core.scheduler;
    const limitPs = from === null ? PROCESSOR_TIMEOUT_PS : completionTimeoutPs(from);
    // A function that has its time-out disabled waits for ever.
    if (limitPs === Number.POSITIVE_INFINITY) return;
    const number = this.overdues++;
    this.overdue.set(number, request);
    const delayPs = Math.max(0, request.sentPs + limitPs - now);
    this.core.scheduler.schedule(delayPs, this.timeout, number, 0);
  }

  private timedOut(number: number): void {
    const request = this.overdue.get(number);
    this.overdue.delete(number);
    if (request === undefined || request.missing === 0) return;
    request.missing = 0;
    const { from } = request.transfer.request;
    if (from !== null) noteTimeout(from);
    this.endRead(request, 'completion-timeout');
  }

  private endRead({ transfer }: FabricTlp, status: FabricCompletion['status'] | 'completion-timeout'): void {
    this.tagsFree++;
    transfer.end(status, this.core.scheduler.now);
    this.pump();
  }

  /** Sends what can go. */
  private pump(): void {
    // What comes of a request at once may end a transfer, and its owner ask for more.
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.sendWrite() || this.sendRead());
    this.isPumping = false;
  }

  private sendWrite(): boolean {
    const [first] = this.writes;
    if (first === undefined || this.atPort[FlowClass.POSTED] >= AT_PORT) return false;
    // What was asked for before goes first where it can: then both wait for the same link.
    const [read] = this.reads;
    if (read !== undefined && read.order < first.order && this.canRead()) return false;
    this.issue(first, this.writes, this.limits.maxPayloadBytes);
    return true;
  }

  private sendRead(): boolean {
    const [first] = this.reads;
    if (first === undefined || !this.canRead()) return false;
    const [write] = this.writes;
    if (write !== undefined && write.order < first.order) return false;
    this.tagsFree--;
    this.issue(first, this.reads, this.limits.maxReadRequestBytes);
    return true;
  }

  private canRead(): boolean {
    return this.tagsFree > 0 && this.atPort[FlowClass.NON_POSTED] < AT_PORT;
  }

  private issue(transfer: Transfer, queue: Transfer[], limit: number): void {
    const { request, issued } = transfer;
    const { from } = request;
    const address = request.address + issued;
    const bytes = Math.min(
      request.bytes - issued,
      limit - (address % 4),
      PAGE_BYTES - (address % PAGE_BYTES),
    );
    const tlp = this.core.requestOf(transfer, this, bytes);
    transfer.issued += bytes;
    transfer.requests++;
    if (transfer.isIssued) queue.shift();
    tlp.sentPs = this.core.scheduler.now;
    if (from !== null && !(from.present && from.busMaster)) {
      if (transfer.isRead) this.tagsFree++;
      transfer.end('not-sent', tlp.sentPs);
    } else {
      this.launch(tlp);
    }
  }
}

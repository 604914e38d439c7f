import type { BarTarget } from '../bar.ts';
import type { HostMemory } from '../topology/request-routing.ts';
import type { FabricCore } from './fabric-core.ts';
import type { ArrivedRequest, FabricCompletion, FabricTlp } from './fabric-tlp.ts';

/** How a completer answers. */
export interface CompleterTiming {
  readonly readPs: number;
  /** Where all completions of a read but the last end. */
  readonly readCompletionBoundary: number;
  readonly maxPayloadBytes: number;
}

/** Completions that are at the port and have not left. */
const AT_PORT = 16;

/** Takes the requests that are for a device, or for memory: writes at once, reads with completions after a time. */
export class FabricCompleter {
  private readonly core: FabricCore;
  private readonly timing: CompleterTiming;
  private readonly memory: HostMemory | null;
  private readonly launch: (completion: FabricCompletion, arrived: ArrivedRequest) => void;
  private readonly answer: number;
  /** Reads whose data are not there yet, in order. */
  private readonly reading: { readonly arrived: ArrivedRequest; readonly taken: () => void }[] = [];
  /** Reads whose completions have not all been sent, and where the next one begins. */
  private readonly answering: { readonly arrived: ArrivedRequest; at: number }[] = [];
  private atPort = 0;
  private isPumping = false;

  /** @param launch sends a completion; it tells with {@link FabricCompleter.sent} that it comes to the port. */
  constructor(
    name: string,
    core: FabricCore,
    timing: CompleterTiming,
    memory: HostMemory | null,
    launch: (completion: FabricCompletion, arrived: ArrivedRequest) => void,
  ) {
    this.core = core;
    this.timing = timing;
    this.memory = memory;
    this.launch = launch;
    this.answer = core.scheduler.task(`${name}.answer`, () => this.hasRead());
  }

  /** A request has arrived. @param taken its buffer is free, and its record. */
  take(arrived: ArrivedRequest, taken: () => void): void {
    const { request } = arrived;
    request.transfer.throughRootComplex ||= request.throughRootComplex;
    if (request.isRead) {
      this.reading.push({ arrived, taken });
      this.core.scheduler.schedule(this.timing.readPs, this.answer, 0, 0);
      return;
    }
    this.write(arrived);
    taken();
    request.transfer.end('successful', this.core.scheduler.now);
  }

  /** A completion has been given to the port. */
  sent(): void {
    this.atPort++;
  }

  /** One has left. */
  left(): void {
    this.atPort--;
    this.pump();
  }

  private hasRead(): void {
    const { arrived, taken } = this.reading.shift()!;
    arrived.request.value = this.read(arrived);
    taken();
    this.answering.push({ arrived, at: arrived.request.at });
    this.pump();
  }

  private pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.answering.length > 0 && this.atPort < AT_PORT) {
      const [first] = this.answering;
      const { request } = first.arrived;
      const end = this.cutBehind(request, first.at);
      const completion = request.completion(end - first.at, first.at, 'successful');
      first.at = end;
      if (end === request.at + request.bytes) this.answering.shift();
      this.launch(completion, first.arrived);
    }
    this.isPumping = false;
  }

  /** Place behind the completion that begins at place `at`: all but the last end at a multiple of the boundary (2.3.1.1). */
  private cutBehind({ asked, at: start, bytes }: FabricTlp, at: number): number {
    const { maxPayloadBytes, readCompletionBoundary } = this.timing;
    const address = asked + at - start;
    const reach = address - (address % 4) + maxPayloadBytes;
    const end = asked + bytes;
    const cut = end <= reach ? end : reach - (reach % readCompletionBoundary);
    return cut - asked + start;
  }

  private read({ request, completer, bar, offset }: ArrivedRequest): Uint8Array {
    const { bytes } = request;
    const value = new Uint8Array(bytes);
    if (completer === 'memory') {
      for (let i = 0; i < bytes; i++) value[i] = this.memory!.read(offset + i, 1);
    } else {
      readBar(completer.bar(bar), offset, value);
    }
    return value;
  }

  private write({ request, completer, bar, offset }: ArrivedRequest): void {
    const { at, bytes, transfer } = request;
    const { data } = transfer;
    if (completer === 'memory') {
      for (let i = 0; i < bytes; i++) this.memory!.write(offset + i, 1, data[at + i]);
    } else {
      writeBar(completer.bar(bar), offset, data, at, bytes);
    }
  }
}

/** Fills `value` with what a BAR holds from `offset` on. */
function readBar(target: BarTarget, offset: number, value: Uint8Array): void {
  for (let at = 0; at < value.length; ) {
    const first = (offset + at) % 4;
    const count = Math.min(4 - first, value.length - at);
    const word = target.read32(offset + at - first, count);
    for (let i = 0; i < count; i++) value[at + i] = word >>> (8 * (first + i));
    at += count;
  }
}

/** Writes `bytes` of `data`, from place `start` on, into a BAR. */
function writeBar(target: BarTarget, offset: number, data: Uint8Array, start: number, bytes: number): void {
  for (let at = 0; at < bytes; ) {
    const first = (offset + at) % 4;
    const count = Math.min(4 - first, bytes - at);
    let word = 0;
    for (let i = 0; i < count; i++) word |= data[start + at + i] << (8 * (first + i));
    target.write32(offset + at - first, word >>> 0, ((1 << count) - 1) << first);
    at += count;
  }
}

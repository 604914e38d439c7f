import type { PcieFunction } from '../function.ts';
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
    const value = new Uint8Array(request.bytes);
    forDwords(offset, request.bytes, (dword, first, count, at) => {
      const word =
        completer === 'memory'
          ? readMemory(this.memory!, dword + first, count) * 2 ** (8 * first)
          : completer.bar(bar).read32(dword, count);
      for (let i = 0; i < count; i++) value[at + i] = Math.floor(word / 2 ** (8 * (first + i)));
    });
    return value;
  }

  private write({ request, completer, bar, offset }: ArrivedRequest): void {
    const { data } = request.transfer;
    forDwords(offset, request.bytes, (dword, first, count, at) => {
      for (let i = 0; i < count && completer === 'memory'; i++) {
        this.memory!.write(dword + first + i, 1, data[request.at + at + i]);
      }
      if (completer !== 'memory') writeBar(completer, bar, dword, first, data, request.at + at, count);
    });
  }
}

/** Calls `each` for the double words that `bytes` from `offset` touch: their first byte, how many, and their place. */
function forDwords(
  offset: number,
  bytes: number,
  each: (dword: number, first: number, count: number, at: number) => void,
): void {
  for (let at = 0; at < bytes; ) {
    const first = (offset + at) % 4;
    const count = Math.min(4 - first, bytes - at);
    each(offset + at - first, first, count, at);
    at += count;
  }
}

function readMemory(memory: HostMemory, address: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value += memory.read(address + i, 1) * 2 ** (8 * i);
  return value;
}

function writeBar(
  fn: PcieFunction,
  bar: number,
  dword: number,
  first: number,
  data: Uint8Array,
  at: number,
  count: number,
): void {
  let value = 0;
  for (let i = 0; i < count; i++) value += data[at + i] * 2 ** (8 * (first + i));
  fn.bar(bar).write32(dword, value, ((1 << count) - 1) << first);
}

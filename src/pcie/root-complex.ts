import { assert } from '../base/index.ts';
import type { Component, Scheduler } from '../kernel/index.ts';
import type { RootPort } from './root-port.ts';
import {
  CompletionStatus,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  HEADER_3DW_BYTES,
  memoryHeaderBytes,
  TlpKind,
} from './tlp.ts';
import type { TlpPool } from './tlp-pool.ts';

/** Functions on bus 0, which answer without a link. */
export interface LocalFunctions {
  /** Unsigned; -1 where there is no such function. */
  configRead(routingId: number, offset: number, bytes: number): number;
  /** False where there is no such function. */
  configWrite(routingId: number, offset: number, bytes: number, value: number): boolean;
}

/** Which root port a request of software's goes to. */
export interface Routing {
  /** Port by bus number, or null. */
  portOfBus(bus: number): RootPort | null;
  /** Port by memory address, or null. */
  portOfAddress(address: number): RootPort | null;
}

/** A completion that has arrived and whose row its waiter gives back. */
const ARRIVED = -2;
const AWAITED = -3;
/** All ones: what a read returns that nobody answers. */
const ALL_ONES: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

/**
 * The processors' side of the root complex: configuration cycles (ECAM) and register accesses.
 *
 * Writes to memory space are posted: the call returns, the write travels. Everything else waits for its completion: the call
 * runs the machine until it is there. Nobody answering is no error here: reads return all ones, as in hardware.
 */
export class RootComplex implements Component {
  readonly name: string;
  configCycles = 0;
  mmioReads = 0;
  mmioWrites = 0;
  /** Requests that completed with Unsupported Request, or that went nowhere. */
  unanswered = 0;

  readonly #scheduler: Scheduler;
  readonly #tlps: TlpPool;
  readonly #local: LocalFunctions;
  readonly #routing: Routing;
  readonly #outboundPs: number;

  /** @param outboundPs from a processor's store or load to the root port's transmit queue, in ps. */
  constructor(
    name: string,
    scheduler: Scheduler,
    tlps: TlpPool,
    local: LocalFunctions,
    routing: Routing,
    outboundPs: number,
  ) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#tlps = tlps;
    this.#local = local;
    this.#routing = routing;
    this.#outboundPs = outboundPs;
  }

  /** A configuration read of 1, 2 or 4 bytes; all ones where nobody answers. */
  configRead(routingId: number, offset: number, bytes: number): number {
    this.configCycles++;
    const bus = routingId >> 8;
    let value: number;
    if (bus === 0) value = this.#local.configRead(routingId, offset, bytes);
    else value = this.#configCycle(TlpKind.CONFIG_READ, routingId, offset, bytes, 0);
    if (value >= 0) return value;
    this.unanswered++;
    return ALL_ONES[bytes];
  }

  /** A configuration write of 1, 2 or 4 bytes. */
  configWrite(routingId: number, offset: number, bytes: number, value: number): void {
    this.configCycles++;
    const bus = routingId >> 8;
    if (bus !== 0) this.#configCycle(TlpKind.CONFIG_WRITE, routingId, offset, bytes, value);
    else if (!this.#local.configWrite(routingId, offset, bytes, value)) this.unanswered++;
  }

  /** A posted write of one double word to memory space. */
  write32(address: number, value: number): void {
    this.mmioWrites++;
    const port = this.#routing.portOfAddress(address);
    if (port === null) {
      this.unanswered++;
      return;
    }
    const tlps = this.#tlps;
    const row = this.#request(TlpKind.MEMORY_WRITE, address, 4);
    tlps.linkBytes[row] = DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(address) + 4;
    tlps.dataCredits[row] = 1;
    tlps.data[row] = value;
    tlps.byteEnables[row] = 0xf;
    tlps.client[row] = -1;
    port.sendDown(row);
  }

  /** Reads 1, 2 or 4 bytes of memory space, within a double word; all ones where nobody answers. */
  read(address: number, bytes: number): number {
    this.mmioReads++;
    const port = this.#routing.portOfAddress(address);
    if (port === null) {
      this.unanswered++;
      return ALL_ONES[bytes];
    }
    const tlps = this.#tlps;
    const row = this.#request(TlpKind.MEMORY_READ, address, bytes);
    tlps.linkBytes[row] = DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(address);
    tlps.dataCredits[row] = 0;
    const value = this.#await(port, row);
    if (value >= 0) return value;
    this.unanswered++;
    return ALL_ONES[bytes];
  }

  /** A completion has arrived at a root port. */
  readonly onCompletion = (tlp: number): void => {
    assert(this.#tlps.client[tlp] === AWAITED, 'a completion arrived that nobody waits for');
    this.#tlps.client[tlp] = ARRIVED;
  };

  reset(): void {
    this.configCycles = this.mmioReads = this.mmioWrites = this.unanswered = 0;
  }

  counters(): Record<string, number> {
    const { configCycles, mmioReads, mmioWrites, unanswered } = this;
    return { configCycles, mmioReads, mmioWrites, unanswered };
  }

  #configCycle(kind: TlpKind, routingId: number, offset: number, bytes: number, value: number): number {
    const port = this.#routing.portOfBus(routingId >> 8);
    if (port === null) return -1;
    const tlps = this.#tlps;
    const row = this.#request(kind, offset, bytes);
    const isWrite = kind === TlpKind.CONFIG_WRITE;
    tlps.linkBytes[row] = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES + (isWrite ? 4 : 0);
    tlps.dataCredits[row] = isWrite ? 1 : 0;
    tlps.target[row] = routingId;
    tlps.data[row] = value;
    tlps.byteEnables[row] = bytes;
    const result = this.#await(port, row);
    if (isWrite && result < 0) this.unanswered++;
    return result;
  }

  #request(kind: TlpKind, address: number, bytes: number): number {
    const tlps = this.#tlps;
    const row = tlps.take();
    tlps.kind[row] = kind;
    tlps.flowClass[row] = kind === TlpKind.MEMORY_WRITE ? FlowClass.POSTED : FlowClass.NON_POSTED;
    tlps.requester[row] = 0;
    tlps.address[row] = address;
    tlps.bytes[row] = bytes;
    tlps.count[row] = 1;
    tlps.extraPs[row] = this.#outboundPs;
    tlps.store[row] = -1;
    tlps.client[row] = AWAITED;
    return row;
  }

  /** Sends a request and runs the machine until its completion is there; -1 for an unsuccessful one. */
  #await(port: RootPort, row: number): number {
    const tlps = this.#tlps;
    port.sendDown(row);
    while (tlps.client[row] !== ARRIVED) {
      assert(this.#scheduler.step(), 'nothing left to run while software waits for a completion');
    }
    const value = tlps.status[row] === CompletionStatus.SUCCESSFUL ? tlps.data[row] >>> 0 : -1;
    tlps.give(row);
    return value;
  }
}

import { assert } from '../base/index.ts';
import type { Component, Scheduler } from '../kernel/index.ts';
import {
  allOnes,
  CONFIG_RETRY,
  type ConfigAccess,
  type ConfigTarget,
  type ConfigType,
} from './config-access.ts';
import type { RootPort } from './root-port.ts';
import {
  CompletionStatus,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  HEADER_3DW_BYTES,
  memoryHeaderBytes,
  TlpKind,
} from './tlp.ts';
import type { Tlp, TlpPool } from './tlp-pool.ts';

/** Where software's memory requests go. */
export interface Routing {
  /** Port by memory address, or null. */
  portOfAddress(address: number): RootPort | null;
}

/** What a device below a link does when a conventional reset comes down. */
export interface Resettable {
  hotReset(): void;
}

/** A completion that has arrived and whose record its waiter gives back. */
const ARRIVED = -2;
const AWAITED = -3;
/** How long a configuration request is sent again that is answered with a retry: a device has 1 s (6.6.1). */
const RETRY_PS = 1e12;
/** Stores on their way to one root port before a processor has to wait with the next one. */
const STORES = 1024;

/**
 * The processors' side of the root complex: configuration cycles (ECAM) and register accesses.
 *
 * Writes to memory space are posted: the call returns, the write travels. Everything else waits for its
 * completion: the call runs the machine until it is there. Nobody answering is no error here: reads return
 * all ones, as in hardware.
 *
 * @example
 * rootComplex.configRead(0x0100, 0, 4); // 0x10fb8086: vendor and device ID of 01:00.0
 * rootComplex.configRead(0x0107, 0, 4); // 0xffffffff: no such function
 * rootComplex.write32(barAddress + 0x18, 1); // posted: returns while the write travels
 */
export class RootComplex implements Component {
  readonly name: string;
  configCycles = 0;
  mmioReads = 0;
  mmioWrites = 0;
  /** Requests that completed with Unsupported Request, or that went nowhere. */
  unanswered = 0;

  private readonly scheduler: Scheduler;
  private readonly tlps: TlpPool;
  private readonly bus: ConfigAccess;
  private readonly routing: Routing;
  private readonly outboundPs: number;

  /** @param outboundPs from a processor's store or load to the root port's transmit queue, in ps. */
  constructor(
    name: string,
    scheduler: Scheduler,
    tlps: TlpPool,
    bus: ConfigAccess,
    routing: Routing,
    outboundPs: number,
  ) {
    this.name = name;
    this.scheduler = scheduler;
    this.tlps = tlps;
    this.bus = bus;
    this.routing = routing;
    this.outboundPs = outboundPs;
  }

  /** A configuration read of 1, 2 or 4 bytes; all ones where nobody answers. */
  configRead(routingId: number, offset: number, bytes: number): number {
    this.configCycles++;
    return this.bus.read(routingId, offset, bytes);
  }

  /** A configuration write of 1, 2 or 4 bytes. */
  configWrite(routingId: number, offset: number, bytes: number, value: number): void {
    this.configCycles++;
    this.bus.write(routingId, offset, bytes, value);
  }

  /** Configuration requests for what is below a link: they travel as TLPs, and software waits for them. */
  configTarget(port: RootPort, device: Resettable): ConfigTarget {
    return {
      configRead: (routingId, offset, bytes, type) =>
        this.configCycle(port, TlpKind.CONFIG_READ, routingId, offset, bytes, 0, type),
      configWrite: (routingId, offset, bytes, value, type) =>
        this.configCycle(port, TlpKind.CONFIG_WRITE, routingId, offset, bytes, value, type) >= 0,
      hotReset: () => device.hotReset(),
    };
  }

  /**
   * A posted write of one double word to memory space. Returns at once, unless so many are on their way that
   * the machine has to run first.
   */
  write32(address: number, value: number): void {
    this.mmioWrites++;
    const port = this.routing.portOfAddress(address);
    if (port === null) {
      this.unanswered++;
      return;
    }
    while (port.requestsWaiting >= STORES) {
      assert(this.scheduler.step(), 'nothing left to run while a store waits for room');
    }
    const tlp = this.request(TlpKind.MEMORY_WRITE, address, 4);
    tlp.linkBytes = DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(address) + 4;
    tlp.dataCredits = 1;
    tlp.data = value | 0;
    tlp.byteEnables = 0xf;
    tlp.client = -1;
    port.sendDown(tlp);
  }

  /** Reads 1, 2 or 4 bytes of memory space, within a double word; all ones where nobody answers. */
  read(address: number, bytes: number): number {
    this.mmioReads++;
    const port = this.routing.portOfAddress(address);
    if (port === null) {
      this.unanswered++;
      return allOnes(bytes);
    }
    const tlp = this.request(TlpKind.MEMORY_READ, address, bytes);
    tlp.linkBytes = DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(address);
    tlp.dataCredits = 0;
    const value = this.await(port, tlp);
    if (value >= 0) return value;
    this.unanswered++;
    return allOnes(bytes);
  }

  /** A completion has arrived at a root port. */
  readonly onCompletion = (tlp: Tlp): void => {
    assert(tlp.client === AWAITED, 'a completion arrived that nobody waits for');
    tlp.client = ARRIVED;
  };

  reset(): void {
    this.configCycles = this.mmioReads = this.mmioWrites = this.unanswered = 0;
  }

  counters(): Record<string, number> {
    const { configCycles, mmioReads, mmioWrites, unanswered } = this;
    return { configCycles, mmioReads, mmioWrites, unanswered };
  }

  private configCycle(
    port: RootPort,
    kind: TlpKind,
    routingId: number,
    offset: number,
    bytes: number,
    value: number,
    type: ConfigType,
  ): number {
    const isWrite = kind === TlpKind.CONFIG_WRITE;
    const giveUp = this.scheduler.now + RETRY_PS;
    let result: number = CONFIG_RETRY;
    // Without CRS Software Visibility a retry is the root complex's own business (2.3.2).
    while (result === CONFIG_RETRY && this.scheduler.now <= giveUp) {
      const tlp = this.request(kind, offset, bytes);
      tlp.linkBytes = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES + (isWrite ? 4 : 0);
      tlp.dataCredits = isWrite ? 1 : 0;
      tlp.target = routingId;
      tlp.configType = type;
      tlp.data = value | 0;
      result = this.await(port, tlp);
    }
    if (result < 0) this.unanswered++;
    return result;
  }

  private request(kind: TlpKind, address: number, bytes: number): Tlp {
    const tlp = this.tlps.take();
    tlp.kind = kind;
    tlp.flowClass = kind === TlpKind.MEMORY_WRITE ? FlowClass.POSTED : FlowClass.NON_POSTED;
    tlp.requester = 0;
    tlp.address = address;
    tlp.bytes = bytes;
    tlp.count = 1;
    tlp.extraPs = this.outboundPs;
    tlp.store = null;
    tlp.client = AWAITED;
    return tlp;
  }

  /** Sends a request and runs the machine until its completion is there; negative for an unsuccessful one. */
  private await(port: RootPort, tlp: Tlp): number {
    port.sendDown(tlp);
    while (tlp.client !== ARRIVED) {
      assert(this.scheduler.step(), 'nothing left to run while software waits for a completion');
    }
    const { status, data } = tlp;
    this.tlps.give(tlp);
    if (status === CompletionStatus.SUCCESSFUL) return data >>> 0;
    return status === CompletionStatus.CONFIG_RETRY ? CONFIG_RETRY : -1;
  }
}

import { SparseMemory, type WordStore, wordStore } from '../../../src/base/index.ts';
import { Probe, Scheduler } from '../../../src/kernel/index.ts';
import {
  type AddressTranslator,
  TRANSLATION_FAULT,
  TRANSLATION_MISS,
  type TranslationClient,
  type TranslationRequest,
} from '../../../src/pcie/address-translator.ts';
import { EndpointPort, NOT_CLAIMED } from '../../../src/pcie/endpoint-port.ts';
import { SWITCH_CREDITS } from '../../../src/pcie/fabric/fabric-options.ts';
import { LinkSwitch } from '../../../src/pcie/fabric/link-switch.ts';
import type { ForwardingTiming } from '../../../src/pcie/fabric/tlp-node.ts';
import { PcieLink } from '../../../src/pcie/link.ts';
import type { LinkOptions } from '../../../src/pcie/link-options.ts';
import { Requester } from '../../../src/pcie/requester.ts';
import type { MemoryRequest, RequesterOptions } from '../../../src/pcie/requester-client.ts';
import { RootPort } from '../../../src/pcie/root-port.ts';
import type { RootPortOptions } from '../../../src/pcie/root-port-options.ts';
import { TlpPool } from '../../../src/pcie/tlp-pool.ts';
import { FLIGHT_PS, INFINITE } from './link-rig.ts';

const PAGE = 4096;

/** No translation at all: addresses are physical. */
export class Identity implements AddressTranslator {
  lookup(_routingId: number, address: number): number {
    return address;
  }

  walk(): void {
    throw new Error('nothing ever misses');
  }
}

/**
 * Moves every page by {@link PagedTranslator.SHIFT}; some lookups miss, and their walks end after a time of
 * their own, so in any order. Pages in `refused` fault.
 */
export class PagedTranslator implements AddressTranslator {
  static readonly SHIFT = 0x4000_0000;
  readonly #scheduler: Scheduler;
  readonly #walkPs: () => number;
  readonly #refused: ReadonlySet<number>;
  readonly #clients: [TranslationClient, number, number][] = [];
  readonly #walked: number;

  /** @param walkPs duration of the walk for the next lookup; 0 for a hit. */
  constructor(scheduler: Scheduler, walkPs: () => number, refused: Iterable<number> = []) {
    this.#scheduler = scheduler;
    this.#walkPs = walkPs;
    this.#refused = new Set(refused);
    this.#walked = scheduler.task('walked', (walk) => {
      const [client, cookie, address] = this.#clients[walk];
      client.translated(cookie, this.translate(address));
    });
  }

  /** Physical address, or the fault. */
  translate(address: number): number {
    if (this.#refused.has(Math.floor(address / PAGE))) return TRANSLATION_FAULT;
    return address + PagedTranslator.SHIFT;
  }

  #missPs = 0;

  lookup(_routingId: number, address: number): number {
    this.#missPs = this.#walkPs();
    return this.#missPs === 0 ? this.translate(address) : TRANSLATION_MISS;
  }

  walk(
    _routingId: number,
    address: number,
    _isWrite: boolean,
    client: TranslationClient,
    cookie: number,
  ): void {
    this.#clients.push([client, cookie, address]);
    this.#scheduler.schedule(this.#missPs, this.#walked, this.#clients.length - 1, 0);
  }
}

/** A request in one piece. */
export function memoryRequest(
  routingId: number,
  address: number,
  bytes: number,
  offset: number,
  client: number,
  cookie: number,
): MemoryRequest {
  const whole = { headBytes: 0, skipBytes: 0, inserts: 0, insert: 0 };
  return { routingId, address, bytes, offset, client, cookie, ...whole };
}

/** A write with bytes left out, or a double word put in. */
export function splicedRequest(
  routingId: number,
  address: number,
  bytes: number,
  offset: number,
  headBytes: number,
  skipBytes: number,
  inserts: boolean,
  insert: number,
  client: number,
  cookie: number,
): MemoryRequest {
  const whole = memoryRequest(routingId, address, bytes, offset, client, cookie);
  return { ...whole, headBytes, skipBytes, inserts: inserts ? 1 : 0, insert };
}

/** A {@link PagedTranslator} that is also asked when a request leaves. */
export class ForeseeingTranslator extends PagedTranslator {
  /** Requests that were translated when they left. */
  foreseen = 0;

  foresee(request: TranslationRequest): boolean {
    const physical = this.lookup(request.requester, request.address);
    if (physical < 0) return false;
    request.address = physical;
    this.foreseen++;
    return true;
  }
}

/** What a {@link DmaRig} is made of, where it is not the usual. */
export interface DmaRigOptions {
  readonly link?: Partial<LinkOptions>;
  readonly requester?: Partial<RequesterOptions>;
  readonly port?: Partial<RootPortOptions>;
  readonly translator?: (scheduler: Scheduler) => AddressTranslator;
  readonly storeBytes?: number;
  /** A switch between the device's link and the root port's, which is like it. */
  readonly through?: ForwardingTiming;
}

/** End of memory behind the root port. */
export const MEMORY_LIMIT = 0x8000_0000;

/** A device's requester, a link, a root port and memory; the test is the requester's client. */
export class DmaRig {
  readonly scheduler = new Scheduler();
  readonly probe = new Probe(this.scheduler);
  readonly tlps = new TlpPool(4096);
  readonly memory = new SparseMemory(2 ** 40);
  readonly link: PcieLink;
  /** The root port's link: the same, or that above the switch. */
  readonly upper: PcieLink;
  readonly requester: Requester;
  readonly port: RootPort;
  readonly store: WordStore;
  /** What the root port has carried out of posted requests, in its order: physical addresses, or message and data. */
  readonly committed: (number | string)[] = [];
  readonly reads: { cookie: number; status: number; timePs: number }[] = [];
  readonly writes: number[] = [];
  /** Called when the requester has room again. */
  onReady: () => void = () => {};
  onRead: (cookie: number, status: number) => void = () => {};
  readonly client: number;

  constructor(options: DmaRigOptions = {}) {
    const { scheduler, probe, tlps } = this;
    this.store = wordStore(new ArrayBuffer(options.storeBytes ?? 1 << 16));
    const link: LinkOptions = {
      rate: { generation: 3, lanes: 8 },
      flightPs: FLIGHT_PS,
      maxPayloadBytes: 256,
      deviceCredits: INFINITE,
      rootCredits: INFINITE,
      ...options.link,
    };
    this.link = new PcieLink('link', scheduler, probe, tlps, link);
    const { through } = options;
    const upper =
      through === undefined
        ? this.link
        : new PcieLink('upper', scheduler, probe, tlps, { ...link, deviceCredits: SWITCH_CREDITS });
    this.upper = upper;
    this.requester = new Requester('requester', this.link.upstream, tlps, this.store, {
      tags: 32,
      maxPayloadBytes: 256,
      maxReadRequestBytes: 512,
      ...options.requester,
    });
    this.port = new RootPort(
      'port',
      scheduler,
      upper,
      tlps,
      this.memory,
      options.translator?.(scheduler) ?? new Identity(),
      {
        message: (_id, address, data) => this.committed.push(`${address.toString(16)}=${data.toString(16)}`),
      },
      {
        memoryReadPs: 100_000,
        maxPayloadBytes: 256,
        readCompletionBoundary: 64,
        isMemory: (address, bytes) => address >= 0 && address + bytes <= MEMORY_LIMIT,
        written: (address) => this.committed.push(address),
        ...options.port,
      },
      () => {},
    );
    this.port.connect(this.requester);
    const nobody = {
      memoryRead: () => NOT_CLAIMED,
      memoryWrite: () => false,
      configRead: () => NOT_CLAIMED,
      configWrite: () => false,
    };
    new EndpointPort('endpoint', scheduler, this.link, tlps, nobody, this.requester, 0);
    if (through !== undefined) new LinkSwitch('switch', scheduler, tlps, upper, this.link, through);
    this.client = this.requester.addClient({
      readDone: (cookie, status) => {
        this.reads.push({ cookie, status, timePs: scheduler.now });
        this.onRead(cookie, status);
      },
      writeDone: (cookie) => this.writes.push(cookie),
      requesterReady: () => this.onReady(),
    });
  }

  /** Bytes of memory. */
  bytes(address: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.memory.read8(address + i));
  }

  /** Every tag and every record is free again. */
  get isIdle(): boolean {
    return this.requester.counters().tagsInUse === 0 && this.tlps.available === this.tlps.capacity;
  }
}

import { checkInteger, lanesOf } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import { ROM_BAR } from './bar.ts';
import type { FunctionContext } from './capabilities/capability.ts';
import { ECAP_SRIOV } from './capabilities/ids.ts';
import { ARI_CAPABLE_HIERARCHY, SRIOV_CONTROL, type SriovCapability } from './capabilities/sriov.ts';
import { CONFIG_RETRY, type ConfigTarget, type ConfigType } from './config-access.ts';
import { endpointLayout } from './endpoint-layout.ts';
import { type DecodeListener, type FunctionProfile, PcieFunction } from './function.ts';
import { ROM_ADDRESS } from './header.ts';
import { busOf, type RoutingId } from './routing-id.ts';
import { SriovControl } from './sriov.ts';

/** What an {@link Endpoint} is made of. */
export interface EndpointOptions {
  /** Default `endpoint`. */
  readonly name?: string;
  /** The functions without VFs, in the order of their function numbers. */
  readonly functions: readonly FunctionProfile[];
  /** Their function numbers, ascending; the first must be 0. Default 0, 1, 2, ... */
  readonly numbers?: readonly number[];
  /** Bus number until the first configuration write says another. Default 0. */
  readonly bus?: number;
}

/**
 * A device at the end of a link: its functions, who of them answers to a Routing ID, and who to an address.
 *
 * @example
 * const endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
 * endpoint.configRead(0x0100, 0, 4); // 0x10fb8086
 * endpoint.configRead(0x0180, 0, 4); // -1: the VFs are not enabled
 */
export class Endpoint implements Component, ConfigTarget, DecodeListener {
  readonly name: string;
  /** The functions that are no VFs, by ascending function number. */
  readonly functions: readonly PcieFunction[];
  /** Says who is not ready; null: all answer at once. */
  readiness: { isReady(fn: PcieFunction): boolean } | null = null;
  /** What the last successful {@link Endpoint.claim} found. */
  hitFunction: PcieFunction | null = null;
  /** BAR number, 6 for the expansion ROM. */
  hitBar = 0;
  /** Bytes from the start of the BAR. */
  hitOffset = 0;
  private readonly byNumber: (PcieFunction | undefined)[] = [];
  private readonly physical: PcieFunction[] = [];
  /** Told when the Routing IDs or addresses that functions answer to may have changed. For a log. */
  watcher: (() => void) | null = null;
  private capturedBus: number;
  private stale = true;
  private memory: Aperture[] = [];
  private io: Aperture[] = [];
  /** Aperture of the last hit, or -1 while apertures overlap and the order decides. */
  private last = 0;
  private configRequests = 0;
  private configUnsupported = 0;

  /** @throws RangeError if a profile is malformed or the function numbers do not ascend from 0. */
  constructor(options: EndpointOptions) {
    this.name = options.name ?? 'endpoint';
    this.capturedBus = checkInteger('bus', options.bus ?? 0, 0, 255);
    checkInteger('number of functions', options.functions.length, 1, 256);
    const numbers = options.numbers ?? options.functions.map((_, i) => i);
    numbers.forEach((number, i) => {
      checkInteger('function number', number, i === 0 ? 0 : numbers[i - 1] + 1, i === 0 ? 0 : 255);
    });
    const sriov = options.functions.map(sriovOf);
    const lowest = sriov.findIndex((capability) => capability !== undefined);
    this.functions = options.functions.map((profile, i) => {
      const context: FunctionContext = {
        virtual: false,
        number: numbers[i],
        nextFunction: numbers[i + 1] ?? 0,
        multiFunction: numbers.length > 1,
        lowest: i === lowest,
      };
      const routingId = (this.capturedBus << 8) | numbers[i];
      const fn = new PcieFunction({ profile, layout: endpointLayout(profile, context), context, routingId });
      this.byNumber[numbers[i]] = fn;
      return fn;
    });
    this.functions.forEach((fn, i) => {
      const capability = sriov[i];
      if (capability !== undefined) {
        this.physical.push(fn);
        fn.sriov = new SriovControl(fn, capability.options, {
          ariCapableHierarchy: () => this.ariCapableHierarchy(),
          ariChanged: () => this.ariChanged(fn),
        });
      }
      fn.decodeListener = this;
    });
    for (const fn of this.functions) fn.refresh();
  }

  /** Bus number, as captured from the last type 0 configuration write (PCIe 3.0 2.2.6.2). */
  get bus(): number {
    return this.capturedBus;
  }

  /** The function with this Routing ID, VFs included, or null. */
  functionAt(routingId: RoutingId): PcieFunction | null {
    if (busOf(routingId) === this.capturedBus) {
      const fn = this.byNumber[routingId & 0xff];
      if (fn !== undefined) return fn;
    }
    for (const pf of this.physical) {
      const vfs = pf.sriov!;
      if (vfs.count === 0) continue;
      const index = vfs.indexOf(routingId);
      if (index >= 0) return vfs.vf(index);
    }
    return null;
  }

  /** All functions that exist, VFs included, by ascending Routing ID. */
  allFunctions(): PcieFunction[] {
    const all = [...this.functions];
    for (const pf of this.physical) {
      for (let i = 0; i < pf.sriov!.count; i++) all.push(pf.sriov!.vf(i));
    }
    return all.sort((a, b) => a.routingId - b.routingId);
  }

  /**
   * A configuration read of 1, 2 or 4 bytes, naturally aligned. Unsigned, or -1 for Unsupported Request: no
   * such function; {@link CONFIG_RETRY} for one that is not ready.
   *
   * @param type of the request; left out: 1 if a VF has just that Routing ID, else 0.
   */
  configRead(routingId: RoutingId, offset: number, bytes: number, type?: ConfigType): number {
    const fn = this.addressed(routingId, type);
    if (fn === null) return -1;
    return this.isReady(fn) ? fn.config.read(offset, bytes) : CONFIG_RETRY;
  }

  /** Whether a configuration request would be answered with Configuration Request Retry Status. */
  configRetry(routingId: RoutingId, type?: ConfigType): boolean {
    if (this.readiness === null) return false;
    const fn = this.holder(routingId, type);
    return fn !== null && !this.isReady(fn);
  }

  /** A configuration write; see {@link Endpoint.configRead}. False for Unsupported Request. */
  configWrite(
    routingId: RoutingId,
    offset: number,
    bytes: number,
    value: number,
    type?: ConfigType,
  ): boolean {
    const fn = this.writable(routingId, type);
    if (fn === null) return false;
    fn.config.write(offset, bytes, value);
    return true;
  }

  /**
   * A configuration write as a TLP has it: the dword at `offset`, and four byte enables. False for
   * Unsupported Request.
   */
  configWriteDword(
    routingId: RoutingId,
    offset: number,
    value: number,
    byteEnables: number,
    type?: ConfigType,
  ): boolean {
    const fn = this.writable(routingId, type);
    if (fn === null) return false;
    fn.config.writeLanes(offset, value, lanesOf(byteEnables));
    return true;
  }

  /**
   * Whether a function answers to this memory address. Says which in `hitFunction`, `hitBar` and `hitOffset`.
   * Of BARs that software has placed over each other the one with the lower address answers.
   */
  claim(address: number): boolean {
    if (this.stale) this.rebuild();
    return this.find(this.memory, address);
  }

  /** As {@link Endpoint.claim}, for I/O addresses. */
  claimIo(address: number): boolean {
    if (this.stale) this.rebuild();
    return this.find(this.io, address);
  }

  decodeChanged(): void {
    this.stale = true;
    this.watcher?.();
  }

  hotReset(): void {
    for (const fn of this.functions) fn.conventionalReset('hot');
  }

  reset(): void {
    for (const fn of this.functions) fn.conventionalReset('cold');
    this.capture(0);
    this.configRequests = 0;
    this.configUnsupported = 0;
  }

  counters(): Readonly<Record<string, number>> {
    return { configRequests: this.configRequests, configUnsupported: this.configUnsupported };
  }

  /** Takes over a bus number, as from a type 0 configuration write. */
  capture(bus: number): void {
    if (bus === this.capturedBus) return;
    this.capturedBus = bus;
    for (const fn of this.functions) fn.renumber((bus << 8) | fn.context.number);
    this.decodeChanged();
  }

  private writable(routingId: RoutingId, type: ConfigType | undefined): PcieFunction | null {
    const fn = this.addressed(routingId, type);
    // A device has the bus number that the last type 0 write was sent to, whichever function it was for.
    if (type !== 1 && busOf(routingId) !== this.capturedBus && !(type === undefined && fn?.isVirtual)) {
      this.capture(busOf(routingId));
    }
    return fn !== null && this.isReady(fn) ? fn : null;
  }

  private isReady(fn: PcieFunction): boolean {
    return this.readiness === null || this.readiness.isReady(fn);
  }

  private addressed(routingId: RoutingId, type: ConfigType | undefined): PcieFunction | null {
    this.configRequests++;
    const fn = this.holder(routingId, type);
    if (fn === null) this.configUnsupported++;
    return fn;
  }

  private holder(routingId: RoutingId, type: ConfigType | undefined): PcieFunction | null {
    if (type === 1) return busOf(routingId) === this.capturedBus ? null : this.functionAt(routingId);
    const fn = type === undefined ? this.functionAt(routingId) : null;
    // A type 0 request says the function number; the bus number in it is the one to be captured.
    return fn ?? this.functionAt((this.capturedBus << 8) | (routingId & 0xff));
  }

  private ariCapableHierarchy(): boolean {
    const pf = this.physical[0];
    const base = pf.findExtendedCapability(ECAP_SRIOV);
    return (pf.config.read16(base + SRIOV_CONTROL) & ARI_CAPABLE_HIERARCHY) !== 0;
  }

  private ariChanged(from: PcieFunction): void {
    for (const pf of this.physical) {
      if (pf !== from) pf.sriov?.decode(pf.findExtendedCapability(ECAP_SRIOV));
    }
  }

  private rebuild(): void {
    this.stale = false;
    this.memory = [];
    this.io = [];
    const add = (to: Aperture[], fn: PcieFunction, bar: number, base: number, bytes: number, vfBytes = 0) =>
      to.push({ base, end: base + bytes, fn, bar, vfScale: vfBytes === 0 ? 0 : 1 / vfBytes, vfBytes });
    for (const fn of this.functions) {
      for (const bar of fn.bars) {
        const isIo = bar.kind === 'io';
        if (!(isIo ? fn.ioEnabled : fn.memoryEnabled)) continue;
        add(isIo ? this.io : this.memory, fn, bar.index, fn.barBase(bar.index), bar.bytes);
      }
      const { romBytes } = fn.profile;
      if (romBytes && fn.memoryEnabled && (fn.config.read32(ROM_ADDRESS) & 1) !== 0) {
        add(this.memory, fn, ROM_BAR, fn.barBase(ROM_BAR), romBytes);
      }
      const vfs = fn.sriov;
      if (vfs === null || !vfs.memoryEnabled || vfs.count === 0) continue;
      for (const bar of vfs.vfBars) {
        const vfBytes = vfs.vfBarBytes(bar.index);
        add(this.memory, fn, bar.index, vfs.vfBarBase(bar.index, 0), vfBytes * vfs.count, vfBytes);
      }
    }
    this.memory.sort((a, b) => a.base - b.base);
    this.io.sort((a, b) => a.base - b.base);
    this.last = overlap(this.memory) || overlap(this.io) ? -1 : 0;
  }

  private find(apertures: readonly Aperture[], address: number): boolean {
    // Accesses come in runs: the aperture of the last hit first. A device has a handful of apertures,
    // whatever VFs it has.
    const count = apertures.length;
    const last = this.last;
    let found = last >= 0 && last < count ? apertures[last] : undefined;
    if (found === undefined || address < found.base || address >= found.end) {
      let i = 0;
      while (i < count && !(address >= apertures[i].base && address < apertures[i].end)) i++;
      if (i === count) return false;
      found = apertures[i];
      if (last >= 0) this.last = i;
    }
    const offset = address - found.base;
    this.hitBar = found.bar;
    if (found.vfBytes === 0) {
      this.hitFunction = found.fn;
      this.hitOffset = offset;
      return true;
    }
    // Exact: the size of a VF's share is a power of two.
    const index = (offset * found.vfScale) | 0;
    this.hitFunction = found.fn.sriov!.vf(index);
    this.hitOffset = offset - index * found.vfBytes;
    return true;
  }
}

/** A range of addresses that a BAR, or the VF BARs of all VFs together, answer to. */
interface Aperture {
  readonly base: number;
  /** First address behind it. */
  readonly end: number;
  /** The function; for a VF BAR its PF. */
  readonly fn: PcieFunction;
  readonly bar: number;
  /** 1 / bytes of one VF's share; 0 for a BAR of the function itself. */
  readonly vfScale: number;
  readonly vfBytes: number;
}

function overlap(sorted: readonly Aperture[]): boolean {
  return sorted.some((aperture, i) => i > 0 && aperture.base < sorted[i - 1].end);
}

/** The SR-IOV capability of a function, if it has one. */
export function sriovOf(profile: FunctionProfile): SriovCapability | undefined {
  return profile.capabilities.find(({ id, extended }) => extended && id === ECAP_SRIOV) as
    | SriovCapability
    | undefined;
}

import { checkInteger, checkPowerOfTwo } from '../base/index.ts';
import { ARI_CAPABILITY } from './capabilities/ari.ts';
import { CAP_PCI_EXPRESS, ECAP_ARI, ECAP_SRIOV } from './capabilities/ids.ts';
import {
  ARI_FORWARDING,
  PCIE_CAPABILITIES,
  PCIE_DEVICE_CAPABILITIES_2,
  PCIE_DEVICE_CONTROL_2,
  PORT_DOWNSTREAM,
  PORT_ROOT,
} from './capabilities/pci-express.ts';
import type { ConfigAccess } from './config-access.ts';
import { placeResources } from './enumerate-resources.ts';
import { probeSriov } from './enumerate-sriov.ts';
import type { EnumeratedFunction, EnumeratedSriov, EnumeratedTree, EnumerateOptions } from './enumerated.ts';
import { BAR0, COMMAND, DEVICE_ID, HEADER_TYPE, MULTI_FUNCTION, VENDOR_ID } from './header.ts';
import { listCapabilities, offsetOf, probeBars } from './probe.ts';
import { formatRoutingId, type RoutingId } from './routing-id.ts';

/**
 * Finds all functions, numbers the buses with room for VFs, places BARs and VF BARs, sets the windows of
 * bridges, and turns on memory space and bus mastering: what firmware and operating system do before a driver
 * starts.
 *
 * @throws RangeError if an option is out of range.
 * @example
 * const tree = enumerate(root, { memory32: { base: 0xe0000000, bytes: 0x10000000 } });
 * const [nic] = findFunctions(tree, 0x8086, 0x10fb);
 * enableVfs(root, nic, 4, { wait: () => {} }); // [0x0180, 0x0182, 0x0184, 0x0186]
 */
export function enumerate(access: ConfigAccess, options: EnumerateOptions): EnumeratedTree {
  const bus = checkInteger('bus', options.bus ?? 0, 0, 255);
  checkInteger('lastBus', options.lastBus ?? 255, bus, 255);
  checkPowerOfTwo('pageBytes', options.pageBytes ?? 4096, 4096, 2 ** 22);
  const scan = new Scan(access, options);
  const functions = scan.bus(bus, null);
  const tree = { bus, functions, problems: scan.problems };
  for (const fn of functions) fn.lastBus = Math.max(bus, scan.reserved.get(bus) ?? bus);
  placeResources(access, tree, options);
  return tree;
}

/** One walk over the hierarchy. */
class Scan {
  readonly problems: string[] = [];
  /** By bus: the highest bus that VFs of functions on it need. */
  readonly reserved = new Map<number, number>();
  private readonly access: ConfigAccess;
  private readonly options: EnumerateOptions;
  private readonly lastBus: number;
  private next: number;

  constructor(access: ConfigAccess, options: EnumerateOptions) {
    this.access = access;
    this.options = options;
    this.lastBus = options.lastBus ?? 255;
    this.next = (options.bus ?? 0) + 1;
  }

  /** Scans `bus`, which is below `parent`. */
  bus(bus: number, parent: EnumeratedFunction | null): EnumeratedFunction[] {
    const found: EnumeratedFunction[] = [];
    const port = parent !== null && leadsToLink(this.access, parent) ? parent : null;
    // A link has one device at its lower end, with device number 0.
    for (let device = 0; device < (port === null ? 32 : 1); device++) {
      this.device((bus << 8) | (device << 3), port, found);
    }
    this.reserveForVfs(bus, found);
    for (const fn of found) if (fn.isBridge) this.bridge(fn, bus);
    return found;
  }

  /** @param port at the upper end of its link, or null if there is no link. */
  private device(first: RoutingId, port: EnumeratedFunction | null, found: EnumeratedFunction[]): void {
    const access = this.access;
    if (access.read(first, VENDOR_ID, 2) === 0xffff) return;
    const isMulti = (access.read(first, HEADER_TYPE, 1) & MULTI_FUNCTION) !== 0;
    const ari = port !== null && this.ariForwarding(first, port);
    const lastFunction = ari || port === null ? 255 : 7;
    this.function(first, ari, lastFunction, found);
    if (ari) {
      // Function numbers ascend along the links; anything else ends the walk.
      let number = 0;
      let next = this.nextFunction(first);
      while (next > number) {
        number = next;
        const routingId = (first & 0xff00) | number;
        if (access.read(routingId, VENDOR_ID, 2) === 0xffff) return;
        this.function(routingId, ari, lastFunction, found);
        next = this.nextFunction(routingId);
      }
      return;
    }
    for (let number = 1; isMulti && number < 8; number++) {
      if (access.read(first | number, VENDOR_ID, 2) !== 0xffff)
        this.function(first | number, ari, lastFunction, found);
    }
  }

  private function(
    routingId: RoutingId,
    ari: boolean,
    lastFunction: number,
    found: EnumeratedFunction[],
  ): void {
    const access = this.access;
    const isBridge = (access.read(routingId, HEADER_TYPE, 1) & 0x7f) === 1;
    const command = access.read(routingId, COMMAND, 2);
    // A BAR that is being sized must not answer.
    access.write(routingId, COMMAND, 2, command & ~7);
    const capabilities = listCapabilities(access, routingId);
    const isFirstPf = !found.some((fn) => fn.sriov !== undefined);
    const sriovAt = offsetOf(capabilities, ECAP_SRIOV, true);
    let sriov: EnumeratedSriov | undefined;
    if (sriovAt !== 0) {
      const result = probeSriov(access, routingId, sriovAt, {
        ari: ari && isFirstPf,
        lastFunction,
        pageBytes: this.options.pageBytes ?? 4096,
        wait: this.options.wait,
      });
      if (typeof result === 'string') this.problems.push(`${formatRoutingId(routingId)}: ${result}`);
      else {
        sriov = result;
        const { totalVfs, reachableVfs } = result;
        if (reachableVfs < totalVfs)
          this.problems.push(
            `${formatRoutingId(routingId)}: VFs from ${reachableVfs} on need ARI forwarding`,
          );
      }
    }
    found.push({
      routingId,
      name: formatRoutingId(routingId),
      vendor: access.read(routingId, VENDOR_ID, 2),
      device: access.read(routingId, DEVICE_ID, 2),
      classCode: access.read(routingId, 0x08, 4) >>> 8,
      isBridge,
      bars: probeBars(access, routingId, BAR0, isBridge ? 2 : 6),
      capabilities,
      ...(sriov === undefined ? {} : { sriov }),
      lastBus: routingId >> 8,
      children: [],
    });
  }

  /** Turns ARI forwarding on in `port` if it and the device below can, and off if the device cannot. */
  private ariForwarding(routingId: RoutingId, port: EnumeratedFunction): boolean {
    const express = expressOf(port);
    const access = this.access;
    const supported = access.read(port.routingId, express + PCIE_DEVICE_CAPABILITIES_2, 4);
    if ((supported & ARI_FORWARDING) === 0) return false;
    const hasAri = offsetOf(listCapabilities(access, routingId), ECAP_ARI, true) !== 0;
    const on = hasAri && (this.options.ari ?? true);
    const control = access.read(port.routingId, express + PCIE_DEVICE_CONTROL_2, 2);
    const wanted = on ? control | ARI_FORWARDING : control & ~ARI_FORWARDING;
    if (wanted !== control) access.write(port.routingId, express + PCIE_DEVICE_CONTROL_2, 2, wanted);
    return on;
  }

  private nextFunction(routingId: RoutingId): number {
    const at = offsetOf(listCapabilities(this.access, routingId), ECAP_ARI, true);
    return at === 0 ? 0 : this.access.read(routingId, at + ARI_CAPABILITY, 2) >> 8;
  }

  /** VFs may be on the buses right behind that of their PF: those must not be given to a bridge. */
  private reserveForVfs(bus: number, found: readonly EnumeratedFunction[]): void {
    let last = bus;
    for (const fn of found) if (fn.sriov !== undefined) last = Math.max(last, fn.sriov.lastVfBus);
    if (last > this.lastBus) {
      this.problems.push(`bus ${bus}: VFs need buses up to ${last}, the last one is ${this.lastBus}`);
      last = this.lastBus;
    }
    this.reserved.set(bus, last);
    this.next = Math.max(this.next, last + 1);
  }

  private bridge(fn: EnumeratedFunction, primary: number): void {
    if (this.next > this.lastBus) {
      this.problems.push(`${fn.name}: no bus number is left for what is below it`);
      return;
    }
    const secondary = this.next++;
    fn.secondaryBus = secondary;
    // Everything above may still be found below this bridge.
    const numbers = (subordinate: number) => primary | (secondary << 8) | (subordinate << 16);
    const latency = this.access.read(fn.routingId, 0x18, 4) & 0xff000000;
    this.access.write(fn.routingId, 0x18, 4, (latency | numbers(this.lastBus)) >>> 0);
    fn.children.push(...this.bus(secondary, fn));
    fn.subordinateBus = this.next - 1;
    this.access.write(fn.routingId, 0x18, 4, (latency | numbers(fn.subordinateBus)) >>> 0);
    for (const child of fn.children) child.lastBus = fn.subordinateBus;
  }
}

function expressOf(fn: EnumeratedFunction): number {
  return offsetOf(fn.capabilities, CAP_PCI_EXPRESS, false);
}

function leadsToLink(access: ConfigAccess, bridge: EnumeratedFunction): boolean {
  const express = expressOf(bridge);
  if (express === 0) return false;
  const portType = (access.read(bridge.routingId, express + PCIE_CAPABILITIES, 2) >> 4) & 15;
  return portType === PORT_ROOT || portType === PORT_DOWNSTREAM;
}

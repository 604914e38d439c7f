import { checkBoolean, checkKeys } from '../../base/index.ts';
import type { BridgePort } from '../bridge.ts';
import { Endpoint } from '../endpoint.ts';
import type { PcieFunction } from '../function.ts';
import { PcieSwitch } from './switch.ts';

/** What can be connected to a port. */
export type HierarchyDevice = Endpoint | PcieSwitch;

/** How a device behaves among its own functions. */
export interface ConnectOptions {
  /**
   * Requests of one function for another one of the same endpoint stay in the device, by its functions' access control
   * services (PCIe 3.0 6.12.1.2). Default false: they leave upstream as any other.
   */
  readonly peerToPeer?: boolean;
}

/** Who is connected to whom. */
export class HierarchyStructure {
  readonly rootPorts: readonly BridgePort[];
  private readonly switchOf = new Map<BridgePort, PcieSwitch>();
  private readonly below = new Map<BridgePort, HierarchyDevice>();
  private readonly above = new Map<HierarchyDevice, BridgePort>();
  private readonly endpointOf = new Map<PcieFunction, Endpoint>();
  private readonly internal = new Set<Endpoint>();

  constructor(rootPorts: readonly BridgePort[]) {
    this.rootPorts = rootPorts;
  }

  /**
   * Connects a device to a root port, or to a downstream port of a switch that is connected already.
   *
   * @throws RangeError if the port is not of this hierarchy or is taken, or the device is connected already.
   */
  connect(port: BridgePort, device: HierarchyDevice, options: ConnectOptions): void {
    const { peerToPeer = false } = checkKeys<ConnectOptions>('options', options, { peerToPeer: true });
    checkBoolean('peerToPeer', peerToPeer);
    if (!this.rootPorts.includes(port) && !this.switchOf.has(port)) {
      throw new RangeError('port must be a root port or a downstream port of a connected switch');
    }
    if (this.below.has(port)) throw new RangeError(`port must be free, ${port.function.name} is not`);
    if (this.above.has(device)) throw new RangeError('device must not be connected twice');
    port.downstream = device;
    this.below.set(port, device);
    this.above.set(device, port);
    if (device instanceof PcieSwitch) {
      for (const each of device.downstream) this.switchOf.set(each, device);
      return;
    }
    for (const fn of device.functions) this.endpointOf.set(fn, device);
    if (peerToPeer) this.internal.add(device);
  }

  /** The device at the lower end of a port's link. */
  deviceBelow(port: BridgePort): HierarchyDevice | null {
    return this.below.get(port) ?? null;
  }

  /** The port at the upper end of a device's link. */
  portAbove(device: HierarchyDevice): BridgePort {
    return this.above.get(device)!;
  }

  /** The switch that a port is a downstream port of, or null for a root port. */
  switchWith(port: BridgePort): PcieSwitch | null {
    return this.switchOf.get(port) ?? null;
  }

  /**
   * The endpoint that a function, PF or VF, is part of.
   *
   * @throws RangeError if it is not of this hierarchy.
   */
  endpointWith(fn: PcieFunction): Endpoint {
    const endpoint = this.endpointOf.get(fn.physical ?? fn);
    if (endpoint === undefined) {
      throw new RangeError(`${fn.name} must be a function of an endpoint of this hierarchy`);
    }
    return endpoint;
  }

  /** Whether requests between functions stay within the endpoint. */
  hasPeerToPeer(endpoint: Endpoint): boolean {
    return this.internal.has(endpoint);
  }

  /** All functions that exist, ports and VFs included: a port is followed by what is below it. */
  *functions(): Generator<PcieFunction> {
    yield* this.functionsBehind(this.rootPorts);
  }

  private *functionsBehind(ports: readonly BridgePort[]): Generator<PcieFunction> {
    for (const port of ports) {
      yield port.function;
      const device = this.deviceBelow(port);
      if (device instanceof Endpoint) yield* device.allFunctions();
      else if (device !== null) {
        yield device.upstream.function;
        yield* this.functionsBehind(device.downstream);
      }
    }
  }
}

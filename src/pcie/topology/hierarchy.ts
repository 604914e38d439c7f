import { checkBoolean, checkInteger, checkKeys, checkOneOf } from '../../base/index.ts';
import type { BridgePort } from '../bridge.ts';
import { PORT_ROOT } from '../capabilities/pci-express.ts';
import type { ConfigAccess } from '../config-access.ts';
import type { PcieFunction } from '../function.ts';
import { RootBus } from '../root-bus.ts';
import type { InterruptTarget } from '../root-port-options.ts';
import type { RoutingId } from '../routing-id.ts';
import { ErrorMessages } from './error-messages.ts';
import { Journey } from './journey.ts';
import { makePorts, type PortOptions } from './ports.ts';
import type { HierarchyOutcome, HierarchyRequest } from './request.ts';
import type { HostMemory, RootComplexServices, UntimedTranslator } from './request-routing.ts';
import { type ConnectOptions, type HierarchyDevice, HierarchyStructure } from './structure.ts';

/** What a {@link PcieHierarchy} is made of. */
export interface HierarchyOptions {
  /** Number of the root bus. Default 0. */
  readonly bus?: number;
  /** The root ports; the first has device number 1. */
  readonly rootPorts: readonly PortOptions[];
  /** Address of the configuration space of the root bus, a multiple of 1 MiB; each bus takes 1 MiB. Default: no ECAM. */
  readonly ecamBase?: number;
  /** Translates the addresses of requests that come up. Default: they are physical addresses. */
  readonly translator?: UntimedTranslator;
  /** What is behind addresses that no port has. Default: nothing. */
  readonly memory?: HostMemory;
  /** Gets the interrupts of root ports that error messages have come to. Default: they are lost. */
  readonly interrupts?: InterruptTarget;
  /** The root complex lets requests from one root port out of another. Default true. */
  readonly peerToPeer?: boolean;
}

const OPTIONS: Readonly<Record<keyof HierarchyOptions, true>> = {
  bus: true,
  rootPorts: true,
  ecamBase: true,
  translator: true,
  memory: true,
  interrupts: true,
  peerToPeer: true,
};

const REQUEST: Readonly<Record<keyof HierarchyRequest, true>> = {
  from: true,
  requester: true,
  kind: true,
  address: true,
  bytes: true,
  value: true,
  addressType: true,
  relaxedOrdering: true,
};

const NOBODY: InterruptTarget = { message() {} };
const BYTES_PER_BUS = 2 ** 20;
const ACCESS_BYTES = [1, 2, 4] as const;

/**
 * A PCI Express hierarchy without time: a root complex with its root ports, switches, and endpoints with PFs and VFs.
 * Configuration requests, memory requests and completions take the ways that the registers of the ports prescribe, with
 * their access control services.
 *
 * @example
 * const hierarchy = new PcieHierarchy({ rootPorts: [{}] });
 * const pcieSwitch = new PcieSwitch({ ports: [{}, {}] });
 * const cards = [0, 1].map(() => new Endpoint({ functions: intel82599Config() }));
 * hierarchy.connect(hierarchy.rootPorts[0], pcieSwitch);
 * cards.forEach((card, i) => hierarchy.connect(pcieSwitch.downstream[i], card));
 * const tree = enumerate(hierarchy, { memory32: { base: 0xe0000000, bytes: 0x10000000 } });
 * const [from, to] = cards.map((card) => card.functions[0]);
 * hierarchy.request({ from, kind: 'write', address: to.barBase(0), value: 1 }).throughRootComplex; // false
 */
export class PcieHierarchy implements ConfigAccess {
  readonly rootPorts: readonly BridgePort[];
  private readonly root: RootBus;
  /** @internal */
  readonly structure: HierarchyStructure;
  /** @internal */
  readonly services: RootComplexServices;
  private readonly options: HierarchyOptions;
  private readonly messages: ErrorMessages;

  /** @throws TypeError for an option that there is not; RangeError if two root ports have one number, or one is out of range. */
  constructor(options: HierarchyOptions) {
    this.options = checkKeys<HierarchyOptions>('options', options, OPTIONS);
    if (options.peerToPeer !== undefined) checkBoolean('peerToPeer', options.peerToPeer);
    this.root = new RootBus(options.bus);
    if (options.ecamBase !== undefined) {
      checkInteger('ecamBase / 1 MiB', options.ecamBase / BYTES_PER_BUS, 0, 2 ** 32 - 256);
    }
    const title = 'PCI bridge: PCI Express root port';
    this.rootPorts = makePorts(options.rootPorts, PORT_ROOT, this.root.bus, 1, title);
    for (const port of this.rootPorts) this.root.attach(port);
    this.structure = new HierarchyStructure(this.rootPorts);
    const { translator = null, memory = null, peerToPeer = true } = options;
    this.services = { translator, memory, peerToPeer };
    this.messages = new ErrorMessages(this.structure, options.interrupts ?? NOBODY);
  }

  /**
   * Connects an endpoint or a switch to a port's link.
   *
   * @param port a root port, or a downstream port of a switch that is connected already.
   * @throws RangeError if the port is not of this hierarchy or is taken, or the device is connected already.
   */
  connect(port: BridgePort, device: HierarchyDevice, options: ConnectOptions = {}): void {
    this.structure.connect(port, device, options);
    this.messages.connect(device);
  }

  /** A configuration read of 1, 2 or 4 bytes, naturally aligned; all ones where nobody answers. */
  read(routingId: RoutingId, offset: number, bytes: number): number {
    return this.root.read(routingId, offset, bytes);
  }

  /** A configuration write of 1, 2 or 4 bytes, naturally aligned. */
  write(routingId: RoutingId, offset: number, bytes: number, value: number): void {
    this.root.write(routingId, offset, bytes, value);
  }

  /**
   * A processor's load of 1, 2 or 4 bytes: of ECAM, of a BAR or of memory. All ones where nobody answers.
   *
   * @throws RangeError if the address is not naturally aligned.
   */
  load(address: number, bytes: 1 | 2 | 4 = 4): number {
    checkAccess(address, bytes);
    const at = this.ecamOffset(address);
    if (at >= 0) return this.read(this.ecamFunction(at), at % 4096, bytes);
    return this.request({ from: null, kind: 'read', address, bytes }).value;
  }

  /**
   * A processor's store of 1, 2 or 4 bytes.
   *
   * @throws RangeError if the address is not naturally aligned.
   */
  store(address: number, value: number, bytes: 1 | 2 | 4 = 4): void {
    checkAccess(address, bytes);
    const at = this.ecamOffset(address);
    if (at >= 0) this.write(this.ecamFunction(at), at % 4096, bytes, value);
    else this.request({ from: null, kind: 'write', address, bytes, value });
  }

  /**
   * Sends a memory request, and the completion of a read back; says what became of it, and by which way. Errors are noted
   * in the registers of those who find them.
   *
   * @throws TypeError for a field that there is not; RangeError if the address is not naturally aligned, or the function is not
   * of this hierarchy.
   */
  request(request: HierarchyRequest): HierarchyOutcome {
    checkKeys<HierarchyRequest>('request', request, REQUEST);
    checkOneOf('kind', request.kind, ['read', 'write']);
    checkAccess(request.address, request.bytes ?? 4);
    if (request.requester !== undefined) checkInteger('requester', request.requester, 0, 0xffff);
    checkInteger('addressType', request.addressType ?? 0, 0, 2);
    return new Journey(this.structure, this.services, request).run();
  }

  /** All functions that exist, ports and VFs included, by ascending Routing ID. */
  functions(): PcieFunction[] {
    return [...this.structure.functions()].sort((a, b) => a.routingId - b.routingId);
  }

  private ecamOffset(address: number): number {
    const { ecamBase } = this.options;
    if (ecamBase === undefined) return -1;
    const offset = address - ecamBase;
    return offset < (256 - this.root.bus) * BYTES_PER_BUS ? offset : -1;
  }

  /** Bits 27:20 of an ECAM address are the bus, 19:12 device and function (PCIe 3.0 7.2.2). */
  private ecamFunction(offset: number): RoutingId {
    return (this.root.bus << 8) + Math.floor(offset / 4096);
  }
}

function checkAccess(address: number, bytes: number): void {
  checkOneOf('bytes', bytes, ACCESS_BYTES);
  if (!(Number.isSafeInteger(address) && address >= 0 && address % bytes === 0)) {
    throw new RangeError(`address must be a multiple of ${bytes} from 0, got ${address}`);
  }
}

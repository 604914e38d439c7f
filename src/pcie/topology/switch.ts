import { checkKeys } from '../../base/index.ts';
import { BridgePort } from '../bridge.ts';
import { PORT_DOWNSTREAM, PORT_UPSTREAM } from '../capabilities/pci-express.ts';
import type { ConfigTarget, ConfigType } from '../config-access.ts';
import type { FunctionIdentity } from '../header.ts';
import { LogicalBus } from '../root-bus.ts';
import { makePorts, type PortOptions } from './ports.ts';

/** What a {@link PcieSwitch} is made of. */
export interface PcieSwitchOptions {
  /** Its downstream ports; the first has device number 0. */
  readonly ports: readonly PortOptions[];
  readonly title?: string;
  readonly identity?: Partial<FunctionIdentity>;
  /** Its upstream port, where it differs from the others. */
  readonly upstream?: Pick<
    PortOptions,
    'linkCapabilities' | 'linkCapabilities2' | 'linkStatus' | 'deviceCapabilities'
  >;
}

const OPTIONS: Readonly<Record<keyof PcieSwitchOptions, true>> = {
  ports: true,
  title: true,
  identity: true,
  upstream: true,
};

/**
 * A PCI Express switch: an upstream port, a bus inside, and downstream ports on it, each with a type 1 configuration
 * space (PCIe 3.0 1.3.3).
 *
 * @example
 * const pcieSwitch = new PcieSwitch({ ports: [{}, {}, { acs: null }] });
 * hierarchy.connect(hierarchy.rootPorts[0], pcieSwitch);
 * hierarchy.connect(pcieSwitch.downstream[0], new Endpoint({ functions: intel82599Config() }));
 */
export class PcieSwitch implements ConfigTarget {
  readonly upstream: BridgePort;
  readonly downstream: readonly BridgePort[];

  /** @throws TypeError for an option that there is not; RangeError if two ports have one number, or one is out of range. */
  constructor(options: PcieSwitchOptions) {
    checkKeys<PcieSwitchOptions>('options', options, OPTIONS);
    const title = options.title ?? 'PCI bridge: PCI Express switch';
    const { identity } = options;
    this.upstream = new BridgePort({
      ...options.upstream,
      routingId: 0,
      portType: PORT_UPSTREAM,
      title,
      identity,
    });
    const ports = options.ports.map((port) => ({ ...port, identity: { ...identity, ...port.identity } }));
    this.downstream = makePorts(ports, PORT_DOWNSTREAM, 0, 0, title);
    const inside = new LogicalBus();
    for (const port of this.downstream) inside.attach(port);
    this.upstream.downstream = inside;
  }

  configRead(routingId: number, offset: number, bytes: number, type: ConfigType): number {
    return this.upstream.configRead(routingId, offset, bytes, type);
  }

  configWrite(routingId: number, offset: number, bytes: number, value: number, type: ConfigType): boolean {
    return this.upstream.configWrite(routingId, offset, bytes, value, type);
  }

  hotReset(): void {
    this.upstream.hotReset();
  }
}

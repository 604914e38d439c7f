import { checkInteger } from '../base/index.ts';
import type { BridgePort } from './bridge.ts';
import { allOnes, type ConfigAccess, type ConfigTarget, type ConfigType } from './config-access.ts';
import { busOf, type RoutingId } from './routing-id.ts';

/**
 * A bus without a link: ports side by side, as on the root bus and inside a switch. Configuration requests
 * are answered at once; a timed machine sends them over its links instead.
 */
export class LogicalBus implements ConfigTarget {
  readonly ports: BridgePort[] = [];

  /** @throws RangeError if a port has that device and function number already. */
  attach(port: BridgePort): void {
    const number = port.function.routingId & 0xff;
    if (this.port(number) !== undefined) {
      throw new RangeError(`there is a port at ${port.function.name} already`);
    }
    this.ports.push(port);
  }

  configRead(routingId: RoutingId, offset: number, bytes: number, type: ConfigType): number {
    const port = this.addressed(routingId, type);
    return port === undefined ? -1 : port.configRead(routingId, offset, bytes, type);
  }

  configWrite(routingId: RoutingId, offset: number, bytes: number, value: number, type: ConfigType): boolean {
    return this.addressed(routingId, type)?.configWrite(routingId, offset, bytes, value, type) ?? false;
  }

  hotReset(): void {
    for (const port of this.ports) port.hotReset();
  }

  private addressed(routingId: RoutingId, type: ConfigType): BridgePort | undefined {
    if (type === 0) return this.port(routingId & 0xff);
    const bus = busOf(routingId);
    for (const port of this.ports) if (port.covers(bus)) return port;
    return undefined;
  }

  private port(number: number): BridgePort | undefined {
    for (const port of this.ports) if ((port.function.routingId & 0xff) === number) return port;
    return undefined;
  }
}

/**
 * The root bus of a hierarchy, with untimed configuration access to everything below it.
 *
 * @example
 * const root = new RootBus();
 * const port = new BridgePort({ routingId: 0x0008 });
 * port.downstream = new Endpoint({ functions: intel82599Config() });
 * root.attach(port);
 * const tree = enumerate(root, { memory32: { base: 0xe0000000, bytes: 0x10000000 } });
 */
export class RootBus extends LogicalBus implements ConfigAccess {
  readonly bus: number;

  /** @param bus number of the root bus. */
  constructor(bus = 0) {
    super();
    this.bus = checkInteger('bus', bus, 0, 255);
  }

  read(routingId: RoutingId, offset: number, bytes: number): number {
    const value = this.configRead(routingId, offset, bytes, busOf(routingId) === this.bus ? 0 : 1);
    return value < 0 ? allOnes(bytes) : value;
  }

  write(routingId: RoutingId, offset: number, bytes: number, value: number): void {
    this.configWrite(routingId, offset, bytes, value, busOf(routingId) === this.bus ? 0 : 1);
  }
}

import { checkBoolean, checkInteger, checkKeys } from '../../base/index.ts';
import { BridgePort } from '../bridge.ts';
import { type AcsOptions, acs } from '../capabilities/acs.ts';
import type { FunctionIdentity } from '../header.ts';

/** A root port, or a downstream port of a switch. */
export interface PortOptions {
  /** Device number, 0 to 31. Default: one behind the port before. */
  readonly device?: number;
  /** Function number, 0 to 7. Default 0. */
  readonly fn?: number;
  /** Access control services, or null for none. Default: those that a downstream port of a switch must have. */
  readonly acs?: AcsOptions | null;
  /** ARI Forwarding Supported. Default true. */
  readonly ariForwarding?: boolean;
  /** Port Number, 0 to 255: its bit in the Egress Control Vectors of other ports. Default: from 1 in the order of the list. */
  readonly portNumber?: number;
  readonly title?: string;
  readonly identity?: Partial<FunctionIdentity>;
  /** Link Capabilities without the Port Number, and Link Status. Default: 8 GT/s, 16 lanes; not trained. */
  readonly linkCapabilities?: number;
  readonly linkStatus?: number;
  /** Link Capabilities 2: the speeds of the port. Default 0: Link Capabilities says it all. */
  readonly linkCapabilities2?: number;
  /** Device Capabilities. Default: role-based error reporting, payloads of up to 256 bytes. */
  readonly deviceCapabilities?: number;
}

const OPTIONS: Readonly<Record<keyof PortOptions, true>> = {
  device: true,
  fn: true,
  acs: true,
  ariForwarding: true,
  portNumber: true,
  title: true,
  identity: true,
  linkCapabilities: true,
  linkStatus: true,
  linkCapabilities2: true,
  deviceCapabilities: true,
};

/** Link Capabilities without the Port Number: 8 GT/s, 16 lanes. */
const LINK_CAPABILITIES = 0x103;

/**
 * Ports side by side on one bus.
 *
 * @param first device number of the first port that names none.
 * @throws TypeError for an option that there is not; RangeError if two have the same device and function number, or a number is
 * out of range.
 */
export function makePorts(
  ports: readonly PortOptions[],
  portType: number,
  bus: number,
  first: number,
  title: string,
): BridgePort[] {
  const numbers: number[] = [];
  for (const [i, port] of ports.entries()) {
    const { device, fn, ariForwarding } = checkKeys<PortOptions>(`port ${i}`, port, OPTIONS);
    if (ariForwarding !== undefined) checkBoolean('ariForwarding', ariForwarding);
    const before = numbers.length === 0 ? first - 1 : numbers[numbers.length - 1] >> 3;
    const number = checkInteger('device', device ?? before + 1, 0, 31);
    numbers.push((number << 3) | checkInteger('fn', fn ?? 0, 0, 7));
  }
  const twice = numbers.find((number, i) => numbers.indexOf(number) !== i);
  if (twice !== undefined) {
    throw new RangeError(`device and fn of ports must differ, got ${twice >> 3}.${twice & 7} twice`);
  }
  return ports.map((port, i) => {
    const services = port.acs === undefined ? {} : port.acs;
    const portNumber = checkInteger('portNumber', port.portNumber ?? i + 1, 0, 255);
    return new BridgePort({
      portType,
      routingId: (bus << 8) | numbers[i],
      title: port.title ?? title,
      identity: port.identity,
      ariForwarding: port.ariForwarding,
      linkCapabilities: ((port.linkCapabilities ?? LINK_CAPABILITIES) | (portNumber << 24)) >>> 0,
      linkStatus: port.linkStatus,
      linkCapabilities2: port.linkCapabilities2,
      deviceCapabilities: port.deviceCapabilities,
      multiFunction: numbers.some((number, k) => k !== i && number >> 3 === numbers[i] >> 3),
      extraCapabilities: services === null ? [] : [acs(services)],
    });
  });
}

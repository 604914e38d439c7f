import { checkInteger, hex } from '../base/index.ts';

/** A Routing ID: bus in bits 15:8; device in 7:3 and function in 2:0, or with ARI the function alone in 7:0. */
export type RoutingId = number;

/**
 * The Routing ID of a bus, device and function.
 *
 * @throws RangeError if one of them is out of range.
 */
export function makeRoutingId(bus: number, device: number, fn: number): RoutingId {
  checkInteger('bus', bus, 0, 255);
  checkInteger('device', device, 0, 31);
  checkInteger('function', fn, 0, 7);
  return (bus << 8) | (device << 3) | fn;
}

/** Bus number, 0 to 255. */
export function busOf(routingId: RoutingId): number {
  return (routingId >> 8) & 0xff;
}

/** Device number, 0 to 31, as a hierarchy without ARI reads it. */
export function deviceOf(routingId: RoutingId): number {
  return (routingId >> 3) & 0x1f;
}

/** Function number, 0 to 7, as a hierarchy without ARI reads it. */
export function functionOf(routingId: RoutingId): number {
  return routingId & 7;
}

/**
 * The usual text of a Routing ID, `bus:device.function`.
 *
 * @example
 * formatRoutingId(0x0182); // '01:10.2'
 */
export function formatRoutingId(routingId: RoutingId): string {
  return `${hex(busOf(routingId), 2)}:${hex(deviceOf(routingId), 2)}.${functionOf(routingId)}`;
}

/**
 * Reads `01:10.2`, or `0000:01:10.2` with the one segment that is modelled.
 *
 * @throws RangeError if the text is no Routing ID.
 * @example
 * parseRoutingId('01:10.2'); // 0x0182
 */
export function parseRoutingId(text: string): RoutingId {
  const match = /^(?:0000:)?([0-9a-f]{1,2}):([01]?[0-9a-f])\.([0-7])$/i.exec(text);
  if (match === null)
    throw new RangeError(`a Routing ID is written like 01:10.2, got ${JSON.stringify(text)}`);
  return (
    (Number.parseInt(match[1], 16) << 8) |
    (Number.parseInt(match[2], 16) << 3) |
    Number.parseInt(match[3], 16)
  );
}

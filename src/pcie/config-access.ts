import type { RoutingId } from './routing-id.ts';

/**
 * How software reaches configuration space: what a root complex offers, and all that {@link enumerate} needs.
 */
export interface ConfigAccess {
  /** Reads 1, 2 or 4 bytes, naturally aligned. Unsigned; all ones when nobody answers. */
  read(routingId: RoutingId, offset: number, bytes: number): number;
  /** Writes 1, 2 or 4 bytes, naturally aligned. Lost when nobody answers. */
  write(routingId: RoutingId, offset: number, bytes: number, value: number): void;
}

/** Type 0 requests are for the device that receives them, type 1 requests are for a bus behind it (PCIe 3.0 7.3.3). */
export type ConfigType = 0 | 1;

/** Answer to a configuration read of a function that is not ready: Configuration Request Retry Status (PCIe 3.0 2.3.1). */
export const CONFIG_RETRY = -2;

/** Whatever stands at the lower end of a link and takes configuration requests from it. */
export interface ConfigTarget {
  /** Unsigned; -1 for Unsupported Request, no such function; {@link CONFIG_RETRY} for one that is not ready. */
  configRead(routingId: RoutingId, offset: number, bytes: number, type: ConfigType): number;
  /** False for Unsupported Request, no such function, and for one that is not ready. */
  configWrite(routingId: RoutingId, offset: number, bytes: number, value: number, type: ConfigType): boolean;
  /** A conventional reset has come down the link. */
  hotReset(): void;
}

/** What a read of `bytes` returns when nobody answers. */
export function allOnes(bytes: number): number {
  return 2 ** (8 * bytes) - 1;
}

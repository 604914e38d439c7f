import { checkInteger, checkKeys, checkOneOf } from '../../base/index.ts';
import { MICROSECOND } from '../../kernel/index.ts';
import type { BridgePort } from '../bridge.ts';
import type { CreditAdvertisement } from '../credits.ts';
import { Endpoint } from '../endpoint.ts';
import type { LinkOptions } from '../link-options.ts';
import { checkLinkRate, type LinkRate } from '../link-rate.ts';
import { CREDIT_BYTES } from '../tlp.ts';
import type { HierarchyDevice } from '../topology/structure.ts';
import type { PcieSwitch } from '../topology/switch.ts';
import { checkForwarding, type ForwardingTiming } from './tlp-node.ts';

/** The link below a port. */
export interface FabricLink {
  /** Generations 1 to 5: a fabric has no flits. Default: Gen 3 x8. */
  readonly rate?: LinkRate;
  /** Max_Payload_Size of both its ends: a power of two from 128 to 4,096. Default 256. */
  readonly maxPayloadBytes?: number;
  /**
   * From a TLP's last symbol at the one end to all of it in the transaction layer of the other one, in ps. Default: 75 ns for
   * each end that is no switch, whose own part is in its latency, and 1 ns between two switches.
   */
  readonly flightPs?: number;
  /** What the port at the upper end advertises, for what travels up. */
  readonly upperCredits?: CreditAdvertisement;
  /** What the device at the lower end advertises, for what travels down. */
  readonly lowerCredits?: CreditAdvertisement;
}

/** Times of the root complex, in ps. */
export interface RootComplexTiming {
  /** From all of a TLP at one root port to its first symbol at another one, or at the same. */
  readonly latencyPs: number;
  /** From a read's arrival to its data. */
  readonly memoryReadPs: number;
  /** From a processor's store or load to the root port. */
  readonly outboundPs: number;
  /** Where it cuts completions: 64 or 128 bytes. */
  readonly readCompletionBoundary: number;
}

/** How a device asks and answers. */
export interface DeviceTiming {
  /** From a read's arrival to its data, in ps. */
  readonly readPs: number;
  /** Reads under way at most, each of Max_Read_Request_Size or less: 1 to 768. */
  readonly tags: number;
  /** A power of two from 128 to 4,096. */
  readonly maxReadRequestBytes: number;
}

/** What a {@link PcieFabric} takes for its links and nodes, where it differs from the default. */
export interface FabricOptions {
  /** Asked for each link when the fabric is made. */
  readonly link?: (port: BridgePort, device: HierarchyDevice) => FabricLink;
  /** Asked for each switch: default cut-through in 100 ns. */
  readonly switchTiming?: (pcieSwitch: PcieSwitch) => Partial<ForwardingTiming>;
  /** Asked for each endpoint: default 100 ns, 256 tags, 512 bytes. */
  readonly device?: (endpoint: Endpoint) => Partial<DeviceTiming>;
  /** Default 150, 220 and 100 ns, 64 bytes. */
  readonly rootComplex?: Partial<RootComplexTiming>;
  /** TLPs under way at most: a power of two. Default 4,096. */
  readonly tlps?: number;
}

/** Product briefs say 100 ns at most for Gen 3 x16 (PEX 8747), 140 for Gen 2 (PEX 8647), both cut-through. */
const SWITCH: ForwardingTiming = { latencyPs: 100_000, forwarding: 'cut-through' };
/** Estimates: what a DMA request and a register access take at the modelled host; a turn in the root complex likewise. */
const ROOT_COMPLEX: RootComplexTiming = {
  latencyPs: 150_000,
  memoryReadPs: 220_000,
  outboundPs: 100_000,
  readCompletionBoundary: 64,
};
const DEVICE: DeviceTiming = { readPs: 100_000, tags: 256, maxReadRequestBytes: 512 };
/** Estimate: half of the modelled host's link. */
const END_PS = 75_000;
/** Estimate: 15 cm of board. */
const BOARD_PS = 1_000;
/** What a port of a switch advertises. Estimate: buffers for 8 KiB of posted requests, and as much of completions. */
export const SWITCH_CREDITS: CreditAdvertisement = Object.freeze({
  postedHeaders: 64,
  postedData: 512,
  nonPostedHeaders: 64,
  nonPostedData: 64,
  completionHeaders: 64,
  completionData: 512,
});
/** An endpoint takes all completions that it has asked for (2.6.1). */
const ENDPOINT_CREDITS: CreditAdvertisement = { ...SWITCH_CREDITS, completionHeaders: 0, completionData: 0 };
const OPTIONS: Readonly<Record<keyof FabricOptions, true>> = {
  link: true,
  switchTiming: true,
  device: true,
  rootComplex: true,
  tlps: true,
};
const LINK: Readonly<Record<keyof FabricLink, true>> = {
  rate: true,
  maxPayloadBytes: true,
  flightPs: true,
  upperCredits: true,
  lowerCredits: true,
};
const ROOT_KEYS: Readonly<Record<keyof RootComplexTiming, true>> = {
  latencyPs: true,
  memoryReadPs: true,
  outboundPs: true,
  readCompletionBoundary: true,
};
const DEVICE_KEYS: Readonly<Record<keyof DeviceTiming, true>> = {
  readPs: true,
  tags: true,
  maxReadRequestBytes: true,
};
const PAYLOADS = [128, 256, 512, 1024, 2048, 4096];

/** What a fabric is made with, as far as nobody has to be asked. @throws TypeError for what there is not. */
export function checkFabricOptions(options: FabricOptions): FabricOptions {
  checkKeys<FabricOptions>('options', options, OPTIONS);
  for (const key of ['link', 'switchTiming', 'device'] as const) {
    const asked = options[key];
    if (asked !== undefined && typeof asked !== 'function') {
      throw new TypeError(`${key} must be a function, got ${String(asked)}`);
    }
  }
  return options;
}

/** A link's options, filled in and checked. @throws TypeError or RangeError that names what is wrong. */
export function linkOptionsOf(
  options: FabricOptions,
  port: BridgePort,
  isRootPort: boolean,
  device: HierarchyDevice,
): LinkOptions {
  const link = checkKeys<FabricLink>('link', options.link?.(port, device) ?? {}, LINK);
  const ends = Number(isRootPort) + Number(device instanceof Endpoint);
  const {
    rate = { generation: 3, lanes: 8 },
    maxPayloadBytes = 256,
    flightPs = ends * END_PS || BOARD_PS,
    upperCredits = SWITCH_CREDITS,
    lowerCredits = device instanceof Endpoint ? ENDPOINT_CREDITS : SWITCH_CREDITS,
  } = link;
  checkInteger('generation', rate.generation, 1, 5);
  checkLinkRate(rate);
  checkOneOf('maxPayloadBytes', maxPayloadBytes, PAYLOADS);
  checkInteger('flightPs', flightPs, 0, MICROSECOND);
  for (const { postedData, completionData } of [upperCredits, lowerCredits]) {
    const units = maxPayloadBytes / CREDIT_BYTES;
    for (const data of [postedData, completionData]) {
      if (data !== 0) checkInteger('data credits for payload', data, units, 2047);
    }
  }
  return { rate, flightPs, maxPayloadBytes, rootCredits: upperCredits, deviceCredits: lowerCredits };
}

/** A switch's timing, filled in and checked. @throws TypeError or RangeError that names what is wrong. */
export function switchTimingOf(options: FabricOptions, pcieSwitch: PcieSwitch): ForwardingTiming {
  return checkForwarding({ ...SWITCH, ...options.switchTiming?.(pcieSwitch) });
}

/** The root complex's times, filled in and checked. @throws TypeError or RangeError that names what is wrong. */
export function rootTimingOf(options: FabricOptions): RootComplexTiming {
  const timing = { ...ROOT_COMPLEX, ...options.rootComplex };
  checkKeys('rootComplex', timing, ROOT_KEYS);
  for (const key of ['latencyPs', 'memoryReadPs', 'outboundPs'] as const) {
    checkInteger(key, timing[key], 0, 100 * MICROSECOND);
  }
  checkOneOf('readCompletionBoundary', timing.readCompletionBoundary, [64, 128]);
  return timing;
}

/** An endpoint's times, filled in and checked. @throws TypeError or RangeError that names what is wrong. */
export function deviceTimingOf(options: FabricOptions, endpoint: Endpoint): DeviceTiming {
  const timing = { ...DEVICE, ...options.device?.(endpoint) };
  checkKeys('device', timing, DEVICE_KEYS);
  checkInteger('readPs', timing.readPs, 0, 100 * MICROSECOND);
  checkInteger('tags', timing.tags, 1, 768);
  checkOneOf('maxReadRequestBytes', timing.maxReadRequestBytes, PAYLOADS);
  return timing;
}

import { checkInteger, checkKeys, type FramePool } from '../base/index.ts';
import { ETHERNET_HEADER_BYTES, VLAN_TAG_BYTES } from '../wire/index.ts';
import type { SwitchClock } from './frame-rate-limit.ts';
import type { LocalMatch } from './switch-tables.ts';
import type { UntaggedCheck } from './vlan-table.ts';

/** How large a {@link NicSwitch} is, and what it does that cannot be switched while it runs. */
export interface NicSwitchOptions {
  /** Where the frames are. */
  readonly frames: FramePool;
  /** VPorts (82599: pools), 1 to 16,384. */
  readonly vports: number;
  /** MAC addresses that can be filtered exactly, 1 to 32,767. Default 4,096. */
  readonly macFilters?: number;
  /**
   * Longest frame that passes, in bytes without frame check sequence and 802.1Q tag; with a tag it must fit a
   * slot. Default 1,514, or what fits a slot.
   */
  readonly maxFrameBytes?: number;
  /** Entries of each port's input and output queue, 1 to 65,536. Default 256. */
  readonly queueEntries?: number;
  /** Mirroring rules that there can be, 0 to 64. Default 4. */
  readonly mirrorRules?: number;
  /** Default 'vlan'. See {@link LocalMatch}. */
  readonly localMatch?: LocalMatch;
  /** Default 'accepted'. See {@link UntaggedCheck}. */
  readonly untaggedCheck?: UntaggedCheck;
  /** Where storm limits read the time. Default: none, and no storm limits. */
  readonly clock?: SwitchClock;
  /** Name under which it counts. Default 'switch'. */
  readonly name?: string;
}

/** Names of the options beside `frames`. */
export const SWITCH_OPTIONS = {
  vports: true,
  macFilters: true,
  maxFrameBytes: true,
  queueEntries: true,
  mirrorRules: true,
  localMatch: true,
  untaggedCheck: true,
  clock: true,
  name: true,
} as const;

/** 16 bits of the port record. */
export const MAX_FRAME_BYTES = 0xffff;
export const MIN_FRAME_BYTES = ETHERNET_HEADER_BYTES;
const DEFAULT_FRAME_BYTES = 1514;

/** @throws TypeError if there are no options, or none that say where the frames are. */
export function checkOptions(options: NicSwitchOptions | undefined): NicSwitchOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object with frames and vports, got ${String(options)}`);
  }
  if (!(options.frames?.lengths instanceof Int32Array)) {
    throw new TypeError(`options.frames must be a FramePool, got ${String(options.frames)}`);
  }
  if (options.clock !== undefined && typeof options.clock?.now !== 'number') {
    throw new TypeError(`options.clock must be an object with now, in ps, got ${String(options.clock)}`);
  }
  return checkKeys<NicSwitchOptions>('options', options, { frames: true, ...SWITCH_OPTIONS });
}

/** Longest frame that passes: no slot holds more. */
export function checkLongest(maxFrameBytes: number | undefined, slotBytes: number): number {
  const room = slotBytes - VLAN_TAG_BYTES;
  if (maxFrameBytes === undefined) return Math.min(DEFAULT_FRAME_BYTES, room);
  const bytes = checkInteger('maxFrameBytes', maxFrameBytes, MIN_FRAME_BYTES, MAX_FRAME_BYTES);
  if (bytes > room) {
    throw new RangeError(
      `maxFrameBytes must be an integer from ${MIN_FRAME_BYTES} to ${room}, which with a tag fits a slot of ` +
        `${slotBytes} bytes, got ${bytes}`,
    );
  }
  return bytes;
}

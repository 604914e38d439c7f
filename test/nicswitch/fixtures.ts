import { FramePool } from '../../src/base/index.ts';
import {
  DROP_REASONS,
  type DropReason,
  NicSwitch,
  type NicSwitchOptions,
  tagOperation,
  targetPort,
} from '../../src/nicswitch/index.ts';
import {
  BROADCAST,
  MAX_TAG_BYTES,
  TagEdit,
  taggedBytes,
  writeEthernet,
  writeTagged,
} from '../../src/wire/index.ts';

export { BROADCAST };

/** The address of VPort `v`; bit 1 of the first byte: locally administered. */
export function mac(v: number): number {
  return 0x020000000100 + v;
}

/** A group address. */
export const GROUP = 0x01005e000001;
/** An address that nobody has. */
export const STRANGER = 0x02ffffffffff;

export interface FrameFields {
  to?: number;
  from?: number;
  /** VLAN tag in the bytes: a TCI. */
  tci?: number;
  /** Without frame check sequence. Default 60. */
  bytes?: number;
}

/** The bytes of a frame; what lies behind the headers counts up. */
export function frameBytes(fields: FrameFields): Uint8Array {
  const { to = STRANGER, from = STRANGER, tci, bytes = 60 } = fields;
  const frame = Uint8Array.from({ length: Math.max(bytes, 18) }, (_, i) => i);
  writeEthernet(frame, 0, { destination: to, source: from, etherType: tci === undefined ? 0x0800 : 0x8100 });
  if (tci !== undefined) frame.set([tci >> 8, tci & 0xff, 0x08, 0x00], 14);
  return frame.subarray(0, bytes);
}

/** Takes a slot and fills it; `outerTci` is the tag that travels beside the frame. */
export function putFrame(frames: FramePool, bytes: Uint8Array, outerTci = -1): number {
  const slot = frames.take();
  if (slot < 0) throw new Error('the pool has no free slot');
  // What an earlier frame left must not matter.
  frames.u8.fill(0xa5, frames.offsetOf(slot), frames.offsetOf(slot) + 64);
  frames.u8.set(bytes, frames.offsetOf(slot));
  frames.lengths[slot] = bytes.length;
  frames.outerTci[slot] = outerTci;
  return slot;
}

/** The frame in `slot` as a receiver sees it that does `operation` to its tags. */
export function written(frames: FramePool, slot: number, operation: number): Uint8Array {
  const buffer = new Uint8Array(frames.slotBytes + MAX_TAG_BYTES);
  const bytes = writeTagged(frames, slot, operation, buffer);
  if (bytes !== taggedBytes(frames, slot, operation))
    throw new Error('the bytes are not as many as foretold');
  return buffer.subarray(0, bytes);
}

const EDITS = Object.entries(TagEdit).filter(([, bit]) => bit > 0);

/** Tag operations in words: 'as is', or what is done. */
export function tagAction(operation: number): string {
  const done = EDITS.filter(([, bit]) => (operation & bit) !== 0).map(([name]) => name);
  return done.length === 0 ? 'as is' : done.join(' ').toLowerCase().replaceAll('_', ' ');
}

export interface Routed {
  /** Port to what is done to the tag; the uplink is 'wire'. */
  receivers: Record<string, string>;
  drop?: DropReason;
}

/** A switch with VPorts that send and receive, each with its address {@link mac}. */
export class Bench {
  readonly frames: FramePool;
  readonly nicSwitch: NicSwitch;

  constructor(vports: number, options: Partial<NicSwitchOptions> = {}) {
    const { maxFrameBytes = 0 } = options;
    const slotBytes = maxFrameBytes > 2044 ? 65_536 : 2048;
    this.frames = options.frames ?? new FramePool({ slots: 64, slotBytes });
    this.nicSwitch = new NicSwitch({ frames: this.frames, vports, ...options });
    for (let v = 0; v < vports; v++) {
      this.nicSwitch.setVPortEnabled(v, true, true);
      this.nicSwitch.addMac(v, mac(v));
    }
  }

  get wire(): number {
    return this.nicSwitch.uplink;
  }

  /** Routes one frame, gives its references back, and says what became of it. */
  route(ingress: number, fields: FrameFields, outerTci = -1): Routed {
    return this.routeBytes(ingress, frameBytes(fields), outerTci);
  }

  routeBytes(ingress: number, bytes: Uint8Array, outerTci = -1): Routed {
    const { frames, nicSwitch } = this;
    const slot = putFrame(frames, bytes, outerTci);
    const count = nicSwitch.route(slot, ingress);
    const receivers: Routed['receivers'] = {};
    for (const target of nicSwitch.targets.subarray(0, count)) {
      const port = targetPort(target);
      receivers[port === nicSwitch.uplink ? 'wire' : port] = tagAction(tagOperation(target));
      frames.release(slot);
    }
    nicSwitch.checkBalance();
    if (frames.available !== frames.slots) throw new Error('a slot was not given back');
    return count === 0 ? { receivers, drop: DROP_REASONS[nicSwitch.lastDrop] } : { receivers };
  }

  /** Who receives the frame: VPorts ascending, then the wire. */
  receivers(ingress: number, fields: FrameFields, outerTci = -1): string {
    const { receivers, drop } = this.route(ingress, fields, outerTci);
    return drop ?? Object.keys(receivers).join(' ');
  }
}

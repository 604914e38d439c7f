import { checkInteger } from '../base/index.ts';
import { EtherType, isEChannelGroup } from '../wire/index.ts';
import { ChannelTable } from './channel-table.ts';

/** Which tag names the channels of a port extender: IEEE 802.1BR's, or the VN-Tag before it. */
export type VirtualTagKind = 'etag' | 'vntag';

/** Channels that a VPort can have: E-CIDs without the null one, and what fits the source VIF of a VN-Tag. */
export const MAX_CHANNEL = Object.freeze({ etag: 0x3f_ffff, vntag: 0xfff });

/** @throws TypeError or RangeError unless `channel` is one that a VPort can have. */
export function checkChannel(name: string, kind: VirtualTagKind, channel: number): number {
  checkInteger(name, channel, 0, MAX_CHANNEL[kind]);
  if (kind === 'etag' && (isEChannelGroup(channel) || (channel & 0xfff) === 0)) {
    throw new RangeError(
      `${name} must be an E-CID of a port, with GRP 0 and a base of 1 to 4095, not ${channel}`,
    );
  }
  return channel;
}

/** Groups: E-CIDs whose GRP is not 0, and lists of VIFs. */
export const MAX_GROUP = Object.freeze({ etag: 0x3f_ffff, vntag: 0x3fff });

/** A list of VIFs as a channel of the table: behind the 14 bits of a VIF. */
export const VIF_LIST = 1 << 14;

/** The VPort has no channel. */
export const NO_CHANNEL = -1;

/** Which channel is whose, while the switch is a port extender. Written by TagConfiguration only. */
export class VirtualAccess {
  kind: VirtualTagKind | null = null;
  readonly table: ChannelTable;
  /** Channel of each VPort, or {@link NO_CHANNEL}. */
  readonly channels: Int32Array;
  /** Groups of each VPort. */
  private readonly groups: Set<number>[];

  constructor(vports: number, setWords: number) {
    this.table = new ChannelTable(setWords);
    this.channels = new Int32Array(vports).fill(NO_CHANNEL);
    this.groups = Array.from({ length: vports }, () => new Set());
  }

  /** The EtherType of the tag; -1 for none. */
  get etherType(): number {
    if (this.kind === null) return -1;
    return this.kind === 'etag' ? EtherType.ETAG : EtherType.VNTAG;
  }

  /** Another tag, and no channels. */
  setKind(kind: VirtualTagKind | null): void {
    this.kind = kind;
    this.table.clear();
    this.channels.fill(NO_CHANNEL);
    for (const groups of this.groups) groups.clear();
  }

  setChannel(vport: number, channel: number): void {
    const old = this.channels[vport];
    if (old !== NO_CHANNEL) this.table.setPort(old, -1);
    this.channels[vport] = channel;
    if (channel !== NO_CHANNEL) this.table.setPort(channel, vport);
  }

  /** @param channel of the table: an E-CID, or a list of VIFs with {@link VIF_LIST}. */
  writeGroup(vport: number, channel: number, member: boolean): void {
    this.table.writeGroup(channel, vport, member);
    if (member) this.groups[vport].add(channel);
    else this.groups[vport].delete(channel);
  }

  /** Takes from `vport` its channel and its groups. */
  removePort(vport: number): void {
    this.setChannel(vport, NO_CHANNEL);
    for (const channel of this.groups[vport]) this.table.writeGroup(channel, vport, false);
    this.groups[vport].clear();
  }
}

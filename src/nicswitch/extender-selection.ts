import type { FramePool } from '../base/index.ts';
import { ETAG_BYTES, ETHERNET, ETHERNET_HEADER_BYTES, VNTAG_BYTES } from '../wire/index.ts';
import { lowestBit } from './bitmap.ts';
import { CHANNEL_SET, NO_PORT } from './channel-table.ts';
import { DROP } from './drop-reason.ts';
import { classOf, isOwnSource } from './frame-addresses.ts';
import type { FrameSelection } from './frame-selection.ts';
import { FrameTags, WHOLE } from './frame-tags.ts';
import { CHECK_MAC, CHECK_VLAN, EGRESS, RECORD_SHIFT } from './port-record.ts';
import { PortSet } from './port-set.ts';
import { NO_CLASS } from './switch-counters.ts';
import { type SwitchTables, VPORT_SET } from './switch-tables.ts';
import { TAG_INSERT_VIRTUAL, TAG_SHIFT, TAG_STRIP_VIRTUAL } from './target.ts';
import { NO_CHANNEL, VIF_LIST } from './virtual-access.ts';

/** No VPort is to be spared. */
const NO_SOURCE = -1;

/**
 * Who receives a frame while the switch is a port extender, for any frame: what a VPort sends goes to the wire, what
 * comes from the wire to whom its tag names (IEEE 802.1BR; VN-Tag).
 */
export class ExtenderSelection implements FrameSelection {
  readonly targets: Int32Array;
  /** None: the bridge above mirrors, not its extender. */
  readonly mirrored = 0;
  reason = 0;
  frameClass = NO_CLASS;

  private readonly frames: FramePool;
  private readonly tables: SwitchTables;
  private readonly tags: FrameTags;
  private readonly receivers: PortSet;

  /** @param targets where receivers are written. */
  constructor(frames: FramePool, tables: SwitchTables, targets: Int32Array) {
    this.frames = frames;
    this.tables = tables;
    this.targets = targets;
    this.tags = new FrameTags(frames, tables);
    this.receivers = new PortSet(tables.uplink + 1);
  }

  decide(slot: number, ingress: number): number {
    this.frameClass = classOf(this.frames, slot);
    if (this.frameClass === NO_CLASS) return this.drop(DROP.runt);
    return ingress === this.tables.uplink ? this.downwards(slot) : this.upwards(slot, ingress);
  }

  /** To the wire, with the tag of the sender's channel. */
  private upwards(slot: number, vport: number): number {
    const { records, uplink, maxFrameBytes, macs, vlans, tags: tagTables } = this.tables;
    const channel = tagTables.virtual.channels[vport];
    if (!this.tables.isInSet(VPORT_SET.ACTIVE, vport)) return this.drop(DROP.vportInactive);
    if (!this.tables.isInSet(VPORT_SET.TX, vport)) return this.drop(DROP.txDisabled);
    if (channel === NO_CHANNEL) return this.drop(DROP.noChannel);
    if (this.typeAt(slot, ETHERNET.TYPE) === tagTables.virtual.etherType) return this.drop(DROP.tagSpoof);
    const { tags } = this;
    const problem = tags.read(slot, vport);
    if (problem !== WHOLE) return this.drop(problem);
    if (this.frames.lengths[slot] - tags.bytes > maxFrameBytes) return this.drop(DROP.giant);
    const record = vport << RECORD_SHIFT;
    if (records[record + CHECK_MAC] !== 0) {
      const { i32, slotShift } = this.frames;
      if (!isOwnSource(macs, i32, slot << (slotShift - 2), vport)) return this.drop(DROP.macSpoof);
    }
    if (!vlans.isAllowed(vport, tags.row)) return this.drop(DROP.vlanNotAllowed);
    if (records[record + CHECK_VLAN] !== 0 && !vlans.isSender(vport, tags.row))
      return this.drop(DROP.vlanSpoof);
    this.insertTag(slot, channel);
    const operation = tags.operation(records[(uplink << RECORD_SHIFT) + EGRESS]) | TAG_INSERT_VIRTUAL;
    this.targets[0] = uplink | (operation << TAG_SHIFT);
    return 1;
  }

  private insertTag(slot: number, channel: number): void {
    const { virtualTag, virtualTagExtension } = this.frames;
    const { priority, dropEligible } = this.tags;
    if (this.tables.tags.virtual.kind === 'vntag') {
      virtualTag[slot] = channel;
      virtualTagExtension[slot] = -1;
      return;
    }
    virtualTag[slot] = upwardsETag(priority, dropEligible ? 1 : 0, channel);
    virtualTagExtension[slot] = channel >>> 14;
  }

  /** From the wire. */
  private downwards(slot: number): number {
    const { uplink, maxFrameBytes, defaultVPort, tags: tagTables } = this.tables;
    const { kind, etherType } = tagTables.virtual;
    const { lengths } = this.frames;
    const isTagged = this.typeAt(slot, ETHERNET.TYPE) === etherType;
    const tagBytes = !isTagged ? 0 : kind === 'etag' ? ETAG_BYTES : VNTAG_BYTES;
    const bytes = lengths[slot] - tagBytes;
    if (bytes < ETHERNET_HEADER_BYTES) return this.drop(DROP.truncatedTag);
    const problem = this.tags.read(slot, uplink, ETHERNET.TYPE + tagBytes);
    if (problem !== WHOLE) return this.drop(problem);
    const size = bytes - this.tags.bytes;
    if (size > maxFrameBytes) return this.drop(DROP.giant);
    this.receivers.clear();
    if (!isTagged) {
      if (defaultVPort < 0) return this.drop(DROP.noVirtualTag);
      this.receivers.add(defaultVPort);
      return this.emit(size, 0);
    }
    const source = kind === 'etag' ? this.matchETag(slot) : this.matchVnTag(slot);
    if (this.receivers.isEmpty()) return this.drop(DROP.unknownChannel);
    if (source !== NO_SOURCE) this.receivers.remove(source);
    if (this.receivers.isEmpty()) return this.drop(DROP.sourcePruned);
    return this.emit(size, TAG_STRIP_VIRTUAL);
  }

  /** Adds whom an E-Tag names; returns the VPort that has sent the frame, if one of these. */
  private matchETag(slot: number): number {
    const { i32, slotShift } = this.frames;
    const word = slot << (slotShift - 2);
    this.addChannel(eCidOf(i32[word + 4]));
    return this.vportOf(ingressECidOf(i32[word + 3], i32[word + 4]));
  }

  /** The same for a VN-Tag. A frame that is not on its way to the card (d clear) is for nobody. */
  private matchVnTag(slot: number): number {
    const { u8 } = this.frames;
    const at = this.frames.offsetOf(slot) + ETHERNET.TYPE + 2;
    const isDown = (u8[at] & 0x80) !== 0;
    const isList = (u8[at] & 0x40) !== 0;
    const vif = ((u8[at] & 0x3f) << 8) | u8[at + 1];
    if (!isDown) return NO_SOURCE;
    this.addChannel(isList ? VIF_LIST | vif : vif);
    const isLooped = (u8[at + 2] & 0x80) !== 0;
    return isLooped ? this.vportOf(((u8[at + 2] & 0xf) << 8) | u8[at + 3]) : NO_SOURCE;
  }

  private addChannel(channel: number): void {
    const { table } = this.tables.tags.virtual;
    const value = table.lookup(channel);
    if (value >= CHANNEL_SET) this.receivers.addRow(table.sets, table.rowOf(value));
    else if (value !== NO_PORT) this.receivers.add(value);
  }

  /** VPort whose channel it is, or {@link NO_SOURCE}. */
  private vportOf(channel: number): number {
    const value = this.tables.tags.virtual.table.lookup(channel);
    return value < CHANNEL_SET ? value : NO_SOURCE;
  }

  /** To those that may receive and take frames of that size. */
  private emit(size: number, virtual: number): number {
    const { records, longest, vportSets, setWords } = this.tables;
    const { receivers, targets } = this;
    this.tables.vlans.removeDenied(receivers, this.tags.row);
    if (receivers.isEmpty()) return this.drop(DROP.vlanNotAllowed);
    receivers.intersectRow(vportSets, VPORT_SET.ACTIVE * setWords);
    if (receivers.isEmpty()) return this.drop(DROP.vportInactive);
    receivers.intersectRow(vportSets, VPORT_SET.RX * setWords);
    if (receivers.isEmpty()) return this.drop(DROP.vportDisabled);
    let count = 0;
    for (let w = 0; w < receivers.words.length; w++) {
      for (let rest = receivers.words[w]; rest !== 0; rest &= rest - 1) {
        const port = (w << 5) + lowestBit(rest);
        if (size > longest[port]) continue;
        const egress = records[(port << RECORD_SHIFT) + EGRESS];
        targets[count++] = port | ((this.tags.operation(egress) | virtual) << TAG_SHIFT);
      }
    }
    return count === 0 ? this.drop(DROP.giant) : count;
  }

  private typeAt(slot: number, at: number): number {
    const { u8 } = this.frames;
    const from = this.frames.offsetOf(slot) + at;
    return (u8[from] << 8) | u8[from + 1];
  }

  private drop(reason: number): number {
    this.reason = reason;
    return 0;
  }
}

/** The first 32 bits of the E-Tag of a frame from the port with the channel `eCid`: E-PCP, E-DEI, E-CID_base. */
export const upwardsETag = (priority: number, dropEligible: number, eCid: number): number =>
  (priority << 29) | (dropEligible << 28) | (eCid & 0x3fff);

/** The E-CID in the second half of an E-Tag, as it lies in a little-endian word. */
export const eCidOf = (half: number): number =>
  ((half & 0x3f) << 8) | ((half >>> 8) & 0xff) | ((half >>> 24) << 14);

/** The Ingress_E-CID: its base in the upper half of the word with the EtherType, its extension in the next. */
export const ingressECidOf = (type: number, half: number): number =>
  ((type >>> 8) & 0xf00) | (type >>> 24) | (((half >>> 16) & 0xff) << 14);

import { checkInteger, checkKeys, checkOneOf } from '../base/index.ts';
import { EtherType, isEChannelGroup } from '../wire/index.ts';
import type { PortPriorities } from './priority-table.ts';
import { SwitchConfiguration } from './switch-configuration.ts';
import { NO_SERVICE } from './tag-tables.ts';
import { checkChannel, MAX_GROUP, NO_CHANNEL, VIF_LIST, type VirtualTagKind } from './virtual-access.ts';

/** How a switch treats frames with two VLAN tags; see {@link TagConfiguration.setDoubleVlan}. */
export interface DoubleVlan {
  /** EtherType of outer tags, 0x600 to 0xffff: 0x88a8 (IEEE 802.1ad), or 0x9100, 0x8100. Default 0x88a8. */
  readonly outerType?: number;
  /** Which of the two tags says to which VLAN a frame belongs. Default 'outer'. */
  readonly filter?: 'outer' | 'inner';
}

const DOUBLE_VLAN = { outerType: true, filter: true } as const;

/** What becomes of tags beyond the one of a VLAN; see {@link SwitchConfiguration} for how changes take effect. */
export class TagConfiguration extends SwitchConfiguration {
  /**
   * Whether frames are read as having an outer VLAN tag of its own EtherType around the 802.1Q tag (QinQ; IEEE
   * 802.1ad), or one tag only (null, at first). Membership, VLAN filter and anti-spoofing go by the tag that
   * `filter` names; a frame without it is untagged. Port VLAN, {@link SwitchConfiguration.setTagStrip} and what a
   * descriptor asks for are about the inner tag, behind the outer one.
   *
   * With `filter: 'inner'` it is what the 82599 does with CTRL_EXT.EXTENDED_VLAN and DMATXCTL.GDV set: the outer
   * tag passes through, all else is about the inner one (data sheet, section 7.4.5).
   */
  setDoubleVlan(mode: DoubleVlan | null): void {
    const { tags } = this.tables;
    if (mode === null) {
      tags.outerType = -1;
    } else {
      checkKeys<DoubleVlan>('mode', mode, DOUBLE_VLAN);
      const outerType = checkInteger('outerType', mode.outerType ?? EtherType.SERVICE_VLAN, 0x600, 0xffff);
      const filter = checkOneOf('filter', mode.filter ?? 'outer', ['outer', 'inner']);
      tags.outerType = outerType;
      tags.filtersInner = filter === 'inner';
    }
    this.records.compileAllDirect();
  }

  /**
   * The TCI of an outer VLAN tag that is put around all frames which `vport` sends and taken off those that it gets,
   * while {@link TagConfiguration.setDoubleVlan} is on; null for none, at first. An outer priority tag (VLAN 0) that
   * it sends is replaced, and its priority kept.
   */
  setServiceVlan(vport: number, tci: number | null): void {
    this.vport(vport);
    this.tables.tags.services[vport] = tci === null ? NO_SERVICE : checkInteger('tci', tci, 0, 0xffff);
    this.records.compile(vport);
  }

  /**
   * What `port`, a VPort or the uplink, makes of the priorities of frames that come in there (default and Priority
   * Regeneration Table, IEEE 802.1Q 6.9.4), and how those to it are shared out to traffic classes (8.6.6). What is
   * not given stays. At first the default is the priority of the port VLAN, or 0; priorities stay as they are, and
   * each is a traffic class of its own.
   *
   * A frame's priority is that of its outermost VLAN tag once the port has added its own. Where regeneration changes
   * it, that tag is replaced on its way out.
   */
  setPriorities(port: number, priorities: PortPriorities): void {
    checkInteger('port', port, 0, this.uplink);
    this.tables.tags.priorities.write(port, priorities);
    if (port === this.uplink) this.records.compileUplink();
    else this.records.compile(port);
  }

  /** Traffic class, 0 to 7, that frames of `priority` have on their way to `port`. */
  trafficClass(port: number, priority: number): number {
    checkInteger('port', port, 0, this.uplink);
    return this.tables.tags.priorities.classOf(port, checkInteger('priority', priority, 0, 7));
  }

  /**
   * Makes the switch a port extender (null for none, at first): it does not switch between VPorts. Each frame that a
   * VPort sends goes to the wire with the tag of that VPort's channel, and a frame from the wire goes to the VPorts
   * that its tag names, whatever its addresses and its VLAN are (IEEE 802.1BR; VN-Tag). Frames from the wire without
   * the tag are for the default VPort, which manages the extender. Changing it takes all channels and groups away.
   */
  setPortExtender(tag: VirtualTagKind | null): void {
    if (tag !== null) checkOneOf('tag', tag, ['etag', 'vntag']);
    this.tables.tags.virtual.setKind(tag);
    this.records.compileAll();
  }

  /**
   * The channel of `vport` while the switch is a port extender, or null: then it can neither send nor receive. With
   * E-Tags an E-CID as `eChannel` numbers them, of a port and not 0 in its base; with VN-Tags a virtual interface, 0
   * to 4,095. Each channel is that of one VPort only.
   */
  setChannel(vport: number, channel: number | null): void {
    this.vport(vport);
    const { virtual } = this.tables.tags;
    if (channel === null) {
      virtual.setChannel(vport, NO_CHANNEL);
      return;
    }
    const tag = this.extenderTag();
    checkChannel('channel', tag, channel);
    const owner = virtual.table.lookup(channel);
    if (owner >= 0 && owner !== vport) {
      throw new RangeError(
        `channel must be one that no other VPort has: ${channel} is that of VPort ${owner}`,
      );
    }
    virtual.setChannel(vport, channel);
  }

  /**
   * `vport` receives what is sent to `group` while the switch is a port extender: with E-Tags an E-CID as `eChannel`
   * numbers them, whose GRP is not 0; with VN-Tags a list of virtual interfaces, 0 to 16,383. A group can be anybody's.
   */
  addToGroup(vport: number, group: number): void {
    this.vport(vport);
    this.tables.tags.virtual.writeGroup(vport, this.groupChannel(group), true);
  }

  /** Takes back {@link TagConfiguration.addToGroup}. */
  removeFromGroup(vport: number, group: number): void {
    this.vport(vport);
    this.tables.tags.virtual.writeGroup(vport, this.groupChannel(group), false);
  }

  private extenderTag(): VirtualTagKind {
    const { kind } = this.tables.tags.virtual;
    if (kind === null)
      throw new TypeError('the switch must be a port extender to have channels: call setPortExtender');
    return kind;
  }

  private groupChannel(group: number): number {
    const tag = this.extenderTag();
    checkInteger('group', group, 0, MAX_GROUP[tag]);
    if (tag === 'vntag') return VIF_LIST | group;
    if (!isEChannelGroup(group)) {
      throw new RangeError(`group must be an E-CID whose GRP is 1 to 3, not ${group}`);
    }
    return group;
  }
}

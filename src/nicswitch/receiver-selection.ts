import type { FramePool } from '../base/index.ts';
import { DROP } from './drop-reason.ts';
import { AND_PORT } from './forwarding.ts';
import { classOf, isOwnSource, sourceHigh, sourceLow } from './frame-addresses.ts';
import type { FrameSelection } from './frame-selection.ts';
import { FrameTags, WHOLE } from './frame-tags.ts';
import { hashIndex } from './hash-filter.ts';
import { exchanges, isolate } from './isolation.ts';
import { NOBODY, SET } from './mac-table.ts';
import { CHECK_MAC, CHECK_VLAN, EGRESS, RECORD_SHIFT } from './port-record.ts';
import { PortSet } from './port-set.ts';
import { BROADCAST_STORM, MULTICAST_STORM, UNKNOWN_UNICAST_STORM } from './storm-control.ts';
import { BROADCAST, MULTICAST, NO_CLASS, UNICAST } from './switch-counters.ts';
import { type SwitchTables, VPORT_SET } from './switch-tables.ts';
import { NUMBER_MASK, TAG_SHIFT, TAG_STRIP_OUTER, targetPort } from './target.ts';

/** Reason while there are receivers left. */
const NONE = -1;

/**
 * Who receives a frame: the rules one after the other, for any frame. The order is that of the 82599's pool
 * selection (section 7.10.3): exact filters, else hash filters; promiscuity; not the sender; VLAN; default
 * pool; receive enable; size. What the host does not let a VPort do comes in between: see SwitchPolicy.
 */
export class ReceiverSelection implements FrameSelection {
  /** Receivers of the frame decided last, in ascending order of ports, mirrored copies behind: see target.ts. */
  readonly targets: Int32Array;
  /** Why there were none but mirrored copies. */
  reason = 0;
  /** How many of them, the last ones, are copies that mirroring rules have made. */
  mirrored = 0;
  /** Class of its destination address. */
  frameClass = NO_CLASS;

  private readonly frames: FramePool;
  private readonly tables: SwitchTables;
  private readonly tags: FrameTags;
  /** The VPorts that the rules leave. */
  private readonly receivers: PortSet;
  /** How many targets are written. */
  private count = 0;

  constructor(frames: FramePool, tables: SwitchTables) {
    this.frames = frames;
    this.tables = tables;
    this.tags = new FrameTags(frames, tables);
    this.targets = new Int32Array(tables.uplink + 1);
    this.receivers = new PortSet(tables.uplink + 1);
  }

  /** Decides the frame in `slot`, which came in at `ingress`, and returns the number of its targets. */
  decide(slot: number, ingress: number): number {
    this.count = 0;
    this.mirrored = 0;
    this.reason = NONE;
    const { lengths, slotShift } = this.frames;
    const { uplink, maxFrameBytes, records, macs, vlans } = this.tables;
    const bytes = lengths[slot];
    const word = slot << (slotShift - 2);
    this.frameClass = classOf(this.frames, slot);
    if (this.frameClass === NO_CLASS) return this.drop(DROP.runt);

    const fromWire = ingress === uplink;
    if (!fromWire) {
      if (!this.tables.isInSet(VPORT_SET.ACTIVE, ingress)) return this.drop(DROP.vportInactive);
      if (!this.tables.isInSet(VPORT_SET.TX, ingress)) return this.drop(DROP.txDisabled);
    }

    const record = ingress << RECORD_SHIFT;
    const problem = this.tags.read(slot, ingress);
    if (problem !== WHOLE) return this.drop(problem);
    const size = bytes - this.tags.bytes;
    if (size > maxFrameBytes) return this.drop(DROP.giant);

    const vlan = this.tags.row;
    if (fromWire) {
      if (!vlans.passes(vlan)) return this.drop(DROP.vlanFilter);
    } else {
      if (records[record + CHECK_MAC] !== 0 && !isOwnSource(macs, this.frames.i32, word, ingress)) {
        return this.drop(DROP.macSpoof);
      }
      if (!vlans.isAllowed(ingress, vlan)) return this.drop(DROP.vlanNotAllowed);
      if (records[record + CHECK_VLAN] !== 0 && !vlans.isSender(ingress, vlan)) {
        return this.drop(DROP.vlanSpoof);
      }
    }
    if (this.tables.storms.count > 0) {
      const storm = this.stormAt(word, ingress);
      if (storm !== NONE) return this.drop(storm);
    }
    if (!fromWire) {
      if (this.tables.goesToWire(ingress)) return this.toWire();
      const toOne = this.tables.goesToVPort(ingress);
      if (toOne || !vlans.passes(vlan)) {
        if (toOne) this.toVPort(ingress, size);
        else this.toWire();
        return this.mirror(ingress, vlan, size);
      }
    }
    if (this.frameClass !== UNICAST && !this.tables.replication) {
      return fromWire ? this.toDefault(word, size) : this.toWire();
    }
    this.toMatches(word, ingress, vlan, size);
    return this.mirror(ingress, vlan, size);
  }

  private toMatches(word: number, ingress: number, vlan: number, size: number): number {
    const { uplink, vlans, localMatch, defaultVPort } = this.tables;
    const receivers = this.receivers;
    const vlanRow = vlans.receiversRow(vlan);
    const fromWire = ingress === uplink;
    const unicast = this.frameClass === UNICAST;

    const exact = this.matchExact(word);
    const local = unicast && exact && (localMatch === 'mac' || receivers.meetsRow(vlans.words, vlanRow));
    if (!exact) this.matchHash(word);
    this.matchPromiscuous();
    this.blameIfEmpty(DROP.noMatch);

    if (fromWire) this.pruneSource(word);
    else if (!this.tables.isInSet(VPORT_SET.SELF_DELIVERY, ingress)) receivers.remove(ingress);
    this.blameIfEmpty(DROP.sourcePruned);

    if (this.tables.isolation) {
      isolate(this.tables, this.frames.i32, word, ingress, receivers);
      this.blameIfEmpty(DROP.privateVPort);
    }
    vlans.removeDenied(receivers, vlan);
    this.blameIfEmpty(DROP.vlanNotAllowed);
    receivers.intersectRow(vlans.words, vlanRow);
    this.blameIfEmpty(DROP.vlanFilter);

    const isDefault = fromWire && unicast && this.reason !== DROP.privateVPort;
    if (isDefault && defaultVPort >= 0 && receivers.isEmpty()) return this.toDefault(word, size);
    this.emitReceivers(size);
    return fromWire || local ? this.count : this.toWire();
  }

  /** To the default VPort alone: its filters do not matter. */
  private toDefault(word: number, size: number): number {
    this.toOne(this.tables.defaultVPort);
    this.pruneSource(word);
    this.blameIfEmpty(DROP.sourcePruned);
    this.emitReceivers(size);
    return this.count;
  }

  /** To the VPort that all frames of `ingress` go to: its filters do not matter. */
  private toVPort(ingress: number, size: number): number {
    const { tables } = this;
    const way = tables.forwarding[ingress];
    const vport = way < 0 ? -1 : way & NUMBER_MASK;
    this.toOne(vport);
    if (tables.isolation && vport >= 0 && !exchanges(tables, ingress, vport)) {
      this.receivers.clear();
      this.reason = DROP.privateVPort;
    }
    this.emitReceivers(size);
    return way >= 0 && (way & AND_PORT) !== 0 ? this.toWire() : this.count;
  }

  /** Leaves one receiver, or none if it is -1 or may not use the VLAN. */
  private toOne(vport: number): void {
    const { receivers } = this;
    this.reason = NONE;
    receivers.clear();
    if (vport >= 0) receivers.add(vport);
    this.blameIfEmpty(DROP.noMatch);
    this.tables.vlans.removeDenied(receivers, this.tags.row);
    this.blameIfEmpty(DROP.vlanNotAllowed);
  }

  /** Reason to drop a frame that is beyond a storm limit of its port, or NONE. */
  private stormAt(word: number, ingress: number): number {
    const { storms } = this.tables;
    if (this.frameClass === BROADCAST) {
      return storms.exceeds(ingress, BROADCAST_STORM) ? DROP.broadcastStorm : NONE;
    }
    if (this.frameClass === MULTICAST) {
      return storms.exceeds(ingress, MULTICAST_STORM) ? DROP.multicastStorm : NONE;
    }
    if (!storms.isLimited(ingress, UNKNOWN_UNICAST_STORM) || this.isKnown(word)) return NONE;
    return storms.exceeds(ingress, UNKNOWN_UNICAST_STORM) ? DROP.unknownUnicastStorm : NONE;
  }

  /** Whether some filter, exact or hashed, names the frame's destination, a single address. */
  private isKnown(word: number): boolean {
    const { macs, unicastHash, unicastHashing, hashOffset } = this.tables;
    const { i32 } = this.frames;
    const high = i32[word + 1] & 0xffff;
    if (macs.lookup(i32[word], high) !== NOBODY) return true;
    return unicastHashing && unicastHash.get(hashIndex(high, hashOffset));
  }

  /** Receivers by exact filter, and whether there are any. Broadcast is none of the filters' business. */
  private matchExact(word: number): boolean {
    const { macs, vportSets, setWords } = this.tables;
    const { i32 } = this.frames;
    const receivers = this.receivers;
    receivers.clear();
    if (this.frameClass === BROADCAST) {
      receivers.addRow(vportSets, VPORT_SET.BROADCAST * setWords);
      return true;
    }
    const value = macs.lookup(i32[word], i32[word + 1] & 0xffff);
    if (value === NOBODY) return false;
    if (value < SET) receivers.add(value);
    else receivers.addRow(macs.sets, macs.rowOf(value));
    return true;
  }

  private matchHash(word: number): void {
    const { vportSets, setWords, hashOffset, unicastHash, multicastHash } = this.tables;
    const unicast = this.frameClass === UNICAST;
    const index = hashIndex(this.frames.i32[word + 1] & 0xffff, hashOffset);
    if (!(unicast ? unicastHash : multicastHash).get(index)) return;
    const set = unicast ? VPORT_SET.UNICAST_HASH : VPORT_SET.MULTICAST_HASH;
    this.receivers.addRow(vportSets, set * setWords);
  }

  private matchPromiscuous(): void {
    if (this.frameClass === BROADCAST) return;
    const { vportSets, setWords } = this.tables;
    const set = this.frameClass === UNICAST ? VPORT_SET.UNICAST_PROMISCUOUS : VPORT_SET.MULTICAST_PROMISCUOUS;
    this.receivers.addRow(vportSets, set * setWords);
  }

  /** In VEPA the adjacent bridge sends group frames back: their sender has them already. */
  private pruneSource(word: number): void {
    const { macs, loopback, reflection, sourcePruning } = this.tables;
    if ((loopback && !reflection) || !sourcePruning || this.frameClass === UNICAST) return;
    const { i32 } = this.frames;
    const value = macs.lookup(sourceLow(i32, word), sourceHigh(i32, word));
    if (value === NOBODY) return;
    if (value < SET) this.receivers.remove(value);
    else this.receivers.removeRow(macs.sets, macs.rowOf(value));
  }

  /** Names the step that emptied the set, if none before it did. */
  private blameIfEmpty(reason: number): void {
    if (this.reason === NONE && this.receivers.isEmpty()) this.reason = reason;
  }

  private drop(reason: number): number {
    this.reason = reason;
    return 0;
  }

  /** Those of the receivers that may receive and take frames of that size. */
  private emitReceivers(size: number): void {
    const { records, longest, vportSets, setWords } = this.tables;
    const receivers = this.receivers;
    receivers.intersectRow(vportSets, VPORT_SET.ACTIVE * setWords);
    this.blameIfEmpty(DROP.vportInactive);
    receivers.intersectRow(vportSets, VPORT_SET.RX * setWords);
    this.blameIfEmpty(DROP.vportDisabled);
    const { words } = receivers;
    const { targets, tags } = this;
    // With one VLAN tag at most, what a receiver does is two bits of its record.
    const double = (tags.possible & TAG_STRIP_OUTER) !== 0;
    const possible = tags.possible << TAG_SHIFT;
    const forced = tags.forced << TAG_SHIFT;
    let count = this.count;
    for (let w = 0; w < words.length; w++) {
      for (let rest = words[w]; rest !== 0; rest &= rest - 1) {
        const port = ((w << 5) + 31 - Math.clz32(rest & -rest)) | 0;
        if (size > longest[port]) continue;
        const egress = records[(port << RECORD_SHIFT) | EGRESS];
        targets[count] = double
          ? port | (tags.operation(egress) << TAG_SHIFT)
          : port | (egress & possible) | forced;
        count = (count + 1) | 0;
      }
    }
    this.count = count;
    if (this.reason === NONE) this.reason = DROP.giant;
  }

  /**
   * Adds the VPorts that mirroring rules copy the frame to, each once and only if it does not receive the
   * frame anyway (82599 data sheet, section 7.10.3.6). Neither filters nor VLANs hold them back, and the sender
   * can be one of them; receive enable and size count. Returns the number of targets.
   */
  private mirror(ingress: number, vlan: number, size: number): number {
    if (!this.tables.mirroring) return this.count;
    const { mirrors, records, longest } = this.tables;
    const { targets } = this;
    const received = this.count;
    for (let rule = 0; rule < mirrors.capacity; rule++) {
      if (!mirrors.copies(rule, ingress, vlan, targets, received)) continue;
      const port = mirrors.destination(rule);
      if (size > longest[port] || this.isTarget(port)) continue;
      const operation = this.tags.operation(records[(port << RECORD_SHIFT) + EGRESS]);
      targets[this.count++] = port | (operation << TAG_SHIFT);
    }
    this.mirrored = this.count - received;
    return this.count;
  }

  private isTarget(port: number): boolean {
    for (let i = 0; i < this.count; i++) if (targetPort(this.targets[i]) === port) return true;
    return false;
  }

  /** To the wire as well; returns the number of targets. */
  private toWire(): number {
    const { uplink, records } = this.tables;
    const operation = this.tags.operation(records[(uplink << RECORD_SHIFT) + EGRESS]);
    this.targets[this.count++] = uplink | (operation << TAG_SHIFT);
    return this.count;
  }
}

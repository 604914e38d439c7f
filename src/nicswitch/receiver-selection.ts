import type { FramePool } from '../base/index.ts';
import { ETHERNET_HEADER_BYTES } from '../wire/index.ts';
import { lowestBit } from './bitmap.ts';
import { DROP } from './drop-reason.ts';
import type { FrameSelection } from './frame-selection.ts';
import { FrameTags } from './frame-tags.ts';
import { hashIndex } from './hash-filter.ts';
import { GROUP_BIT, NOBODY, SET } from './mac-table.ts';
import { CHECK_MAC, CHECK_VLAN, EGRESS, RECORD_SHIFT } from './port-record.ts';
import { PortSet } from './port-set.ts';
import { BROADCAST, MULTICAST, NO_CLASS, UNICAST } from './switch-counters.ts';
import { type SwitchTables, VPORT_SET } from './switch-tables.ts';
import { TAG_SHIFT, targetPort } from './target.ts';

/** Reason while there are receivers left. */
const NONE = -1;

/**
 * Who receives a frame: the rules one after the other, for any frame. The order is that of the 82599's pool
 * selection (section 7.10.3): exact filters, else hash filters; promiscuity; not the sender; VLAN; default
 * pool; receive enable; size.
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
    const { i32, lengths, slotShift } = this.frames;
    const { uplink, maxFrameBytes, records, vlans, loopback } = this.tables;
    const bytes = lengths[slot];
    const word = slot << (slotShift - 2);
    this.frameClass = bytes < ETHERNET_HEADER_BYTES ? NO_CLASS : classOf(i32[word], i32[word + 1]);
    if (this.frameClass === NO_CLASS) return this.drop(DROP.runt);

    const fromWire = ingress === uplink;
    if (!fromWire && !this.tables.isInSet(VPORT_SET.TX, ingress)) return this.drop(DROP.txDisabled);

    const record = ingress << RECORD_SHIFT;
    if (!this.tags.read(slot, ingress)) return this.drop(DROP.truncatedTag);
    const size = bytes - this.tags.bytes;
    if (size > maxFrameBytes) return this.drop(DROP.giant);

    const vlan = this.tags.row;
    if (fromWire) {
      if (!vlans.passes(vlan)) return this.drop(DROP.vlanFilter);
    } else {
      if (records[record + CHECK_MAC] !== 0 && !this.isOwnSource(word, ingress)) {
        return this.drop(DROP.macSpoof);
      }
      if (records[record + CHECK_VLAN] !== 0 && !vlans.isMember(ingress, vlan)) {
        return this.drop(DROP.vlanSpoof);
      }
      if (!loopback) return this.toWire();
      if (!vlans.passes(vlan)) {
        this.toWire();
        return this.mirror(ingress, vlan, size);
      }
    }
    if (this.frameClass !== UNICAST && !this.tables.replication) {
      return fromWire ? this.toDefault(size) : this.toWire();
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

    receivers.intersectRow(vlans.words, vlanRow);
    this.blameIfEmpty(DROP.vlanFilter);

    if (fromWire && unicast && defaultVPort >= 0 && receivers.isEmpty()) return this.toDefault(size);
    this.emitReceivers(size);
    return fromWire || local ? this.count : this.toWire();
  }

  /** To the default VPort alone: its filters do not matter. */
  private toDefault(size: number): number {
    const { defaultVPort } = this.tables;
    this.reason = NONE;
    this.receivers.clear();
    if (defaultVPort >= 0) this.receivers.add(defaultVPort);
    this.blameIfEmpty(DROP.noMatch);
    this.emitReceivers(size);
    return this.count;
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
    const { macs, loopback, sourcePruning } = this.tables;
    if (loopback || !sourcePruning || this.frameClass === UNICAST) return;
    const { i32 } = this.frames;
    const value = macs.lookup(sourceLow(i32, word), sourceHigh(i32, word));
    if (value === NOBODY) return;
    if (value < SET) this.receivers.remove(value);
    else this.receivers.removeRow(macs.sets, macs.rowOf(value));
  }

  private isOwnSource(word: number, vport: number): boolean {
    const { i32 } = this.frames;
    const low = sourceLow(i32, word);
    return (low & GROUP_BIT) === 0 && this.tables.macs.has(vport, low, sourceHigh(i32, word));
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
    receivers.intersectRow(vportSets, VPORT_SET.RX * setWords);
    this.blameIfEmpty(DROP.vportDisabled);
    const { words } = receivers;
    const { targets } = this;
    let count = this.count;
    for (let w = 0; w < words.length; w++) {
      for (let rest = words[w]; rest !== 0; rest &= rest - 1) {
        const port = (w << 5) + lowestBit(rest);
        if (size > longest[port]) continue;
        const egress = records[(port << RECORD_SHIFT) + EGRESS];
        targets[count++] = port | (this.tags.operation(egress) << TAG_SHIFT);
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

/** Class of the destination address with the words `first` and, in its lower half, `second`. */
export function classOf(first: number, second: number): number {
  if ((first & GROUP_BIT) === 0) return UNICAST;
  return first === -1 && (second & 0xffff) === 0xffff ? BROADCAST : MULTICAST;
}

function sourceLow(i32: Int32Array, word: number): number {
  return (i32[word + 1] >>> 16) | (i32[word + 2] << 16);
}

function sourceHigh(i32: Int32Array, word: number): number {
  return i32[word + 2] >>> 16;
}

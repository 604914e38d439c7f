import type { FramePool } from '../base/index.ts';
import { ETHERNET, EtherType, VLAN_TAG_BYTES } from '../wire/index.ts';
import { DROP } from './drop-reason.ts';
import { NO_TAG, PORT_TAG, RECORD_SHIFT } from './port-record.ts';
import type { SwitchTables } from './switch-tables.ts';
import { NO_SERVICE } from './tag-tables.ts';
import {
  TAG_BEHIND_OUTER,
  TAG_INSERT,
  TAG_INSERT_OUTER,
  TAG_SHIFT,
  TAG_STRIP,
  TAG_STRIP_OUTER,
} from './target.ts';
import { isVlanTag, UNTAGGED } from './vlan-table.ts';

/** No tag of that kind. */
const NONE = -1;
/** VLAN tags that a frame can have, one within the other. */
const MOST_TAGS = 2;

/** Instead of a reason to drop a frame: its tags are all right. */
export const WHOLE = -1;

/** VLAN 0: a priority tag. */
const isPriorityTag = (tci: number): boolean => (tci & 0xfff) === 0;

/**
 * The VLAN tags of one frame, of any: where they are, what a port adds, to which VLAN the frame belongs, and what
 * can be done to them on the way out. Bytes are only read; what is added or changed travels beside them.
 */
export class FrameTags {
  /** Tag operations of which each receiver does those that it may be given, */
  possible = 0;
  /** and those that all do: a tag that is replaced is left out of the bytes. */
  forced = 0;
  /** Row of the VLAN table. */
  row = UNTAGGED;
  /** Bytes of the tags that were read in the frame's own bytes. */
  bytes = 0;
  /** Priority of the frame: that of its outermost VLAN tag behind the port. */
  priority = 0;
  /** Drop Eligible Indicator of that tag. */
  dropEligible = false;

  private readonly frames: FramePool;
  private readonly tables: SwitchTables;
  /** TCIs, or -1. */
  private outer = NONE;
  private inner = NONE;

  constructor(frames: FramePool, tables: SwitchTables) {
    this.frames = frames;
    this.tables = tables;
  }

  /**
   * Reads the tags of the frame in `slot`, and puts the tags of the port beside it that it came in at.
   *
   * @param at offset of the first EtherType to be read: 12, or behind a tag for virtual access.
   * @returns why the frame is to be dropped: it ends within one of its tags, or has too many; or {@link WHOLE}.
   */
  read(slot: number, ingress: number, at: number = ETHERNET.TYPE): number {
    const { tags } = this.tables;
    const problem = this.problemAt(slot, at);
    if (problem !== WHOLE) return problem;
    this.possible = this.forced = this.bytes = 0;
    this.outer = this.inner = NONE;
    this.readInner(slot, ingress, tags.outerType < 0 ? at : this.readOuter(slot, ingress, at));
    const ofVlan = tags.outerType < 0 || tags.filtersInner ? this.inner : this.outer;
    this.row = ofVlan < 0 ? UNTAGGED : ofVlan & 0xfff;
    const outermost = this.outer < 0 ? this.inner : this.outer;
    this.dropEligible = outermost >= 0 && (outermost & 0x1000) !== 0;
    this.priority = outermost < 0 ? tags.priorities.ofUntagged(ingress, NONE) : outermost >>> 13;
    return WHOLE;
  }

  /** What is wrong with the tags in the frame's bytes from `at` on, those that are not read included. */
  private problemAt(slot: number, at: number): number {
    const { u8, lengths } = this.frames;
    const { outerType } = this.tables.tags;
    const offset = this.frames.offsetOf(slot);
    const end = offset + lengths[slot];
    let from = offset + at;
    for (let count = 1; ; count++) {
      const type = (u8[from] << 8) | u8[from + 1];
      if (!isVlanTag((type >>> 8) | (type << 8)) && type !== outerType) return WHOLE;
      from += VLAN_TAG_BYTES;
      // Behind a tag is another EtherType, or it is none.
      if (from + 2 > end) return DROP.truncatedTag;
      if (count > MOST_TAGS) return DROP.tooManyTags;
    }
  }

  /** What a receiver does that takes frames as the word `egress` of its record says. */
  operation(egress: number): number {
    const operation = ((egress >>> TAG_SHIFT) & this.possible) | this.forced;
    const outerStays = (this.possible & TAG_STRIP_OUTER) !== 0 && (operation & TAG_STRIP_OUTER) === 0;
    const behind = outerStays && (operation & (TAG_STRIP | TAG_INSERT)) !== 0;
    return behind ? operation | TAG_BEHIND_OUTER : operation;
  }

  /** Offset of the EtherType behind the outer tag. */
  private readOuter(slot: number, ingress: number, at: number): number {
    const { tags } = this.tables;
    const service = tags.services[ingress];
    const own = this.tciAt(slot, at, tags.outerType);
    if (service === NO_SERVICE) {
      if (own < 0) return at;
      this.possible |= TAG_STRIP_OUTER;
      this.bytes += VLAN_TAG_BYTES;
      this.outer = own;
      const tci = tags.priorities.regenerateTci(ingress, own);
      if (tci !== own) {
        this.forced |= TAG_STRIP_OUTER;
        this.insertOuter(slot, tci);
      }
      return at + VLAN_TAG_BYTES;
    }
    if (own < 0 || !isPriorityTag(own)) {
      this.insertOuter(slot, tags.portTag(ingress, service));
      return at;
    }
    this.forced |= TAG_STRIP_OUTER;
    this.bytes += VLAN_TAG_BYTES;
    this.insertOuter(slot, tags.priorities.regenerateTci(ingress, (own & 0xf000) | (service & 0xfff)));
    return at + VLAN_TAG_BYTES;
  }

  private insertOuter(slot: number, tci: number): void {
    this.frames.serviceTag[slot] = (this.tables.tags.outerType << 16) | tci;
    this.possible |= TAG_INSERT_OUTER;
    this.outer = tci;
  }

  private readInner(slot: number, ingress: number, at: number): void {
    const { records, tags } = this.tables;
    const portTag = records[(ingress << RECORD_SHIFT) + PORT_TAG];
    const asked = portTag === NO_TAG ? NONE : this.frames.outerTci[slot];
    const own = asked < 0 ? this.tciAt(slot, at, EtherType.VLAN) : NONE;
    let beside = asked;
    // Only the outermost tag has the frame's priority.
    const regenerates = this.outer < 0 && tags.priorities.regenerates(ingress);
    let left = false;
    if (portTag < 0) {
      left = own >= 0;
      const tci = left ? own : asked;
      const regenerated = regenerates && tci >= 0 ? tags.priorities.regenerateTci(ingress, tci) : tci;
      if (regenerated !== tci) {
        beside = regenerated;
        if (left) this.forced |= TAG_STRIP;
      }
      this.inner = regenerated;
    } else {
      const seen = own >= 0 ? own : asked;
      beside = portTag;
      if (seen >= 0 && isPriorityTag(seen)) {
        left = own >= 0;
        if (left) this.forced |= TAG_STRIP;
        beside = (seen & 0xf000) | (portTag & 0xfff);
        if (regenerates) beside = tags.priorities.regenerateTci(ingress, beside);
      }
      this.inner = beside;
    }
    this.frames.outerTci[slot] = beside;
    if (beside >= 0) this.possible |= TAG_INSERT;
    if (left) {
      this.possible |= TAG_STRIP;
      this.bytes += VLAN_TAG_BYTES;
    }
  }

  /** TCI of the tag of this EtherType at `at`; -1 if there is another. */
  private tciAt(slot: number, at: number, etherType: number): number {
    const { u8 } = this.frames;
    const from = this.frames.offsetOf(slot) + at;
    if (((u8[from] << 8) | u8[from + 1]) !== etherType) return NONE;
    return (u8[from + 2] << 8) | u8[from + 3];
  }
}

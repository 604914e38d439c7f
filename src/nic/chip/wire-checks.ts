import type { FramePool } from '../../base/index.ts';
import type { RegisterFile } from '../../registers/index.ts';
import { ETHERNET, FCS_BYTES, MIN_FRAME_BYTES, VLAN_TAG_BYTES, writeFcs } from '../../wire/index.ts';
import { NicDrop } from '../drops.ts';
import type { FrameStatistics } from './frame-statistics.ts';

/** HLREG0 (82599 data sheet 8.2.3.22.8). */
const RXCRCSTRP = 1 << 1;
const JUMBOEN = 1 << 2;
const RXLNGTHERREN = 1 << 27;
/** Longest frame without JUMBOEN, with check sequence. */
const LONGEST = 1518;
/** MAXFRS.MFS. */
const MFS_SHIFT = 16;
/** CTRL_EXT.EXTENDED_VLAN. */
const EXTENDED_VLAN = 1 << 26;
/** A length field says no more than this, and no less than this many bytes stand behind it. */
const MOST_DATA = 1500;
const LEAST_DATA = 46;

/**
 * What the MAC does to frames from the wire before their addresses count: those that are too long or too short are dropped and
 * counted (ROC, RUC), those whose length field is wrong are counted (RLEC), and the check sequence stays if it is not to be
 * stripped.
 */
export class WireChecks {
  private readonly frames: FramePool;
  private readonly core: RegisterFile;
  private readonly file: RegisterFile;
  private readonly statistics: FrameStatistics;

  /** @param core registers of the card. @param file those of the chip in front of them. */
  constructor(frames: FramePool, core: RegisterFile, file: RegisterFile, statistics: FrameStatistics) {
    this.frames = frames;
    this.core = core;
    this.file = file;
    this.statistics = statistics;
  }

  /** One of `NicDrop` for a frame that has come whole, or -1. */
  check(slot: number): number {
    const { frames, statistics } = this;
    const control = this.core.get('HLREG0');
    const bytes = frames.lengths[slot] + FCS_BYTES;
    statistics.hasCheckSequence[slot] = 0;
    if (bytes < MIN_FRAME_BYTES) {
      statistics.undersized++;
      return NicDrop.BAD_LENGTH;
    }
    const offset = frames.offsetOf(slot);
    const type = this.typeAt(offset);
    if (bytes > this.longest(control) + type) {
      statistics.oversized++;
      return NicDrop.BAD_LENGTH;
    }
    if ((control & RXLNGTHERREN) !== 0 && this.isLengthWrong(offset + ETHERNET.TYPE + type, slot))
      statistics.lengthErrors++;
    if ((control & RXCRCSTRP) === 0) {
      writeFcs(frames.u8, offset, frames.lengths[slot]);
      frames.lengths[slot] = bytes;
      statistics.hasCheckSequence[slot] = 1;
    }
    return -1;
  }

  /** Bytes of the longest frame without tags. */
  private longest(control: number): number {
    return (control & JUMBOEN) === 0 ? LONGEST : this.file.get('MAXFRS') >>> MFS_SHIFT;
  }

  /** Bytes of the tags in front of the type: they come on top of the longest frame. */
  private typeAt(offset: number): number {
    const { core } = this;
    const isExtended = (core.get('CTRL_EXT') & EXTENDED_VLAN) !== 0;
    let tags = 0;
    for (const type of [isExtended ? core.get('EXVET') >>> 16 : -1, core.get('VLNCTRL') & 0xffff])
      if (this.read16(offset + ETHERNET.TYPE + tags) === type) tags += VLAN_TAG_BYTES;
    return tags;
  }

  /** Whether the length field at `at` is one, and says something else than there are bytes behind it. */
  private isLengthWrong(at: number, slot: number): boolean {
    const length = this.read16(at);
    const data = this.frames.lengths[slot] - (at + 2 - this.frames.offsetOf(slot));
    if (length > MOST_DATA) return false;
    return length < LEAST_DATA ? data < length : data !== length;
  }

  private read16(at: number): number {
    const { u8 } = this.frames;
    return (u8[at] << 8) | u8[at + 1];
  }
}

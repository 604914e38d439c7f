import { assert } from '../base/index.ts';
import { writeBit } from './bitmap.ts';

/** Values from here on stand for sets of ports; the ones below are the only port. */
export const CHANNEL_SET = 0x8000;
/** Nobody has the channel. */
export const NO_PORT = -1;

const PAGE_SHIFT = 12;
const PAGE = 1 << PAGE_SHIFT;

/**
 * Who is meant by a channel: an E-CID of 22 bits, or a virtual interface or a list of them of 15. Pages of 4,096
 * channels, of which those exist that are used, so that a lookup is two loads whatever the numbers are.
 */
export class ChannelTable {
  /** First word in {@link ChannelTable.values} of the page of each 4,096 channels. */
  readonly pages = new Int32Array(1 << (22 - PAGE_SHIFT));
  /** The first page has nobody in it. Replaced when it grows. */
  values: Int32Array;
  /** Words of a set of ports. */
  readonly setWords: number;
  /** Row number n begins at `n * setWords`. Replaced when it grows. */
  sets: Int32Array;
  /** Beside the one with nobody in it. */
  private usedPages = 0;
  private usedSets = 0;
  private readonly freeSets: number[] = [];

  constructor(setWords: number) {
    this.setWords = setWords;
    this.values = new Int32Array(PAGE).fill(NO_PORT);
    this.sets = new Int32Array(setWords);
  }

  clear(): void {
    this.pages.fill(0);
    this.values = new Int32Array(PAGE).fill(NO_PORT);
    this.sets.fill(0);
    this.usedPages = 0;
    this.usedSets = 0;
    this.freeSets.length = 0;
  }

  /** The port of `channel`, or {@link CHANNEL_SET} and the number of its row, or {@link NO_PORT}. */
  lookup(channel: number): number {
    return channelValue(this.pages, this.values, channel);
  }

  /** `channel` is that of `port`, or of nobody. */
  setPort(channel: number, port: number): void {
    this.write(channel, port);
  }

  /** Puts `port` into the group of `channel`, or takes it out; a group without ports is nobody's. */
  writeGroup(channel: number, port: number, member: boolean): void {
    let value = this.lookup(channel);
    if (value === NO_PORT) {
      if (!member) return;
      value = CHANNEL_SET + this.takeSet();
      this.write(channel, value);
    }
    const row = this.rowOf(value);
    writeBit(this.sets, row, port, member);
    for (let w = 0; w < this.setWords; w++) if (this.sets[row + w] !== 0) return;
    this.write(channel, NO_PORT);
    this.freeSets.push(value - CHANNEL_SET);
  }

  /** First word in {@link ChannelTable.sets} of the set that `value` stands for. */
  rowOf(value: number): number {
    return (value - CHANNEL_SET) * this.setWords;
  }

  private write(channel: number, value: number): void {
    let page = this.pages[channel >>> PAGE_SHIFT];
    if (page === 0) {
      page = ++this.usedPages * PAGE;
      if (page === this.values.length) {
        const longer = new Int32Array(2 * page).fill(NO_PORT, page);
        longer.set(this.values);
        this.values = longer;
      }
      this.pages[channel >>> PAGE_SHIFT] = page;
    }
    this.values[page + (channel & (PAGE - 1))] = value;
  }

  private takeSet(): number {
    const free = this.freeSets.pop();
    if (free !== undefined) return free;
    const set = this.usedSets++;
    assert(set < 1 << 24, `${set} groups are more than there are numbers`);
    if (this.usedSets * this.setWords > this.sets.length) {
      const longer = new Int32Array(2 * this.sets.length);
      longer.set(this.sets);
      this.sets = longer;
    }
    return set;
  }
}

/** What {@link ChannelTable.lookup} does, for the data path. */
export const channelValue = (pages: Int32Array, values: Int32Array, channel: number): number =>
  values[pages[channel >>> PAGE_SHIFT] + (channel & (PAGE - 1))];

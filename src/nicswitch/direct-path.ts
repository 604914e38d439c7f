import type { FramePool } from '../base/index.ts';
import { VLAN_TAG_BYTES } from '../wire/index.ts';
import { DROP } from './drop-reason.ts';
import { isSourceOf } from './frame-addresses.ts';
import { GROUP_BIT, NOBODY, nearValue, SET } from './mac-table.ts';
import { type PortQueues, QUEUE_TAIL } from './port-queues.ts';
import {
  ALL_DIRECT,
  BYTES_IN,
  BYTES_OUT,
  CHECK_MAC,
  CHECK_VLAN,
  DIRECT,
  EGRESS,
  FRAMES_IN,
  FRAMES_OUT,
  KEEP_TAG,
  NONE_DIRECT,
  OUT_BY_CLASS,
  OUTPUT_QUEUE,
  PORT_TAG,
  RECORD_SHIFT,
  SOURCE_FIRST,
  SOURCE_LAST,
  WIRE_DIRECT,
} from './port-record.ts';
import type { ReceiverLists } from './receiver-lists.ts';
import { SETTLE_AT, type SwitchCounters, UNICAST } from './switch-counters.ts';
import type { SwitchTables } from './switch-tables.ts';
import { isPriorityOnly, TAG_SHIFT, TAG_STRIP, tagOf, targetPort, vlanOf } from './target.ts';

const OUTPUT_TAIL = OUTPUT_QUEUE + QUEUE_TAIL;

/** Instead of a receiver, or of a target: the tables do not tell it. */
const LONG_WAY = -1;

/** 18 bytes: with an 802.1Q tag, the shortest that is whole. */
export const SHORTEST = 18;

/**
 * The direct way through the switch, for what nearly all frames are: well-formed, unicast, to one receiver
 * that takes them. Whatever else a frame is, it is left to ReceiverSelection, which decides any frame, these
 * too, by the same rules.
 */
export interface DirectPath {
  /**
   * Has the headers of `count` frames, `input.items[at]` and following, fetched into the cache. They lie far
   * apart, and `decide` has too much to do for each for the processor to see the next one coming; here it
   * fetches several at once: 26 ns a frame instead of 39 with 256 VPorts.
   */
  fetch(at: number, count: number): void;

  /**
   * Decides frames that came in at `ingress`, `input.items[at]` and following, until one needs the long way;
   * returns how many it decided, of `count`. They are put into the output queues of their receivers.
   */
  decide(ingress: number, at: number, count: number): number;

  /** Decides one frame; returns its target, for it to be delivered at once, or -1 if it needs the long way. */
  decideOne(slot: number, ingress: number): number;

  /** Puts the frame in `slot` into the output queues of `count` of `targets`; drops it where they are full. */
  enqueue(slot: number, count: number, frameClass: number): void;
}

/** What the direct way works on. */
export interface DirectPathParts {
  readonly frames: FramePool;
  readonly tables: SwitchTables;
  readonly input: PortQueues;
  readonly output: PortQueues;
  readonly targets: Int32Array;
  readonly lists: ReceiverLists;
  readonly counters: SwitchCounters;
}

// Steps of `decide` and `decideOne`.

/** The only port that asked for the address in the words 0 and 1 of a frame; `miss` if nobody did. */
const receiverOf = (
  places: Int32Array,
  shift: number,
  first: number,
  second: number,
  miss: number,
): number => {
  const value = nearValue(places, shift, first, second);
  if (value < SET) return value;
  return value === NOBODY ? miss : LONG_WAY;
};

/**
 * Makes the direct way.
 *
 * Functions over constants, instead of methods: for the first switch of a process V8 compiles them with the
 * very arrays in the code, their addresses and lengths, and need not load and check each array anew for each
 * frame (14 ns a frame instead of 19). For a second switch it compiles them once more, without; hence
 * `fixed`, which they unpack before they begin.
 *
 * What else was measured: one big array for all tables gains nothing over one for each; a function call for
 * each frame costs 3 ns; a constant that is imported from another module, where the package is not bundled,
 * is loaded and checked at each use, 6 ns a frame; so is a field that a class defines before the constructor
 * assigns it, 1 ns.
 */
export function createDirectPath(parts: DirectPathParts): DirectPath {
  const { frames, tables, input, output, targets, counters } = parts;
  const { macs } = tables;
  const fixed = {
    i32: frames.i32,
    lengths: frames.lengths,
    outerTci: frames.outerTci,
    wordShift: frames.slotShift - 2,
    records: tables.records,
    vlanWords: tables.vlans.words,
    rowLength: tables.vlans.rowLength,
    setWords: tables.setWords,
    uplink: tables.uplink,
    slots: input.items,
    items: output.items,
    stride: output.stride,
    capacity: output.capacity,
    /** Written, never read: see `fetch`. */
    fetched: new Int32Array(1),
  };

  function fetch(at: number, count: number): void {
    const { i32, wordShift, slots, fetched } = fixed;
    const end = (at + count) | 0;
    let sum = 0;
    // Four in each turn, so that what a turn costs by itself is paid a fourth as often. Up to three words too
    // many are read, for which queues have a margin.
    for (let i = at | 0; i < end; i = (i + 4) | 0) {
      sum ^= i32[slots[i] << wordShift] ^ i32[slots[(i + 1) | 0] << wordShift];
      sum ^= i32[slots[(i + 2) | 0] << wordShift] ^ i32[slots[(i + 3) | 0] << wordShift];
    }
    // Or the compiler would see that nobody needs what was read.
    fetched[0] = sum;
  }

  function decide(ingress: number, at: number, count: number): number {
    const { i32, lengths, outerTci, records, vlanWords, slots, items } = fixed;
    const { wordShift, stride, capacity, uplink, rowLength, setWords } = fixed;
    const from = ingress << RECORD_SHIFT;
    const direct = records[from + DIRECT];
    if (direct === NONE_DIRECT) return 0;

    const { places, shift } = macs;
    const toWire = direct === WIRE_DIRECT;
    const miss = direct === ALL_DIRECT ? uplink : LONG_WAY;
    const checkMac = records[from + CHECK_MAC];
    const checkVlan = records[from + CHECK_VLAN];
    const portTag = records[from + PORT_TAG];
    // The source address that was found to be the port's own last.
    let sourceFirst = records[from + SOURCE_FIRST];
    let sourceLast = records[from + SOURCE_LAST];
    // The tag that was looked at last, and what it means: most frames of a burst have the same.
    let typeWord = 0;
    let tci = -2;
    let receivers = 0;
    let tagBits = 0;
    let tagBytes = 0;

    const begin = at | 0;
    const end = (at + count) | 0;
    let bytesIn = 0;
    let i = begin;
    for (; i < end; i = (i + 1) | 0) {
      const slot = slots[i];
      const bytes = lengths[slot];
      const word = slot << wordShift;
      const first = i32[word];
      const second = i32[word | 1];
      const third = i32[word | 2];
      const fourth = i32[word | 3];
      let outer = outerTci[slot];
      if (bytes < SHORTEST || (first & GROUP_BIT) !== 0) break;

      if (portTag !== KEEP_TAG) {
        if (portTag >= 0 && isPriorityOnly(outer, fourth)) break;
        outer = portTag;
        outerTci[slot] = portTag;
      }
      if (outer !== tci || fourth !== typeWord) {
        const tag = tagOf(outer, fourth);
        const members = Math.imul(vlanOf(tag, outer, fourth), rowLength);
        tci = outer;
        typeWord = fourth;
        tagBits = tag << TAG_SHIFT;
        tagBytes = tag === TAG_STRIP ? VLAN_TAG_BYTES : 0;
        receivers = (members + setWords) | 0;
        if (((vlanWords[(members + (ingress >>> 5)) | 0] >>> ingress) & checkVlan) !== checkVlan) break;
      }

      if (((((second ^ sourceFirst) >>> 16) | (third ^ sourceLast)) & checkMac) !== 0) {
        if (!isSourceOf(macs, ingress, second, third)) break;
        sourceFirst = second;
        sourceLast = third;
      }

      const port = toWire ? uplink : receiverOf(places, shift, first, second, miss);
      if (port === LONG_WAY || port === ingress) break;
      if (((vlanWords[(receivers + (port >>> 5)) | 0] >>> port) & 1) === 0) break;

      const to = port << RECORD_SHIFT;
      const egress = records[to | EGRESS];
      if (((bytes - tagBytes) | 0) > (egress & 0xffff)) break;
      const tail = records[to | OUTPUT_TAIL];
      if (tail === capacity) break;
      items[(Math.imul(port, stride) + tail) | 0] = slot | (egress & tagBits);
      records[to | OUTPUT_TAIL] = tail + 1;
      records[to | BYTES_OUT] = (records[to | BYTES_OUT] + bytes) | 0;
      bytesIn = (bytesIn + bytes) | 0;
    }
    const done = (i - begin) | 0;
    records[from + FRAMES_IN] = (records[from + FRAMES_IN] + done) | 0;
    records[from + BYTES_IN] = (records[from + BYTES_IN] + bytesIn) | 0;
    counters.ran(done, bytesIn);
    return done;
  }

  // The steps of `decide`, with nothing prepared for frames behind the first: 212 machine instructions
  // instead of 353.
  function decideOne(slot: number, ingress: number): number {
    const { i32, lengths, outerTci, records, vlanWords } = fixed;
    const { wordShift, uplink, rowLength, setWords } = fixed;
    const from = ingress << RECORD_SHIFT;
    const direct = records[from | DIRECT];
    const bytes = lengths[slot];
    const word = slot << wordShift;
    const first = i32[word];
    if (direct === NONE_DIRECT || bytes < SHORTEST || (first & GROUP_BIT) !== 0) return LONG_WAY;
    const second = i32[word | 1];
    const third = i32[word | 2];
    const fourth = i32[word | 3];

    const portTag = records[from | PORT_TAG];
    if (portTag !== KEEP_TAG) {
      if (portTag >= 0 && isPriorityOnly(outerTci[slot], fourth)) return LONG_WAY;
      outerTci[slot] = portTag;
    }
    const outer = outerTci[slot];
    const tag = tagOf(outer, fourth);
    const members = Math.imul(vlanOf(tag, outer, fourth), rowLength);
    const checkVlan = records[from | CHECK_VLAN];
    if (((vlanWords[(members + (ingress >>> 5)) | 0] >>> ingress) & checkVlan) !== checkVlan) return LONG_WAY;

    const differs = ((second ^ records[from | SOURCE_FIRST]) >>> 16) | (third ^ records[from | SOURCE_LAST]);
    if ((differs & records[from | CHECK_MAC]) !== 0 && !isSourceOf(macs, ingress, second, third))
      return LONG_WAY;

    let port = uplink;
    if (direct !== WIRE_DIRECT) {
      port = receiverOf(macs.places, macs.shift, first, second, direct === ALL_DIRECT ? uplink : LONG_WAY);
      if (port === LONG_WAY || port === ingress) return LONG_WAY;
      if (((vlanWords[(members + setWords + (port >>> 5)) | 0] >>> port) & 1) === 0) return LONG_WAY;
    }

    const to = port << RECORD_SHIFT;
    const egress = records[to | EGRESS];
    const size = tag === TAG_STRIP ? (bytes - VLAN_TAG_BYTES) | 0 : bytes;
    if (size > (egress & 0xffff)) return LONG_WAY;
    const bytesOut = (records[to | BYTES_OUT] + bytes) | 0;
    const bytesIn = (records[from | BYTES_IN] + bytes) | 0;
    records[to | FRAMES_OUT] = (records[to | FRAMES_OUT] + 1) | 0;
    records[to | BYTES_OUT] = bytesOut;
    records[from | FRAMES_IN] = (records[from | FRAMES_IN] + 1) | 0;
    records[from | BYTES_IN] = bytesIn;
    if ((bytesOut | bytesIn) >= SETTLE_AT) counters.settle();
    return port | (egress & (tag << TAG_SHIFT));
  }

  function enqueue(slot: number, count: number, frameClass: number): void {
    const { lengths, records, items, stride, capacity } = fixed;
    const bytes = lengths[slot];
    for (let i = 0; i < count; i++) {
      const target = targets[i];
      const port = targetPort(target);
      const to = port << RECORD_SHIFT;
      let tail = records[to | OUTPUT_TAIL];
      if (tail === capacity) {
        if (!output.moveToFront(port)) {
          counters.countDrop(port, DROP.outputFull);
          frames.release(slot);
          continue;
        }
        tail = records[to | OUTPUT_TAIL];
      }
      items[(Math.imul(port, stride) + tail) | 0] = target - port + slot;
      records[to | OUTPUT_TAIL] = tail + 1;
      records[to | BYTES_OUT] = (records[to | BYTES_OUT] + bytes) | 0;
      if (frameClass !== UNICAST) {
        const counter = (to + OUT_BY_CLASS + frameClass) | 0;
        records[counter] = (records[counter] + 1) | 0;
      }
    }
    counters.ran(1, bytes);
  }

  return { fetch, decide, decideOne, enqueue };
}

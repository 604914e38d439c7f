import type { FramePool } from '../base/index.ts';
import { type DirectSteps, LONG_WAY, SHORTEST } from './direct-steps.ts';
import { DROP } from './drop-reason.ts';
import { isSourceOf } from './frame-addresses.ts';
import { GROUP_BIT } from './mac-table.ts';
import { type PortQueues, QUEUE_TAIL } from './port-queues.ts';
import {
  ALL_DIRECT,
  BYTES_IN,
  BYTES_OUT,
  CHECK_MAC,
  DIRECT,
  FRAMES_IN,
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
import { type SwitchCounters, UNICAST } from './switch-counters.ts';
import type { SwitchTables } from './switch-tables.ts';
import { NUMBER_MASK, targetPort } from './target.ts';

const NUMBER = NUMBER_MASK;
const OUTPUT_TAIL = OUTPUT_QUEUE + QUEUE_TAIL;

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

  /**
   * What {@link DirectPath.decideOne} would return now, by as much of the frame as headers are: nothing is changed
   * or counted.
   */
  foresee(slot: number, ingress: number): number;

  /** Puts the frame in `slot` into the output queues of `count` of `targets`; drops it where they are full. */
  enqueue(slot: number, count: number, frameClass: number): void;
}

/** What the direct way works on. */
export interface DirectPathParts {
  readonly frames: FramePool;
  readonly tables: SwitchTables;
  readonly steps: DirectSteps;
  readonly input: PortQueues;
  readonly output: PortQueues;
  readonly targets: Int32Array;
  readonly lists: ReceiverLists;
  readonly counters: SwitchCounters;
}

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
  const { vlanFrom, isStacked, mayUse, receiverOf, operationAt } = parts.steps;
  const { macs } = tables;
  const fixed = {
    i32: frames.i32,
    lengths: frames.lengths,
    outerTci: frames.outerTci,
    wordShift: frames.slotShift - 2,
    records: tables.records,
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
    const { i32, lengths, outerTci, wordShift, records, uplink } = fixed;
    const { slots, items, stride, capacity } = fixed;
    const from = ingress << RECORD_SHIFT;
    const direct = records[from + DIRECT];
    if (direct === NONE_DIRECT) return 0;
    const toWire = direct === WIRE_DIRECT;
    const miss = direct === ALL_DIRECT ? uplink : LONG_WAY;
    const checkMac = records[from + CHECK_MAC];
    const portTag = records[from + PORT_TAG];
    // The answers of `mayUse` and `vlanFrom` for what was looked at last: most frames of a burst have the same.
    let sourceFirst = records[from + SOURCE_FIRST];
    let sourceLast = records[from + SOURCE_LAST];
    let typeWord = 0;
    let tci = -2;
    let vlan = 0;

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
      const outer = outerTci[slot];
      if (bytes < SHORTEST || (first & GROUP_BIT) !== 0 || isStacked(fourth, i32[word | 4])) break;
      if (outer !== tci || fourth !== typeWord) {
        vlan = vlanFrom(ingress, outer, fourth);
        if (vlan === LONG_WAY) break;
        typeWord = fourth;
        tci = outer;
      }
      if (((((second ^ sourceFirst) >>> 16) | (third ^ sourceLast)) & checkMac) !== 0) {
        if (!isSourceOf(macs, ingress, second, third)) break;
        sourceFirst = second;
        sourceLast = third;
      }
      const port = receiverOf(ingress, toWire, miss, first, second, vlan);
      if (port === LONG_WAY) break;
      const operation = operationAt(port, vlan, bytes);
      if (operation === LONG_WAY) break;
      const to = port << RECORD_SHIFT;
      const tail = records[to | OUTPUT_TAIL];
      if (tail === capacity) break;
      if (portTag !== KEEP_TAG) outerTci[slot] = portTag;
      items[(Math.imul(port, stride) + tail) | 0] = slot | operation;
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

  const targetOf = (slot: number, ingress: number): number => {
    const { i32, lengths, outerTci, wordShift, records, uplink } = fixed;
    const direct = records[(ingress << RECORD_SHIFT) | DIRECT];
    const bytes = lengths[slot];
    const word = slot << wordShift;
    const first = i32[word];
    if (direct === NONE_DIRECT || bytes < SHORTEST || (first & GROUP_BIT) !== 0) return LONG_WAY;
    const second = i32[word | 1];
    const fourth = i32[word | 3];
    if (isStacked(fourth, i32[word | 4])) return LONG_WAY;
    const vlan = vlanFrom(ingress, outerTci[slot], fourth);
    if (vlan === LONG_WAY || !mayUse(ingress, second, i32[word | 2])) return LONG_WAY;
    const miss = direct === ALL_DIRECT ? uplink : LONG_WAY;
    const port = receiverOf(ingress, direct === WIRE_DIRECT, miss, first, second, vlan);
    if (port === LONG_WAY) return LONG_WAY;
    const operation = operationAt(port, vlan, bytes);
    return operation === LONG_WAY ? LONG_WAY : port | operation;
  };

  function decideOne(slot: number, ingress: number): number {
    const { lengths, outerTci, records } = fixed;
    const target = targetOf(slot, ingress);
    if (target === LONG_WAY) return LONG_WAY;
    const portTag = records[(ingress << RECORD_SHIFT) | PORT_TAG];
    if (portTag !== KEEP_TAG) outerTci[slot] = portTag;
    counters.ranOne(ingress, target & NUMBER, lengths[slot]);
    return target;
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

  return { fetch, decide, decideOne, foresee: targetOf, enqueue };
}

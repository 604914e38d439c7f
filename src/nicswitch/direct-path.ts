import type { FramePool } from '../base/index.ts';
import { VLAN_TAG_BYTES } from '../wire/index.ts';
import { DROP } from './drop-reason.ts';
import { GROUP_BIT, HASH_HIGH, HASH_LOW, NOBODY, SET } from './mac-table.ts';
import { type PortQueues, QUEUE_TAIL } from './port-queues.ts';
import {
  BYTES_IN,
  BYTES_OUT,
  CHECK_MAC,
  CHECK_VLAN,
  DIRECT,
  EGRESS,
  FRAMES_IN,
  FRAMES_OUT,
  KEEP_TAG,
  OUT_BY_CLASS,
  OUTPUT_QUEUE,
  PORT_TAG,
  RECORD_SHIFT,
  SOURCE_FIRST,
  SOURCE_LAST,
} from './port-record.ts';
import { type SwitchCounters, UNICAST } from './switch-counters.ts';
import type { SwitchTables } from './switch-tables.ts';
import { TAG_INSERT, TAG_SHIFT, TAG_STRIP, targetPort } from './target.ts';
import { UNTAGGED, VLAN_TYPE, vlanOfWord } from './vlan-table.ts';

const OUTPUT_TAIL = OUTPUT_QUEUE + QUEUE_TAIL;

/** An exact filter table in which nobody is. */
const EMPTY_PLACES = Int32Array.of(0, NOBODY << 16, 0, NOBODY << 16);
const EMPTY_SHIFT = 31;

/** Instead of a receiver of addresses without exact filter, where the tables do not tell it. */
const LONG_WAY = -1;

/**
 * The direct way through the switch, for what nearly all frames are: well-formed, unicast, to one receiver that takes
 * them. Whatever else a frame is, it is left to ReceiverSelection, which decides any frame, these too, by the same
 * rules.
 */
export interface DirectPath {
  /**
   * Has the headers of `count` frames, `input.items[at]` and following, fetched into the cache. They lie far apart, and
   * `decide` has too much to do for each for the processor to see the next one coming; here it fetches several at
   * once: 26 ns a frame instead of 39 with 256 VPorts.
   */
  fetch(at: number, count: number): void;

  /**
   * Decides frames that came in at `ingress`, `input.items[at]` and following, until one needs the long way; returns
   * how many it decided, of `count`. Their receivers go into the output queues, or that of the only frame into
   * `targets`.
   */
  decide(ingress: number, at: number, count: number, toQueues: boolean): number;

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
  readonly counters: SwitchCounters;
}

/**
 * Makes the direct way.
 *
 * Functions over constants, instead of methods: for the first switch of a process V8 compiles them with the very
 * arrays in the code, their addresses and lengths, and need not load and check each array anew for each frame (14 ns
 * a frame instead of 19). For a second switch it compiles them once more, without; hence `fixed`, which they unpack
 * before they begin.
 *
 * What else was measured: one big array for all tables gains nothing over one for each; a function call for each
 * frame costs 3 ns; a constant that is imported from another module, where the package is not bundled, is loaded and
 * checked at each use, 6 ns a frame; so is a field that a class defines before the constructor assigns it, 1 ns.
 */
export function createDirectPath(parts: DirectPathParts): DirectPath {
  const { frames, tables, input, output, targets, counters } = parts;
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
    // Four in each turn, so that what a turn costs by itself is paid a fourth as often. Up to three words too many are
    // read, for which queues have a margin.
    for (let i = at | 0; i < end; i = (i + 4) | 0) {
      sum ^= i32[slots[i] << wordShift] ^ i32[slots[(i + 1) | 0] << wordShift];
      sum ^= i32[slots[(i + 2) | 0] << wordShift] ^ i32[slots[(i + 3) | 0] << wordShift];
    }
    // Or the compiler would see that nobody needs what was read.
    fetched[0] = sum;
  }

  function decide(ingress: number, at: number, count: number, toQueues: boolean): number {
    const { i32, lengths, outerTci, records, vlanWords, slots, items } = fixed;
    const { wordShift, stride, capacity, uplink, rowLength, setWords } = fixed;
    const from = ingress << RECORD_SHIFT;
    if (records[from + DIRECT] === 0) return 0;

    // Which address has which receiver. Where exact filters do not tell, the table is one that knows nobody.
    const fromWire = ingress === uplink;
    const filtered = (fromWire || tables.loopback) && !tables.unicastPromiscuity;
    const places = filtered ? tables.macs.places : EMPTY_PLACES;
    const shift = filtered ? tables.macs.shift : EMPTY_SHIFT;
    const miss = fromWire || (tables.loopback && (!filtered || tables.unicastHashing)) ? LONG_WAY : uplink;

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
      // 18 bytes: with an 802.1Q tag, the shortest that is whole.
      if (bytes < 18 || (first & GROUP_BIT) !== 0) break;

      if (portTag !== KEEP_TAG) {
        outer = portTag;
        outerTci[slot] = portTag;
      }
      if (outer !== tci || fourth !== typeWord) {
        let vlan = UNTAGGED;
        tagBits = 0;
        tagBytes = 0;
        if (outer >= 0) {
          vlan = outer & 0xfff;
          tagBits = TAG_INSERT << TAG_SHIFT;
        } else if ((fourth & 0xffff) === VLAN_TYPE) {
          vlan = vlanOfWord(fourth);
          tagBits = TAG_STRIP << TAG_SHIFT;
          tagBytes = VLAN_TAG_BYTES;
        }
        const members = Math.imul(vlan, rowLength);
        tci = outer;
        typeWord = fourth;
        receivers = (members + setWords) | 0;
        if (((vlanWords[(members + (ingress >>> 5)) | 0] >>> ingress) & checkVlan) !== checkVlan) break;
      }
      const size = (bytes - tagBytes) | 0;

      if (((((second ^ sourceFirst) >>> 16) | (third ^ sourceLast)) & checkMac) !== 0) {
        const { places: known, shift: knownShift } = tables.macs;
        const low = (second >>> 16) | (third << 16);
        const high = third >>> 16;
        const hash = (Math.imul(low, HASH_LOW) + Math.imul(high, HASH_HIGH)) | 0;
        const place = (hash >>> knownShift) << 1;
        let found = known[place | 1];
        if (known[place] !== low || (found & 0xffff) !== high) {
          const next = (place + 2) & (known.length - 1);
          found = known[next | 1];
          if (known[next] !== low || (found & 0xffff) !== high) break;
        }
        if (found >>> 16 !== ingress || (low & GROUP_BIT) !== 0) break;
        sourceFirst = second;
        sourceLast = third;
      }

      const hash = (Math.imul(first, HASH_LOW) + Math.imul(second & 0xffff, HASH_HIGH)) | 0;
      const place = (hash >>> shift) << 1;
      let found = places[place | 1];
      if (places[place] !== first || ((found ^ second) & 0xffff) !== 0) {
        if (found >>> 16 !== NOBODY) {
          const next = (place + 2) & (places.length - 1);
          found = places[next | 1];
          if ((places[next] !== first || ((found ^ second) & 0xffff) !== 0) && found >>> 16 !== NOBODY) break;
        }
      }
      let port = found >>> 16;
      if (port >= SET) {
        if (port !== NOBODY || miss === LONG_WAY) break;
        port = miss;
      }
      if (port === ingress || ((vlanWords[(receivers + (port >>> 5)) | 0] >>> port) & 1) === 0) break;

      const to = port << RECORD_SHIFT;
      const egress = records[to | EGRESS];
      if (size > (egress & 0xffff)) break;
      const tag = egress & tagBits;
      if (toQueues) {
        const tail = records[to | OUTPUT_TAIL];
        if (tail === capacity) break;
        items[(Math.imul(port, stride) + tail) | 0] = slot | tag;
        records[to | OUTPUT_TAIL] = tail + 1;
      } else {
        targets[0] = port | tag;
        records[to | FRAMES_OUT] = (records[to | FRAMES_OUT] + 1) | 0;
      }
      records[to | BYTES_OUT] = (records[to | BYTES_OUT] + bytes) | 0;
      bytesIn = (bytesIn + bytes) | 0;
    }
    const done = (i - begin) | 0;
    records[from + FRAMES_IN] = (records[from + FRAMES_IN] + done) | 0;
    records[from + BYTES_IN] = (records[from + BYTES_IN] + bytesIn) | 0;
    counters.ran(done, bytesIn);
    return done;
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

  return { fetch, decide, enqueue };
}

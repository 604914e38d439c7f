import { checkInteger } from '../base/index.ts';
import type { Component } from '../kernel/index.ts';
import { DROP, DROP_REASONS, type DropReason } from './drop-reason.ts';
import { GROUP_BIT, HASH_HIGH, HASH_LOW, NOBODY, SET } from './mac-table.ts';
import {
  BYTES_IN,
  BYTES_OUT,
  CHECK_MAC,
  CHECK_VLAN,
  DIRECT,
  EGRESS,
  EGRESS_TAG_SHIFT,
  FRAMES_IN,
  FRAMES_OUT,
  KEEP_TAG,
  PORT_TAG,
  RECORD_SHIFT,
  SOURCE_FIRST,
  SOURCE_LAST,
} from './port-record.ts';
import { PortRings, RING_ITEMS, RING_LIMIT, RING_TAIL } from './port-rings.ts';
import { ReceiverSelection } from './receiver-selection.ts';
import { type NicSwitchOptions, SwitchConfiguration } from './switch-configuration.ts';
import { type Balance, type PortCounters, SwitchCounters } from './switch-counters.ts';
import { entrySlot, TAG_INSERT, TAG_SHIFT, TAG_STRIP, targetPort } from './target.ts';
import { UNTAGGED, VLAN_TYPE, vlanOfWord } from './vlan-table.ts';

/** Most frames that are taken from a port in one go; the running counters rely on it. */
const MAX_BURST = 4096;

/** An exact filter table in which nobody is: one place of two is looked at, both are empty. */
const EMPTY_PLACES = Int32Array.of(0, NOBODY << 16, 0, NOBODY << 16);
const EMPTY_SHIFT = 31;
const EMPTY_MASK = 3;

/** `miss` of the direct way where an address without exact filter needs the long way. */
const LONG_WAY = -1;

/**
 * The card's embedded switch: frames in, ports out, as the 82599 selects pools (data sheet, section 7.10.3).
 *
 * VPorts are numbered from 0, {@link NicSwitch.uplink} is the physical port. The switch passes slots of a {@link FramePool}
 * and touches no byte. A frame's VLAN is that of its tag beside the frame, else of the 802.1Q tag in its bytes.
 *
 * Under a scheduler, {@link NicSwitch.route} decides one frame at a time. For work without time, frames are put into
 * {@link NicSwitch.input}, {@link NicSwitch.forward} takes them to {@link NicSwitch.output}. Both run the same code: frames to one
 * receiver are decided by tables in a loop without calls (`#direct`), all others by {@link ReceiverSelection}.
 *
 * @example
 * const frames = new FramePool({ slots: 1024 });
 * const nicSwitch = new NicSwitch({ frames, vports: 2 });
 * for (const vport of [0, 1]) {
 *   nicSwitch.setVPortEnabled(vport, true, true);
 *   nicSwitch.addMac(vport, `02:00:00:00:00:0${vport}`);
 * }
 * const slot = frames.take();
 * frames.u8.set(frame, frames.offsetOf(slot)); // to 02:00:00:00:00:01
 * frames.lengths[slot] = frame.length;
 * const count = nicSwitch.route(slot, 0); // 1
 * targetPort(nicSwitch.targets[0]); // 1
 */
export class NicSwitch extends SwitchConfiguration implements Component {
  /**
   * Receivers of the frame that {@link NicSwitch.route} decided last: read with {@link targetPort} and {@link tagOperation}.
   */
  readonly targets: Int32Array;
  /** Why that frame had none: index into {@link DROP_REASONS}. */
  lastDrop = 0;

  readonly #ringEntries: number;
  readonly #input: PortRings | undefined;
  readonly #output: PortRings | undefined;
  readonly #selection: ReceiverSelection;
  readonly #counters: SwitchCounters;
  /** A ring of one entry, for frames that come one by one. */
  readonly #single = new Int32Array(1);
  /** The port that {@link NicSwitch.forward} begins with. */
  #first = 0;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: NicSwitchOptions) {
    super(options);
    const ports = this.vports + 1;
    this.#ringEntries = options.ringEntries ?? 256;
    if (this.#ringEntries !== 0) {
      this.#input = new PortRings(ports, this.#ringEntries);
      this.#output = new PortRings(ports, this.#ringEntries);
    }
    this.#selection = new ReceiverSelection(this.frames, this.tables);
    this.targets = this.#selection.targets;
    this.#counters = new SwitchCounters(this.tables.records, ports);
  }

  /** Slots of frames that wait to be switched, a ring for each port. Each entry holds one reference. */
  get input(): PortRings {
    return this.#input ?? noRings();
  }

  /**
   * What has been switched, a ring for each port: entries to be read with {@link entrySlot} and {@link tagOperation}. Each
   * holds one reference.
   */
  get output(): PortRings {
    return this.#output ?? noRings();
  }

  /**
   * Decides one frame. Of the caller's one reference each target then holds its own; without targets the frame is
   * released.
   *
   * @param ingress the port it came in at: a VPort or {@link NicSwitch.uplink}. Not checked.
   * @returns number of targets: {@link NicSwitch.targets} from 0 on. 0 if it was dropped: {@link NicSwitch.lastDrop}.
   */
  route(slot: number, ingress: number): number {
    this.#single[0] = slot;
    if (this.#direct(ingress, this.#single, 0, 1, undefined) === 1) return 1;
    const count = this.#select(slot, ingress);
    const bytes = this.frames.lengths[slot];
    for (let i = 0; i < count; i++) {
      this.#counters.countOut(targetPort(this.targets[i]), bytes, this.#selection.frameClass);
    }
    return count;
  }

  /**
   * Takes frames from the input rings to the output rings: up to `burst` from each port, beginning with another port
   * each time. A frame or replica whose output ring is full is dropped.
   *
   * @returns frames taken.
   */
  forward(burst: number = MAX_BURST): number {
    checkInteger('burst', burst, 1, MAX_BURST);
    const ports = this.vports + 1;
    let taken = 0;
    let port = this.#first;
    for (let i = 0; i < ports; i++) {
      taken += this.#forwardFrom(port, burst);
      port = port + 1 === ports ? 0 : port + 1;
    }
    this.#first = this.#first + 1 === ports ? 0 : this.#first + 1;
    return taken;
  }

  #forwardFrom(ingress: number, burst: number): number {
    const { input, output } = this;
    const mask = input.capacity - 1;
    const ring = ingress * input.stride;
    const words = input.words;
    let head = (words[ring + RING_LIMIT] - input.capacity) | 0;
    const taken = Math.min((words[ring + RING_TAIL] - head) | 0, burst);
    let left = taken;
    while (left > 0) {
      const at = ring + RING_ITEMS + (head & mask);
      // Up to the end of the array; the rest in another round.
      const count = Math.min(left, input.capacity - (head & mask));
      let done = this.#direct(ingress, words, at, count, output);
      if (done < count) this.#deliver(words[at + done++], ingress, output);
      head = (head + done) | 0;
      left -= done;
    }
    words[ring + RING_LIMIT] = (words[ring + RING_LIMIT] + taken) | 0;
    return taken;
  }

  /** The long way from an input ring to the output rings. */
  #deliver(slot: number, ingress: number, output: PortRings): void {
    const count = this.#select(slot, ingress);
    const { targets, frames } = this;
    const { frameClass } = this.#selection;
    const bytes = frames.lengths[slot];
    for (let i = 0; i < count; i++) {
      const port = targetPort(targets[i]);
      if (output.push(port, targets[i] - port + slot)) {
        this.#counters.countOut(port, bytes, frameClass);
      } else {
        this.#counters.countDrop(port, DROP.outputFull);
        frames.release(slot);
      }
    }
  }

  /** Decides any frame, counts it in, and sees to its references. */
  #select(slot: number, ingress: number): number {
    const { frames } = this;
    const count = this.#selection.decide(slot, ingress);
    this.#counters.countIn(ingress, frames.lengths[slot], this.#selection.frameClass);
    if (count === 0) {
      this.lastDrop = this.#selection.reason;
      this.#counters.countDrop(ingress, this.lastDrop);
      frames.release(slot);
    } else if (count > 1) {
      this.#counters.countReplicas(ingress, count - 1);
      frames.retain(slot, count - 1);
    }
    return count;
  }

  /**
   * The direct way, for what nearly all frames are: well-formed, unicast, to one receiver that takes them. Decides frames from
   * `slots[at]` on until one needs the long way, and returns how many it decided.
   *
   * Receivers go into the rings of `output`, or, without, into `targets`.
   */
  #direct(
    ingress: number,
    slots: Int32Array,
    at: number,
    count: number,
    output: PortRings | undefined,
  ): number {
    const { tables, frames, targets } = this;
    const { records, macs, vlans, uplink, maxFrameBytes } = tables;
    const from = ingress << RECORD_SHIFT;
    if (records[from + DIRECT] === 0) return 0;

    // Which address has which receiver. Where exact filters do not tell, the table is one that knows nobody.
    const fromWire = ingress === uplink;
    const filtered = (fromWire || tables.loopback) && !tables.unicastPromiscuity;
    const ownPlaces = macs.places;
    const ownShift = macs.shift;
    const ownMask = macs.mask;
    const places = filtered ? ownPlaces : EMPTY_PLACES;
    const shift = filtered ? ownShift : EMPTY_SHIFT;
    const mask = filtered ? ownMask : EMPTY_MASK;
    const miss = fromWire || (tables.loopback && (!filtered || tables.unicastHashing)) ? LONG_WAY : uplink;

    const { i32, lengths, outerTci } = frames;
    const wordShift = frames.slotShift - 2;
    const vlanWords = vlans.words;
    const { rowLength, setWords } = vlans;
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
    let tagPlace = 0;

    const rings = output === undefined ? slots : output.words;
    const ringStride = output === undefined ? 0 : output.stride;
    const ringMask = output === undefined ? 0 : output.capacity - 1;

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
        tagPlace = 0;
        if (outer >= 0) {
          vlan = outer & 0xfff;
          tagPlace = TAG_INSERT;
        } else if ((fourth & 0xffff) === VLAN_TYPE) {
          vlan = vlanOfWord(fourth);
          tagPlace = TAG_STRIP;
        }
        const members = Math.imul(vlan, rowLength);
        tci = outer;
        typeWord = fourth;
        receivers = (members + setWords) | 0;
        if (((vlanWords[(members + (ingress >>> 5)) | 0] >>> ingress) & checkVlan) !== checkVlan) break;
      }
      const size = (bytes - ((tagPlace & TAG_STRIP) << 2)) | 0;
      if (size > maxFrameBytes) break;

      if (((((second ^ sourceFirst) >>> 16) | (third ^ sourceLast)) & checkMac) !== 0) {
        const low = (second >>> 16) | (third << 16);
        const high = third >>> 16;
        const place = ((Math.imul(low, HASH_LOW) + Math.imul(high, HASH_HIGH)) >>> ownShift) << 1;
        let found = ownPlaces[place | 1];
        if (ownPlaces[place] !== low || (found & 0xffff) !== high) {
          const next = (place + 2) & ownMask;
          found = ownPlaces[next | 1];
          if (ownPlaces[next] !== low || (found & 0xffff) !== high) break;
        }
        if (found >>> 16 !== ingress || (low & GROUP_BIT) !== 0) break;
        sourceFirst = second;
        sourceLast = third;
      }

      const place = ((Math.imul(first, HASH_LOW) + Math.imul(second & 0xffff, HASH_HIGH)) >>> shift) << 1;
      let found = places[place | 1];
      if (places[place] !== first || ((found ^ second) & 0xffff) !== 0) {
        if (found >>> 16 !== NOBODY) {
          const next = (place + 2) & mask;
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
      const tag = ((egress >>> EGRESS_TAG_SHIFT) & tagPlace) << TAG_SHIFT;
      if (output === undefined) {
        targets[0] = port | tag;
      } else {
        const ring = Math.imul(port, ringStride);
        const tail = rings[ring | RING_TAIL];
        if (tail === rings[ring | RING_LIMIT]) break;
        rings[(ring + RING_ITEMS + (tail & ringMask)) | 0] = slot | tag;
        rings[ring | RING_TAIL] = (tail + 1) | 0;
      }
      records[to | FRAMES_OUT] = (records[to | FRAMES_OUT] + 1) | 0;
      records[to | BYTES_OUT] = (records[to | BYTES_OUT] + bytes) | 0;
      bytesIn = (bytesIn + bytes) | 0;
    }
    const done = (i - begin) | 0;
    records[from + FRAMES_IN] = (records[from + FRAMES_IN] + done) | 0;
    records[from + BYTES_IN] = (records[from + BYTES_IN] + bytesIn) | 0;
    this.#counters.ran(done, bytesIn);
    return done;
  }

  /** What `port` has seen. */
  portCounters(port: number): PortCounters {
    return this.#counters.of(checkInteger('port', port, 0, this.uplink));
  }

  /** Frames and replicas dropped for `reason`, at all ports together. */
  dropped(reason: DropReason): number {
    let sum = 0;
    for (let port = 0; port <= this.uplink; port++) sum += this.#counters.droppedFor(port, reason);
    return sum;
  }

  /** Totals of the whole switch: `framesIn + replicas = delivered + dropped`. */
  balance(): Balance {
    return this.#counters.balance();
  }

  /** Throws AssertionError unless the counters balance. */
  checkBalance(): void {
    this.#counters.check();
  }

  counters(): Record<string, number> {
    const counters: Record<string, number> = { ...this.balance() };
    for (const reason of DROP_REASONS) counters[`dropped.${reason}`] = this.dropped(reason);
    return counters;
  }

  /** Everything as after construction; frames in the rings are released. */
  reset(): void {
    for (const rings of [this.#input, this.#output]) {
      for (let port = 0; rings !== undefined && port <= this.uplink; port++) {
        for (let entry = rings.shift(port); entry >= 0; entry = rings.shift(port)) {
          this.frames.release(entrySlot(entry));
        }
      }
    }
    this.resetConfiguration();
    this.#counters.clear();
    this.#first = 0;
    this.lastDrop = 0;
  }
}

function noRings(): never {
  throw new RangeError('ringEntries is 0: this switch has no rings, use route()');
}

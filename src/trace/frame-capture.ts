import type { FramePool } from '../base/index.ts';
import { ProbeKind, type ProbeSink } from '../kernel/index.ts';
import {
  DROP_REASONS,
  TAG_AS_IS,
  TAG_INSERT,
  TAG_STRIP,
  type TagOperation,
  tagOperation,
  targetPort,
} from '../nicswitch/index.ts';
import {
  ETHERNET,
  EtherType,
  MAX_TAG_BYTES,
  type PcapngInterface,
  type PcapngPacket,
  type PcapngSection,
  PcapngWriter,
  VLAN_TAG_BYTES,
  writeTagged,
} from '../wire/index.ts';

/** What a {@link FrameCapture} has to know of a card. */
export interface FrameCaptureOptions {
  /** Where the card's frames lie. */
  readonly frames: FramePool;
  /** Interfaces that the file describes even if they see no frame, in this order. */
  readonly interfaces: readonly PcapngInterface[];
  /** Name of a port of the switch now; one that is not among the interfaces becomes another. */
  readonly nameOf: (port: number) => string;
  /** Receive queue that frames to a port are put into, or -1 for none. */
  readonly queueOf: (port: number) => number;
  /** Why the card drops frames outside its switch, in the order of the probe's numbers. */
  readonly cardReasons: readonly string[];
  readonly section?: PcapngSection;
  /** Frames that have come in before the capture begins; the first that it sees is one more. By default none. */
  readonly framesBefore?: number;
}

/** What is kept of the frame in a slot from its coming in on. */
interface Entry {
  /** The same in all its packets; 0 before a frame has come in. */
  id: number;
  /** Transmit queue, or -1 for a frame from the wire. */
  queue: number;
  /** Tag beside the frame as it came in; the switch overwrites it with the one of a port VLAN. */
  tci: number;
}

/**
 * The frames that a card's switch sees, as a capture with an interface for each port: `inbound` is what comes
 * into the switch there and `outbound` what leaves it, at the instants when it does. A frame has the same
 * packet ID wherever it is seen. One that is dropped is a packet more, whose comment is the reason: inbound
 * where the switch drops it, outbound at the receiver that it was on its way to. VLAN tags are as they are on
 * that side of the port. Neither padding nor frame check sequence is there: the MAC adds them. What the card
 * loses before it has the frame, because it does not receive or has no room, is not there either.
 *
 * All packets are kept in memory, each with some 60 bytes beside its own.
 *
 * @example
 * const capture = new FrameCapture(options);
 * simulation.probe.sink = capture;
 * simulation.advance(simulation.endPs);
 * const file = capture.bytes(); // for Wireshark
 */
export class FrameCapture implements ProbeSink {
  private readonly options: FrameCaptureOptions;
  private readonly writer: PcapngWriter;
  private readonly interfaces = new Map<string, number>();
  private readonly entries: readonly Entry[];
  /** Tag operations of frames on their way to a receiver, by slot and port; as it is, where there is none. */
  private readonly operations = new Map<number, TagOperation>();
  private readonly scratch: Uint8Array;
  private lastId: number;
  /** The descriptor that was fetched last: its frame comes in next. */
  private fetchedSlot = -1;
  private fetchedQueue = -1;

  constructor(options: FrameCaptureOptions) {
    this.options = options;
    this.lastId = options.framesBefore ?? 0;
    this.writer = new PcapngWriter(options.section);
    for (const each of options.interfaces) this.interfaces.set(each.name, this.writer.addInterface(each));
    const { slots, slotBytes } = options.frames;
    this.entries = Array.from({ length: slots }, () => ({ id: 0, queue: -1, tci: -1 }));
    this.scratch = new Uint8Array(slotBytes + MAX_TAG_BYTES);
  }

  /** Packets captured. */
  get packets(): number {
    return this.writer.packets;
  }

  /** The pcapng file until now, in pieces to be written one behind the other. */
  parts(): readonly Uint8Array[] {
    return this.writer.parts();
  }

  /** The pcapng file until now, in one piece. */
  bytes(): Uint8Array {
    return this.writer.bytes();
  }

  record(timePs: number, kind: ProbeKind, a: number, b: number, c: number): void {
    switch (kind) {
      case ProbeKind.TX_DESCRIPTOR:
        this.fetchedQueue = a;
        this.fetchedSlot = c;
        break;
      case ProbeKind.FRAME_IN:
        this.cameIn(timePs, a, b);
        break;
      case ProbeKind.FRAME_COPIED:
        Object.assign(this.entries[a], this.entries[b]);
        break;
      case ProbeKind.FRAME_OUT:
        this.goesOut(timePs, a, targetPort(b), tagOperation(b));
        break;
      case ProbeKind.FRAME_DROPPED:
        if (c < DROP_REASONS.length) this.droppedBySwitch(timePs, a, b, DROP_REASONS[c]);
        else this.droppedByCard(timePs, a, b, this.options.cardReasons[c - DROP_REASONS.length]);
        break;
    }
  }

  private cameIn(timePs: number, slot: number, port: number): void {
    const entry = this.entries[slot];
    entry.id = ++this.lastId;
    entry.queue = slot === this.fetchedSlot ? this.fetchedQueue : -1;
    entry.tci = this.options.frames.outerTci[slot];
    this.fetchedSlot = -1;
    this.add(timePs, slot, port, 'inbound', entry.queue, this.asItCame(slot));
  }

  private goesOut(timePs: number, slot: number, port: number, operation: TagOperation): void {
    const place = this.placeOf(slot, port);
    if (operation === TAG_AS_IS) this.operations.delete(place);
    else this.operations.set(place, operation);
    const bytes = this.frame(slot, operation, this.options.frames.outerTci[slot]);
    this.add(timePs, slot, port, 'outbound', this.options.queueOf(port), bytes);
  }

  private droppedBySwitch(timePs: number, slot: number, port: number, reason: string): void {
    this.add(timePs, slot, port, 'inbound', this.entries[slot].queue, this.asItCame(slot), reason);
  }

  private droppedByCard(timePs: number, slot: number, port: number, reason: string): void {
    const operation = this.operations.get(this.placeOf(slot, port)) ?? TAG_AS_IS;
    const bytes = this.frame(slot, operation, this.options.frames.outerTci[slot]);
    this.add(timePs, slot, port, 'outbound', this.options.queueOf(port), bytes, reason);
  }

  private placeOf(slot: number, port: number): number {
    return port * this.entries.length + slot;
  }

  /** The frame with the tag that its sender's descriptor asked for. */
  private asItCame(slot: number): Uint8Array {
    const { tci } = this.entries[slot];
    return this.frame(slot, tci >= 0 ? TAG_INSERT : TAG_AS_IS, tci);
  }

  /** The bytes of a frame after an operation on its tag; valid until the next call. */
  private frame(slot: number, operation: TagOperation, tci: number): Uint8Array {
    const { frames } = this.options;
    const base = frames.offsetOf(slot);
    const bytes = frames.u8.subarray(base, base + frames.lengths[slot]);
    // A runt has no place for a tag.
    if (operation === TAG_AS_IS || bytes.length < ETHERNET.TYPE) return bytes;
    if (operation > TAG_INSERT)
      return this.scratch.subarray(0, writeTagged(frames, slot, operation, this.scratch));
    const { scratch } = this;
    const tag = ETHERNET.TYPE;
    scratch.set(bytes.subarray(0, tag));
    if (operation === TAG_STRIP) {
      scratch.set(bytes.subarray(tag + VLAN_TAG_BYTES), tag);
      return scratch.subarray(0, bytes.length - VLAN_TAG_BYTES);
    }
    scratch[tag] = EtherType.VLAN >>> 8;
    scratch[tag + 1] = EtherType.VLAN & 0xff;
    scratch[tag + 2] = tci >>> 8;
    scratch[tag + 3] = tci;
    scratch.set(bytes.subarray(tag), tag + VLAN_TAG_BYTES);
    return scratch.subarray(0, bytes.length + VLAN_TAG_BYTES);
  }

  private add(
    timePs: number,
    slot: number,
    port: number,
    direction: PcapngPacket['direction'],
    queue: number,
    bytes: Uint8Array,
    reason?: string,
  ): void {
    const { id } = this.entries[slot];
    const at = queue < 0 ? '' : `, queue ${queue}`;
    this.writer.addPacket({
      interface: this.interfaceOf(port),
      timePs,
      bytes,
      direction,
      id: id === 0 ? undefined : id,
      queue: queue < 0 ? undefined : queue,
      comment: reason === undefined ? undefined : `dropped: ${reason}${at}`,
    });
  }

  private interfaceOf(port: number): number {
    const name = this.options.nameOf(port);
    let number = this.interfaces.get(name);
    if (number === undefined) {
      number = this.writer.addInterface({ name });
      this.interfaces.set(name, number);
    }
    return number;
  }
}

import { type FramePool, IntRing } from '../base/index.ts';
import { type Component, type Scheduler, Serializer } from '../kernel/index.ts';
import {
  FCS_BYTES,
  INTER_FRAME_GAP_BYTES,
  MIN_FRAME_BYTES,
  PREAMBLE_BYTES,
  TagEdit,
  taggedBytes,
} from '../wire/index.ts';

/** What is at the other end of the cable. */
export interface WirePeer {
  /**
   * A frame has arrived whole. The peer may read the slot during the call; `tci` is a tag that stands in
   * front of the bytes although it is not in them, or -1, and `stripped` says that the tag in the bytes is
   * not on the wire.
   */
  frameArrived(slot: number, tci: number, stripped: boolean): void;
  /** The same for a frame whose tags are changed in more ways than one: `edit` is a sum of `TagEdit`. */
  editedFrameArrived?(slot: number, edit: number): void;
}

/** Who is told when a frame has left. */
export interface MacPortSink {
  /** The last bit of a frame has left: the reference on the slot is the sink's again. */
  frameSent(slot: number): void;
}

/** Frames that wait for the wire at most; the transmit packet buffer is full before. */
const QUEUE = 4096;

/** What is done to tags as a number of an entry: by how much they change it, and back; 1 is by nothing. */
const codeOf = (edit: number): number => (edit < 2 ? edit ^ 1 : edit);

/** Where an entry of the queue has what is done to the frame's tags; the slot is below. */
const EDIT_SHIFT = 24;
const AS_IT_IS = TagEdit.NONE;

/**
 * The Ethernet MAC of the physical port: sends frame after frame at line rate, each with preamble, frame
 * check sequence and inter-frame gap (IEEE 802.3 clauses 3 and 4), padded to 64 bytes.
 */
export class MacPort implements Component {
  readonly name: string;
  peer: WirePeer | null = null;
  framesSent = 0;
  bytesSent = 0;

  private readonly scheduler: Scheduler;
  private readonly frames: FramePool;
  private readonly sink: MacPortSink;
  private readonly wire: Serializer;
  private readonly gapPs: number;
  private readonly queue = new IntRing(QUEUE);
  private readonly done: number;
  private busy = false;

  /** @param gigabits line rate in Gb/s. */
  constructor(name: string, scheduler: Scheduler, frames: FramePool, sink: MacPortSink, gigabits: number) {
    this.name = name;
    this.scheduler = scheduler;
    this.frames = frames;
    this.sink = sink;
    this.wire = new Serializer(8000, gigabits);
    this.gapPs = this.wire.duration(INTER_FRAME_GAP_BYTES);
    this.done = scheduler.task(`${name}.sent`, (entry) => this.sent(entry));
  }

  /** Frames that wait or are being sent. */
  get waiting(): number {
    return this.queue.length + (this.busy ? 1 : 0);
  }

  /** Sends a frame, taking over one reference. `tagChange`: 4 for a tag put in, -4 for one taken out, else 0. */
  send(slot: number, tagChange: number): void {
    this.sendEdited(slot, tagChange === 0 ? TagEdit.NONE : tagChange > 0 ? TagEdit.INSERT : TagEdit.STRIP);
  }

  /** Sends a frame, taking over one reference, after `edit`, a sum of `TagEdit`. */
  sendEdited(slot: number, edit: number): void {
    const entry = slot | (codeOf(edit) << EDIT_SHIFT);
    if (this.busy) this.queue.push(entry);
    else this.start(entry);
  }

  reset(): void {
    this.framesSent = this.bytesSent = 0;
  }

  counters(): Record<string, number> {
    return { framesSent: this.framesSent, bytesSent: this.bytesSent };
  }

  private start(entry: number): void {
    const slot = entry & 0xffffff;
    const edit = codeOf(entry >> EDIT_SHIFT);
    const length = edit === AS_IT_IS ? this.frames.lengths[slot] : taggedBytes(this.frames, slot, edit);
    const bytes = Math.max(MIN_FRAME_BYTES, length + FCS_BYTES);
    this.busy = true;
    this.framesSent++;
    this.bytesSent += bytes;
    const now = this.scheduler.now;
    // The gap is the wire's, not the frame's: the next frame starts behind it, this one is whole before.
    const free = this.wire.reserve(now, PREAMBLE_BYTES + bytes + INTER_FRAME_GAP_BYTES);
    this.scheduler.schedule(free - this.gapPs - now, this.done, entry, 0);
  }

  private sent(entry: number): void {
    const slot = entry & 0xffffff;
    if (this.peer !== null) this.arrive(this.peer, slot, codeOf(entry >> EDIT_SHIFT));
    this.busy = false;
    if (this.queue.length > 0) this.start(this.queue.shift());
    this.sink.frameSent(slot);
  }

  private arrive(peer: WirePeer, slot: number, edit: number): void {
    if (edit > TagEdit.INSERT) peer.editedFrameArrived?.(slot, edit);
    else
      peer.frameArrived(
        slot,
        edit === TagEdit.INSERT ? this.frames.outerTci[slot] : -1,
        edit === TagEdit.STRIP,
      );
  }
}

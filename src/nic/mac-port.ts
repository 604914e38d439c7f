import { ceilPowerOfTwo, type FramePool, IntRing } from '../base/index.ts';
import { type Component, type Probe, ProbeKind, type Scheduler, Serializer } from '../kernel/index.ts';
import {
  FCS_BYTES,
  MAC_CONTROL_BYTES,
  type MacControl,
  MIN_FRAME_BYTES,
  PREAMBLE_BYTES,
  TagEdit,
  taggedBytes,
} from '../wire/index.ts';
import { InterFrameGaps } from './ethernet-timing.ts';
import { MacQueues } from './mac-queues.ts';
import type { PauseTimers } from './pause-timers.ts';

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
  /** A frame of `bytes` bytes with check sequence has come whose check sequence is wrong: it broke off. */
  badFrameArrived?(slot: number, bytes: number): void;
  /** The last bit of a MAC Control frame has left. */
  controlSent?(control: MacControl): void;
}

/** Who is told when a frame has left. */
export interface MacPortSink {
  /** The last bit of a frame has left: the reference on the slot is the sink's again. */
  frameSent(slot: number): void;
}

/** Who sees to frames that the MAC begins before they are whole. */
export interface PartialFrames {
  /** Whether the frame in a slot may lack bytes. */
  isPartial(slot: number): boolean;
  /** The MAC begins with such a frame at `startPs`; whole, it takes `bytes` bytes behind the preamble. */
  begin(entry: number, slot: number, startPs: number, bytes: number): void;
  /** The last bit of one that broke off has left: the reference on the slot is not the MAC's any more. */
  cutShort(slot: number): void;
}

/** What a port with traffic classes asks: which may send, and what its MAC has to say itself. */
export interface MacFlowControl {
  readonly timers: PauseTimers;
  /** Class of the frame in a slot that leaves after `edit`, a sum of `TagEdit`. */
  classOf(slot: number, edit: number): number;
  /** The classes, one bit each, of which nothing may begin while the priorities `paused` may not. */
  classesOf(paused: number): number;
  /** The MAC Control frame that is due now, or null. */
  nextControl(): MacControl | null;
}

/** Frames that wait for the wire at most; the transmit packet buffer is full before. */
const QUEUE = 4096;
/** Stands for a MAC Control frame where the slot of a frame would be. */
const CONTROL = -1;
const WIRE_SENT = ProbeKind.WIRE_SENT;

/** What is done to tags as a number of an entry: by how much they change it, and back; 1 is by nothing. */
const codeOf = (edit: number): number => (edit < 2 ? edit ^ 1 : edit);

/** Where an entry of the queue has what is done to the frame's tags; the slot is below. */
const EDIT_SHIFT = 24;
const AS_IT_IS = TagEdit.NONE;

/**
 * The Ethernet MAC of the physical port: sends frame after frame at line rate, each with preamble, frame
 * check sequence and inter-frame gap (IEEE 802.3 clauses 3 and 4), padded to 64 bytes. With flow control it
 * has a queue for each class, passes over those that it has been told to stop, and sends MAC Control frames
 * in front of all others.
 */
export class MacPort implements Component {
  readonly name: string;
  peer: WirePeer | null = null;
  framesSent = 0;
  bytesSent = 0;
  /** Queues by class, with flow control. */
  classes: MacQueues | null = null;
  /** Frames that broke off because their bytes did not come in time. */
  underruns = 0;

  private readonly scheduler: Scheduler;
  private readonly probe: Probe | null;
  private readonly frames: FramePool;
  private readonly sink: MacPortSink;
  private readonly wire: Serializer;
  private readonly gaps: InterFrameGaps;
  private readonly queue: IntRing;
  private readonly done: number;
  private partial: PartialFrames | null = null;
  private broken = -1;
  private flow: MacFlowControl | null = null;
  private control: MacControl | null = null;
  private busy = false;

  /** @param gigabits line rate in Gb/s. */
  constructor(
    name: string,
    scheduler: Scheduler,
    frames: FramePool,
    sink: MacPortSink,
    gigabits: number,
    probe: Probe | null = null,
  ) {
    this.probe = probe;
    this.name = name;
    this.scheduler = scheduler;
    this.frames = frames;
    this.sink = sink;
    this.wire = new Serializer(8000, gigabits);
    this.gaps = new InterFrameGaps(gigabits);
    this.queue = new IntRing(Math.max(QUEUE, ceilPowerOfTwo(frames.slots)));
    this.done = scheduler.task(`${name}.sent`, (entry) => this.sent(entry));
  }

  /** Frames that wait or are being sent; MAC Control frames are none. */
  get waiting(): number {
    const waiting = this.classes === null ? this.queue.length : this.classes.length;
    return waiting + (this.busy && this.control === null ? 1 : 0);
  }

  /** Bytes that wait, of the class of a frame that is sent after `edit`; 0 without classes. */
  bytesInFrontOf(slot: number, edit: number): number {
    const { classes, flow } = this;
    return classes === null || flow === null ? 0 : classes.bytes[flow.classOf(slot, edit)];
  }

  /** Sends a frame, taking over one reference. `tagChange`: 4 for a tag put in, -4 for one taken out, else 0. */
  send(slot: number, tagChange: number): void {
    this.sendEdited(slot, tagChange === 0 ? TagEdit.NONE : tagChange > 0 ? TagEdit.INSERT : TagEdit.STRIP);
  }

  /** Sends a frame, taking over one reference, after `edit`, a sum of `TagEdit`. */
  sendEdited(slot: number, edit: number): void {
    const entry = slot | (codeOf(edit) << EDIT_SHIFT);
    if (this.flow !== null) this.sendByClass(this.flow, entry);
    else if (this.busy) this.queue.push(entry);
    else this.start(entry);
  }

  /** From now on classes wait for themselves, and are stopped as they have to be. */
  useFlowControl(flow: MacFlowControl): void {
    const classes = new MacQueues(this.queue.capacity);
    this.flow = flow;
    this.classes = classes;
    while (this.queue.length > 0) this.enqueue(flow, this.queue.shift());
  }

  /** From now on frames may begin before they are whole, as far as there is flow control. */
  usePartialFrames(partial: PartialFrames): void {
    this.partial = partial;
    this.broken = this.scheduler.task(`${this.name}.broken`, (entry, bytes) => this.brokenOff(entry, bytes));
  }

  /** A class may send again, or a MAC Control frame is due. */
  resume(): void {
    if (!this.busy) this.startNext();
  }

  /** Time that `bytes` take on the wire, in ps. */
  durationPs(bytes: number): number {
    return this.wire.duration(bytes);
  }

  /** A frame begun at `startPs` leaves whole: with `bytes` bytes behind the preamble. */
  departs(entry: number, startPs: number, bytes: number): void {
    this.framesSent++;
    this.bytesSent += bytes;
    this.occupyFrom(startPs, bytes, this.done, entry);
  }

  /** One begun at `startPs` ends after `bytes` bytes, the last four of which are a wrong check sequence. */
  breaksOff(entry: number, startPs: number, bytes: number): void {
    this.underruns++;
    this.occupyFrom(startPs, bytes, this.broken, entry);
  }

  reset(): void {
    this.framesSent = this.bytesSent = this.underruns = 0;
  }

  counters(): Record<string, number> {
    const { framesSent, bytesSent, underruns } = this;
    return { framesSent, bytesSent, ...(this.partial === null ? {} : { underruns }) };
  }

  private sendByClass(flow: MacFlowControl, entry: number): void {
    this.enqueue(flow, entry);
    if (!this.busy) this.startNext();
  }

  private enqueue(flow: MacFlowControl, entry: number): void {
    const frameClass = flow.classOf(entry & 0xffffff, codeOf(entry >> EDIT_SHIFT));
    (this.classes as MacQueues).push(frameClass, entry, this.bytesOf(entry));
  }

  private start(entry: number): void {
    const bytes = this.bytesOf(entry);
    this.framesSent++;
    this.bytesSent += bytes;
    this.occupy(bytes, entry);
  }

  /** Bytes of a frame on the wire, from the destination address to the frame check sequence. */
  private bytesOf(entry: number): number {
    const slot = entry & 0xffffff;
    const edit = codeOf(entry >> EDIT_SHIFT);
    const length = edit === AS_IT_IS ? this.frames.lengths[slot] : taggedBytes(this.frames, slot, edit);
    return Math.max(MIN_FRAME_BYTES, length + FCS_BYTES);
  }

  private occupy(bytes: number, entry: number): void {
    this.busy = true;
    const now = this.scheduler.now;
    if (this.wire.freeAt < now) this.gaps.idle();
    // The gap is the wire's, not the frame's: the next frame starts behind it, this one is whole before.
    const gap = this.gaps.after(bytes);
    const free = this.wire.reserve(now, PREAMBLE_BYTES + bytes + gap);
    const lastPs = free - this.wire.duration(gap) - now;
    this.scheduler.schedule(lastPs, this.done, entry, 0);
    this.probe?.record(WIRE_SENT, entry < 0 ? entry : entry & 0xffffff, bytes, lastPs);
  }

  /** As {@link MacPort.occupy}, for a frame that was begun at `startPs`, since when nothing else was. */
  private occupyFrom(startPs: number, bytes: number, task: number, entry: number): void {
    const { wire, gaps, scheduler } = this;
    if (wire.freeAt < startPs) gaps.idle();
    const gap = gaps.after(bytes);
    const free = wire.reserve(startPs, PREAMBLE_BYTES + bytes + gap);
    const lastPs = free - wire.duration(gap) - scheduler.now;
    scheduler.schedule(lastPs, task, entry, bytes);
    this.probe?.record(WIRE_SENT, entry & 0xffffff, bytes, lastPs);
  }

  private brokenOff(entry: number, bytes: number): void {
    const slot = entry & 0xffffff;
    this.peer?.badFrameArrived?.(slot, bytes);
    this.busy = false;
    this.startNext();
    this.partial?.cutShort(slot);
  }

  private sent(entry: number): void {
    if (entry === CONTROL) {
      this.controlSent();
      return;
    }
    const slot = entry & 0xffffff;
    if (this.peer !== null) this.arrive(this.peer, slot, codeOf(entry >> EDIT_SHIFT));
    this.busy = false;
    if (this.flow !== null) this.startNext();
    else if (this.queue.length > 0) this.start(this.queue.shift());
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

  private controlSent(): void {
    const control = this.control as MacControl;
    this.control = null;
    this.busy = false;
    this.peer?.controlSent?.(control);
    this.startNext();
  }

  /** With flow control: what the MAC has to say itself, else the next frame of a class that may send. */
  private startNext(): void {
    const flow = this.flow as MacFlowControl;
    this.control = flow.nextControl();
    if (this.control !== null) {
      this.occupy(MAC_CONTROL_BYTES + FCS_BYTES, CONTROL);
      return;
    }
    const entry = (this.classes as MacQueues).shift(flow.classesOf(flow.timers.paused), this.scheduler.now);
    if (entry < 0) return;
    const slot = entry & 0xffffff;
    if (this.partial?.isPartial(slot) === true) {
      this.busy = true;
      const startPs = Math.max(this.scheduler.now, this.wire.freeAt);
      this.partial.begin(entry, slot, startPs, this.bytesOf(entry));
    } else this.start(entry);
  }
}

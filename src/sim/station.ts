import { IntRing } from '../base/index.ts';
import type { FrameTemplate } from '../drivers/index.ts';
import { type Probe, ProbeKind, type Scheduler, Serializer, Timer } from '../kernel/index.ts';
import {
  type DataPlane,
  headerBytes,
  InterFrameGaps,
  NicDrop,
  type PauseMode,
  PauseTimers,
  type WirePeer,
} from '../nic/index.ts';
import type { VirtualTagKind } from '../nicswitch/index.ts';
import {
  FCS_BYTES,
  INTER_FRAME_GAP_BYTES,
  type MacControl,
  MIN_FRAME_BYTES,
  PREAMBLE_BYTES,
  wireBytes,
  writeTagged,
} from '../wire/index.ts';
import { ExtenderBridge } from './extender-bridge.ts';
import type { FlowTracker } from './flow-tracker.ts';
import { type FrameSender, type FrameSource, RoundRobin } from './sender.ts';
import { StationQueues, templatePriority } from './station-queues.ts';
import { type BridgeSink, WireBridge } from './wire-bridge.ts';

/** Frames that wait for the wire at most. */
const QUEUE = 4096;
/** Words of a frame that are sooner copied one by one. */
const SHORT_WORDS = 32;

/**
 * What is at the other end of the cable: a station that sends and receives at line rate. Frames become bytes
 * in the card's packet buffer when their last bit arrives.
 */
export class Station implements WirePeer, FrameSender, BridgeSink {
  readonly index: number;
  /** Between card and station, or null. */
  readonly bridge: WireBridge | null;
  /** The same if the card is its port extender. */
  readonly extender: ExtenderBridge | null;
  /** Frames on the wire towards the card, and waiting for it. */
  inFlight = 0;
  framesSent = 0;
  bytesSent = 0;
  /** Every so manieth frame that comes to the card has a wrong check sequence; 0 for none. */
  badFcsEvery = 0;
  /** Frames for which the queue in front of the wire was full. */
  queueFull = 0;
  /** Frames of the card's that came with a wrong check sequence: they are dropped. */
  badFcs = 0;

  /** Whichever of the two bridges there is. */
  private readonly between: WireBridge | ExtenderBridge | null;
  private landed = 0;
  private readonly scheduler: Scheduler;
  private readonly probe: Probe | null;
  private readonly data: DataPlane;
  private readonly tracker: FlowTracker;
  private readonly wire: Serializer;
  private readonly gaps: InterFrameGaps;
  private readonly delayPs: number;
  private readonly arrive: number;
  /** Those that are or were on their way, by number. */
  private readonly templates: FrameTemplate[] = [];
  private readonly queue = new IntRing(2 * QUEUE);
  private readonly free: Timer;
  private readonly sources = new RoundRobin();
  private readonly linkGbps: number;
  /** What the card has stopped, and what waits meanwhile; null for a station that heeds no pause. */
  private pauses: PauseTimers | null = null;
  private queues: StationQueues | null = null;
  /** MAC Control frames on their way in either direction, in order: tasks carry integers only. */
  private readonly controls: MacControl[] = [];
  private pauseArrives = -1;
  private readonly scratch = new Int32Array(4096);
  private readonly scratchBytes = new Uint8Array(this.scratch.buffer);

  /**
   * @param delayPs from the last bit on the wire to the card's packet buffer, and back: MAC, PHY and cable.
   * @param bridge between card and station: with reflective relay or without, a controlling bridge, or null for none.
   */
  constructor(
    index: number,
    scheduler: Scheduler,
    data: DataPlane,
    tracker: FlowTracker,
    linkGbps: number,
    delayPs: number,
    bridge: boolean | VirtualTagKind | null = null,
    probe: Probe | null = null,
  ) {
    this.probe = probe;
    this.index = index;
    this.scheduler = scheduler;
    this.data = data;
    this.tracker = tracker;
    this.linkGbps = linkGbps;
    this.wire = new Serializer(8000, linkGbps);
    this.gaps = new InterFrameGaps(linkGbps);
    this.delayPs = delayPs;
    this.arrive = scheduler.task('station.arrive', (id, sequence) => this.arrived(id, sequence));
    this.free = new Timer(scheduler, 'station.send', () => this.sendNext());
    this.bridge = typeof bridge === 'boolean' ? new WireBridge(scheduler, this, bridge, delayPs) : null;
    this.extender = typeof bridge === 'string' ? new ExtenderBridge(scheduler, this, bridge, delayPs) : null;
    this.between = this.bridge ?? this.extender;
    data.mac.peer = this;
  }

  send(template: FrameTemplate, sequence: number): boolean {
    this.know(template);
    if (this.queues !== null) return this.sendByPriority(this.queues, template, sequence);
    if (this.free.pending) {
      if (this.queue.room < 2) {
        this.queueFull++;
        return false;
      }
      this.queue.push(template.id);
      this.queue.push(sequence);
      this.inFlight++;
      return true;
    }
    this.inFlight++;
    this.start(template, sequence);
    return true;
  }

  addSource(source: FrameSource): void {
    this.sources.add(source);
    if (!this.free.pending) this.sendNext();
  }

  removeSource(source: FrameSource): void {
    this.sources.remove(source);
  }

  frameArrived(slot: number, tci: number, stripped: boolean): void {
    const { frames } = this.data;
    const base = (slot << frames.slotShift) >> 2;
    const bytes = frames.lengths[slot];
    if (tci < 0 && !stripped) {
      this.receive(frames.i32, base, bytes);
      return;
    }
    // As the wire has it: with the tag that the port puts in, or without the one that it takes out.
    const words = this.scratch;
    for (let i = 0; i < 3; i++) words[i] = frames.i32[base + i];
    const rest = (bytes + 3) >> 2;
    if (stripped) {
      for (let i = 4; i < rest; i++) words[i - 1] = frames.i32[base + i];
    } else {
      words[3] = 0x0081 | ((tci >> 8) << 16) | ((tci & 0xff) << 24);
      for (let i = 3; i < rest; i++) words[i + 1] = frames.i32[base + i];
    }
    this.receive(words, 0, bytes + (stripped ? -4 : 4));
  }

  toStation(slot: number): void {
    const { frames } = this.between as WireBridge | ExtenderBridge;
    const base = frames.offsetOf(slot) >> 2;
    this.tracker.receive(this.index, frames.i32, base, frames.lengths[slot], this.scheduler.now);
  }

  toCard(slot: number): boolean {
    if (this.queue.room < 2) return false;
    this.inFlight++;
    // While the station is stopped nothing overtakes what waits.
    if (this.free.pending || this.queue.length > 0 || (this.pauses?.paused ?? 0) !== 0) {
      // Below zero: a slot of the bridge's instead of a template.
      this.queue.push(~slot);
      this.queue.push(0);
    } else this.startHeld(slot);
    return true;
  }

  private receive(words: Int32Array, at: number, bytes: number): void {
    if (this.between !== null) this.between.receive(words, at, bytes);
    else this.tracker.receive(this.index, words, at, bytes, this.scheduler.now + this.delayPs);
  }

  editedFrameArrived(slot: number, edit: number): void {
    const bytes = writeTagged(this.data.frames, slot, edit, this.scratchBytes);
    this.receive(this.scratch, 0, bytes);
  }

  badFrameArrived(): void {
    this.badFcs++;
  }

  controlSent(control: MacControl): void {
    if (this.pauses === null) return;
    this.controls.push(control);
    this.scheduler.schedule(this.delayPs, this.pauseArrives, 0, 0);
  }

  /** From now on stops when the card says so: everything, or by priority. */
  heedPauses(mode: PauseMode): void {
    const { scheduler } = this;
    this.queues = new StationQueues(QUEUE);
    this.pauses = new PauseTimers(scheduler, 'station.resume', this.linkGbps, () => this.resume());
    this.pauses.setMode(mode);
    this.pauseArrives = scheduler.task('station.pause', () =>
      this.pauses?.receive(this.controls.shift() as MacControl),
    );
  }

  /** What the station heeds of pauses: counts, and how long each priority was stopped. */
  get pauseTimers(): PauseTimers | null {
    return this.pauses;
  }

  private resume(): void {
    if (!this.free.pending) this.sendNext();
  }

  private sendByPriority(queues: StationQueues, template: FrameTemplate, sequence: number): boolean {
    if (!queues.push(templatePriority(template), template.id, sequence)) {
      this.queueFull++;
      return false;
    }
    this.inFlight++;
    if (!this.free.pending) this.sendNext();
    return true;
  }

  /** With flow control: what waits and may be sent, else a source that may. */
  private sendNextByPriority(queues: StationQueues, paused: number): void {
    const waiting = queues.shift(paused);
    if (waiting >= 0) {
      this.start(this.templates[waiting], queues.sequence);
      return;
    }
    const template = this.sources.next(paused);
    if (template !== null) this.startFromSource(template);
  }

  private startFromSource(template: FrameTemplate): void {
    this.know(template);
    this.inFlight++;
    this.start(template, this.sources.sequence(this.scheduler.now));
  }

  private know(template: FrameTemplate): void {
    this.templates[template.id] = template;
  }

  private start(template: FrameTemplate, sequence: number): void {
    this.occupy(wireBytes(template.bytes + (this.extender?.tagBytes ?? 0)), template.id, sequence);
  }

  private startHeld(slot: number): void {
    const { frames } = this.between as WireBridge | ExtenderBridge;
    this.occupy(wireBytes(frames.lengths[slot]), ~slot, 0);
  }

  /** The wire to the card takes a frame, with all that it takes there `onWire` bytes. */
  private occupy(onWire: number, id: number, sequence: number): void {
    const bytes = onWire - PREAMBLE_BYTES - INTER_FRAME_GAP_BYTES;
    const now = this.scheduler.now;
    if (this.wire.freeAt < now) this.gaps.idle();
    const gap = this.gaps.after(bytes);
    // By delay, which is a small integer, and not by instant.
    const busyPs = this.wire.reserve(now, PREAMBLE_BYTES + bytes + gap) - now;
    this.framesSent++;
    this.bytesSent += bytes;
    const headerPs = this.data.cutThrough === null ? 0 : this.restPs(bytes);
    const lastPs = busyPs - this.wire.duration(gap) + this.delayPs;
    this.scheduler.schedule(lastPs - headerPs, this.arrive, id, sequence);
    this.free.schedule(busyPs);
  }

  /** The wire is free again. */
  private sendNext(): void {
    const paused = this.pauses?.paused ?? 0;
    // What the bridge in front sends back waits in the common queue, and for every pause.
    if (this.queues !== null && (paused !== 0 || this.queue.length === 0)) {
      this.sendNextByPriority(this.queues, paused);
      return;
    }
    if (this.queue.length > 0) {
      const id = this.queue.shift();
      const sequence = this.queue.shift();
      if (id < 0) this.startHeld(~id);
      else this.start(this.templates[id], sequence);
      return;
    }
    const template = this.sources.next();
    if (template !== null) this.startFromSource(template);
  }

  /** The last bit of a frame has come to the card. */
  private arrived(id: number, sequence: number): void {
    this.inFlight--;
    if (id < 0) {
      this.heldArrived(~id);
      return;
    }
    const template = this.templates[id];
    if (this.extender !== null) {
      const held = this.extender.fromStation(template, sequence);
      if (held >= 0) this.heldArrived(held);
      return;
    }
    if (this.bridge !== null && !this.bridge.passes(template)) return;
    const slot = this.data.slotForWire(template.bytes);
    if (slot < 0) return;
    const { i32: target, slotShift } = this.data.frames;
    const base = (slot << slotShift) >> 2;
    const { words, sequenceWord } = template;
    // A call costs more than the few words of a short frame.
    if (words.length > SHORT_WORDS) target.set(words, base);
    else for (let i = 0; i < words.length; i++) target[base + i] = words[i];
    if (sequenceWord >= 0) target[base + sequenceWord] = sequence;
    this.land(slot, template.bytes);
  }

  /** A frame lies in a slot of the card, as far as it has come. */
  private land(slot: number, bytes: number): void {
    const { data } = this;
    this.recordTaken(slot, bytes);
    const isBad = this.badFcsEvery > 0 && ++this.landed % this.badFcsEvery === 0;
    if (data.cutThrough !== null) {
      data.cutThrough.begin(slot, this.restPs(Math.max(MIN_FRAME_BYTES, bytes + FCS_BYTES)), isBad);
    } else if (isBad) data.refuse(slot, NicDrop.BAD_FCS);
    else data.receiveFromWire(slot);
  }

  /** Tells a probe what a frame of `bytes` bytes took on the wire. */
  private recordTaken(slot: number, bytes: number): void {
    const { probe, wire } = this;
    if (probe === null || probe.sink === null) return;
    const onWire = Math.max(MIN_FRAME_BYTES, bytes + FCS_BYTES);
    const aheadPs = this.data.cutThrough === null ? 0 : this.restPs(onWire);
    const takenPs = wire.duration(PREAMBLE_BYTES + onWire) + this.delayPs - aheadPs;
    probe.record(ProbeKind.WIRE_TAKEN, slot, onWire, takenPs);
  }

  /** From the header of a frame of `bytes` bytes with check sequence to its last bit. */
  private restPs(bytes: number): number {
    return Math.floor(this.wire.duration(bytes - headerBytes(bytes - FCS_BYTES)));
  }

  /** A frame that the bridge has sent back. */
  private heldArrived(held: number): void {
    const bridge = this.between as WireBridge | ExtenderBridge;
    const { lengths, i32 } = bridge.frames;
    const from = bridge.frames.offsetOf(held) >> 2;
    const slot = this.data.slotForWire(lengths[held]);
    if (slot >= 0) {
      const { frames } = this.data;
      const base = frames.offsetOf(slot) >> 2;
      for (let i = 0; i < (lengths[held] + 3) >> 2; i++) frames.i32[base + i] = i32[from + i];
      this.land(slot, lengths[held]);
    }
    bridge.release(held);
  }
}

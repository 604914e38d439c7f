import { FramePool, IntRing } from '../base/index.ts';
import type { FrameTemplate } from '../drivers/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import { AdjacentBridge } from '../nicswitch/index.ts';
import { FCS_BYTES, MIN_FRAME_BYTES } from '../wire/index.ts';

/** Frames that the bridge holds at most. */
const SLOTS = 4096;
const SLOT_BYTES = 16_384;
/** Ports of the bridge. */
const CARD = 0;
const STATION = 1;
const SHORTEST = MIN_FRAME_BYTES - FCS_BYTES;

/** What the bridge hands frames on to: the station and the wire back to the card are one. */
export interface BridgeSink {
  /** The station receives the frame in a slot of {@link WireBridge.frames}. */
  toStation(slot: number): void;
  /** The frame in a slot goes back to the card; false, and lost, if there is no room. It is given back by {@link WireBridge.release}. */
  toCard(slot: number): boolean;
}

/**
 * An {@link AdjacentBridge} between the card and the station: it stores each frame of the card whole and sends it
 * on, to the station at once and to the card when the wire there is free.
 */
export class WireBridge {
  readonly bridge: AdjacentBridge;
  readonly frames: FramePool;
  /** Frames for which it had no room. */
  full = 0;
  /** Frames that it holds and has not decided on. */
  inFlight = 0;

  private readonly scheduler: Scheduler;
  private readonly sink: BridgeSink;
  private readonly delayPs: number;
  private readonly arrived: number;
  private readonly arriving = new IntRing(SLOTS);
  /** Bytes of the station's templates, by their number. */
  private readonly templates: Uint8Array[] = [];

  /** @param delayPs from the last bit on the wire to the bridge: MAC, PHY and cable. */
  constructor(scheduler: Scheduler, sink: BridgeSink, reflectiveRelay: boolean, delayPs: number) {
    this.bridge = new AdjacentBridge({ ports: 2 });
    this.bridge.setReflectiveRelay(CARD, reflectiveRelay);
    this.frames = new FramePool({ slots: SLOTS, slotBytes: SLOT_BYTES });
    this.scheduler = scheduler;
    this.sink = sink;
    this.delayPs = delayPs;
    this.arrived = scheduler.task('bridge.relay', () => this.relay(this.arriving.shift()));
  }

  /** A frame has left the card: `bytes` from word `at` of `words` on. */
  receive(words: Int32Array, at: number, bytes: number): void {
    const slot = this.frames.take();
    if (slot < 0) {
      this.full++;
      return;
    }
    const { i32, lengths, u8 } = this.frames;
    const base = this.frames.offsetOf(slot);
    const length = bytes < SHORTEST ? SHORTEST : bytes;
    for (let i = 0; i < (bytes + 3) >> 2; i++) i32[(base >> 2) + i] = words[at + i];
    // The wire has pads where memory has nothing.
    if (length > bytes) u8.fill(0, base + bytes, base + length);
    lengths[slot] = length;
    this.inFlight++;
    this.arriving.push(slot);
    this.scheduler.schedule(this.delayPs, this.arrived, slot, 0);
  }

  /** Whether a frame of the station goes to the card. */
  passes(template: FrameTemplate): boolean {
    let bytes = this.templates[template.id];
    if (bytes === undefined) {
      const { buffer, byteOffset } = template.words;
      bytes = new Uint8Array(buffer, byteOffset, template.bytes);
      this.templates[template.id] = bytes;
    }
    return this.bridge.relay(bytes, STATION) > 0;
  }

  /** The frame in a slot has come to the card, or been lost. */
  release(slot: number): void {
    this.frames.release(slot);
  }

  private relay(slot: number): void {
    const { bridge, frames } = this;
    this.inFlight--;
    const count = bridge.relay(frames.u8, CARD, frames.offsetOf(slot), frames.lengths[slot]);
    let held = false;
    for (let i = 0; i < count; i++) {
      if (bridge.targets[i] === STATION) this.sink.toStation(slot);
      else held = this.sink.toCard(slot);
      if (bridge.targets[i] === CARD && !held) this.full++;
    }
    if (!held) frames.release(slot);
  }
}

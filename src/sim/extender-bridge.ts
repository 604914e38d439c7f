import { FramePool, IntRing } from '../base/index.ts';
import type { FrameTemplate } from '../drivers/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import {
  type BridgeOutput,
  ControllingBridge,
  type PortExtender,
  type VirtualTagKind,
} from '../nicswitch/index.ts';
import { ETAG_BYTES, FCS_BYTES, MIN_FRAME_BYTES, VNTAG_BYTES } from '../wire/index.ts';
import type { BridgeSink } from './wire-bridge.ts';

/** Frames that the bridge holds at most. */
const SLOTS = 4096;
const SLOT_BYTES = 16_384;
const SHORTEST = MIN_FRAME_BYTES - FCS_BYTES;

/**
 * The {@link ControllingBridge} of a card that is a port extender, between card and station: what comes up with the tag
 * of its VPort is stored whole, and goes on to the station without it, or back down with the tag of whom it is for.
 */
export class ExtenderBridge {
  readonly name = 'bridge';
  readonly frames: FramePool;
  /** Bytes that the tag adds to a frame on the wire. */
  readonly tagBytes: number;
  /** Frames for which it had no room. */
  full = 0;
  /** Frames that it holds and has not decided on. */
  inFlight = 0;
  /** Frames that went to the station and back down. */
  replicas = 0;

  private readonly scheduler: Scheduler;
  private readonly sink: BridgeSink;
  private readonly tag: VirtualTagKind;
  private readonly delayPs: number;
  private readonly arrived: number;
  private readonly arriving = new IntRing(SLOTS);
  private bridge: ControllingBridge;
  private up = 0;
  private down = 0;
  /** Of the bridges before this one, which had other VPorts. */
  private filteredBefore = 0;

  /** @param delayPs from the last bit on the wire to the bridge: MAC, PHY and cable. */
  constructor(scheduler: Scheduler, sink: BridgeSink, tag: VirtualTagKind, delayPs: number) {
    this.bridge = new ControllingBridge({ tag, channels: [] });
    this.frames = new FramePool({ slots: SLOTS, slotBytes: SLOT_BYTES });
    this.tagBytes = tag === 'etag' ? ETAG_BYTES : VNTAG_BYTES;
    this.scheduler = scheduler;
    this.sink = sink;
    this.tag = tag;
    this.delayPs = delayPs;
    this.arrived = scheduler.task('bridge.relay', () => this.relay(this.arriving.shift()));
  }

  /** Makes the card's switch its extender: VPort 0 has channel 1, and so on. It begins to learn anew. */
  control(extender: PortExtender, vports: number): void {
    this.filteredBefore = this.filtered;
    const channels = Array.from({ length: vports }, (_, vport) => vport + 1);
    this.bridge = new ControllingBridge({ tag: this.tag, channels });
    this.bridge.control(extender);
  }

  /** Frames that went nowhere: to where they came from, or without the tag of a channel. */
  get filtered(): number {
    return this.filteredBefore + this.bridge.filtered + this.bridge.unknown;
  }

  counters(): Record<string, number> {
    const { up, down, filtered, full, replicas } = this;
    return { framesUp: up, framesDown: down, filtered, full, replicas };
  }

  /** A frame has left the card: `bytes` from word `at` of `words` on. */
  receive(words: Int32Array, at: number, bytes: number): void {
    this.up++;
    const start = words.byteOffset + 4 * at;
    const slot = this.store(new Uint8Array(words.buffer as ArrayBuffer, start, bytes));
    if (slot < 0) return;
    this.inFlight++;
    this.arriving.push(slot);
    this.scheduler.schedule(this.delayPs, this.arrived, slot, 0);
  }

  /** The frame of the station as it comes down to the card, in a slot of {@link ExtenderBridge.frames}; -1 for none. */
  fromStation(template: FrameTemplate, sequence: number): number {
    const { words, bytes, sequenceWord } = template;
    const frame = words.slice();
    if (sequenceWord >= 0) frame[sequenceWord] = sequence;
    const { toExtender } = this.bridge.receiveFromNetwork(new Uint8Array(frame.buffer, 0, bytes));
    return toExtender.length === 0 ? -1 : this.sendDown(toExtender[0]);
  }

  /** The frame in a slot has come to the card, or been lost. */
  release(slot: number): void {
    this.frames.release(slot);
  }

  private relay(slot: number): void {
    const { frames, sink } = this;
    this.inFlight--;
    const at = frames.offsetOf(slot);
    const output: BridgeOutput = this.bridge.receive(frames.u8.subarray(at, at + frames.lengths[slot]));
    const { toExtender, toNetwork } = output;
    if (toExtender.length + toNetwork.length === 2) this.replicas++;
    for (const frame of toNetwork) {
      const copy = this.store(frame);
      if (copy < 0) continue;
      sink.toStation(copy);
      frames.release(copy);
    }
    for (const frame of toExtender) {
      const copy = this.sendDown(frame);
      if (copy < 0 || sink.toCard(copy)) continue;
      this.full++;
      frames.release(copy);
    }
    frames.release(slot);
  }

  private sendDown(frame: Uint8Array): number {
    const slot = this.store(frame);
    if (slot >= 0) this.down++;
    return slot;
  }

  /** The bytes in a slot of its own, padded as the wire pads them; -1, and counted, if there is none. */
  private store(bytes: Uint8Array): number {
    const { frames } = this;
    const slot = frames.take();
    if (slot < 0) {
      this.full++;
      return slot;
    }
    const base = frames.offsetOf(slot);
    frames.u8.set(bytes, base);
    frames.lengths[slot] = Math.max(SHORTEST, bytes.length);
    frames.u8.fill(0, base + bytes.length, base + frames.lengths[slot]);
    return slot;
  }
}

import { checkInteger, type FramePool } from '../base/index.ts';
import type { EarlySink, TransmitEngine } from '../dma/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import { type CompletionCut, type Foresight, type Tlp, TlpKind } from '../pcie/index.ts';
import { CUT_THROUGH_BYTES } from './cut-through.ts';
import { NicDrop } from './drops.ts';
import { EarlyDeparture, type EarlyMac } from './early-departure.ts';
import { FrameArrival } from './frame-arrival.ts';

/** Bytes of a frame that have to be there before the MAC begins with it, where a profile does not say. */
export const TRANSMIT_THRESHOLD_BYTES = 256;

/** The data plane as {@link TransmitCutThrough} needs it. */
export interface TransmitPlane {
  /** Takes a frame from a ring into the switch's pipeline. */
  enterFromRing(queue: number, slot: number, index: number): void;
  /** Takes a frame that is whole out of the pipeline. */
  leavePipeline(slot: number, ingress: number): void;
  /** Sends a frame to the wire if that is where the switch sends it, and nowhere else; false if it is not. */
  sendEarly(slot: number, ingress: number): boolean;
  /** A frame in the pipeline is lost: a part of it could not be read. */
  loseInPipeline(slot: number, ingress: number): void;
  /** A frame that the wire had begun is lost there, for one of `NicDrop`. */
  loseAtWire(slot: number, reason: number): void;
  /** Nobody has the frame in a slot any more. */
  freeSlot(slot: number): void;
}

/** Where a frame is that has been handed over before it was whole. */
const Place = {
  /** Nowhere, or it is like any other frame by now. */
  NONE: 0,
  PIPELINE: 1,
  /** Behind the pipeline, waiting for bytes. */
  HELD: 2,
  /** With the MAC. */
  WIRE: 3,
  /** Lost, while its reads still go on. */
  LOST: 4,
} as const;

/**
 * Frames towards the wire that go on before they are whole. The header takes them into the switch; when they
 * come out of its pipeline and are for the wire alone, the MAC gets them as soon as a threshold of bytes is
 * there. Any other waits for its end: who writes it to memory, or copies it, needs all of it.
 *
 * When bytes are there is known from the completions: it looks on as they leave the root complex.
 */
export class TransmitCutThrough implements EarlySink, Foresight {
  // It looks on, and foresees nothing.
  readonly foreseen = -1;
  readonly foreseenPs = 0;
  /** Frames that the MAC has begun before they were whole. */
  framesBegunEarly = 0;
  readonly thresholdBytes: number;

  private readonly scheduler: Scheduler;
  private readonly frames: FramePool;
  private readonly engine: TransmitEngine;
  private readonly plane: TransmitPlane;
  private readonly departure: EarlyDeparture;
  private readonly arrivals: readonly FrameArrival[];
  private readonly places: Uint8Array;
  private readonly ingress: Int32Array;
  /** 1 while reads of a frame go on, and once one has failed. */
  private readonly reading: Uint8Array;
  private readonly failed: Uint8Array;
  private readonly header: number;
  private readonly goOn: number;

  /**
   * @param cut how completions are cut, and how fast they come.
   * @param threshold bytes that are there before the MAC begins. Default {@link TRANSMIT_THRESHOLD_BYTES}.
   * @throws RangeError if the threshold is below the header or above the longest frame.
   */
  constructor(
    name: string,
    scheduler: Scheduler,
    frames: FramePool,
    engine: TransmitEngine,
    plane: TransmitPlane,
    mac: EarlyMac,
    cut: CompletionCut,
    threshold: number = TRANSMIT_THRESHOLD_BYTES,
  ) {
    checkInteger('transmitThresholdBytes', threshold, CUT_THROUGH_BYTES, frames.slotBytes);
    this.scheduler = scheduler;
    this.frames = frames;
    this.engine = engine;
    this.plane = plane;
    this.thresholdBytes = threshold;
    this.arrivals = Array.from({ length: frames.slots }, () => new FrameArrival(cut));
    this.places = new Uint8Array(frames.slots);
    this.ingress = new Int32Array(frames.slots);
    this.reading = new Uint8Array(frames.slots);
    this.failed = new Uint8Array(frames.slots);
    this.departure = new EarlyDeparture(`${name}.byteDue`, scheduler, frames, mac, this.arrivals, {
      isFailed: (slot) => this.failed[slot] === 1,
      settled: (slot) => this.departureSettled(slot),
    });
    const early = engine.handOverEarly(this);
    this.header = scheduler.task(`${name}.headerFetched`, (slot) => early.headerArrived(slot));
    this.goOn = scheduler.task(`${name}.bytesFetched`, (slot) => this.tryGoOn(slot));
  }

  /** Notes when the bytes of a frame will be there: their completions leave now. */
  foresee(tlp: Tlp, delayPs: number): boolean {
    const { client, cookie, kind } = tlp;
    if (kind !== TlpKind.COMPLETION_DATA || client !== this.engine.client || cookie < 0) return false;
    const { frames, scheduler } = this;
    const arrival = this.arrivals[cookie];
    const hadHeader = arrival.thereAt(this.headerOf(cookie)) < Number.POSITIVE_INFINITY;
    arrival.add().note(tlp, tlp.storeOffset - frames.offsetOf(cookie), scheduler.now + delayPs);
    if (!hadHeader) {
      const headerPs = arrival.thereAt(this.headerOf(cookie));
      // With its end there is nothing left to do early.
      if (headerPs < arrival.thereAt(frames.lengths[cookie]))
        scheduler.schedule(headerPs - scheduler.now, this.header, cookie, 0);
    }
    if (this.places[cookie] === Place.HELD) this.tryGoOn(cookie);
    return false;
  }

  frameBegun(queue: number, slot: number, index: number): void {
    this.places[slot] = Place.PIPELINE;
    this.reading[slot] = 1;
    this.failed[slot] = 0;
    this.plane.enterFromRing(queue, slot, index);
  }

  frameNotBegun(slot: number): void {
    this.arrivals[slot].clear();
  }

  frameEnded(slot: number, failed: boolean): void {
    const place = this.places[slot];
    this.reading[slot] = 0;
    this.failed[slot] = failed ? 1 : 0;
    if (place === Place.LOST) {
      this.forget(slot);
      this.plane.freeSlot(slot);
    } else if (failed) {
      if (place === Place.HELD) this.loseHeld(slot);
    } else if (place !== Place.WIRE || !this.departure.isUnderWay(slot)) {
      this.forget(slot);
      if (place === Place.HELD) this.plane.leavePipeline(slot, this.ingress[slot]);
    }
  }

  /** Whether a frame from a ring that has come through the pipeline has to wait, or has gone on by itself. */
  holds(slot: number, ingress: number): boolean {
    if (this.places[slot] === Place.NONE) return false;
    this.places[slot] = Place.HELD;
    this.ingress[slot] = ingress;
    if (this.reading[slot] === 1) this.tryGoOn(slot);
    else this.loseHeld(slot);
    return true;
  }

  /** Whether a frame that the MAC is about to begin may lack bytes. */
  isPartial(slot: number): boolean {
    return this.places[slot] === Place.WIRE;
  }

  /** The MAC begins with such a frame at `startPs`; with everything it takes `bytes` bytes behind the preamble. */
  begin(entry: number, slot: number, startPs: number, bytes: number): void {
    this.framesBegunEarly++;
    this.departure.begin(entry, slot, startPs, bytes);
  }

  /** The MAC has ended a frame before its time. */
  cutShort(slot: number): void {
    const reason = this.failed[slot] === 1 ? NicDrop.DMA_FAILED : NicDrop.UNDERRUN;
    const isRead = this.reading[slot] === 0;
    if (isRead) this.forget(slot);
    else this.places[slot] = Place.LOST;
    this.plane.loseAtWire(slot, reason);
    if (isRead) this.plane.freeSlot(slot);
  }

  /** Whether a frame that is dropped in front of the wire keeps its slot, because it is still being read. */
  keeps(slot: number): boolean {
    if (this.places[slot] !== Place.WIRE) return false;
    if (this.reading[slot] === 1) {
      this.places[slot] = Place.LOST;
      return true;
    }
    this.forget(slot);
    return false;
  }

  counters(): Record<string, number> {
    return { framesBegunEarly: this.framesBegunEarly };
  }

  reset(): void {
    this.framesBegunEarly = 0;
  }

  /** A frame behind the pipeline goes to the wire, if its bytes and the switch let it. */
  private tryGoOn(slot: number): void {
    if (this.places[slot] !== Place.HELD) return;
    const { now } = this.scheduler;
    const arrival = this.arrivals[slot];
    const bytes = this.frames.lengths[slot];
    const therePs = arrival.thereAt(Math.min(this.thresholdBytes, bytes));
    if (therePs > now) {
      // If all of it is there by then, its end will take it on.
      if (therePs < arrival.thereAt(bytes) && therePs < Number.POSITIVE_INFINITY)
        this.scheduler.schedule(therePs - now, this.goOn, slot, 0);
      return;
    }
    // Before it is sent: the MAC may begin at once, and asks.
    this.places[slot] = Place.WIRE;
    if (!this.plane.sendEarly(slot, this.ingress[slot])) this.places[slot] = Place.HELD;
  }

  private loseHeld(slot: number): void {
    this.forget(slot);
    this.plane.loseInPipeline(slot, this.ingress[slot]);
  }

  /** It is known what becomes of a frame that the MAC has begun. */
  private departureSettled(slot: number): void {
    if (this.reading[slot] === 0 && this.failed[slot] === 0) this.forget(slot);
  }

  private forget(slot: number): void {
    this.places[slot] = Place.NONE;
    this.arrivals[slot].clear();
  }

  private headerOf(slot: number): number {
    return Math.min(CUT_THROUGH_BYTES, this.frames.lengths[slot]);
  }
}

import type { FramePool } from '../base/index.ts';
import type { ReceiveEngine, TagOperation, TransmitEngine } from '../dma/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import type { TagTables } from '../nicswitch/index.ts';
import { isMacControl, MAC_CONTROL_ADDRESS, parseMacControl, readDestination } from '../wire/index.ts';
import { ClassedBuffer } from './classed-buffer.ts';
import { FlowControl, type FlowControlSettings } from './flow-control.ts';
import { FramePriorities } from './frame-priority.ts';
import type { MacPort } from './mac-port.ts';

/** What the way through a buffer with classes works on. */
export interface ClassPathParts {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly frames: FramePool;
  /** Those of the switch. */
  readonly tags: TagTables;
  readonly receive: ReceiveEngine;
  readonly transmit: TransmitEngine;
  readonly mac: MacPort;
  readonly uplink: number;
  readonly linkGbps: number;
  /** Longest frame as it lies in the buffer. */
  readonly maxFrameBytes: number;
  /** Takes a frame out of the pipeline to its receivers. */
  handOver(slot: number, ingress: number, bytes: number): void;
}

/**
 * The way of frames through the receive buffer where that has classes: flow control stops and starts senders
 * by how full it is, a frame waits for room in its class, and behind frames of its class. One that leaves for
 * the receive buffer, or is dropped, gives its part of a divided transmit buffer back. A card that needs none
 * of this has no such path.
 */
export class ClassPath {
  readonly classed: ClassedBuffer;
  readonly flow: FlowControl;

  private readonly parts: ClassPathParts;
  /** Frames that are being handed on, one within the other: what waits is looked at when the outermost is through. */
  private handing = 0;

  constructor(parts: ClassPathParts, settings: FlowControlSettings) {
    const { name, scheduler, frames, tags, receive, mac, uplink, linkGbps, maxFrameBytes } = parts;
    const rings = receive.rings.all;
    this.parts = parts;
    this.flow = new FlowControl(
      `${name}.flowControl`,
      scheduler,
      frames,
      mac,
      linkGbps,
      maxFrameBytes,
      settings,
      new FramePriorities(frames, tags, uplink),
    );
    this.classed = new ClassedBuffer(
      frames,
      {
        deliver: (queue, slot, operation) => receive.deliver(queue, slot, operation as TagOperation),
        isBlocked: (queue) => rings[queue].dropEnable === 0 && rings[queue].first >= 0,
      },
      this.flow,
      settings.buffer,
    );
  }

  /** Classes and thresholds are others from now on; what is in the buffer stays. */
  configure(settings: FlowControlSettings): void {
    this.flow.configure(settings);
    this.classed.divide(settings.buffer);
    this.giveOn();
  }

  /** A frame from the wire takes its room; false if there is none. */
  arrive(slot: number): boolean {
    return this.classed.arrive(slot, this.flow.receiveClassOf(slot, this.parts.uplink));
  }

  /** Whether a frame from a ring need not wait for room in its class. */
  mayEnter(slot: number, ingress: number): boolean {
    return this.classed.mayEnter(slot, this.flow.receiveClassOf(slot, ingress));
  }

  /** A frame comes out of the switch's pipeline, or goes on after it has waited for room. */
  forward(slot: number, ingress: number, hasWaited: boolean): void {
    const { classed, parts } = this;
    const bytes = parts.frames.lengths[slot];
    const fromWire = ingress === parts.uplink;
    if (!fromWire && !hasWaited && !this.mayEnter(slot, ingress)) {
      classed.stall(slot, ingress);
      return;
    }
    this.handing++;
    const shares = fromWire ? null : parts.transmit.shares;
    shares?.leave(slot);
    parts.handOver(slot, ingress, bytes);
    shares?.stay();
    if (fromWire && classed.holdsRoom(slot)) classed.abandon(slot, bytes);
    this.handing--;
    this.giveOn();
  }

  /** The bytes of a frame, or of a replica, have left the buffer. */
  released(slot: number): void {
    this.classed.released(slot);
    this.giveOn();
  }

  reset(): void {
    this.classed.resetCounters();
    this.flow.reset();
  }

  /** How full the buffers of both directions are and were, by class. */
  counters(): Record<string, number> {
    return { ...this.classed.counters(), ...this.parts.transmit.shares?.counters() };
  }

  /** What waited in the buffer goes on, as far as it may. */
  giveOn(): void {
    if (this.handing > 0) return;
    const { classed } = this;
    this.handing++;
    let slot: number;
    do {
      classed.unblock();
      slot = classed.nextStalled();
      if (slot >= 0) this.forward(slot, classed.stalledIngress, true);
    } while (slot >= 0);
    this.handing--;
  }
}

/**
 * Takes a MAC Control frame that lies in a slot for what it is; returns whether it goes on to the switch
 * nevertheless. One that is cut short, or has another destination, says nothing.
 */
export function takeControl(frames: FramePool, slot: number, flow: FlowControl | undefined): boolean {
  const base = frames.offsetOf(slot);
  const bytes = frames.lengths[slot];
  const isForMac =
    isMacControl(frames.u8, base, bytes) && readDestination(frames.u8, base) === MAC_CONTROL_ADDRESS;
  flow?.timers.receive(isForMac ? parseMacControl(frames.u8, base, bytes) : undefined);
  return flow?.passesControl === true;
}

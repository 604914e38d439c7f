import type { FramePool } from '../base/index.ts';
import type { Component, Scheduler } from '../kernel/index.ts';
import { type MacControl, MIN_FRAME_BYTES, PRIORITIES, wireBytes } from '../wire/index.ts';
import { FramePriorities } from './frame-priority.ts';
import type { MacFlowControl, MacPort } from './mac-port.ts';
import type { PacketBuffer, PacketBufferOptions } from './packet-buffer.ts';
import { PauseSender, type PauseSenderOptions } from './pause-sender.ts';
import { type PauseMode, PauseTimers } from './pause-timers.ts';

/** When the sender of a class is told to stop and to go on. */
export interface PauseThreshold {
  /**
   * Bytes of the class in the buffer from which on its sender has to stop; `dynamic`: as soon as one more of
   * the longest frames would lie in the headroom.
   */
  readonly xoffBytes: number | 'dynamic';
  /** Bytes below which it may go on; for `dynamic`, bytes that must be free before. */
  readonly xonBytes: number;
}

/** All that steers flow control. */
export interface FlowControlSettings {
  /** Which pauses the MAC honours. */
  readonly honours: PauseMode;
  /** MAC Control frames go to the switch as well (82599: MFLCN.PMCF). */
  readonly passesControl: boolean;
  /** Class of each priority, for what arrives and for what is sent. */
  readonly receiveClassOf: readonly number[];
  readonly transmitClassOf: readonly number[];
  readonly buffer: PacketBufferOptions;
  /** By class; null for one that is never stopped. */
  readonly thresholds: readonly (PauseThreshold | null)[];
  readonly sends: Omit<PauseSenderOptions, 'classOf'>;
}

/**
 * Flow control of the port: honours what the other end says, and tells it when classes of the receive buffer
 * fill up. Made when it is first needed; a card that does without has none.
 */
export class FlowControl implements Component, MacFlowControl {
  readonly name: string;
  readonly timers: PauseTimers;
  readonly sender: PauseSender;

  private readonly priorities: FramePriorities;
  private readonly maxFrameBytes: number;
  private settings: FlowControlSettings;
  /** Classes, one bit each, that the priorities 0 to 7 belong to. */
  private readonly classBits = new Int32Array(PRIORITIES);

  /** @param maxFrameBytes longest frame, as it lies in the buffer. */
  constructor(
    name: string,
    scheduler: Scheduler,
    frames: FramePool,
    mac: MacPort,
    gigabits: number,
    maxFrameBytes: number,
    settings: FlowControlSettings,
    priorities: FramePriorities = new FramePriorities(frames),
  ) {
    this.name = name;
    this.priorities = priorities;
    this.maxFrameBytes = maxFrameBytes;
    this.timers = new PauseTimers(scheduler, `${name}.resume`, gigabits, () => mac.resume());
    this.sender = new PauseSender(scheduler, `${name}.refresh`, gigabits, {
      controlDue: () => mac.resume(),
    });
    this.settings = settings;
    mac.useFlowControl(this);
    this.configure(settings);
  }

  get passesControl(): boolean {
    return this.settings.passesControl;
  }

  configure(settings: FlowControlSettings): void {
    const { honours, receiveClassOf, transmitClassOf, sends } = settings;
    this.settings = settings;
    for (let priority = 0; priority < PRIORITIES; priority++) {
      this.classBits[priority] = 1 << transmitClassOf[priority];
    }
    if (this.timers.mode !== honours) this.timers.setMode(honours);
    this.sender.configure({ ...sends, classOf: receiveClassOf });
  }

  /** Class in which a frame that has come in at `ingress` is received: from the wire, or staying inside the card. */
  receiveClassOf(slot: number, ingress: number): number {
    return this.settings.receiveClassOf[this.priorities.received(slot, ingress)];
  }

  /** Class in which a frame is sent to the wire after `edit`, a sum of `TagEdit`. */
  classOf(slot: number, edit: number): number {
    return this.settings.transmitClassOf[this.priorities.sent(slot, edit)];
  }

  classesOf(paused: number): number {
    let classes = 0;
    for (let rest = paused; rest !== 0; rest &= rest - 1)
      classes |= this.classBits[31 - Math.clz32(rest & -rest)];
    return classes;
  }

  nextControl(): MacControl | null {
    return this.sender.next();
  }

  /** Stops and starts the senders of classes, by what lies in the buffer now. */
  bufferChanged(buffer: PacketBuffer): void {
    if (this.settings.sends.mode === 'none') return;
    for (let c = 0; c < buffer.classes; c++) {
      const threshold = this.settings.thresholds[c];
      if (threshold === null || threshold === undefined) continue;
      if (((this.sender.stopped >> c) & 1) === 0) {
        if (this.mustStop(buffer, c, threshold)) this.sender.stop(c);
      } else if (this.mayGo(buffer, c, threshold)) {
        this.sender.go(c);
      }
    }
  }

  reset(): void {
    this.timers.setMode(this.settings.honours);
    this.timers.resetCounters();
    this.sender.resetCounters();
  }

  counters(): Record<string, number> {
    const { timers, sender } = this;
    const counts: Record<string, number> = {
      linkXoffSent: sender.linkOff,
      linkXonSent: sender.linkOn,
      linkXoffReceived: timers.linkOff,
      linkXonReceived: timers.linkOn,
      controlFramesIgnored: timers.ignored,
    };
    for (let i = 0; i < PRIORITIES; i++) {
      counts[`class${i}.xoffSent`] = sender.off[i];
      counts[`class${i}.xonSent`] = sender.on[i];
      counts[`priority${i}.xoffReceived`] = timers.off[i];
      counts[`priority${i}.xonReceived`] = timers.on[i];
      counts[`priority${i}.pausedPs`] = timers.pausedPs[i];
    }
    return counts;
  }

  private mustStop(buffer: PacketBuffer, c: number, { xoffBytes }: PauseThreshold): boolean {
    if (xoffBytes !== 'dynamic') return buffer.usedBy[c] >= xoffBytes;
    return buffer.headroomUsed[c] > 0 || this.free(buffer, c) < this.maxFrameBytes;
  }

  private mayGo(buffer: PacketBuffer, c: number, { xoffBytes, xonBytes }: PauseThreshold): boolean {
    if (xoffBytes !== 'dynamic') return buffer.usedBy[c] < xonBytes;
    return buffer.headroomUsed[c] === 0 && this.free(buffer, c) >= Math.max(xonBytes, this.maxFrameBytes);
  }

  /** Bytes that a class may still take without its headroom. */
  private free(buffer: PacketBuffer, c: number): number {
    return buffer.limitOf(c) - buffer.countedOf(c);
  }
}

/**
 * Bytes of headroom with which nothing is lost, however full the wire is: what may still arrive of a class
 * after its buffer has asked for a stop. In wire bytes that is
 *
 * - the frame that crossed the threshold, and one that the card has just begun to send, behind which the
 *   pause has to wait,
 * - the pause itself, its way there, what the other end takes to heed it, and the way of the last bit back,
 * - a frame that the other end has just begun by then.
 *
 * Sources of the terms: IEEE 802.3 annex 31B.3.7 and IEEE 802.1Q annex O ("buffer requirements").
 *
 * @example
 * headroomBytes({ linkGbps: 10, delayPs: 300_000, responsePs: 0, sentFrameBytes: 1518, receivedFrameBytes: 1518 });
 */
export function headroomBytes(link: {
  /** Rate in Gb/s. */
  readonly linkGbps: number;
  /** One way from the last bit on the wire to the buffer: cable, PHY, MAC, forward error correction. */
  readonly delayPs: number;
  /** From the arrival of a pause until nothing is begun any more. */
  readonly responsePs: number;
  /** Longest frame that the card sends, and that it receives, in bytes with frame check sequence. */
  readonly sentFrameBytes: number;
  readonly receivedFrameBytes: number;
}): number {
  const { linkGbps, delayPs, responsePs, sentFrameBytes, receivedFrameBytes } = link;
  const overhead = wireBytes(0) - MIN_FRAME_BYTES;
  const wire =
    sentFrameBytes + MIN_FRAME_BYTES + 2 * overhead + (2 * delayPs + responsePs) * (linkGbps / 8000);
  return Math.ceil(wire) + 2 * (receivedFrameBytes + overhead);
}

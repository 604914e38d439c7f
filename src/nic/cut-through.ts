import type { FramePool } from '../base/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import { type LinkRate, linkPsPerByte } from '../pcie/index.ts';
import { FCS_BYTES } from '../wire/index.ts';
import { NicDrop } from './drops.ts';

/** When a frame from or to the wire goes on: when all of it is there, or after its header. */
export type Switching = (typeof SWITCHINGS)[number];

/** Every {@link Switching}. */
export const SWITCHINGS = Object.freeze(['store-and-forward', 'cut-through'] as const);

/** Bytes of a frame that are there before it is looked up: what an untagged or tagged header can take, and the shortest frame has. */
export const CUT_THROUGH_BYTES = 64;

/** The data plane as {@link CutThrough} needs it. */
export interface CutThroughPlane {
  /** Its uplink is the wire. */
  readonly switch: { readonly uplink: number };
  /** Takes a frame from the wire, as far as it is there. */
  receiveFromWire(slot: number): void;
  /** Drops a frame from the wire, for one of `NicDrop`. */
  refuse(slot: number, reason: number): void;
  /** Takes a frame that came in at `ingress` out of the pipeline. */
  leavePipeline(slot: number, ingress: number): void;
}

/** Bytes of a frame of `bytes` bytes in memory after which it enters the pipeline: the shortest one is whole then. */
export function headerBytes(bytes: number): number {
  return Math.min(CUT_THROUGH_BYTES, bytes + FCS_BYTES);
}

/**
 * Frames from the wire that go on before they are whole. The look-up overlaps with their arrival, and so does
 * the DMA as far as it cannot run dry: it writes faster than a slow wire brings bytes, and so begins so late
 * that its last TLP has all its bytes. A frame whose check sequence turns out to be wrong has been switched by
 * then; it is lost where it is received.
 */
export class CutThrough {
  /** Slot of a frame with a wrong check sequence that is being given to its receivers; else -1. */
  bad = -1;

  private readonly scheduler: Scheduler;
  private readonly frames: FramePool;
  private readonly plane: CutThroughPlane;
  private readonly uplink: number;
  private readonly waits: number;
  private readonly psPerByte: number;
  private readonly lastTlpBytes: number;
  /** When a frame may leave the pipeline, by slot. */
  private readonly notBefore: Float64Array;
  private readonly isBad: Uint8Array;

  /**
   * @param rate of the link to the host.
   * @param lastTlpBytes Max_Payload_Size: most bytes of a frame's last TLP.
   */
  constructor(
    name: string,
    scheduler: Scheduler,
    frames: FramePool,
    plane: CutThroughPlane,
    rate: LinkRate,
    lastTlpBytes: number,
  ) {
    const [numerator, denominator] = linkPsPerByte(rate);
    this.scheduler = scheduler;
    this.frames = frames;
    this.plane = plane;
    this.uplink = plane.switch.uplink;
    this.psPerByte = numerator / denominator;
    this.lastTlpBytes = lastTlpBytes;
    this.notBefore = new Float64Array(frames.slots);
    this.isBad = new Uint8Array(frames.slots);
    this.waits = scheduler.task(`${name}.cutThrough`, (slot) => this.goOn(slot));
  }

  /**
   * The header of a frame is there; its last bit follows `restPs` later, and then it shows whether its check
   * sequence is wrong. What is whole with its header is dropped for that before it is looked up.
   */
  begin(slot: number, restPs: number, badFcs: boolean): void {
    if (badFcs && restPs === 0) {
      this.plane.refuse(slot, NicDrop.BAD_FCS);
      return;
    }
    const ahead = Math.max(0, this.frames.lengths[slot] - this.lastTlpBytes);
    this.notBefore[slot] = this.scheduler.now + restPs - Math.min(restPs, Math.floor(ahead * this.psPerByte));
    this.isBad[slot] = badFcs ? 1 : 0;
    this.plane.receiveFromWire(slot);
  }

  /** Whether a frame from the wire that has come through the pipeline has to wait for its end, or has a bad one. */
  holds(slot: number): boolean {
    const waitPs = this.notBefore[slot] - this.scheduler.now;
    if (waitPs > 0) this.scheduler.schedule(waitPs, this.waits, slot, 0);
    else if (this.isBad[slot] === 1) this.goOn(slot);
    else return false;
    return true;
  }

  private goOn(slot: number): void {
    if (this.isBad[slot] === 1) this.bad = slot;
    this.plane.leavePipeline(slot, this.uplink);
    this.bad = -1;
  }
}

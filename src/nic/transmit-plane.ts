import type { Scheduler } from '../kernel/index.ts';
import type { CompletionCut, LinkDirection } from '../pcie/index.ts';
import type { ClassPath } from './class-path.ts';
import type { DataPlane } from './data-plane.ts';
import { NicDrop } from './drops.ts';
import type { NicProfile } from './profile.ts';
import { TransmitCutThrough, type TransmitPlane } from './transmit-cut-through.ts';

/** What frames towards the wire do with the data plane before they are whole. */
export class EarlyTransmitPlane implements TransmitPlane {
  private readonly data: DataPlane;

  /** @param data with classes: see {@link DataPlane.setFlowControl}. */
  constructor(data: DataPlane) {
    this.data = data;
  }

  enterFromRing(queue: number, slot: number, index: number): void {
    this.data.enterFromRing(queue, slot, index);
  }

  leavePipeline(slot: number, ingress: number): void {
    this.data.leavePipeline(slot, ingress);
  }

  /** One that would have to wait for room in the receive buffer waits, and is whole by then or is not sent. */
  sendEarly(slot: number, ingress: number): boolean {
    const { data } = this;
    const path = data.classPath as ClassPath;
    const change = data.beforeSwitch;
    data.beforeSwitch = null;
    change?.();
    if (!data.switch.goesToWire(slot, ingress) || !path.mayEnter(slot, ingress)) return false;
    path.forward(slot, ingress, true);
    return true;
  }

  loseInPipeline(slot: number, ingress: number): void {
    this.data.inPipeline--;
    this.lose(ingress, slot, NicDrop.DMA_FAILED);
    this.freeSlot(slot);
  }

  loseAtWire(slot: number, reason: number): void {
    this.lose(this.data.switch.uplink, slot, reason);
  }

  freeSlot(slot: number): void {
    this.data.frames.release(slot);
    this.data.transmit.slotFreed();
  }

  private lose(port: number, slot: number, reason: number): void {
    const { data } = this;
    data.dropped(port, slot, reason);
    data.transmit.shares?.leave(slot);
    data.transmit.releaseBuffer(data.frames.lengths[slot]);
  }
}

/** From now on frames of a card with classes may go to the wire before they are whole. */
export function useTransmitCutThrough(
  data: DataPlane,
  scheduler: Scheduler,
  profile: NicProfile,
  completions: LinkDirection,
  cut: CompletionCut,
): void {
  const cutThrough = new TransmitCutThrough(
    data.name,
    scheduler,
    data.frames,
    data.transmit,
    new EarlyTransmitPlane(data),
    data.mac,
    cut,
    profile.transmitThresholdBytes,
  );
  data.transmitCutThrough = cutThrough;
  data.mac.usePartialFrames(cutThrough);
  completions.foresight = cutThrough;
}

import { FramePool } from '../base/index.ts';
import type { NicProfile } from './profile.ts';

/** The frames of a card, each in a slot that the longest fits in, with `extraBytes` behind them. */
export function cardFrames(profile: NicProfile, extraBytes: number): FramePool {
  const slotBytes = 1 << (32 - Math.clz32(Math.max(2048, profile.maxFrameBytes) - 1));
  return new FramePool({ slots: profile.frameSlots, slotBytes, extraBytes });
}

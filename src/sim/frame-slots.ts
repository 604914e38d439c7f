import { ceilPowerOfTwo } from '../base/index.ts';
import type { NicProfile } from '../nic/index.ts';
import { FCS_BYTES, MIN_FRAME_BYTES } from '../wire/index.ts';
import type { ResolvedNic } from './scenario-resolved.ts';

/**
 * The card with a slot for every frame that its packet buffers hold: where nothing may be lost, the model must
 * not run out of slots before the card runs out of memory.
 */
export function withSlots(profile: NicProfile, { port }: ResolvedNic): NicProfile {
  if (port.pause === 'none' && port.pfc.length === 0) return profile;
  const bytes = profile.receiveBufferBytes + profile.transmitBufferBytes;
  const frames = ceilPowerOfTwo(Math.ceil(bytes / (MIN_FRAME_BYTES - FCS_BYTES)));
  return { ...profile, frameSlots: Math.max(profile.frameSlots, frames) };
}

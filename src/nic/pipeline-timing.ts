import type { Scheduler } from '../kernel/index.ts';
import { FCS_BYTES } from '../wire/index.ts';
import { PipelineArbiter } from './pipeline-arbiter.ts';
import type { NicProfile } from './profile.ts';

/** Time for which a frame occupies a pipeline that has a width: whole cycles, the last of which it may leave half empty. */
export function wideOccupancyPs(profile: NicProfile, bytes: number): number {
  const { switchCyclesPerFrame, switchBytesPerCycle = Number.POSITIVE_INFINITY, coreClockPs } = profile;
  return Math.max(switchCyclesPerFrame, Math.ceil((bytes + FCS_BYTES) / switchBytesPerCycle)) * coreClockPs;
}

/** Who says which frame enters the pipeline next, and has `switched` run when it has come through; null: who came first. */
export function arbiterFor(
  profile: NicProfile,
  name: string,
  scheduler: Scheduler,
  lengths: Int32Array,
  switched: number,
  wire: number,
): PipelineArbiter | null {
  const { switchArbitration: rule = 'arrival', switchWeights: weights } = profile;
  if (rule === 'arrival') return null;
  const pipelinePs = profile.switchCycles * profile.coreClockPs;
  return new PipelineArbiter(
    `${name}.arbiter`,
    scheduler,
    {
      occupancyPs: (slot) => wideOccupancyPs(profile, lengths[slot]),
      enter: (slot, port) => scheduler.schedule(pipelinePs, switched, slot, port),
    },
    {
      rule,
      weights,
      ports: profile.pools + 1,
      wire,
      slots: profile.frameSlots,
      longestPs: wideOccupancyPs(profile, profile.maxFrameBytes),
    },
  );
}

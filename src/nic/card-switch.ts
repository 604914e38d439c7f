import type { FramePool } from '../base/index.ts';
import type { Scheduler } from '../kernel/index.ts';
import { NicSwitch } from '../nicswitch/index.ts';
import type { NicProfile } from './profile.ts';

const TAG_BYTES = 4;

/** The switch of a card: as large, and with the rules, as the chip has it. */
export function cardSwitch(
  profile: NicProfile,
  name: string,
  frames: FramePool,
  scheduler: Scheduler,
): NicSwitch {
  return new NicSwitch({
    name: `${name}.switch`,
    frames,
    vports: profile.pools,
    maxFrameBytes: profile.maxFrameBytes - TAG_BYTES,
    localMatch: profile.localMatch,
    untaggedCheck: profile.untaggedCheck,
    clock: scheduler,
    mirrorRules: profile.mirrorRules + (profile.hostMirrorRules ?? 0),
    queueEntries: 1,
  });
}

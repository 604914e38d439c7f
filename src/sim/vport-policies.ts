import { type ForwardingMode, type NicSwitch, STORM_KINDS } from '../nicswitch/index.ts';
import type { ResolvedVf } from './scenario-resolved.ts';

/** What the machine's owner has set for a VF beside what its card has registers for. */
export type VPortPolicy = Pick<ResolvedVf, 'private' | 'allowedVlans' | 'stormLimits' | 'forwarding'>;

/**
 * Tells the switch what it may let the VFs do, by number, and the PF behind them. An 82599 has no registers
 * for it; the host sets it at the switch.
 */
export function applyVPortPolicies(
  nicSwitch: NicSwitch,
  vfs: readonly (VPortPolicy | undefined)[],
  pf: number,
): void {
  for (let vport = 0; vport < nicSwitch.vports; vport++) {
    const policy = vport < pf ? vfs[vport] : undefined;
    const isolation = vport === pf ? 'promiscuous' : policy?.private === true ? 'private' : 'shared';
    nicSwitch.setIsolation(vport, isolation);
    nicSwitch.setForwarding(vport, modeOf(policy?.forwarding, nicSwitch, pf));
    const allowed = policy?.allowedVlans ?? null;
    nicSwitch.setAllowedVlans(vport, allowed === null ? null : { vlans: allowed });
    for (const kind of STORM_KINDS) {
      const framesPerSecond = policy?.stormLimits[kind] ?? null;
      nicSwitch.setStormLimit(vport, kind, framesPerSecond === null ? null : { framesPerSecond });
    }
  }
}

/** To a VF that is not there: to the last VPort of all, which nobody has then. */
function modeOf(mode: VPortPolicy['forwarding'], { vports }: NicSwitch, pf: number): ForwardingMode {
  if (typeof mode !== 'object') return mode ?? 'default';
  const { to, port } = mode;
  return { vport: to.kind === 'pf' ? pf : to.vf < pf ? to.vf : vports - 1, port };
}

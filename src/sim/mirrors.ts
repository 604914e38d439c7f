import type { PoolMirror } from '../drivers/index.ts';
import type { NicProfile } from '../nic/index.ts';
import type { NicSwitch } from '../nicswitch/index.ts';
import type { ResolvedMirror, VPortRef } from './scenario-resolved.ts';

type Mirrors = readonly ResolvedMirror[];

/** What the PF's driver is told of mirroring: rules for registers, or the VLANs of those that the switch has. */
export function driverMirrors(
  mirrors: Mirrors = [],
  { hostMirrorRules = 0 }: NicProfile,
): { mirrors: PoolMirror[]; admittedVlans: number[] } {
  if (hostMirrorRules > 0) return { mirrors: [], admittedVlans: mirrors.flatMap(({ vlans }) => vlans) };
  const owner = (ref: VPortRef) => (ref.kind === 'pf' ? ref.kind : ref.vf);
  const rules = mirrors.map(({ to, receivedBy, uplink, downlink, vlans }) => ({
    to: owner(to),
    receivedBy: receivedBy.map(owner),
    uplink,
    downlink,
    vlans,
  }));
  return { mirrors: rules, admittedVlans: [] };
}

/**
 * Sets the rules of a card that has them at its switch, behind those of its registers. VFs that there are not
 * are left out, and with them the rules that would copy to them.
 *
 * @param pf VPort of the PF, behind those of the VFs; 0 without VFs.
 */
export function applyMirrors(
  nicSwitch: NicSwitch,
  mirrors: Mirrors = [],
  { mirrorRules, hostMirrorRules = 0 }: NicProfile,
  pf: number,
): void {
  const exists = (ref: VPortRef) => ref.kind === 'pf' || ref.vf < pf;
  const vport = (ref: VPortRef) => (ref.kind === 'pf' ? pf : ref.vf);
  for (let i = 0; i < hostMirrorRules; i++) {
    const rule = pf > 0 ? mirrors[i] : undefined;
    nicSwitch.setMirrorRule(
      mirrorRules + i,
      rule === undefined || !exists(rule.to)
        ? null
        : {
            to: vport(rule.to),
            receivedBy: rule.receivedBy.filter(exists).map(vport),
            sentBy: rule.sentBy.filter(exists).map(vport),
            uplink: rule.uplink,
            downlink: rule.downlink,
            vlans: rule.vlans,
          },
    );
  }
}

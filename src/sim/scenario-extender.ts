import { type ProblemReporter, showValue } from './scenario-error.ts';
import type { NicFacts } from './scenario-profiles.ts';
import type { ResolvedNic, ResolvedVf } from './scenario-resolved.ts';
import type { BridgeKind, NicOptions } from './scenario-types.ts';

/** Whether the card is a port extender; then its own switching has no meaning, and the bridge at the wire is its own. */
export function resolveExtender(
  { portExtender, loopback }: NicOptions,
  { vfs: count, mirrors }: ResolvedNic,
  vfs: readonly ResolvedVf[],
  adjacentBridge: BridgeKind | undefined,
  card: NicFacts,
  reporter: ProblemReporter,
): Pick<ResolvedNic, 'portExtender'> {
  if (portExtender === undefined) return {};
  const path = 'nic.portExtender';
  const refuse = (problem: string, allowed: string) => reporter.fail(path, portExtender, problem, allowed);
  if (card.portExtender !== true) refuse(`the card knows no ${showValue(portExtender)}`, 'a generic profile');
  reporter.oneOf(path, portExtender, ['etag', 'vntag']);
  if (count === 0) refuse('without VFs there is nothing to extend', 'with one VF or more');
  if (adjacentBridge !== undefined && adjacentBridge !== 'none')
    refuse('has a bridge of its own at the wire', 'portExtender or adjacentBridge, not both');
  const other = [
    ...(loopback === undefined ? [] : ['nic.loopback']),
    ...(mirrors === undefined ? [] : ['nic.mirrors']),
    ...(vfs.some(({ forwarding }) => forwarding !== undefined) ? ['forwarding'] : []),
    ...(vfs.some((vf) => vf.private) ? ['private'] : []),
    ...(vfs.some(({ stormLimits }) => Object.values(stormLimits).some((limit) => limit !== null))
      ? ['stormLimits']
      : []),
  ][0];
  if (other !== undefined) refuse('does not switch, the bridge does', `portExtender or ${other}, not both`);
  return { portExtender };
}

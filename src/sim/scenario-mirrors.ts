import type { EndpointDirectory } from './scenario-endpoints.ts';
import { type ProblemReporter, showValue } from './scenario-error.ts';
import type { NicFacts } from './scenario-profiles.ts';
import type { ResolvedMirror, ResolvedNic } from './scenario-resolved.ts';
import type { MirrorOptions } from './scenario-types.ts';

const CONDITIONS = ['receivedBy', 'sentBy', 'uplink', 'downlink', 'vlans'] as const;

/** Fills in the mirroring rules, as many and of the kinds that the card has. */
export function resolveMirrors(
  options: readonly MirrorOptions[] | undefined,
  { vfs }: ResolvedNic,
  { mirrors: facts = { rules: 0, bySwitch: false } }: NicFacts,
  endpoints: EndpointDirectory,
  reporter: ProblemReporter,
): Pick<ResolvedNic, 'mirrors'> {
  if (options === undefined || options.length === 0) return {};
  const path = 'nic.mirrors';
  const count = options.length;
  if (count > facts.rules) {
    reporter.fail(
      path,
      count,
      `${count} mirroring rules are more than the card has`,
      `at most ${facts.rules}`,
    );
  }
  if (vfs === 0) reporter.fail(path, count, 'without VFs there is nothing to mirror', 'with one VF or more');
  const mirrors = options.map((rule, i) => {
    const at = `${path}[${i}]`;
    if (rule.sentBy !== undefined && !facts.bySwitch) {
      const problem = 'the card copies what VPorts receive, not what they send';
      const allowed = 'receivedBy, uplink, downlink, vlans, or a generic profile';
      reporter.fail(`${at}.sentBy`, rule.sentBy, problem, allowed);
    }
    return resolveMirror(rule, at, endpoints, reporter);
  });
  return { mirrors };
}

function resolveMirror(
  options: MirrorOptions,
  path: string,
  endpoints: EndpointDirectory,
  reporter: ProblemReporter,
): ResolvedMirror {
  const { to, receivedBy = [], sentBy = [], uplink = false, downlink = false, vlans = [] } = options;
  if (typeof to !== 'string') reporter.fail(`${path}.to`, to, `${showValue(to)} is no name`, 'a VPort');
  if (!uplink && !downlink && receivedBy.length + sentBy.length + vlans.length === 0) {
    reporter.fail(path, options, 'copies nothing', `one of ${CONDITIONS.join(', ')}`);
  }
  const vports = (key: 'receivedBy' | 'sentBy', names: readonly string[]) =>
    names.map((name, i) => endpoints.vport(`${path}.${key}[${i}]`, name));
  return {
    to: endpoints.vport(`${path}.to`, to),
    receivedBy: vports('receivedBy', receivedBy),
    sentBy: vports('sentBy', sentBy),
    uplink,
    downlink,
    vlans: [...new Set(vlans)]
      .map((id, i) => reporter.vlan(`${path}.vlans[${i}]`, id) as number)
      .sort((a, b) => a - b),
  };
}

import type { EndpointDirectory } from './scenario-endpoints.ts';
import { type ProblemReporter, showValue } from './scenario-error.ts';
import type { NicFacts } from './scenario-profiles.ts';
import type { ResolvedForwarding, ResolvedVf } from './scenario-resolved.ts';
import type { VfPlace } from './scenario-vfs.ts';

const MODES = ['veb', 'vepa', 'port'] as const;

/** Fills in where the frames of each VF go, as far as its card lets VFs differ. */
export function resolveForwarding(
  places: readonly VfPlace[],
  vfs: readonly ResolvedVf[],
  { vportForwarding = false }: NicFacts,
  endpoints: EndpointDirectory,
  reporter: ProblemReporter,
): void {
  for (const { vf, path, options } of places) {
    if (options.selfDelivery === true) vfs[vf].selfDelivery = true;
    if (options.forwarding === undefined) continue;
    const at = `${path}.forwarding`;
    if (!vportForwarding) {
      const problem = 'the card has one mode for all VFs';
      reporter.fail(at, options.forwarding, problem, 'nic.loopback, or a generic profile');
    }
    vfs[vf].forwarding = resolveMode(vf, options.forwarding, at, endpoints, reporter);
  }
}

function resolveMode(
  vf: number,
  mode: NonNullable<VfPlace['options']['forwarding']>,
  path: string,
  endpoints: EndpointDirectory,
  reporter: ProblemReporter,
): ResolvedForwarding {
  if (typeof mode === 'string') return reporter.oneOf(path, mode, MODES);
  const to = endpoints.vport(`${path}.to`, mode.to);
  if (to.kind === 'vf' && to.vf === vf) {
    reporter.fail(`${path}.to`, mode.to, `${showValue(mode.to)} is the VF itself`, 'any other VPort');
  }
  return { to, port: mode.port ?? false };
}

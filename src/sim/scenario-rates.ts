import type { RateProfile } from '../nicswitch/index.ts';
import type { ProblemReporter } from './scenario-error.ts';
import { SCENARIO_DEFAULTS as DEFAULTS, SCENARIO_RANGES as RANGES } from './scenario-limits.ts';
import type { ResolvedVf } from './scenario-resolved.ts';
import type { VfOptions } from './scenario-types.ts';

type Rates = Pick<ResolvedVf, 'maxTxMbps' | 'minTxMbps' | 'trafficClass'>;

/** Those of a VF that nobody has set any for. */
export const NO_RATES: Rates = { maxTxMbps: 0, minTxMbps: 0, trafficClass: DEFAULTS.class };

/** Transmit rates and class of a VF, as far as its card can do that. */
export function resolveRates(
  { maxTxMbps, minTxMbps, class: trafficClass = DEFAULTS.class }: VfOptions,
  path: string,
  linkMbps: number,
  rates: RateProfile,
  reporter: ProblemReporter,
): Rates {
  if (maxTxMbps !== undefined) {
    const refused = rates.refuseMax(maxTxMbps, linkMbps);
    if (refused !== null) reporter.fail(`${path}.maxTxMbps`, maxTxMbps, refused, rates.allowed);
  }
  if (minTxMbps !== undefined) {
    const refused = rates.refuseMin(minTxMbps, linkMbps);
    if (refused !== null) {
      const allowed =
        rates.refuseMin(linkMbps, linkMbps) === null ? '1 to the rate of the link' : 'on the profile generic';
      reporter.fail(`${path}.minTxMbps`, minTxMbps, refused, allowed);
    }
    if (maxTxMbps !== undefined && minTxMbps > maxTxMbps) {
      const problem = `${minTxMbps} Mb/s are more than the VF may send`;
      reporter.fail(`${path}.minTxMbps`, minTxMbps, problem, `at most maxTxMbps, ${maxTxMbps}`);
    }
  }
  reporter.integer(`${path}.class`, trafficClass, RANGES.class);
  if (trafficClass !== 0 && !rates.classes) {
    const problem = 'the card has no traffic classes with 64 pools';
    reporter.fail(`${path}.class`, trafficClass, problem, '0, others on the profile generic');
  }
  return { maxTxMbps: maxTxMbps ?? 0, minTxMbps: minTxMbps ?? 0, trafficClass };
}

/** A link cannot guarantee more than it carries. */
export function checkMinima(vfs: readonly ResolvedVf[], linkMbps: number, reporter: ProblemReporter): void {
  const sum = vfs.reduce((total, { minTxMbps }) => total + minTxMbps, 0);
  if (sum <= linkMbps) return;
  reporter.fail('guests', sum, `guarantee ${sum} Mb/s in all`, `the ${linkMbps} Mb/s of the link`);
}

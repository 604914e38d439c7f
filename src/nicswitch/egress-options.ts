import { checkInteger, checkKeys, checkNumber } from '../base/index.ts';
import { PRIORITIES } from '../wire/index.ts';
import { recommendedTrafficClasses } from './priority-table.ts';
import { EXACT_RATES, type RateProfile } from './rate-profile.ts';

/** How an {@link EgressStage} is made. */
export interface EgressStageOptions {
  /** Rate of the physical port in Gb/s, 0.001 to 1,000. */
  readonly linkGbps: number;
  /** Traffic classes, 1 to 8. Default 1. */
  readonly classes?: number;
  /**
   * Class of each of the eight priorities, 0 to `classes` - 1. Default: as IEEE 802.1Q recommends
   * ({@link recommendedTrafficClasses}).
   */
  readonly classOfPriority?: readonly number[];
  /** Frames that a VPort can have waiting in a class, 1 to 65,536. Default 64. */
  readonly queueFrames?: number;
  /** How limits are rounded. Default {@link EXACT_RATES}. */
  readonly rates?: RateProfile;
  /** Name under which it counts. Default 'egress'. */
  readonly name?: string;
}

const OPTIONS = {
  linkGbps: true,
  classes: true,
  classOfPriority: true,
  queueFrames: true,
  rates: true,
  name: true,
} as const;

/** What the options of an {@link EgressStage} come to. */
type CheckedOptions = Required<Omit<EgressStageOptions, 'linkGbps'>> & { readonly linkMbps: number };

/** @throws TypeError or RangeError that names the option. */
export function checkEgressOptions(options: EgressStageOptions): CheckedOptions {
  checkKeys<EgressStageOptions>('options', options, OPTIONS);
  const linkGbps = checkNumber('linkGbps', options.linkGbps, 0.001, 1000);
  const classes = checkInteger('classes', options.classes ?? 1, 1, PRIORITIES);
  const rates = options.rates ?? EXACT_RATES;
  if (typeof rates.refuseMax !== 'function') {
    throw new TypeError('rates must be a rate profile: EXACT_RATES or INTEL_82599_RATES');
  }
  return {
    name: options.name ?? 'egress',
    linkMbps: checkInteger('linkGbps x 1000', linkGbps * 1000, 1, 1_000_000),
    classes,
    classOfPriority: checkClasses(options.classOfPriority, classes),
    queueFrames: checkInteger('queueFrames', options.queueFrames ?? 64, 1, 1 << 16),
    rates,
  };
}

function checkClasses(given: readonly number[] | undefined, classes: number): readonly number[] {
  const map = given ?? recommendedTrafficClasses(classes);
  if (map.length !== PRIORITIES)
    throw new RangeError(`classOfPriority must have ${PRIORITIES} entries, got ${map.length}`);
  for (const [priority, each] of map.entries()) {
    checkInteger(`classOfPriority[${priority}]`, each, 0, classes - 1);
  }
  return map;
}

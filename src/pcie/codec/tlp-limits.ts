import { checkInteger, checkPowerOfTwo } from '../../base/index.ts';
import { TLP_CHECKS, type TlpCheck } from './tlp-checks.ts';

/** What a receiver has been set to, and which checks it makes. */
export interface TlpReceiverSettings {
  /** Max_Payload_Size in force. Default 4,096. */
  readonly maxPayloadBytes?: number;
  /** Traffic Classes that are mapped to an enabled Virtual Channel: bit i for TC i. Default 0xff. */
  readonly trafficClasses?: number;
  /** Read Completion Boundary that completers keep to: 64 or 128. Default 64. */
  readonly readCompletionBoundary?: number;
  /** Types of local prefixes that it knows. Default none but those that the specification names: 0, 14 and 15. */
  readonly localPrefixes?: readonly number[];
  /** End-End prefixes that it takes, 0 to 4. Default 4. */
  readonly maxEndEndPrefixes?: number;
  /** Which end of the link it is; messages that go the other way alone are malformed. Default null: not looked at. */
  readonly end?: 'root' | 'device' | null;
  /** Optional checks that it leaves out. Default none. */
  readonly without?: readonly TlpCheck[];
}

/** Settings with all defaults. */
export type TlpLimits = Required<TlpReceiverSettings>;

const NOTHING: readonly TlpCheck[] = [];
/** Types of local prefixes that the specification names. */
const NAMED_PREFIXES: readonly number[] = [0, 14, 15];

/** Fills in the defaults. @throws TypeError or RangeError for settings that are out of range. */
export function limitsOf(settings: TlpReceiverSettings): TlpLimits {
  const {
    maxPayloadBytes = 4096,
    trafficClasses = 0xff,
    readCompletionBoundary = 64,
    localPrefixes = NAMED_PREFIXES,
    maxEndEndPrefixes = 4,
    end = null,
    without = NOTHING,
  } = settings;
  checkPowerOfTwo('maxPayloadBytes', maxPayloadBytes, 128, 4096);
  checkInteger('trafficClasses', trafficClasses, 0, 0xff);
  checkPowerOfTwo('readCompletionBoundary', readCompletionBoundary, 64, 128);
  checkInteger('maxEndEndPrefixes', maxEndEndPrefixes, 0, 4);
  for (const check of without) {
    if (TLP_CHECKS[check]?.optional !== true)
      throw new RangeError(`without must name optional checks, got ${check}`);
  }
  return {
    maxPayloadBytes,
    trafficClasses,
    readCompletionBoundary,
    localPrefixes,
    maxEndEndPrefixes,
    end,
    without,
  };
}

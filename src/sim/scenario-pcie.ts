import type { NicProfile } from '../nic/index.ts';
import { generic100g, genericNic, type HostProfile, intel82599, xeonE5v4 } from '../profiles/index.ts';
import type { OwnMachineProfiles } from './pcie-parts.ts';
import { type ProblemReporter, showValue } from './scenario-error.ts';
import type { ResolvedCardSwitch, ResolvedPcie } from './scenario-resolved.ts';
import type { CardSwitchOptions, PcieOptions, RootCreditOptions, Scenario } from './scenario-types.ts';

/** Widths of a link. */
export const LINK_LANES = [1, 2, 4, 8, 12, 16, 32] as const;
/** Sizes of payloads and read requests. */
export const TLP_SIZES = [128, 256, 512, 1024, 2048, 4096] as const;
/** Ranges of what a scenario says of links. */
export const PCIE_RANGES = {
  generation: [1, 6],
  latencyNs: [0, 100_000],
  // No more than a link's counters of eight and twelve bits can tell (PCIe 3.0 2.6.1).
  headers: [8, 127],
  data: [8, 2047],
} as const satisfies Record<string, readonly [number, number]>;

/** What a card can do. */
export interface LinkLimits {
  readonly generation: number;
  readonly lanes: number;
  readonly maxPayloadBytes: number;
}

/** Nobody sells it, and it has whatever link there is. */
const NEWEST = { generation: 6, lanes: 32 };
const CARDS: Readonly<Record<string, NicProfile>> = {
  'intel-82599': intel82599,
  'intel-82599-chip': intel82599,
  'intel-82599-strict': intel82599,
  generic: genericNic,
  'generic-100g': generic100g,
};
/** Generations that a switch has: none in Flit Mode. */
const SWITCH_GENERATIONS = 5;

/** What a card's Link and Device Capabilities say. */
export function linkLimits(card: NicProfile): LinkLimits {
  const { pcie, maxPayloadBytes } = card;
  return { ...(card === generic100g ? NEWEST : pcie.rate), maxPayloadBytes };
}

/** Fills in the links of a scenario, as far as its card can. @throws {@link ScenarioError} */
export function resolvePcie(
  { pcie: options = {}, faults }: Pick<Scenario, 'pcie' | 'faults'>,
  card: string,
  { hostProfile: host = xeonE5v4, nicProfile: profile = CARDS[card] }: OwnMachineProfiles,
  reporter: ProblemReporter,
): ResolvedPcie {
  const limits = linkLimits(profile);
  const { pcie } = profile;
  const generation = reporter.integer(
    'pcie.generation',
    options.generation ?? pcie.rate.generation,
    PCIE_RANGES.generation,
  );
  const lanes = oneOf('pcie.lanes', options.lanes ?? pcie.rate.lanes, LINK_LANES, reporter);
  const cannot = (path: string, value: number, what: string, most: number, allowed: readonly number[]) => {
    if (value <= most) return;
    reporter.fail(
      path,
      value,
      `${profile.name} has ${what}`,
      allowed.filter((each) => each <= most).join(', '),
    );
  };
  cannot(
    'pcie.generation',
    generation,
    `generation ${limits.generation}`,
    limits.generation,
    [1, 2, 3, 4, 5, 6],
  );
  cannot('pcie.lanes', lanes, `${limits.lanes} lanes`, limits.lanes, LINK_LANES);
  const payload = options.maxPayloadBytes ?? Math.min(host.maxPayloadBytes, profile.maxPayloadBytes);
  const maxPayloadBytes = oneOf('pcie.maxPayloadBytes', payload, TLP_SIZES, reporter);
  const most = limits.maxPayloadBytes;
  cannot('pcie.maxPayloadBytes', maxPayloadBytes, `payloads of ${most} bytes at most`, most, TLP_SIZES);
  const request =
    options.maxReadRequestBytes ?? Math.min(host.maxReadRequestBytes, profile.maxReadRequestBytes);
  const boundary = options.readCompletionBoundary ?? host.readCompletionBoundary;
  const pcieSwitch =
    options.switch === undefined
      ? {}
      : { switch: resolveSwitch(options.switch, generation, lanes, reporter) };
  if (generation > SWITCH_GENERATIONS) checkFlitMode(options, faults, reporter);
  return {
    generation,
    lanes,
    maxPayloadBytes,
    maxReadRequestBytes: oneOf('pcie.maxReadRequestBytes', request, TLP_SIZES, reporter),
    readCompletionBoundary: oneOf('pcie.readCompletionBoundary', boundary, [64, 128], reporter),
    rootCredits: resolveCredits(options.rootCredits ?? {}, host, maxPayloadBytes, reporter),
    ...pcieSwitch,
  };
}

function resolveCredits(
  options: RootCreditOptions,
  { rootCredits }: HostProfile,
  maxPayloadBytes: number,
  reporter: ProblemReporter,
) {
  const credit = (key: keyof RootCreditOptions, range: readonly [number, number]) =>
    reporter.integer(`pcie.rootCredits.${key}`, options[key] ?? rootCredits[key], range);
  const [, mostData] = PCIE_RANGES.data;
  return {
    postedHeaders: credit('postedHeaders', PCIE_RANGES.headers),
    // A payload of Max_Payload_Size at least (2.6.1).
    postedData: credit('postedData', [maxPayloadBytes / 16, mostData]),
    nonPostedHeaders: credit('nonPostedHeaders', PCIE_RANGES.headers),
  };
}

function resolveSwitch(
  options: CardSwitchOptions,
  generation: number,
  lanes: number,
  reporter: ProblemReporter,
): ResolvedCardSwitch {
  const at = 'pcie.switch';
  return {
    forwarding: reporter.oneOf(`${at}.forwarding`, options.forwarding ?? 'cut-through', [
      'cut-through',
      'store-and-forward',
    ]),
    latencyNs: reporter.number(`${at}.latencyNs`, options.latencyNs ?? 100, PCIE_RANGES.latencyNs),
    generation: reporter.integer(
      `${at}.generation`,
      options.generation ?? Math.min(generation, SWITCH_GENERATIONS),
      [1, SWITCH_GENERATIONS],
    ),
    lanes: oneOf(`${at}.lanes`, options.lanes ?? lanes, LINK_LANES, reporter),
    acs: options.acs ?? true,
  };
}

/** A link in Flit Mode has neither a switch nor bit errors. */
function checkFlitMode(options: PcieOptions, faults: Scenario['faults'], reporter: ProblemReporter): void {
  if (options.switch !== undefined) {
    reporter.fail('pcie.generation', 6, 'a switch has no link in Flit Mode', '1 to 5 with pcie.switch');
  }
  const at = (faults ?? []).findIndex(({ kind }) => kind === 'bit-error');
  if (at < 0) return;
  reporter.fail(
    `faults[${at}].kind`,
    'bit-error',
    'a link in Flit Mode has no bit errors',
    'others, or pcie.generation 1 to 5',
  );
}

function oneOf<T extends number>(
  path: string,
  value: number,
  allowed: readonly T[],
  reporter: ProblemReporter,
): T {
  const found = allowed.find((each) => each === value);
  return found ?? reporter.fail(path, value, `${showValue(value)} does not fit`, allowed.join(', '));
}

import { SWITCHINGS, type Switching } from '../nic/index.ts';
import { EXACT_RATES, INTEL_82599_RATES, type RateProfile } from '../nicswitch/index.ts';

/** What a scenario has to know of a card to be checked. */
export interface NicFacts {
  /** TotalVFs of the SR-IOV capability. */
  totalVfs: number;
  /** VFs that its PF driver enables at most: one pool stays with the Physical Function. */
  usableVfs: number;
  /** Rates of the port in Gb/s. */
  linkGbps: readonly number[];
  /** Receive packet buffer in KiB. */
  receiveBufferKiB: number;
  /** Whether classes share it, so that what is free says when a sender has to stop. Default: not. */
  sharedBuffer?: boolean;
  /** What it can do about transmit rates. */
  rates: RateProfile;
  /** Mirroring rules that a scenario can set. Default: none. */
  mirrors?: MirrorFacts;
  /** Whether VFs have forwarding modes of their own. Default: not. */
  vportForwarding?: boolean;
  /** Whether it can be a port extender. Default: not. */
  portExtender?: boolean;
  /** When frames from the wire may go on. Default: when they are whole. */
  switchings?: readonly Switching[];
}

/** The mirroring rules of a card. */
export interface MirrorFacts {
  readonly rules: number;
  /** Whether they are set at the switch and not by registers: then they can copy what a VPort sends. */
  readonly bySwitch: boolean;
}

/** The mirroring rules that a scenario can set for a card. */
export function mirrorsOf(card: {
  readonly mirrorRules: number;
  readonly hostMirrorRules?: number;
}): MirrorFacts {
  const { mirrorRules, hostMirrorRules = 0 } = card;
  return hostMirrorRules > 0
    ? { rules: hostMirrorRules, bySwitch: true }
    : { rules: mirrorRules, bySwitch: false };
}

/** What a card can do about transmit rates. */
export function ratesOf(card: { readonly exactRates?: boolean }): RateProfile {
  return card.exactRates === true ? EXACT_RATES : INTEL_82599_RATES;
}

const INTEL_82599: NicFacts = {
  // 64 pools, of which the ixgbe PF driver keeps one.
  totalVfs: 64,
  usableVfs: 63,
  linkGbps: [1, 10],
  receiveBufferKiB: 512,
  rates: INTEL_82599_RATES,
  mirrors: { rules: 4, bySwitch: false },
};

const GENERIC: NicFacts = {
  ...INTEL_82599,
  rates: EXACT_RATES,
  mirrors: { rules: 16, bySwitch: true },
  vportForwarding: true,
  portExtender: true,
};

const NICS: Readonly<Record<string, NicFacts>> = {
  'intel-82599': INTEL_82599,
  // The same with the registers of the whole chip, for whoever makes the machine to have.
  'intel-82599-chip': INTEL_82599,
  'intel-82599-strict': INTEL_82599,
  generic: GENERIC,
  'generic-100g': {
    ...GENERIC,
    linkGbps: [1, 10, 25, 40, 100],
    receiveBufferKiB: 1024,
    sharedBuffer: true,
    switchings: SWITCHINGS,
  },
};

/** Cards that a scenario may name. */
export const NIC_PROFILE_NAMES = Object.keys(NICS);

/** Hosts that a scenario may name. */
export const HOST_PROFILE_NAMES = ['xeon-e5-v4'];

/** The facts about a card, or undefined for one that is not known. */
export function nicFacts(profile: string): NicFacts | undefined {
  return Object.hasOwn(NICS, profile) ? NICS[profile] : undefined;
}

import { checkInteger, checkKeys } from '../base/index.ts';

/** How many VPorts and filters there can be: of a card's profile. */
export interface VPortLimits {
  /** VPorts in all, the default one among them (NDIS: MaxNumVPorts; 82599: pools). */
  readonly vports: number;
  /** VPorts on the PF, the default one among them. */
  readonly vportsOnPf: number;
  /** VPorts on one VF. */
  readonly vportsPerVf: number;
  /** MAC addresses of one VPort (NDIS: NumMacAddressesPerPort). */
  readonly macFiltersPerVPort: number;
  /** VLANs of one VPort (NDIS: NumVlansPerPort). */
  readonly vlanFiltersPerVPort: number;
  /** MAC filters of all VPorts: addresses, each of one VPort (NDIS: NumTotalMacAddresses; 82599: RAL and RAH). */
  readonly macFilters: number;
  /** VLANs that VPorts are members of, each counted once (82599: PFVLVF). */
  readonly vlanFilters: number;
}

const LIMITS = {
  vports: true,
  vportsOnPf: true,
  vportsPerVf: true,
  macFiltersPerVPort: true,
  vlanFiltersPerVPort: true,
  macFilters: true,
  vlanFilters: true,
} as const;

/** Limits where a switch alone has none of its own: as many as there are places. */
function defaultLimits(places: number): VPortLimits {
  return {
    vports: places,
    vportsOnPf: places,
    vportsPerVf: places,
    macFiltersPerVPort: 4096,
    vlanFiltersPerVPort: 4096,
    macFilters: 4096,
    vlanFilters: 4096,
  };
}

/** @throws TypeError or RangeError that names the limit. */
export function checkLimits(limits: Partial<VPortLimits>, places: number): VPortLimits {
  checkKeys<VPortLimits>('limits', limits, LIMITS);
  const all = { ...defaultLimits(places), ...limits };
  checkInteger('limits.vports', all.vports, 1, places);
  checkInteger('limits.vportsOnPf', all.vportsOnPf, 1, places);
  checkInteger('limits.vportsPerVf', all.vportsPerVf, 0, places);
  checkInteger('limits.macFiltersPerVPort', all.macFiltersPerVPort, 0, 32_767);
  checkInteger('limits.vlanFiltersPerVPort', all.vlanFiltersPerVPort, 0, 4096);
  checkInteger('limits.macFilters', all.macFilters, 0, 32_767);
  checkInteger('limits.vlanFilters', all.vlanFilters, 0, 4096);
  return Object.freeze(all);
}

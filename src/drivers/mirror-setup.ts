import type { BarWindow } from '../host/index.ts';
import type { VlanFilters } from './vlan-filters.ts';

const PFMRCTL = 0xf600;
const VPME = 1 << 0;
const UPME = 1 << 1;
const DPME = 1 << 2;
const VLME = 1 << 3;
const MP_SHIFT = 8;
const PFMRVLAN = 0xf610;
const PFMRVM = 0xf630;
/** From the lower word of pools or filters of a rule to its upper one. */
const UPPER = 0x10;

/** A VF by its number, or the PF's own interface. */
export type PoolOwner = number | 'pf';

/** A mirroring rule as the registers of an 82599 have it: what holds for a frame copies it to `to`. */
export interface PoolMirror {
  readonly to: PoolOwner;
  /** Frames that one of these receives (PFMRCTL.VPME). */
  readonly receivedBy: readonly PoolOwner[];
  /** Frames from the wire that some pool receives (UPME). */
  readonly uplink: boolean;
  /** Frames of pools that go to the wire (DPME). */
  readonly downlink: boolean;
  /** Frames of these VLANs (VLME). */
  readonly vlans: readonly number[];
}

/**
 * Writes mirroring rules into PFMRCTL, PFMRVLAN and PFMRVM (82599 datasheet 8.2.3.27.18 to 8.2.3.27.20). A VLAN
 * that is mirrored has a filter, so that the card lets it in. VFs that there are not are left out, and with them the
 * rules that would copy to them.
 *
 * @param pf pool of the PF's own interface, behind those of the VFs.
 */
export function writeMirrorRules(
  bar: BarWindow,
  vlans: VlanFilters,
  rules: readonly PoolMirror[],
  pf: number,
): void {
  const poolOf = (owner: PoolOwner) => (owner === 'pf' ? pf : owner);
  const exists = (owner: PoolOwner) => owner === 'pf' || owner < pf;
  rules.forEach((rule, index) => {
    const pools = rule.receivedBy.filter(exists).map(poolOf);
    const filters = rule.vlans.map((vlan) => vlans.hold(vlan)).filter((filter) => filter >= 0);
    const what =
      (pools.length > 0 ? VPME : 0) |
      (rule.uplink ? UPME : 0) |
      (rule.downlink ? DPME : 0) |
      (filters.length > 0 ? VLME : 0);
    writeBits(bar, PFMRVM + 4 * index, pools);
    writeBits(bar, PFMRVLAN + 4 * index, filters);
    bar.write32(PFMRCTL + 4 * index, exists(rule.to) ? what | (poolOf(rule.to) << MP_SHIFT) : 0);
  });
}

/** Sets these bits of a pair of words, and no others. */
function writeBits(bar: BarWindow, at: number, bits: readonly number[]): void {
  for (const word of [0, 1]) {
    const value = bits.reduce((sum, bit) => (bit >> 5 === word ? sum | (1 << (bit & 31)) : sum), 0);
    bar.write32(at + UPPER * word, value >>> 0);
  }
}

/** Why what a VF's driver asked for was refused. The first that applies, in this order. */
export const REFUSALS = Object.freeze([
  /** No single address, or all zeros. */
  'invalidMac',
  /** It is not trusted: it may not take another address than the host has given it, nor further ones. */
  'notTrusted',
  /** The host has given it a port VLAN. */
  'portVlan',
  /** The host does not allow it the VLAN. */
  'vlanNotAllowed',
  /** It has as many filters as one VPort may have. */
  'vportFilters',
  /** The filters of the card are used up. */
  'cardFilters',
] as const);

/** One of {@link REFUSALS}. */
export type Refusal = (typeof REFUSALS)[number];

/** Counts of refusals by reason. */
export class RefusalCounts {
  private readonly counts = new Float64Array(REFUSALS.length);

  /** Counts `refusal`, if it is one, and returns it. */
  count(refusal: Refusal | null): Refusal | null {
    if (refusal !== null) this.counts[REFUSALS.indexOf(refusal)]++;
    return refusal;
  }

  byReason(): Record<Refusal, number> {
    return Object.fromEntries(REFUSALS.map((reason, i) => [reason, this.counts[i]])) as Record<
      Refusal,
      number
    >;
  }
}

/** What the administrator has set for a VF. */
export interface VfSettings {
  /** 0 for a VF that has none. */
  readonly mac: number;
  /** Port VLAN, or null. */
  readonly vlan: number | null;
  /** VLANs that the guest may ask for. */
  readonly trustedVlans: readonly number[];
  readonly spoofCheck: boolean;
}

/** What the administrator has set for a VF. */
export interface VfSettings {
  readonly mac: number;
  /** Port VLAN, or null. */
  readonly vlan: number | null;
  /** VLANs that the guest may ask for. */
  readonly trustedVlans: readonly number[];
  readonly spoofCheck: boolean;
}

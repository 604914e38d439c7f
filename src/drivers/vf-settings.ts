/** What the administrator has set for a VF. */
export interface VfSettings {
  /** 0 for a VF that has none. */
  readonly mac: number;
  /** Port VLAN, or null. */
  readonly vlan: number | null;
  /** Priority of untagged frames in the port VLAN, 0 to 7; 0 if left out. */
  readonly vlanPriority?: number;
  /** VLANs that the guest may ask for. */
  readonly trustedVlans: readonly number[];
  readonly spoofCheck: boolean;
  /** Transmit rates in Mb/s: no more than, and at least; 0 or left out for none. */
  readonly maxTxMbps?: number;
  readonly minTxMbps?: number;
  /** Traffic class, 0 to 7. */
  readonly trafficClass?: number;
  /** Whether its guest may take other addresses and receive all groups (`ip link set DEV vf N trust on`). */
  readonly trusted: boolean;
  /** Whether it gets the frames that it sends to itself, broadcasts among them. Default false. */
  readonly selfDelivery?: boolean;
}

import type { CreditAdvertisement } from './credits.ts';
import type { LinkRate } from './link-rate.ts';
import type { Wire } from './link-wire.ts';

/** How a link is made. */
export interface LinkOptions {
  readonly rate: LinkRate;
  /** Makes the wire of a link of generation 6, which is in Flit Mode; others have none. */
  readonly flitMode?: (clock: { readonly now: number }, rate: LinkRate) => Wire;
  /**
   * From the last symbol's departure to the TLP's delivery: both physical and data link layers and the trace,
   * in ps.
   */
  readonly flightPs: number;
  /** Max_Payload_Size in force, for the limits of Ack and UpdateFC. */
  readonly maxPayloadBytes: number;
  /** What the device advertises for what travels downstream. */
  readonly deviceCredits: CreditAdvertisement;
  /** What the root port advertises for what travels upstream. */
  readonly rootCredits: CreditAdvertisement;
}

import type { TlpViolation } from './tlp-checks.ts';
import type { TlpReceiverSettings } from './tlp-limits.ts';
import type { TlpPacket } from './tlp-types.ts';
import { type EcrcState, TlpView } from './tlp-view.ts';

/** What has become of the bytes: a TLP, or the check that they failed. */
export type ParsedTlp =
  | {
      readonly tlp: TlpPacket;
      /** Whether there is an ECRC, and it is right. */
      readonly ecrc: EcrcState;
      readonly violation: null;
    }
  | { readonly tlp: null; readonly ecrc: EcrcState; readonly violation: TlpViolation };

/**
 * Takes a TLP apart and makes the checks of a receiver (PCI Express Base 2.2, 2.3). Bytes are the wire's: nothing in them
 * throws. Fields that are reserved for a TLP are passed over, as a receiver has to. Whoever looks at many TLPs, and needs no
 * objects, takes a {@link TlpView}.
 *
 * @throws TypeError or RangeError for settings that are out of range.
 * @example
 * parseTlp(bytes).violation; // null, or { check: 'pageCrossing', section: '2.2.7', what: '...' }
 */
export function parseTlp(bytes: Uint8Array, settings?: TlpReceiverSettings): ParsedTlp {
  const view = new TlpView(settings);
  view.look(bytes);
  return { tlp: view.packet(), ecrc: view.ecrc, violation: view.violation } as ParsedTlp;
}

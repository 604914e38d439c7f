import type { FlowClass } from './tlp.ts';
import type { Tlp } from './tlp-pool.ts';

/** A packet of the data link layer that bit errors can hit. */
export type LinkPacket = 'TLP' | 'Ack' | 'Nak' | 'UpdateFC';

/** What bit errors make of a packet; numbers, as events and logs carry them. */
export const Damage = {
  NONE: 0,
  /** Its LCRC, or CRC-16, is wrong. */
  CRC: 1,
  /** Its framing is: the receiver does not know it for a packet. */
  FRAMING: 2,
  /** It is right, but comes while the receiver has the link retrained. */
  RECOVERY: 3,
} as const;
export type Damage = (typeof Damage)[keyof typeof Damage];

/** The data link layers of one direction of a link on which packets get lost: there only while somebody wants errors. */
export interface DataLinkErrors {
  /** The receiver has made room, or will have in `delayPs`. */
  release(flowClass: FlowClass, headers: number, data: number, delayPs: number): void;
  /** The link begins anew: adds to `waiting` what has left and was not delivered. */
  restart(waiting: Tlp[]): void;
  /** A DLLP leaves in this direction, and arrives in `delayPs`: what becomes of it. */
  dllpLeaves(packet: LinkPacket, delayPs: number): Damage;
  /** It has arrived like that. */
  dllpDamaged(damage: Damage): void;
  /** The link is retrained for `durationPs` from now on: nothing leaves, and REPLAY_TIMER stands still. */
  retrain(durationPs: number): void;
}

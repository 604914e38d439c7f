import type { Tlp } from './tlp-pool.ts';

/** What stands at the end of a direction of a link. */
export interface TlpReceiver {
  /**
   * The TLP train `tlp` has arrived. The receiver owns the record, and gives its credits back with
   * {@link LinkDirection.release}.
   */
  receive(tlp: Tlp): void;
  /**
   * The train `tlp` leaves now and will arrive in `delayPs`. A receiver that knows already what will come of
   * it returns true: then no event is spent on its arrival, but the task `foreseen` runs `foreseenPs` after
   * it, with the record's number and the link's epoch. Where only the end of a train leaves, because it is sent again,
   * `bytes` says how much: the train arrives with its last symbol then.
   */
  foresee?(tlp: Tlp, delayPs: number, bytes?: number): boolean;
  readonly foreseen?: number;
  readonly foreseenPs?: number;
  /** A train that had left before a reset of the link does not arrive. */
  lost?(tlp: Tlp): void;
}

/** A receiver, or somebody beside it, that is told when trains leave. */
export type Foresight = Required<Pick<TlpReceiver, 'foresee' | 'foreseen' | 'foreseenPs'>>;

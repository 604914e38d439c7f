import type { DropReason } from './drop-reason.ts';

/**
 * What a port has seen. "In" is from the port into the switch, "out" from the switch to the port. Bytes are
 * those in memory: without frame check sequence and without a tag that travels beside the frame.
 */
export interface PortCounters {
  framesIn: number;
  bytesIn: number;
  unicastIn: number;
  multicastIn: number;
  broadcastIn: number;
  framesOut: number;
  bytesOut: number;
  unicastOut: number;
  multicastOut: number;
  broadcastOut: number;
  /** Receivers beyond the first of the frames that came in here, and mirrored copies. */
  replicas: number;
  /**
   * Copies of frames to here that mirroring rules have made; those for which the output queue was full are in
   * `outputFull` as well. Each is one of the replicas of the port that the frame came in at.
   */
  mirrored: number;
  /** Frames from here, by reason; `outputFull` are frames and replicas to here. */
  dropped: Record<DropReason, number>;
}

/** {@link PortCounters}, exact to 64 bits: they wrap at 2^64. */
export type ExactPortCounters = {
  readonly [K in Exclude<keyof PortCounters, 'dropped'>]: bigint;
} & { readonly dropped: Readonly<Record<DropReason, bigint>> };

/** The whole switch: `framesIn + replicas = delivered + dropped`, always. */
export interface Balance {
  framesIn: number;
  replicas: number;
  delivered: number;
  dropped: number;
}

/**
 * One port: what came in there went on or was dropped, `framesIn + replicas = forwarded + dropped`; what was
 * meant for it was delivered or lost, `offered = delivered + lost`. Over all ports, with what those that were
 * retired had counted ({@link NicSwitch.retiredBalance}), `forwarded` is `offered`.
 */
export interface PortBalance {
  framesIn: number;
  replicas: number;
  /** Receivers, the port's own or others, that its frames were sent on to. */
  forwarded: number;
  dropped: number;
  /** Frames and replicas for this port, from any. */
  offered: number;
  delivered: number;
  /** Of these, dropped for one of the reasons that are counted at the receiver. */
  lost: number;
}

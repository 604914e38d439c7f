import { type LinkRate, updateLatencySymbols } from './link-rate.ts';

/** The simplified limit: without and with Extended Synch. */
const SIMPLIFIED_SYMBOLS = [24_000, 80_000] as const;
/** First generation at which it has to be used. */
const SIMPLIFIED_GENERATION = 4;

/**
 * REPLAY_TIMER limit in symbol times: how long a transmitter waits for an Ack before it sends its replay buffer again. Up to
 * 8 GT/s it is three times the Ack latency limit of the same table (PCI Express Base 3.0, 3.6.2.1), from 16 GT/s on the
 * simplified one (4.0, 3.6.2.1).
 *
 * @param maxPayloadBytes Max_Payload_Size: 128 to 4,096.
 * @param extendedSynch whether Extended Synch of Link Control is set, which the simplified limit depends on.
 * @throws RangeError for a link that does not exist.
 * @example
 * replayTimerSymbols({ generation: 1, lanes: 1 }, 128); // 711
 */
export function replayTimerSymbols(rate: LinkRate, maxPayloadBytes: number, extendedSynch = false): number {
  const ackSymbols = Math.floor(updateLatencySymbols(rate, maxPayloadBytes));
  return rate.generation < SIMPLIFIED_GENERATION ? 3 * ackSymbols : SIMPLIFIED_SYMBOLS[Number(extendedSynch)];
}

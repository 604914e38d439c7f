import { checkPowerOfTwo } from '../base/index.ts';
import { checkLinkRate, type LinkRate, updateLatencySymbols } from './link-rate.ts';

/** The simplified limit: without and with Extended Synch. */
const SIMPLIFIED_SYMBOLS = [24_000, 80_000] as const;
/** First generation at which it has to be used. */
export const SIMPLIFIED_GENERATION = 4;

/**
 * REPLAY_TIMER limit in symbol times: how long a transmitter waits for an Ack before it sends its replay buffer again. Up to
 * 8 GT/s it is three times the Ack latency limit of the same table (PCI Express Base 3.0, 3.6.2.1), from 16 GT/s on the
 * simplified one (4.0, 3.6.2.1).
 *
 * @param rate of generation 1 to 5: in Flit Mode there is another replay.
 * @param maxPayloadBytes Max_Payload_Size: a power of two from 128 to 4,096.
 * @param extendedSynch whether Extended Synch of Link Control is set, which the simplified limit depends on.
 * @throws TypeError or RangeError for a link that does not exist, or is in Flit Mode, and for another payload.
 * @example
 * replayTimerSymbols({ generation: 1, lanes: 1 }, 128); // 711
 */
export function replayTimerSymbols(rate: LinkRate, maxPayloadBytes: number, extendedSynch = false): number {
  checkLinkRate(rate, 5);
  checkPowerOfTwo('maxPayloadBytes', maxPayloadBytes, 128, 4096);
  const ackSymbols = Math.floor(updateLatencySymbols(rate, maxPayloadBytes));
  return rate.generation < SIMPLIFIED_GENERATION ? 3 * ackSymbols : SIMPLIFIED_SYMBOLS[Number(extendedSynch)];
}

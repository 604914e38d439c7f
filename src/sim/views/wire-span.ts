import type { LogRecord } from '../../trace/index.ts';
import { PREAMBLE_BYTES } from '../../wire/index.ts';

/** ps that a bit takes at 1 Gb/s. */
const BIT_PS = 1000;

/**
 * From when to when the symbols of a frame leave for the wire, its preamble's included, given its WIRE_SENT record: that is
 * written when the MAC turns to the frame, which may be while the gap behind the one before it still lasts.
 */
export function wireSpan({ timePs, b: bytes, c: untilPs }: LogRecord, linkGbps: number) {
  const endPs = timePs + untilPs;
  return { startPs: endPs - Math.round(((PREAMBLE_BYTES + bytes) * 8 * BIT_PS) / linkGbps), endPs };
}

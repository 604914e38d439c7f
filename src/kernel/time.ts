/**
 * Time is an integer number of picoseconds in a JavaScript number: exact up to 2^53 ps, which is 2.5 hours.
 */

/** Picoseconds in a nanosecond. */
export const NANOSECOND = 1_000;
/** Picoseconds in a microsecond. */
export const MICROSECOND = 1_000_000;
/** Picoseconds in a millisecond. */
export const MILLISECOND = 1_000_000_000;
/** Picoseconds in a second. */
export const SECOND = 1_000_000_000_000;
/** The last instant that the model can reach. */
export const END_OF_TIME = Number.MAX_SAFE_INTEGER;

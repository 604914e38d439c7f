import type { TransmitFormat } from './descriptor-format.ts';
import type { DescriptorRings } from './descriptor-rings.ts';

/** The end of the next frame is not in the cache yet. */
export const INCOMPLETE = -1;
/** The next frame cannot be sent: too long, an empty descriptor, or more descriptors than a chip can hold. */
export const MALFORMED = -2;

/**
 * Bytes of the frame that starts with the next cached descriptor of a ring, {@link INCOMPLETE} or {@link MALFORMED}.
 *
 * A frame is started when all of it is known, so that one that software leaves unfinished holds neither slot nor buffer
 * room, and two unfinished ones never wait for each other's.
 */
export function sizeOfNextFrame(
  rings: DescriptorRings,
  format: TransmitFormat,
  cache: Int32Array,
  queue: number,
  maxBytes: number,
): number {
  const cached = rings.cached(queue);
  let total = 0;
  let hasEmpty = false;
  for (let ahead = 0; ahead < cached; ahead++) {
    const word = rings.wordOf(queue, ahead);
    if (!format.isData(cache, word)) continue;
    const bytes = format.bytes(cache, word);
    total += bytes;
    if (bytes === 0) hasEmpty = true;
    if (format.endOfPacket(cache, word)) return hasEmpty || total > maxBytes ? MALFORMED : total;
  }
  return cached < rings.mostCached(queue) ? INCOMPLETE : MALFORMED;
}

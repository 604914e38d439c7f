import type { TransmitDescriptor, TransmitFormat } from './descriptor-format.ts';
import type { Ring } from './ring.ts';

/** The end of the next frame is not in the cache yet. */
export const INCOMPLETE = -1;
/** The next frame cannot be sent: too long, an empty descriptor, or more descriptors than a chip can hold. */
export const MALFORMED = -2;

/**
 * Bytes of the frame that starts with the next cached descriptor of a ring, {@link INCOMPLETE} or
 * {@link MALFORMED}.
 *
 * A frame is started when all of it is known, so that one that software leaves unfinished holds neither slot
 * nor buffer room, and two unfinished ones never wait for each other's.
 *
 * @param descriptor scratch.
 * @param mostCached descriptors of the ring that can be in the cache at once.
 */
export function sizeOfNextFrame(
  ring: Ring,
  format: TransmitFormat,
  cache: Int32Array,
  descriptor: TransmitDescriptor,
  mostCached: number,
  maxBytes: number,
): number {
  const cached = ring.cached();
  let total = 0;
  let hasEmpty = false;
  for (let ahead = 0; ahead < cached; ahead++) {
    format.read(cache, ring.wordOf(ahead), descriptor);
    if (descriptor.isData === 0) continue;
    const bytes = descriptor.bytes;
    total += bytes;
    if (bytes === 0) hasEmpty = true;
    if (descriptor.endOfPacket === 1) return hasEmpty || total > maxBytes ? MALFORMED : total;
  }
  return cached < mostCached ? INCOMPLETE : MALFORMED;
}

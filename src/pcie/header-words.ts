import { spanOf, TlpKind } from './tlp.ts';
import type { Tlp } from './tlp-pool.ts';

/** What the header of a request for one double word or less says. */
export type RequestFields = Pick<
  Tlp,
  'kind' | 'requester' | 'address' | 'bytes' | 'configType' | 'target' | 'byteEnables'
>;

/**
 * The double words of the header of such a request as they are on the link, without its tag (PCI Express Base 2.2.7).
 *
 * @param more bits of its first double word, as of attributes. Default none.
 */
export function headerWordsOf(fields: RequestFields, more = 0): readonly number[] {
  const { kind, requester, address, bytes, configType, target } = fields;
  const isConfig = kind >= TlpKind.CONFIG_READ;
  const isLong = !isConfig && address >= 2 ** 32;
  const isWrite = kind === TlpKind.MEMORY_WRITE || kind === TlpKind.CONFIG_WRITE;
  const type = isConfig ? 4 | configType : isLong ? 0x20 : 0;
  const low = address % 2 ** 32;
  // A store says its enables itself.
  const enables = kind === TlpKind.MEMORY_WRITE ? fields.byteEnables : ((1 << bytes) - 1) << (low & 3);
  const words = [(((isWrite ? 0x40 : 0) | type) << 24) | more | 1, (requester << 16) | enables];
  if (isLong) words.push(Math.floor(address / 2 ** 32));
  words.push((isConfig ? target * 2 ** 16 : 0) + low - (low & 3));
  return words;
}

/** Fmt and Type of a completion with data, and EP: its data are poisoned. */
const POISONED_COMPLETION = (0x4a << 24) | (1 << 14);

/**
 * The double words of the header of the first completion of a read train whose data are poisoned, from the root complex,
 * without its tag (2.2.9).
 */
export function completionWordsOf(
  { address, bytes, requestBytes, requester }: Tlp,
  maxPayloadBytes: number,
  boundary: number,
): readonly number[] {
  const byteCount = Math.min(bytes, requestBytes - (address & 3));
  let span = spanOf(address, byteCount);
  // What does not fit ends at a multiple of the Read Completion Boundary.
  if (span > maxPayloadBytes) span = maxPayloadBytes - (((address & 0xffc) + maxPayloadBytes) % boundary);
  return [
    POISONED_COMPLETION | ((span / 4) & 0x3ff),
    byteCount & 0xfff,
    (requester << 16) | (address & 0x7f),
  ];
}

import { TlpKind } from './tlp.ts';
import type { Tlp } from './tlp-pool.ts';

/** The double words of the header of a request of software's, as they are on the link (PCI Express Base 2.2.7). */
export function headerWordsOf(tlp: Tlp): readonly number[] {
  const { kind, requester, address, bytes, configType, target } = tlp;
  const isConfig = kind >= TlpKind.CONFIG_READ;
  const isLong = !isConfig && address >= 2 ** 32;
  const isWrite = kind === TlpKind.MEMORY_WRITE || kind === TlpKind.CONFIG_WRITE;
  const type = isConfig ? 4 | configType : isLong ? 0x20 : 0;
  const low = address % 2 ** 32;
  // A store says its enables itself.
  const enables = kind === TlpKind.MEMORY_WRITE ? tlp.byteEnables : ((1 << bytes) - 1) << (low & 3);
  const words = [(((isWrite ? 0x40 : 0) | type) << 24) | 1, (requester << 16) | enables];
  if (isLong) words.push(Math.floor(address / 2 ** 32));
  words.push((isConfig ? target * 2 ** 16 : 0) + low - (low & 3));
  return words;
}

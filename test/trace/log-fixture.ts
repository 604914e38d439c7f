import type { LogHeader, LogTarget, LogTrailer } from '../../src/trace/index.ts';
import { LogWriter } from '../../src/trace/index.ts';

export const HEADER: LogHeader = {
  application: 'sriovsim test',
  seed: 2 ** 53 - 1,
  scenarioCrc32: 0xdead_beef,
  tasks: ['cancelled', 'tick'],
  components: ['nic'],
  dropReasons: ['unknownUnicast'],
  link: null,
  store: null,
  scenario: { name: 'größe' },
};

export const TRAILER: LogTrailer = {
  outcome: 'complete',
  digest: '0123456789abcdef',
  endPs: 2 ** 52 + 1,
  tasks: ['cancelled', 'tick'],
  components: ['nic'],
  apertures: [],
};

/** A log in one piece, of what `fill` records. */
export function writeLog(
  fill: (target: LogTarget) => void,
  header = HEADER,
  chunkRecords?: number,
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new LogWriter(header, (piece) => pieces.push(piece.slice()), chunkRecords);
  fill(writer);
  writer.end(TRAILER);
  return join(pieces);
}

/** Pieces as one. */
export function join(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

import { inflateRawSync } from 'node:zlib';
import type { LogHeader, LogTarget, LogTrailer } from '../../src/trace/index.ts';
import { LOG_RECORD_BYTES, LogKind, LogWriter } from '../../src/trace/index.ts';
import { xxh32 } from '../../src/trace/xxh32.ts';

export const HEADER: LogHeader = {
  application: 'sriovsim test',
  seed: 2 ** 53 - 1,
  scenarioCrc32: 0x407b_8ffb,
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

/**
 * A log as it would be in an older version of the file, but for what its records say: the first version has neither CHECK records nor
 * other checksums.
 */
export function asVersion(log: Uint8Array, version: 1 | 2): Uint8Array {
  const first = new DataView(log.buffer, log.byteOffset).getUint32(12, true);
  const records = Array.from({ length: (log.length - first) / LOG_RECORD_BYTES }, (_, i) =>
    log.slice(first + i * LOG_RECORD_BYTES, first + (i + 1) * LOG_RECORD_BYTES),
  );
  const kept = records.filter(
    (own) => version > 1 || new DataView(own.buffer).getInt32(0, true) !== LogKind.CHECK,
  );
  const bytes = join([log.slice(0, first), ...kept]);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, version, true);
  view.setUint32(36, 0, true);
  if (version > 1) view.setUint32(36, xxh32(bytes, 0, first), true);
  else {
    view.setUint32(bytes.length - 20, kept.length - 1, true);
    view.setUint32(bytes.length - 12, 0, true);
  }
  return bytes;
}

/**
 * A log of version 1, as a program wrote it that knew no other: HEADER, a FRAME_IN of time 5 and slot 7, its FRAME_BYTES
 * with bytes 0 to 24, a FRAME_OUT of time 2^40 + 3, TRAILER.
 */
export function versionOneLog(): Uint8Array {
  return new Uint8Array(inflateRawSync(Buffer.from(VERSION_ONE, 'base64')));
}

const VERSION_ONE =
  'bZPNbtNAEMc3SUv5KpTvcqKa8x78GccrDrj1Nlg1ibVxKAhVkXGWyoq7jmwHDlHECyDxCLwF4t7H4gBa26lSqXPy/7fj/86sZkbM' +
  'G773h/0WQuhPG6F9hND3NkL/qniF/v5cvkEbsYRoPk+TOCqTTACBIk+yr0VycVDyogQMBedTILaiWKpta6ZhGYptqxiKmIsoT7Kj' +
  'PNY1IKrSU3u63VVVDGVUzAognyCORMzTlE8BQ5nEMzjDEGcX80xwUVYZIoklnObZnPGoyERFF2Imsm9iLJI4KkqZkCZiBkQs0hRD' +
  'UWY5vxJNGUCWIKILDgTO88vfl784rDDMEjEt5FHoB5MRHYRAVAzHzHlHJ94AiL4Ww3EIxFgrlw2DgLpATAzhh4lLR0fMC8IhA9LF' +
  'wK4TC4M3CClj4yAE0sMQOH06OXX8EyD22vFoGHjSUFVwVYvjuoyORkDke0nwljouZUBUrdZD5vVlhapea98bnABRDQyM9r1RSNmE' +
  'UccFoikb6JR5IQWiqRhOPUabljWtkaFzQgdANH2jyAkdSBcDw+H4+JiyiU/fUx+IZtUXM9qY9Gp9WF1qY3Cd0AGimd11j4cfQzqS' +
  'RP7JHM+X/WhmD0N9hXn1GqHTl4ldZbU6WEcHIbSDEJJz+xohtN3MZ6tV85eonuE1rxJb7c7W9q2d23fu3ru/++Dh3qPHTyR/+uz5' +
  'i310PbYa/3bj32k82q36/MeGLUJ71ccSskUZZ9VUyblNecklBwzT5FzuBwFF1XTD7FqS9+zoczzlXwADF9OgAGKYkiu6adtdzdIt' +
  'xbCtekEkv2lJJL9pUSSvlyWa87xc5Fzys1WnhdDuRp/r+v8D';

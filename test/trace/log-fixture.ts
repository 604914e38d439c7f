import { inflateRawSync } from 'node:zlib';
import type { LogHeader, LogTarget, LogTrailer } from '../../src/trace/index.ts';
import { LogWriter } from '../../src/trace/index.ts';

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

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../src/wire/capture.ts';
import { CaptureError } from '../../src/wire/capture-types.ts';
import { frame, PcapngFile, pcapFile } from './capture-files.ts';

const RUNS = process.env.SRIOVSIM_LONG ? 20_000 : 1000;

const VALID: Uint8Array[] = [
  ...[true, false].flatMap((littleEndian) =>
    [true, false].map((nanoseconds) =>
      pcapFile(
        [60, 14, 1514].map((bytes, i) => ({ seconds: i, fraction: 7 - i, data: frame(bytes) })),
        { littleEndian, nanoseconds },
      ),
    ),
  ),
  everyBlock(true).bytes,
  everyBlock(false).bytes,
  everyBlock(true).append(everyBlock(false)).bytes,
  readFileSync(new URL('../../scenarios/captures/namespaces.pcap', import.meta.url)),
];

function everyBlock(littleEndian: boolean): PcapngFile {
  const file = new PcapngFile(littleEndian).section();
  file.interface([
    [2, new TextEncoder().encode('port')],
    [9, [9]],
    [14, file.int64(5n)],
    [0, []],
  ]);
  file
    .interface([[9, [0x94]]], 1, 100)
    .simple(frame(60))
    .enhanced(0, 1n << 40n, frame(61));
  return file
    .obsolete(1, 7n, frame(62))
    .block(5, (body) => body.u32(1, 2, 3))
    .enhanced(1, 9n, frame(100));
}

/** Either reads `file` into a capture that keeps its promises, or throws CaptureError with one sentence. */
function readOrRefuse(file: Uint8Array): void {
  try {
    const { interfaces, packets } = readCapture(file);
    let last = 0;
    for (const { timePs, bytes, originalLength, interface: number } of packets) {
      expect(Number.isSafeInteger(timePs) && timePs >= last).toBe(true);
      expect(bytes.length).toBe(originalLength);
      expect(bytes.length).toBeGreaterThanOrEqual(14);
      expect(interfaces[number]).toBeDefined();
      last = timePs;
    }
    if (packets.length > 0) expect(packets[0].timePs).toBe(0);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    expect(error.message).toMatch(/^the [^\n]*, at byte offset \d+$|^option [^\n]*, at byte offset \d+$/);
    expect(error.byteOffset).toBeGreaterThanOrEqual(0);
    expect(error.byteOffset).toBeLessThanOrEqual(file.length);
  }
}

const anyValid = fc.constantFrom(...VALID);

describe('reading a capture', () => {
  it('takes the files that the other properties damage', () => {
    for (const file of VALID) expect(readCapture(file).packets.length).toBeGreaterThan(2);
  });

  it('survives random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), readOrRefuse), { numRuns: RUNS });
  });

  it('survives random bytes behind a valid beginning', () => {
    const file = fc
      .tuple(anyValid, fc.integer({ min: 4, max: 80 }), fc.uint8Array({ maxLength: 200 }))
      .map(([valid, cut, rest]) => Uint8Array.from([...valid.subarray(0, cut), ...rest]));
    fc.assert(fc.property(file, readOrRefuse), { numRuns: RUNS });
  });

  it('survives truncation at every place', () => {
    for (const valid of VALID.slice(0, -1)) {
      for (let cut = 0; cut < valid.length; cut++) readOrRefuse(valid.subarray(0, cut));
    }
    fc.assert(
      fc.property(anyValid, fc.nat(), (valid, place) =>
        readOrRefuse(valid.subarray(0, place % valid.length)),
      ),
      { numRuns: RUNS },
    );
  });

  it('survives changed bytes', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(anyValid, changes, fc.boolean(), (valid, edits, early) => {
        const file = valid.slice();
        // Headers stand at the beginning: half of the runs change bytes there alone.
        const reach = early ? Math.min(120, file.length) : file.length;
        for (const [place, value] of edits) file[place % reach] = value;
        readOrRefuse(file);
      }),
      { numRuns: RUNS },
    );
  });

  it('survives pieces that were taken out or put in', () => {
    fc.assert(
      fc.property(
        anyValid,
        fc.nat(),
        fc.nat(64),
        fc.uint8Array({ maxLength: 64 }),
        (valid, place, less, more) => {
          const at = place % valid.length;
          readOrRefuse(Uint8Array.from([...valid.subarray(0, at), ...more, ...valid.subarray(at + less)]));
        },
      ),
      { numRuns: RUNS / 4 },
    );
  });
});

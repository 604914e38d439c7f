import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteTimeOf, SECOND, TokenBucket } from '../../src/kernel/index.ts';

/** Sends frames of these lengths one after another, each as soon as the bucket lets it after its gap. */
function starts(bucket: TokenBucket, frames: readonly (readonly [gapPs: number, bytes: number])[]): number[] {
  let now = 0;
  return frames.map(([gapPs, bytes]) => {
    now = Math.max(now + gapPs, bucket.readyPs);
    bucket.charge(now, bytes);
    return now;
  });
}

describe('TokenBucket', () => {
  it('spaces the starts of two frames by the time that the first takes at the rate', () => {
    const bucket = new TokenBucket();
    bucket.setRate(byteTimeOf(100_000), 0, 0); // 100 Mb/s: 80,000 ps a byte
    expect(
      starts(bucket, [
        [0, 64],
        [0, 1518],
        [0, 64],
      ]),
    ).toEqual([0, 64 * 80_000, (64 + 1518) * 80_000]);
  });

  it('begins without debt and without credit', () => {
    const bucket = new TokenBucket();
    expect(bucket.readyPs).toBe(Number.NEGATIVE_INFINITY);
    bucket.charge(0, 1518);
    bucket.setRate(byteTimeOf(1_000_000), 10_000, 5_000);
    expect(bucket.readyPs).toBe(5_000);
  });

  it('keeps what was not used up to the window', () => {
    const bucket = new TokenBucket();
    bucket.setRate(byteTimeOf(8_000_000), 300, 0); // 1,000 ps a byte
    const frames = Array.from({ length: 6 }, () => [0, 100] as const);
    // After a long silence: 300 bytes of credit, and the frame that overdraws.
    expect(starts(bucket, [[1_000_000, 100], ...frames])).toEqual([
      1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_100_000, 1_200_000, 1_300_000,
    ]);
  });

  it('keeps its debt when the rate changes, and forgets it with the limit', () => {
    const bucket = new TokenBucket();
    bucket.setRate(byteTimeOf(8_000_000), 0, 0);
    bucket.charge(0, 1000);
    bucket.setRate(byteTimeOf(4_000_000), 0, 10);
    expect(bucket.readyPs).toBe(1_000_000);
    bucket.charge(1_000_000, 100);
    expect(bucket.readyPs).toBe(1_200_000);
    bucket.clear();
    expect(bucket.readyPs).toBe(Number.NEGATIVE_INFINITY);
  });

  it.each([3_000, 700_001, 9_999_999, 99_999_989])('does not drift in two hours at %i kb/s', (kbps) => {
    const bucket = new TokenBucket();
    bucket.setRate(byteTimeOf(kbps), 0, 0);
    let bytes = 0;
    const frames = 400_000;
    // Frames of the longest time that still fit into two hours of the clock, from 0 on without a pause.
    for (let i = 0; i < frames; i++) {
      const length = 64 + ((i * 7919) % 1455);
      bucket.charge(bucket.readyPs, length);
      bytes += length;
    }
    const exact = (BigInt(bytes) * 8_000_000_000n + BigInt(kbps) - 1n) / BigInt(kbps);
    expect(BigInt(bucket.readyPs)).toBe(exact);
  });

  it('lets no more pass in any span of time than rate x time + window + one frame', () => {
    const frame = fc.tuple(fc.integer({ min: 0, max: 3_000_000 }), fc.integer({ min: 1, max: 65_535 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 400_000_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.array(frame, { minLength: 2, maxLength: 40 }),
        (kbps, windowBytes, frames) => {
          const bucket = new TokenBucket();
          bucket.setRate(byteTimeOf(kbps), windowBytes, 0);
          const at = starts(bucket, frames);
          for (let first = 0; first < at.length; first++) {
            let bytes = 0n;
            for (let last = first; last < at.length; last++) {
              // All but the frame that starts last: bytes x 8e9 / kbps <= time + window, to a picosecond.
              const allowed =
                BigInt(at[last] - at[first] + 1) * BigInt(kbps) + BigInt(windowBytes) * 8_000_000_000n;
              expect(bytes * 8_000_000_000n <= allowed).toBe(true);
              bytes += BigInt(frames[last][1]);
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('refuses rates and windows that it cannot count exactly', () => {
    const bucket = new TokenBucket();
    expect(() => byteTimeOf(0)).toThrow('kbps must be an integer from 1 to 2147483648, got 0');
    expect(() => bucket.setRate({ numerator: 2 ** 36 + 1, denominator: 1 }, 0, 0)).toThrow(RangeError);
    expect(() => bucket.setRate(byteTimeOf(1), -1, 0)).toThrow('windowBytes must be an integer');
  });

  it('is exact for a second at every rate: what is sent is what the rate allows, less a frame at most', () => {
    for (const kbps of [11_000, 333_333, 1_000_000, 9_999_000]) {
      const bucket = new TokenBucket();
      bucket.setRate(byteTimeOf(kbps), 0, 0);
      let bytes = 0;
      while (bucket.readyPs < SECOND) {
        bucket.charge(bucket.readyPs, 1518);
        bytes += 1518;
      }
      const allowed = (kbps * 1000) / 8;
      expect(bytes).toBeGreaterThanOrEqual(allowed);
      expect(bytes).toBeLessThan(allowed + 1518);
    }
  });
});

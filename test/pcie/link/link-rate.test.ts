import { describe, expect, it } from 'vitest';
import { Serializer } from '../../../src/kernel/index.ts';
import { linkPsPerByte, symbolPs, updateLatencySymbols } from '../../../src/pcie/link-rate.ts';

/** Update latency limits in symbols by width (x1, x2, x4, x8, x16), a row for each of MPS 128, 256, 512; from an independent program. */
const UPDATE_LATENCY: Readonly<Record<number, readonly (readonly number[])[]>> = {
  1: [
    [237.4, 128.2, 73.6, 67.75, 48.25],
    [416.6, 217.8, 118.4, 107.75, 72.25],
    [559, 289, 154, 86.5, 86.5],
  ],
  2: [
    [288.4, 179.2, 124.6, 118.75, 99.25],
    [467.6, 268.8, 169.4, 158.75, 123.25],
    [610, 340, 205, 137.5, 137.5],
  ],
  3: [
    [333.4, 224.2, 169.6, 163.75, 144.25],
    [512.6, 313.8, 214.4, 203.75, 168.25],
    [655, 385, 250, 182.5, 182.5],
  ],
};
const WIDTHS = [1, 2, 4, 8, 16];
const PAYLOADS = [128, 256, 512];
/** Payload rate of each generation in GB/s and lane, after encoding, exactly: GT/s x 8/10 or 128/130, over 8. */
const LANE_BYTES_PER_PS: Readonly<Record<number, readonly [bigint, bigint]>> = {
  1: [1n, 4000n],
  2: [1n, 2000n],
  3: [8n * 128n, 130n * 1000n * 8n],
  4: [16n * 128n, 130n * 1000n * 8n],
  5: [32n * 128n, 130n * 1000n * 8n],
  // 1b/1b: eight bits in eight transfers.
  6: [1n, 125n],
};

describe('update latency limits', () => {
  for (const generation of [1, 2, 3]) {
    it(`are those of the specification at generation ${generation}, for every width and payload size`, () => {
      const found = PAYLOADS.map((payload) =>
        WIDTHS.map((lanes) => updateLatencySymbols({ generation, lanes }, payload)),
      );
      const close = UPDATE_LATENCY[generation].map((row) => row.map((symbols) => expect.closeTo(symbols, 9)));
      expect(found).toEqual(close);
    });
  }

  it('keep the internal delay of the third generation in later ones', () => {
    for (const generation of [4, 5])
      expect(updateLatencySymbols({ generation, lanes: 8 }, 256)).toBeCloseTo(203.75, 9);
  });
});

describe('symbols of a link', () => {
  for (const generation of [1, 2, 3, 4, 5, 6]) {
    it(`take exactly the nominal time over a long run at generation ${generation}, x1 to x16`, () => {
      const [bytes, ps] = LANE_BYTES_PER_PS[generation];
      for (const lanes of WIDTHS) {
        const [numerator, denominator] = linkPsPerByte({ generation, lanes });
        const wire = new Serializer(numerator, denominator);
        let sent = 0n;
        for (let i = 0; i < 5000; i++) {
          const size = 20 + ((i * 37) % 1500);
          wire.reserve(0, size);
          sent += BigInt(size);
        }
        // Rounded down once, at the end, and not once a packet.
        const exact = (sent * ps) / (bytes * BigInt(lanes));
        expect(BigInt(wire.freeAt)).toBe(exact);
        expect(wire.busyPs).toBe(wire.freeAt);
      }
    });
  }

  it('are eight transfers long from the third generation on, ten before', () => {
    const times = [1, 2, 3, 4, 5, 6].map((generation) => symbolPs({ generation, lanes: 1 }));
    expect(times).toEqual([4000, 2000, 1000, 500, 250, 125]);
  });

  it('belong to a generation and a width that exist', () => {
    expect(() => linkPsPerByte({ generation: 7, lanes: 1 })).toThrow(
      'generation must be an integer from 1 to 6, got 7',
    );
    expect(() => symbolPs({ generation: 0, lanes: 1 })).toThrow(
      'generation must be an integer from 1 to 6, got 0',
    );
    expect(() => linkPsPerByte({ generation: 3, lanes: 3 })).toThrow(
      'lanes must be one of 1, 2, 4, 8, 12, 16, 32, got 3',
    );
  });
});

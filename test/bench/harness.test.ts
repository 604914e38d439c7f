import { describe, expect, it, vi } from 'vitest';
import { type BenchOptions, heapGrowth, interleave, median } from '../../bench/harness.ts';
import { formatTable, short } from '../../bench/table.ts';

const options: BenchOptions = { samples: 3, quick: true };

describe('interleave', () => {
  it('lets the contenders take turns, warm-up first', async () => {
    const order: string[] = [];
    const contender = (name: string) => ({
      name,
      run: () => order.push(name),
    });
    await interleave(options, {
      unit: 'x',
      timing: 'own',
      warmup: 1,
      contenders: [contender('a'), contender('b')],
    });
    expect(order.join('')).toBe('abababab');
  });

  it('forms the ratio pair by pair and takes its median', async () => {
    const values = { a: [1, 1, 2, 40], b: [9, 3, 8, 40] };
    const contender = (name: 'a' | 'b') => ({ name, run: () => values[name].shift() as number });
    const [a, b] = await interleave(options, {
      unit: 'x',
      timing: 'own',
      warmup: 1,
      contenders: [contender('a'), contender('b')],
    });
    expect(a).toEqual({ name: 'a', unit: 'x', median: 2, min: 1, max: 40, samples: 3 });
    expect(b).toEqual({
      name: 'b',
      unit: 'x',
      median: 8,
      min: 3,
      max: 40,
      samples: 3,
      comparedTo: 'a',
      ratio: 3,
    });
  });

  it('repeats a timed batch until the sample is long enough', async () => {
    let batches = 0;
    // A clock of the test's own: on a busy machine a single batch may be long enough.
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const [line] = await interleave(
      { samples: 1, quick: true },
      {
        unit: 'operations/s',
        warmup: 0,
        sampleMs: 20,
        contenders: [
          {
            name: 'spin',
            run() {
              batches++;
              now += 3;
              return 2;
            },
          },
        ],
      },
    );
    clock.mockRestore();
    expect(batches).toBe(7);
    expect(line.median).toBeCloseTo((7 * 2) / 0.021, 6);
  });

  it('refuses a reference that does not run', async () => {
    const contenders = [{ name: 'a', run: () => 1 }];
    await expect(interleave(options, { unit: 'x', contenders, reference: 'b' })).rejects.toThrow(RangeError);
  });
});

describe('heapGrowth', () => {
  it('says so when the garbage collector cannot be called', () => {
    const { gc } = globalThis;
    globalThis.gc = undefined;
    try {
      expect(() => heapGrowth(options, 'x', () => {})).toThrow(/--expose-gc/);
    } finally {
      globalThis.gc = gc;
    }
  });
});

describe('median', () => {
  it.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[10, 2, 4, 8], 6],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});

describe('the table', () => {
  it('shortens numbers to four digits', () => {
    expect([0, 0.01234, 5.678, 999, 12_345, 2.5e6, 6.789e7, 3e10].map(short)).toEqual([
      '0',
      '0.01234',
      '5.678',
      '999.0',
      '12.35 k',
      '2500 k',
      '67.89 M',
      '30.00 G',
    ]);
  });

  it('aligns columns and names what a ratio is against', () => {
    const line = { unit: 'ns', median: 1, min: 1, max: 1, samples: 3 };
    expect(
      formatTable([
        { name: 'a', ...line },
        { name: 'longer', ...line, comparedTo: 'a', ratio: 2 },
      ]),
    ).toMatchInlineSnapshot(`
      "          median    min    max  unit  samples  ratio
        a        1.000  1.000  1.000  ns          3
        longer   1.000  1.000  1.000  ns          3  2.00 x a"
    `);
  });
});

import xor128, { type Generator } from 'seedrandom/lib/xor128.js';
import { checkInteger } from './check.ts';

/** The 128 bits of a stream, as four signed 32-bit integers. */
export type RandomState = readonly [number, number, number, number];

/**
 * One stream of random numbers. Everything is made of integer and IEEE 754 operations with defined results,
 * so that a stream is the same in every JavaScript engine (`Math.log` is not).
 */
export class RandomStream {
  private generator: Generator;

  /** @param seed any text; equal texts give equal streams. */
  constructor(seed: string) {
    this.generator = xor128(seed, { state: true });
  }

  /** Where the stream is: a stream that is put there goes on as this one does. */
  get state(): RandomState {
    const { x, y, z, w } = this.generator.state();
    return [x, y, z, w];
  }

  set state([x, y, z, w]: RandomState) {
    this.generator = xor128('', { state: { x, y, z, w } });
  }

  /** Uniform in 0 .. 2^32 - 1. */
  uint32(): number {
    return this.generator.int32() >>> 0;
  }

  /** Uniform in [0, 1), with 32 bits of resolution. */
  float(): number {
    return (this.generator.int32() >>> 0) / 2 ** 32;
  }

  /** Uniform integer in 0 .. bound - 1; bound up to 2^32. */
  integer(bound: number): number {
    return Math.floor(((this.generator.int32() >>> 0) / 2 ** 32) * bound);
  }

  /** Exponentially distributed with the given mean: the gaps of a Poisson process. */
  exponential(mean: number): number {
    return -mean * naturalLog(((this.generator.int32() >>> 0) + 1) / 2 ** 32);
  }
}

/**
 * Named streams derived from one seed. A stream depends on the seed and on its name alone: adding a component
 * does not shift the numbers of another.
 *
 * @example
 * const streams = new RandomStreams(7);
 * const gap = streams.stream('flow 0').exponential(1e6);
 * gap === new RandomStreams(7).stream('flow 0').exponential(1e6); // true
 */
export class RandomStreams {
  readonly seed: number;

  /** @param seed an integer from 0 to 2^53 - 1. */
  constructor(seed: number) {
    this.seed = checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  }

  /** The stream called `name`, from its beginning. */
  stream(name: string): RandomStream {
    return new RandomStream(`${this.seed}/${name}`);
  }
}

const LN2 = Math.LN2;

/**
 * ln(x) for x in (0, 1], from additions and multiplications alone. x = m * 2^e with m in [1/sqrt(2),
 * sqrt(2)); ln m = 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172, where 11 terms of the series give
 * full precision.
 */
export function naturalLog(x: number): number {
  let m = x;
  let e = 0;
  while (m < Math.SQRT1_2) {
    m *= 2;
    e--;
  }
  const s = (m - 1) / (m + 1);
  const s2 = s * s;
  let sum = 0;
  for (let k = 21; k >= 1; k -= 2) sum = sum * s2 + 1 / k;
  return 2 * s * sum + e * LN2;
}

/**
 * What every benchmark part is made of. Figures are only ever compared within one run: contenders take turns
 * (A B A B ...), so that a machine that slows down slows all of them, and the ratio is formed pair by pair.
 */

/** One line of the result table. */
export interface BenchResult {
  name: string;
  /** What `median`, `min` and `max` count, e.g. `events/s` or `ms`. */
  unit: string;
  median: number;
  min: number;
  max: number;
  /** How many values the median is taken over. */
  samples: number;
  /** Name of the line that this one is measured against. */
  comparedTo?: string;
  /** This line divided by the one it is compared to: the median over the pairs that ran next to each other. */
  ratio?: number;
}

export interface BenchOptions {
  /** Values to take per line. */
  samples: number;
  /** Short samples and small sizes: shows that the part works, its figures are rough. */
  quick: boolean;
}

/** What a file `bench/<name>.ts` exports as `part`. */
export interface BenchPart {
  name: string;
  run(options: BenchOptions): Promise<BenchResult[]>;
}

/** Something that runs in turn with others. */
export interface Contender {
  name: string;
  /**
   * `timing: 'rate'` and `'cost'`: does a batch of work, from a millisecond up, and returns the number of
   * operations in it; it is called again until the sample is long enough. `timing: 'own'`: returns the value.
   */
  run(): number | Promise<number>;
}

export interface Interleaved {
  /** e.g. `events/s` for a rate, `ns` for a cost. */
  unit: string;
  /**
   * `rate` (the default) is operations per second, `cost` is nanoseconds per operation, both timed here; with
   * `own` the contender returns its value in `unit`, e.g. one that another program printed.
   */
  timing?: 'rate' | 'cost' | 'own';
  contenders: readonly Contender[];
  /** The contender that all others are compared to; the first one unless given. */
  reference?: string;
  /** Rounds whose values are thrown away: the optimising compiler's time. 2 unless given. */
  warmup?: number;
  /** Shortest sample in ms; 200, or 25 when quick, unless given. */
  sampleMs?: number;
}

/** Runs the contenders in turn and returns a line for each, in their order. */
export async function interleave(options: BenchOptions, what: Interleaved): Promise<BenchResult[]> {
  const { contenders, unit, timing = 'rate', warmup = 2 } = what;
  const sampleMs = what.sampleMs ?? (options.quick ? 25 : 200);
  const reference = what.reference ?? contenders[0].name;
  const referenceIndex = contenders.findIndex((contender) => contender.name === reference);
  if (referenceIndex < 0)
    throw new RangeError(`reference must be the name of a contender, got '${reference}'`);

  const values: number[][] = contenders.map(() => []);
  for (let round = 0; round < warmup + options.samples; round++) {
    for (const [i, contender] of contenders.entries()) {
      const value = timing === 'own' ? await contender.run() : await timed(contender, timing, sampleMs);
      if (round >= warmup) values[i].push(value);
    }
  }
  return contenders.map((contender, i) => {
    const result = summarise(contender.name, unit, values[i]);
    if (i !== referenceIndex) {
      result.comparedTo = reference;
      result.ratio = median(values[i].map((value, round) => value / values[referenceIndex][round]));
    }
    return result;
  });
}

async function timed(contender: Contender, timing: 'rate' | 'cost', sampleMs: number): Promise<number> {
  let operations = 0;
  let elapsedMs = 0;
  const start = performance.now();
  do {
    const count = contender.run();
    // Awaiting a plain number would cost a turn of the event loop per batch.
    operations += typeof count === 'number' ? count : await count;
    elapsedMs = performance.now() - start;
  } while (elapsedMs < sampleMs);
  return timing === 'rate' ? (operations / elapsedMs) * 1e3 : (elapsedMs / operations) * 1e6;
}

let copies = 0;

/**
 * Loads a module once more, as its own copy. The compiler specialises a function for what it has seen: a loop that
 * drives several contenders in turn would run all of them at the speed of the general case.
 */
export async function freshCopy<T>(module: URL): Promise<T> {
  const url = new URL(module);
  url.search = `copy=${copies++}`;
  return (await import(url.href)) as T;
}

/**
 * Bytes by which the heap (array buffers included) grows while `work` runs, after garbage collection; work that
 * allocates nothing that lasts shows a few kilobytes of compiled code at most. Needs `node --expose-gc`, which
 * `bench/main.ts` sees to.
 *
 * @param work one round of work; it runs once unmeasured, for what is set up at first use.
 */
export function heapGrowth(options: BenchOptions, name: string, work: () => void): BenchResult {
  work();
  const growths: number[] = [];
  for (let sample = 0; sample < options.samples; sample++) {
    const before = settledHeapBytes();
    work();
    growths.push(settledHeapBytes() - before);
  }
  return summarise(name, 'bytes', growths);
}

/**
 * Bytes on the heap once all garbage is gone.
 *
 * @throws Error unless Node runs with `--expose-gc`.
 */
export function settledHeapBytes(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('heap growth is measured under node --expose-gc only');
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A line out of values. */
export function summarise(name: string, unit: string, values: readonly number[]): BenchResult {
  return {
    name,
    unit,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    samples: values.length,
  };
}

/** The middle value; the mean of the middle two where their number is even. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('values must hold at least one number');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

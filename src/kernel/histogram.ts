/** Buckets an octave: a bucket is at most 1/128 of its value wide, so a percentile is exact to 0.8 %. */
const SUB_SHIFT = 7;
const SUB_BUCKETS = 1 << SUB_SHIFT;
/** Values up to 2^48 ps (281 s). */
const OCTAVES = 48 - SUB_SHIFT;

/**
 * A histogram of durations in ps with a bounded relative error, in one typed array. Minimum, maximum and mean
 * are exact; a percentile is the upper end of the bucket that it falls into, and never above the maximum.
 *
 * @example
 * const latency = new Histogram();
 * for (const ps of [900, 1000, 1100]) latency.record(ps);
 * latency.meanPs; // 1000
 * latency.percentile(0.5); // 1003
 */
export class Histogram {
  samples = 0;
  minPs = Number.POSITIVE_INFINITY;
  maxPs = 0;
  private sum = 0;
  private readonly counts = new Float64Array((OCTAVES + 1) << SUB_SHIFT);

  /** Counts a duration of `valuePs`, an integer from 0 to 2^48. */
  record(valuePs: number): void {
    this.samples++;
    this.sum += valuePs;
    if (valuePs < this.minPs) this.minPs = valuePs;
    if (valuePs > this.maxPs) this.maxPs = valuePs;
    this.counts[bucketOf(valuePs)]++;
  }

  /** 0 without samples. */
  get meanPs(): number {
    return this.samples === 0 ? 0 : this.sum / this.samples;
  }

  /** The value that `fraction` (0 to 1) of the samples do not exceed, in ps; 0 without samples. */
  percentile(fraction: number): number {
    if (this.samples === 0) return 0;
    const rank = Math.max(1, Math.ceil(fraction * this.samples));
    let seen = 0;
    for (let bucket = 0; bucket < this.counts.length; bucket++) {
      seen += this.counts[bucket];
      if (seen >= rank) return Math.max(this.minPs, Math.min(this.maxPs, upperEnd(bucket)));
    }
    return this.maxPs;
  }

  /** Adds the samples of `other`. */
  merge(other: Histogram): void {
    this.samples += other.samples;
    this.sum += other.sum;
    this.minPs = Math.min(this.minPs, other.minPs);
    this.maxPs = Math.max(this.maxPs, other.maxPs);
    for (let i = 0; i < this.counts.length; i++) this.counts[i] += other.counts[i];
  }

  reset(): void {
    this.samples = 0;
    this.sum = 0;
    this.minPs = Number.POSITIVE_INFINITY;
    this.maxPs = 0;
    this.counts.fill(0);
  }
}

// Below 128 a bucket is one value; above, 128 buckets an octave, found from the eight bits that begin with
// the leading one.
const bucketOf = (value: number): number => {
  if (value >= 2 ** 31) return bucketOfLarge(value);
  const v = value | 0;
  if (v < SUB_BUCKETS) return v;
  const octave = 31 - SUB_SHIFT - Math.clz32(v);
  return (octave << SUB_SHIFT) + (v >> octave);
};

function bucketOfLarge(value: number): number {
  const v = Math.floor(value / 2 ** 24) | 0;
  const shift = 31 - SUB_SHIFT - Math.clz32(v);
  const octave = Math.min(shift + 24, OCTAVES - 1);
  return ((octave + 1) << SUB_SHIFT) + ((v >> shift) & (SUB_BUCKETS - 1));
}

function upperEnd(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const octave = (bucket >> SUB_SHIFT) - 1;
  return (SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1)) + 1) * 2 ** octave - 1;
}

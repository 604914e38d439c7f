import { type BarWindow, SoftwareError } from '../host/index.ts';
import { type RateProfile, rateFactorOf, weightsOf } from '../nicswitch/index.ts';
import { LINK_UP, LINKS, RTTDCS } from './ixgbe-registers.ts';
import type { VfSettings } from './vf-settings.ts';

// PF registers (82599 datasheet 8.2.3.10, 8.2.3.22.20).
const LINK_MBPS: readonly number[] = [0, 100, 1_000, 10_000];
/** Of cards with faster links. */
const FAST_LINK_MBPS: readonly number[] = [0, 25_000, 40_000, 100_000];
const RTTDCS_CLASSES = 1 << 0;
const RTTDCS_POOLS = 1 << 1;
const RTTDQSEL = 0x4904;
const RTTDT1C = 0x4908;
const T1_CLASS_SHIFT = 16;
const T1_MOST = 0x3fff;
const RTTDT2C = 0x4910;
const T2_STRICT = (1 << 31) >>> 0;
const TXPBTHRESH = 0x4950;
const TXPBSIZE = 0xcc00;
/** What stays free above the threshold: the longest frame. */
const LONGEST_FRAME_KIB = 2;
const KIB = 1024;
const RTTBCNRM = 0x4980;
const MMW_SIZE = 4;
const RTTBCNRC = 0x4984;
const RS_ENA = 2 ** 31;

const CREDIT_BYTES = 64;
/**
 * Credits are whole units of 64 bytes: with so many for the least guaranteed rate they are right within 1 %. More
 * would make rounds longer, and so the times over which rates hold;
 */
const LEAST_CREDITS = 64;
/** but rounds of this many bytes a pool, two long frames, are short enough. */
const MEAN_CREDIT_BYTES = 4096;
const CLASSES = 8;

/** Rates of a VF, as `ip link set DEV vf N max_tx_rate M min_tx_rate M` has them; 0 is none. */
export interface VfTxRate {
  readonly maxMbps: number;
  readonly minMbps: number;
  /** Traffic class, 0 to 7; the higher goes first. Only cards with exact rates have any. */
  readonly trafficClass: number;
}

const NO_RATE: VfTxRate = { maxMbps: 0, minMbps: 0, trafficClass: 0 };

/** What the PF's driver does about transmit rates of VFs: the rules of what can be had, and the registers. */
export class VfRates {
  private readonly bar: BarWindow;
  private readonly profile: RateProfile;
  private readonly queuesPerPool: number;
  private rates: VfTxRate[] = [];
  /** Rate of the link that the limits in the registers are relative to. */
  private limitMbps = 0;
  private readonly transmitBufferBytes: number;
  private weighs = false;

  /** @param transmitBufferBytes what the classes of VFs divide among them; 0: they share the transmit buffer. */
  constructor(bar: BarWindow, profile: RateProfile, queuesPerPool: number, transmitBufferBytes = 0) {
    this.bar = bar;
    this.profile = profile;
    this.queuesPerPool = queuesPerPool;
    this.transmitBufferBytes = transmitBufferBytes;
  }

  /** Rate of VF `vf`, as it is in force. */
  of(vf: number): VfTxRate {
    return this.rates[vf] ?? NO_RATE;
  }

  /** After a reset of the device, with its link up: sets all VFs up anew. Throws SoftwareError for what cannot be had. */
  restore(vfs: readonly VfSettings[]): void {
    this.rates = vfs.map(() => ({ ...NO_RATE }));
    this.weighs = false;
    for (const [vf, { maxTxMbps = 0, minTxMbps = 0, trafficClass = 0 }] of vfs.entries()) {
      if (maxTxMbps === 0 && minTxMbps === 0 && trafficClass === 0) continue;
      const refused = this.set(vf, { maxMbps: maxTxMbps, minMbps: minTxMbps, trafficClass });
      if (refused !== null) throw new SoftwareError(`VF ${vf}: ${refused}`);
    }
  }

  /** Changes the rate of a VF. Returns why that cannot be had, or null; then nothing has changed (-EINVAL). */
  set(vf: number, rate: VfTxRate): string | null {
    const refused = this.refuse(vf, rate);
    if (refused !== null) return refused;
    const { bar, queuesPerPool } = this;
    this.rates[vf] = rate;
    this.limitMbps = this.linkMbps;
    bar.write32(RTTBCNRM, MMW_SIZE);
    const value = this.limitOf(rate.maxMbps);
    for (let queue = vf * queuesPerPool; queue < (vf + 1) * queuesPerPool; queue++) {
      bar.write32(RTTDQSEL, queue);
      bar.write32(RTTBCNRC, value);
    }
    this.weighs ||= this.rates.some(({ minMbps, trafficClass }) => minMbps > 0 || trafficClass > 0);
    if (this.weighs) this.weigh();
    return null;
  }

  private refuse(vf: number, { maxMbps, minMbps, trafficClass }: VfTxRate): string | null {
    const { profile, linkMbps } = this;
    if (vf >= this.rates.length) return `there is no VF ${vf}`;
    if (linkMbps === 0) return 'the link is down';
    const most = maxMbps === 0 ? null : profile.refuseMax(maxMbps, linkMbps);
    const least = profile.refuseMin(minMbps, linkMbps);
    if (most !== null || least !== null) return most ?? least;
    if (maxMbps !== 0 && minMbps > maxMbps)
      return `${minMbps} Mb/s are more than the VF may send, ${maxMbps}`;
    if (trafficClass > 0 && !profile.classes) return 'the card has no traffic classes with 64 pools';
    const others = this.rates.reduce((sum, rate, each) => sum + (each === vf ? 0 : rate.minMbps), 0);
    if (others + minMbps > linkMbps) return `guaranteed rates of ${others + minMbps} Mb/s exceed the link`;
    return null;
  }

  private get linkMbps(): number {
    const links = this.bar.read32(LINKS);
    if ((links & LINK_UP) === 0) return 0;
    return LINK_MBPS[(links >>> 28) & 3] || FAST_LINK_MBPS[(links >>> 24) & 3];
  }

  private limitOf(maxMbps: number): number {
    if (maxMbps === 0) return 0;
    return RS_ENA + (this.profile.factors ? rateFactorOf(maxMbps, this.limitMbps) : maxMbps * 1000);
  }

  /** Weights of all pools, the PF's behind the VFs' included, and classes by strict priority. */
  private weigh(): void {
    const { bar, rates, queuesPerPool } = this;
    const minima = [...rates.map(({ minMbps }) => minMbps), 0];
    const weights = weightsOf(minima, this.limitMbps, MEAN_CREDIT_BYTES / CREDIT_BYTES);
    const least = Math.min(...weights.filter((_, pool) => minima[pool] > 0));
    const scale = Math.min(Math.max(1, LEAST_CREDITS / least), T1_MOST / Math.max(...weights));
    for (const [pool, weight] of weights.entries()) {
      // A pool for which nothing is left has none, and is served while the others have nothing to send.
      const credit = Math.round(weight * scale);
      bar.write32(RTTDQSEL, pool * queuesPerPool);
      bar.write32(RTTDT1C, credit | (this.of(pool).trafficClass << T1_CLASS_SHIFT));
    }
    for (let each = 0; each < CLASSES; each++) bar.write32(RTTDT2C + 4 * each, T2_STRICT);
    bar.write32(RTTDCS, RTTDCS_CLASSES | RTTDCS_POOLS);
    if (this.transmitBufferBytes > 0) this.divideBuffer();
  }

  /** Equal parts of the transmit buffer for the classes that there are; the PF's own queues are of the first. */
  private divideBuffer(): void {
    const classes = new Set([0, ...this.rates.map(({ trafficClass }) => trafficClass)]);
    const kib = Math.floor(this.transmitBufferBytes / KIB / classes.size);
    for (let each = 0; each < CLASSES; each++) {
      const size = classes.has(each) ? kib : 0;
      this.bar.write32(TXPBTHRESH + 4 * each, Math.max(0, size - LONGEST_FRAME_KIB));
      this.bar.write32(TXPBSIZE + 4 * each, size * KIB);
    }
  }
}

import type { RegisterFile } from '../../registers/index.ts';
import type { FrameStatistics, QueueCounts, WireCounts } from './frame-statistics.ts';

const FULL = 2 ** 32;
const CLASSES = 8;
/** Octet counters of VFs have 36 bits. */
const VF_OCTETS = 2 ** 36;
/** Names of the six classes of sizes, of both directions. */
const SIZES = ['64', '127', '255', '511', '1023', '1522'];
/** Queues to a mapping register, of eight bits each with four of meaning. */
const QUEUES_PER_WORD = 4;

/**
 * Statistics registers that reading clears (82599 data sheet 8.2.3.23): each tells what has been counted since it was read last,
 * and stays at its highest value. Of a pair the halves are cleared each by its own read, the lower one first.
 */
export class StatisticsRegisters {
  private readonly file: RegisterFile;
  /** What each counter had when it was read last, by name. */
  private readonly seen = new Map<string, number>();
  /** What the upper half of a pair will say. */
  private readonly upper = new Map<string, number>();

  private readonly missed: (index: number) => number;

  /** @param missed frames ever without room in the packet buffer of a class. */
  constructor(file: RegisterFile, counts: FrameStatistics, missed: (index: number) => number) {
    this.file = file;
    this.missed = missed;
    const { received, sent } = counts;
    this.ofWire(received, 'R');
    this.ofWire(sent, 'T');
    this.single('TPR', () => received.totalPackets);
    this.single('TPT', () => sent.totalPackets);
    this.pair('TOR', 'TORL', 'TORH', () => received.totalOctets);
    this.single('CRCERRS', () => counts.badCheckSequences);
    this.single('ROC', () => counts.oversized);
    this.single('RUC', () => counts.undersized);
    this.single('RLEC', () => counts.lengthErrors);
    this.single('RXNFGPC', () => counts.unfiltered);
    this.pair('RXNFGBC', 'RXNFGBCL', 'RXNFGBCH', () => counts.unfilteredOctets);
    this.single('RXDGPC', () => sum(counts.toQueues.packets));
    this.pair('RXDGBC', 'RXDGBCL', 'RXDGBCH', () => sum(counts.toQueues.octets));
    this.single('TXDGPC', () => sum(counts.fromQueues.packets));
    this.pair('TXDGBC', 'TXDGBCL', 'TXDGBCH', () => sum(counts.fromQueues.octets));
    this.single('RXMPC', missed);
    hookPoolStatistics(file, counts);
    this.ofQueues(counts.toQueues, 'RQSMR', 'QPRC', 'QBRC');
    this.ofQueues(counts.fromQueues, 'TQSM', 'QPTC', 'QBTC');
    this.single('QPRDC', (index) => this.mapped('RQSMR', index, counts.toQueues.dropped));
  }

  /** What has been counted begins again at zero. */
  reset(): void {
    this.seen.clear();
    this.upper.clear();
    for (let i = 0; i < CLASSES; i++) this.seen.set(`RXMPC.${i}`, this.missed(i));
  }

  private ofWire(counts: WireCounts, direction: 'R' | 'T'): void {
    this.single(`GP${direction}C`, () => counts.packets);
    this.single(`MP${direction}C`, () => counts.multicast);
    this.single(`BP${direction}C`, () => counts.broadcast);
    this.pair(`GO${direction}C`, `GO${direction}CL`, `GO${direction}CH`, () => counts.octets);
    SIZES.forEach((size, i) => {
      this.single(direction === 'R' ? `PRC${size}` : `PTC${size}`, () => counts.bySize[i]);
    });
  }

  private ofQueues(counts: QueueCounts, map: string, packets: string, octets: string): void {
    this.single(packets, (index) => this.mapped(map, index, counts.packets));
    this.pair(octets, `${octets}_L`, `${octets}_H`, (index) => this.mapped(map, index, counts.octets));
  }

  /** Sum over the queues whose statistics are those of element `index`. */
  private mapped(map: string, index: number, counts: Float64Array): number {
    let total = 0;
    for (let queue = 0; queue < counts.length; queue++) {
      const word = this.file.get(map, Math.floor(queue / QUEUES_PER_WORD));
      if (((word >>> (8 * (queue % QUEUES_PER_WORD))) & 0xf) === index) total += counts[queue];
    }
    return total;
  }

  private single(name: string, value: (index: number) => number): void {
    this.file.onRead(name, (index) => Math.min(this.since(`${name}.${index}`, value(index)), FULL - 1) | 0);
  }

  private pair(name: string, low: string, high: string, value: (index: number) => number): void {
    this.file.onRead(low, (index) => {
      const key = `${name}.${index}`;
      const total = this.since(key, value(index)) + FULL * (this.upper.get(key) ?? 0);
      this.upper.set(key, Math.floor(total / FULL));
      return (total % FULL) | 0;
    });
    this.file.onRead(high, (index) => {
      const key = `${name}.${index}`;
      const upper = this.upper.get(key) ?? 0;
      this.upper.set(key, 0);
      return upper;
    });
  }

  private since(key: string, now: number): number {
    const before = this.seen.get(key) ?? 0;
    this.seen.set(key, now);
    // Another mapping of queues may have less.
    return Math.max(0, now - before);
  }
}

/** Statistics of a VF in its own registers, which reading leaves as they are and which wrap round (8.3.5.6). */
export function hookVfStatistics(file: RegisterFile, pool: number, counts: FrameStatistics): void {
  hook(file, 'VF', counts, () => pool);
}

/** The same where the PF sees those of all VFs. */
function hookPoolStatistics(file: RegisterFile, counts: FrameStatistics): void {
  hook(file, 'PVF', counts, (index) => index);
}

function hook(
  file: RegisterFile,
  prefix: string,
  { fromPools, toPools }: FrameStatistics,
  poolOf: (index: number) => number,
): void {
  const count = (name: string, counts: Float64Array) => {
    file.onRead(prefix + name, (index) => (counts[poolOf(index)] % FULL) | 0);
  };
  const octets = (name: string, counts: Float64Array) => {
    count(`${name}_LSB`, counts);
    file.onRead(`${prefix}${name}_MSB`, (index) => Math.floor((counts[poolOf(index)] % VF_OCTETS) / FULL));
  };
  count('GPRC', toPools.packets);
  count('GPTC', fromPools.packets);
  count('MPRC', toPools.multicast);
  octets('GORC', toPools.octets);
  octets('GOTC', fromPools.octets);
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

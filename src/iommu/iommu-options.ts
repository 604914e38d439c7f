import {
  checkBoolean,
  checkInteger,
  checkOneOf,
  type PhysicalMemory,
  type RandomStream,
  SparseMemory,
} from '../base/index.ts';
import type { Probe } from '../kernel/index.ts';
import type { IommuProfile } from './iommu-profile.ts';
import { MAX_LEVELS } from './page-size.ts';
import type { WalkerLimits } from './page-walker.ts';
import type { WalkClock } from './walk-unit.ts';

/** What an IOMMU is made of. */
export interface IommuOptions {
  /** Memory that holds the tables. */
  readonly memory: PhysicalMemory;
  /** Needed by {@link Iommu.walk} only. */
  readonly scheduler?: WalkClock;
  /** Component name, and beginning of the names of its tasks. Default `iommu`. */
  readonly name?: string;
  /** Where page walks are recorded. */
  readonly probe?: Probe;
  /** Sizes and times; {@link DEFAULT_IOMMU_PROFILE} for what is left out. */
  readonly profile?: Partial<IommuProfile>;
  /** TES after reset: whether requests are translated at all. Default true. */
  readonly enabled?: boolean;
  /** Root table after reset. Default 0. */
  readonly rootTable?: number;
  /** HAW, 39 to 52 bits. Address bits of an entry beyond it are reserved. Default 46. */
  readonly hostAddressBits?: number;
  /** MGAW, 30 to 48 bits. Default 48. */
  readonly inputAddressBits?: number;
  /** SAGAW: levels that second-stage tables may have, out of 3 and 4. Default both. */
  readonly levels?: readonly number[];
  /** SLLPS: bytes of the largest page: 4 KiB, 2 MiB or 1 GiB. Default 1 GiB. */
  readonly largestPageBytes?: number;
  /** DT: whether context entries may say that a function has a device TLB. Default false. */
  readonly deviceTlbs?: boolean;
  /** Host physical addresses from here on cannot be read. Default: the memory's own limit. */
  readonly memoryLimit?: number;
  /** Fault recording registers, 1 to 256. Default 8. */
  readonly faultRecords?: number;
  /** What random replacement draws from. Default: a stream of its own. */
  readonly random?: RandomStream;
}

const LEAF_LEVELS: Readonly<Record<number, number>> = { [2 ** 12]: 1, [2 ** 21]: 2, [2 ** 30]: 3 };

/** The limits of an IOMMU with these options. Throws TypeError or RangeError for what cannot be. */
export function limitsOf(options: IommuOptions): WalkerLimits {
  if (options.memory === null || typeof options.memory !== 'object') {
    throw new TypeError(`memory must be a PhysicalMemory, got ${String(options.memory)}`);
  }
  const levels = options.levels ?? [3, 4];
  if (levels.length === 0) throw new RangeError('levels must hold 3, 4 or both, got none');
  for (const count of levels) checkInteger('levels', count, 3, MAX_LEVELS);
  const pageBytes = checkOneOf('largestPageBytes', options.largestPageBytes ?? 2 ** 30, [
    2 ** 12,
    2 ** 21,
    2 ** 30,
  ]);
  const { memory } = options;
  const memoryLimit = options.memoryLimit ?? (memory instanceof SparseMemory ? memory.limit : 2 ** 52);
  return {
    hostAddressBits: checkInteger('hostAddressBits', options.hostAddressBits ?? 46, 39, 52),
    inputAddressBits: checkInteger('inputAddressBits', options.inputAddressBits ?? 48, 30, 48),
    levels,
    largestLeaf: LEAF_LEVELS[pageBytes],
    deviceTlbs: checkBoolean('deviceTlbs', options.deviceTlbs ?? false),
    memoryLimit: checkInteger('memoryLimit', memoryLimit, 0, 2 ** 52),
  };
}

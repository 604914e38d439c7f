import { type LogAperture, LogError, LogKind } from './log-format.ts';
import type { BinaryLog } from './log-reader.ts';
import { TlpFunctions } from './tlp-functions.ts';

/**
 * How the functions of a log's card are configured over its time: Routing IDs, VFs, BARs and their enables. Each CONFIGURATION
 * record says what was so until then and what is so from then on, and the trailer what is so at the end: a log that has lost
 * its beginning or its end knows it for all records that it still has.
 *
 * @example
 * const configurations = new LogConfigurations(log);
 * configurations.at(2e9).nameOf(0x0180); // VF 0, or null while there is no such VF
 */
export class LogConfigurations {
  /** One behind the other; at least one. */
  readonly all: readonly TlpFunctions[];
  /** False for a log of an older program: then all that is known is the end, and it is taken for the whole. */
  readonly isRecorded: boolean;
  /** When each of them ends, in ps; the last does not. */
  private readonly endsPs: number[] = [];
  /** The one that was asked for last: mostly it is asked for again, or the next one. */
  private last = 0;

  /** @throws LogError for a record that cannot be read. */
  constructor(log: BinaryLog) {
    const { header, trailer, isCut } = log;
    const all: TlpFunctions[] = [];
    let last = trailer.apertures;
    for (const { timePs, data } of log.recordsOf(LogKind.CONFIGURATION)) {
      const change = changeIn(data, timePs);
      all.push(new TlpFunctions({ apertures: change.before }));
      if (isCut) last = change.after;
      this.endsPs.push(timePs);
    }
    all.push(new TlpFunctions({ apertures: last }));
    this.all = all;
    this.isRecorded = header.kinds?.['CONFIGURATION'] !== undefined;
  }

  /** What there is at an instant, in ps, when all that happens at it has happened. */
  at(timePs: number): TlpFunctions {
    const { endsPs } = this;
    while (this.last < endsPs.length && endsPs[this.last] <= timePs) this.last++;
    while (this.last > 0 && endsPs[this.last - 1] > timePs) this.last--;
    return this.all[this.last];
  }
}

/** What a CONFIGURATION record says: what was so until then, and what is so from then on. */
export interface ConfigurationChange {
  readonly before: readonly LogAperture[];
  readonly after: readonly LogAperture[];
}

/** As the data of the record. */
export function encodeChange(change: ConfigurationChange): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(change));
}

function changeIn(data: Uint8Array | null, timePs: number): ConfigurationChange {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data ?? undefined);
    const { before, after } = JSON.parse(text) as Partial<ConfigurationChange>;
    if (Array.isArray(before) && Array.isArray(after)) return { before, after };
  } catch {
    // As for one that is no change.
  }
  throw new LogError(`has a CONFIGURATION at ${timePs} ps that cannot be read`);
}

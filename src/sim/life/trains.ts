import { TlpKind } from '../../pcie/index.ts';
import {
  type BinaryLog,
  type LogRecord,
  type LogTrain,
  LogTrains,
  TrainArrivals,
  type TrainDeparture,
} from '../../trace/index.ts';

/**
 * A train of TLPs, as it leaves for the last time: where a bit error has the receiver discard it, it is sent again, or the end of it.
 * One that is not taken as far as the log goes arrives at Infinity.
 */
export interface Train extends LogTrain {
  /** When its first symbol leaves, in ps. */
  readonly startPs: number;
  /** The other times that it, or its end, has left, and was discarded. */
  readonly discarded: readonly DiscardedTrain[];
}

/** What leaves at once of a train: all of it, or its end. */
export type TrainPart = Pick<Train, 'startPs' | 'leftPs' | 'tlps' | 'linkBytes'>;

/** What has left of a train, and was discarded, but for some TLPs of it. */
export interface DiscardedTrain extends TrainPart {
  readonly taken: number;
  /** Whether the receiver had it already: only its Ack was lost. */
  readonly isDuplicate: boolean;
  /** False where the log does not say whether it was: it begins within a replay. */
  readonly isKnown: boolean;
}

/** Whether a train answers a request. */
export function isCompletion({ kind }: LogTrain): boolean {
  return kind === TlpKind.COMPLETION || kind === TlpKind.COMPLETION_DATA;
}

/** Puts the trains of a log together, record by record. */
export class TrainReader {
  private readonly trains = new LogTrains();
  private readonly arrivals: TrainArrivals;
  private readonly psPerByte: number;
  private count = 0;

  constructor(log: BinaryLog) {
    const { link } = log.header;
    this.psPerByte = link === null ? 0 : link.psPerByte[0] / link.psPerByte[1];
    this.arrivals = new TrainArrivals(log);
  }

  /** The train that a record is the last of, or null. */
  take(record: LogRecord): Train | null {
    const train = this.trains.add(record);
    if (train === null) return null;
    const departures = this.arrivals.of(this.count++);
    if (departures.length === 0) return Object.assign(train, { startPs: this.startOf(train), discarded: [] });
    // The last one, where none brings it.
    const brings = departures.findIndex(({ arrivalPs }) => arrivalPs < Number.POSITIVE_INFINITY);
    const own = brings < 0 ? departures.length - 1 : brings;
    const discarded = departures.flatMap((departure, i) => {
      if (i === own) return [];
      const isDuplicate = brings >= 0 && i > brings;
      const { taken, isKnown } = departure;
      return [{ ...this.partOf(train, departure), taken, isDuplicate, isKnown }];
    });
    // What was sent again is the rest of it: what it is stays that of the whole.
    const { arrivalPs } = departures[own];
    return { ...train, ...this.partOf(train, departures[own]), arrivalPs, discarded };
  }

  private partOf(train: LogTrain, { timePs, leftPs, first }: TrainDeparture): TrainPart {
    const tlps = train.tlps - first;
    const linkBytes = Math.round((train.linkBytes / train.tlps) * tlps);
    return { startPs: this.startOf({ timePs, leftPs, linkBytes }), leftPs, tlps, linkBytes };
  }

  private startOf({ timePs, leftPs, linkBytes }: Pick<LogTrain, 'timePs' | 'leftPs' | 'linkBytes'>): number {
    // Rounded, it could begin before it was given to the link.
    return Math.max(leftPs - Math.round(linkBytes * this.psPerByte), timePs);
  }
}

import { TlpKind } from '../../pcie/index.ts';
import { type LogHeader, type LogRecord, type LogTrain, LogTrains } from '../../trace/index.ts';

/** A train of TLPs, with when its first symbol leaves, in ps. */
export interface Train extends LogTrain {
  readonly startPs: number;
}

/** Whether a train answers a request. */
export function isCompletion({ kind }: LogTrain): boolean {
  return kind === TlpKind.COMPLETION || kind === TlpKind.COMPLETION_DATA;
}

/** Puts the trains of a log together, record by record. */
export class TrainReader {
  private readonly trains = new LogTrains();
  private readonly psPerByte: number;

  constructor({ link }: LogHeader) {
    this.psPerByte = link === null ? 0 : link.psPerByte[0] / link.psPerByte[1];
  }

  /** The train that a record is the last of, or null. */
  take(record: LogRecord): Train | null {
    const train = this.trains.add(record);
    if (train === null) return null;
    // Rounded, it could begin before it was given to the link.
    const startPs = train.leftPs - Math.round(train.linkBytes * this.psPerByte);
    return Object.assign(train, { startPs: Math.max(startPs, train.timePs) });
  }
}

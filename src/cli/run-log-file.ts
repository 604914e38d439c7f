import { ScenarioError } from '../sim/scenario-error.ts';
import { type LogHeader, LogRing, type LogTarget, type LogTrailer, LogWriter } from '../trace/index.ts';
import { UsageError } from './command.ts';
import { FileUses } from './file-uses.ts';
import { type Io, oneLine } from './io.ts';
import { OutputFile } from './output-file.ts';
import { GrowingFile } from './write-file.ts';

/** How a simulation is logged. */
export interface Logging<S> {
  header(simulation: S): LogHeader;
  trailer(simulation: S, error?: unknown): LogTrailer;
  /** Records into `target` from now on. */
  attach(simulation: S, target: LogTarget): void;
}

/** Records that `--log-last` keeps at most. */
export const MAX_LAST = 1 << 24;

/** The binary log of a run: all of it, or its last records. */
export class RunLog<S> {
  /** Where the last records of a run that failed are, if nobody has named a file. */
  static readonly FAILURE_FILE = 'sriovsim-failed.log';

  private readonly logging: Logging<S>;
  private readonly simulation: S;
  private readonly file: OutputFile | undefined;
  private readonly ring: LogRing | null = null;
  private readonly writer: LogWriter | null = null;
  private readonly growing: GrowingFile | null = null;
  /** As it was when the log began. */
  private readonly header: LogHeader;

  private constructor(
    logging: Logging<S>,
    simulation: S,
    file: OutputFile | undefined,
    last: number | undefined,
  ) {
    this.logging = logging;
    this.simulation = simulation;
    this.file = file;
    this.header = logging.header(simulation);
    if (last !== undefined) {
      this.ring = new LogRing(last);
      logging.attach(simulation, this.ring);
    } else {
      const growing = new GrowingFile((file as OutputFile).path);
      this.growing = growing;
      this.writer = new LogWriter(this.header, (piece) => growing.write(piece));
      logging.attach(simulation, this.writer);
    }
  }

  /**
   * Starts the log that the command line asks for, if it does.
   *
   * @param file of `--log`.
   * @param last of `--log-last`.
   */
  static start<S>(
    logging: Logging<S>,
    simulation: S,
    file: OutputFile | undefined,
    last: number | undefined,
  ): RunLog<S> | null {
    if (file === undefined && last === undefined) return null;
    return new RunLog(logging, simulation, file, last);
  }

  /** The run has come to its end, or was interrupted. */
  end(): void {
    this.close(this.file, undefined);
  }

  /** The run has failed: what led there is written, and the user is told where. */
  fail(error: unknown, io: Io): void {
    // Wrong input leaves nothing behind.
    if (error instanceof UsageError || error instanceof ScenarioError) {
      this.growing?.discard();
      return;
    }
    try {
      // That nothing else is written there was said when the command began.
      const file = this.file ?? new OutputFile(new FileUses(), '--log-last', RunLog.FAILURE_FILE);
      this.close(file, error);
      const what = this.ring === null ? 'the log' : `the last ${this.ring.kept} records`;
      io.stderr(`sriovsim: ${what} of the run that failed: ${oneLine(file.path)}\n`);
    } catch (reason) {
      // The failure of the run is what is to be told, whatever becomes of its log.
      io.stderr(`sriovsim: no log of the run that failed: ${oneLine(String(reason))}\n`);
    }
  }

  private close(file: OutputFile | undefined, error: unknown): void {
    if (this.ring !== null && file === undefined) return;
    const trailer = this.logging.trailer(this.simulation, error);
    if (this.ring !== null) file?.write(this.ring.parts(this.header, trailer));
    this.writer?.end(trailer);
    this.growing?.finish();
  }
}

import { MILLISECOND } from '../kernel/index.ts';
import { SnapshotError } from '../sim/snapshot/index.ts';
import { type CommandInput, UsageError } from './command.ts';
import { numberOption } from './command-line.ts';
import type { FileUses } from './file-uses.ts';
import { OutputFile } from './output-file.ts';
import { readBytes } from './read-file.ts';
import type { RunMoment, Runnable } from './run-simulation.ts';

/** How the state of a simulation is kept. */
export interface Snapshots<S> {
  take(simulation: S): Uint8Array;
  /** @throws {@link SnapshotError} for bytes that are no snapshot of this version. */
  restore(bytes: Uint8Array): S;
}

/**
 * The simulation in the file of `--resume`.
 *
 * @throws {@link UsageError} if it cannot be read, or holds none.
 */
export function resumeFrom<S>(files: FileUses, snapshots: Snapshots<S>, file: string, by = '--resume'): S {
  let problem: string;
  try {
    return snapshots.restore(bytesOf(files, file, by));
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    problem = error.message;
  }
  throw wrongFile(file, problem, by);
}

/** The file of `--snapshot`. */
export class SnapshotFile {
  /** When it is written; null for the end of the run. */
  readonly moment: RunMoment | null;
  private readonly write: () => void;
  private isWritten = false;

  private constructor(write: () => void, atPs: number | null) {
    this.write = write;
    this.moment = atPs === null ? null : { ps: atPs, act: () => this.take() };
  }

  /**
   * What the command line asks for, or null.
   *
   * @param newFolder a folder that there will be when the run ends.
   * @throws {@link UsageError}
   */
  static of<S extends Runnable>(
    input: CommandInput,
    newFolder: string | undefined,
    simulation: S,
    snapshots: Snapshots<S>,
  ): SnapshotFile | null {
    const path = input.values.get('snapshot');
    const { warmUpPs, durationPs } = simulation.scenario;
    const soFarPs = simulation.isBooted ? Math.max(0, simulation.nowPs - simulation.startPs) : 0;
    const span = [soFarPs / MILLISECOND, (warmUpPs + durationPs) / MILLISECOND] as const;
    const atMs = numberOption(input, 'snapshot-at-ms', span);
    if (path === undefined) {
      if (atMs === undefined) return null;
      throw new UsageError('--snapshot-at-ms: there is no file to write; allowed with --snapshot FILE');
    }
    const file = new OutputFile(input.files, '--snapshot', path, newFolder);
    return new SnapshotFile(
      () => file.write([snapshots.take(simulation)]),
      atMs === undefined ? null : Math.round(atMs * MILLISECOND),
    );
  }

  /** The run has come to its end, or was interrupted: if before the moment, then this is it. */
  end(): void {
    if (!this.isWritten) this.take();
  }

  private take(): void {
    this.isWritten = true;
    this.write();
  }
}

function bytesOf(files: FileUses, file: string, by: string): Uint8Array {
  files.read(by, file);
  try {
    return readBytes(file);
  } catch (error) {
    throw wrongFile(file, (error as Error).message, by);
  }
}

function wrongFile(file: string, problem: string, by: string): UsageError {
  return new UsageError(
    `${by}: ${JSON.stringify(file)}: ${problem}; allowed a file that --snapshot of this version has written`,
  );
}

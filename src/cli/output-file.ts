import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from './command.ts';
import type { FileUses } from './file-uses.ts';
import { reasonOf } from './read-file.ts';
import { tryToWrite, writeWhole } from './write-file.ts';

/** A file that an option names for a result. It appears whole or not at all. */
export class OutputFile {
  readonly path: string;

  /**
   * Tries the path, so that a run does not find out at its end that it is wrong.
   *
   * @param files what the command reads and writes otherwise.
   * @param option its name with the dashes, for messages.
   * @param newFolder a folder that there will be when the run ends, if it is not there yet.
   * @throws {@link UsageError}
   */
  constructor(files: FileUses, option: string, path: string, newFolder?: string) {
    this.path = path;
    files.write(option, path);
    const reason = this.problem(newFolder);
    if (reason === undefined) return;
    throw new UsageError(
      `${option}: ${JSON.stringify(path)} ${reason}; allowed a file in a folder that can be written`,
    );
  }

  /** Writes the file, in place of one of that name. */
  write(parts: Iterable<string | Uint8Array>): void {
    writeWhole(this.path, parts);
  }

  private problem(newFolder: string | undefined): string | undefined {
    const { path } = this;
    try {
      if (path === '' || path.endsWith('/')) return 'names no file';
      if (existsSync(path)) {
        const status = statSync(path);
        if (status.isDirectory()) return 'is a directory';
        // Putting the capture in the place of a device or a pipe would take that away.
        if (!status.isFile()) return 'is no regular file';
      }
      const folder = dirname(path);
      const comes = newFolder !== undefined && resolve(newFolder) === resolve(folder);
      if (!existsSync(folder)) return comes ? undefined : 'is in a folder that does not exist';
      if (!statSync(folder).isDirectory()) return 'is in a folder that is none';
      tryToWrite(path);
      return undefined;
    } catch (error) {
      return `cannot be written: ${reasonOf(error as NodeJS.ErrnoException)}`;
    }
  }
}

/**
 * Refuses a name that says another form than the file will have.
 *
 * @param form what will be written.
 * @param others endings of other forms.
 * @throws {@link UsageError}
 */
export function checkEnding(option: string, path: string, form: string, others: readonly string[]): void {
  const end = others.find((other) => path.toLowerCase().endsWith(other));
  if (end === undefined) return;
  throw new UsageError(
    `${option}: ${JSON.stringify(path)} ends in ${end}, but what is written is ${form}; allowed another ending`,
  );
}

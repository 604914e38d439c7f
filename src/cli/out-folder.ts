import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from './command.ts';
import type { FileUses } from './file-uses.ts';
import { reasonOf } from './read-file.ts';
import { writeWhole } from './write-file.ts';

/** A folder for results. Each file appears whole or not at all. */
export class OutFolder {
  readonly path: string;
  /** Folders that were not there before, from the outside in. */
  private readonly made: string[] = [];

  /**
   * Makes the folder, so that a run does not find out at its end that it cannot.
   *
   * @param names of the files that will be written into it.
   * @throws {@link UsageError}
   */
  constructor(files: FileUses, path: string, names: readonly string[]) {
    this.path = path;
    files.writeFolder('--out', path);
    for (const name of names) files.write('--out', join(path, name));
    try {
      makeFolder(path, this.made);
    } catch (error) {
      this.discard();
      const { code } = error as NodeJS.ErrnoException;
      const reason = code === 'EEXIST' ? 'is a file' : reasonOf(error as NodeJS.ErrnoException);
      throw new UsageError(`--out: ${JSON.stringify(path)} ${reason}; allowed a folder or a new name`);
    }
  }

  /** Writes a file into the folder, in place of one of that name. */
  write(name: string, text: string): void {
    writeWhole(join(this.path, name), [text]);
  }

  /** The run has failed: what was made for its results goes again, unless something lies there. */
  discard(): void {
    for (const folder of this.made.reverse()) {
      try {
        rmdirSync(folder);
      } catch {
        return;
      }
    }
  }
}

/**
 * Makes a folder and those above it, level by level: the recursive mkdir of Node never returns below /proc.
 *
 * @param made gets those that were not there before.
 */
function makeFolder(path: string, made: string[]): void {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw Object.assign(new Error('is a file'), { code: 'EEXIST' });
    return;
  }
  const parent = dirname(path);
  if (parent !== path) {
    if (existsSync(parent) && !statSync(parent).isDirectory()) {
      throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
    }
    makeFolder(parent, made);
  }
  mkdirSync(path);
  made.push(path);
}

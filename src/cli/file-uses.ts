import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { UsageError } from './usage-error.ts';

/** A file that a command reads or will write, by what it is on the disk and not by how it was spelt. */
interface FileUse {
  /** What names it: an option with its dashes, or a parameter. */
  readonly by: string;
  /** As it was given. */
  readonly name: string;
  /** Where it lies, all links followed. */
  readonly path: string;
  /** Device and inode of what is there already; null if nothing is. */
  readonly inode: string | null;
  readonly isRead: boolean;
  readonly isFolder: boolean;
}

/** Links that are followed at most, as Linux does. */
const MOST_LINKS = 40;

/**
 * All files that one call of the tool reads and writes. No output may be a file that it reads, or another of its outputs:
 * whoever reads or writes a file says so here first, in whatever order, and before anything is written.
 */
export class FileUses {
  private readonly uses: FileUse[] = [];

  /** All that is known so far, to which more can be added on its own. */
  copy(): FileUses {
    const copy = new FileUses();
    copy.uses.push(...this.uses);
    return copy;
  }

  /**
   * Takes note of a file that is read.
   *
   * @param by the option or parameter that names it.
   * @throws {@link UsageError} if it is an output.
   */
  read(by: string, name: string): void {
    this.add(by, name, true, false);
  }

  /**
   * Takes note of a file that will be written.
   *
   * @throws {@link UsageError} if it is read, or another output.
   */
  write(by: string, name: string): void {
    this.add(by, name, false, false);
  }

  /**
   * Takes note of a folder that there will be.
   *
   * @throws {@link UsageError} if it is a file that is written.
   */
  writeFolder(by: string, name: string): void {
    this.add(by, name, false, true);
  }

  private add(by: string, name: string, isRead: boolean, isFolder: boolean): void {
    const use = { by, name, isRead, isFolder, path: placeOf(name), inode: inodeOf(name) };
    for (const other of this.uses) {
      if (collide(use, other)) throw isRead ? refusal(other, use) : refusal(use, other);
    }
    this.uses.push(use);
  }
}

function collide(one: FileUse, other: FileUse): boolean {
  if (one.isRead && other.isRead) return false;
  if (one.isFolder && other.isFolder) return false;
  if (one.isFolder) return isWithin(one.path, other.path);
  if (other.isFolder) return isWithin(other.path, one.path);
  return one.path === other.path || (one.inode !== null && one.inode === other.inode);
}

/** Whether a folder is the place of a file, or lies below it. */
function isWithin(folder: string, file: string): boolean {
  return folder === file || folder.startsWith(file + sep);
}

function refusal(output: FileUse, { by, name, isRead, isFolder }: FileUse): UsageError {
  const kind = isFolder ? 'the folder of ' : '';
  const what = isRead
    ? `${by} ${JSON.stringify(name)}, which is read`
    : `${kind}${by} ${JSON.stringify(name)}`;
  return new UsageError(
    `${output.by}: ${JSON.stringify(output.name)} is also ${what}; allowed a file that is neither read nor written otherwise`,
  );
}

/** Where a path leads to, all links followed, also of what is not there yet. */
function placeOf(name: string, links = 0): string {
  const path = resolve(name);
  try {
    return realpathSync(path);
  } catch {
    const target = links < MOST_LINKS ? linkOf(path) : null;
    if (target !== null) return placeOf(resolve(dirname(path), target), links + 1);
    const folder = dirname(path);
    return folder === path ? path : join(placeOf(folder, links), basename(path));
  }
}

/** What a link says, or null for what is none. */
function linkOf(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null;
  }
}

function inodeOf(name: string): string | null {
  try {
    const { dev, ino } = statSync(name, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

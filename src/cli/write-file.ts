import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/**
 * Writes a file of one or several pieces. It is written beside its place first: whoever looks at it meanwhile
 * sees the old one or the new one.
 *
 * @throws the error of the file system.
 */
export function writeWhole(file: string, parts: Iterable<string | Uint8Array>): void {
  const beside = besideOf(file);
  try {
    const handle = openSync(beside, 'w');
    try {
      for (const part of parts) writeAll(handle, typeof part === 'string' ? Buffer.from(part) : part);
    } finally {
      closeSync(handle);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** A file that grows beside its place while a run goes on, and comes there when it is whole. */
export class GrowingFile {
  private readonly file: string;
  private readonly handle: number;

  /** @throws the error of the file system. */
  constructor(file: string) {
    this.file = file;
    this.handle = openSync(besideOf(file), 'w');
  }

  /** Appends a piece. */
  write(piece: Uint8Array): void {
    writeAll(this.handle, piece);
  }

  /** Puts the file in its place. */
  finish(): void {
    closeSync(this.handle);
    renameSync(besideOf(this.file), this.file);
  }

  /** Leaves nothing behind. */
  discard(): void {
    closeSync(this.handle);
    rmSync(besideOf(this.file), { force: true });
  }
}

/**
 * Tries whether {@link writeWhole} could make a file, without leaving anything.
 *
 * @throws the error of the file system.
 */
export function tryToWrite(file: string): void {
  const beside = besideOf(file);
  closeSync(openSync(beside, 'w'));
  rmSync(beside, { force: true });
}

function besideOf(file: string): string {
  return `${file}.${process.pid}.part`;
}

/** One call may write less than it is given. */
function writeAll(handle: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done);
}

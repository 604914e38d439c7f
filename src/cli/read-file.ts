import { readFileSync, statSync } from 'node:fs';
import { UsageError } from './command.ts';
import { formOf } from './file-form.ts';
import type { FileUses } from './file-uses.ts';

/**
 * The text of a file that the command line names.
 *
 * @param by the parameter that names it.
 * @param allowed what the file should be, for the error.
 * @throws {@link UsageError}
 */
export function readText(files: FileUses, by: string, file: string, allowed: string): string {
  return decoded(readNamed(files, by, file, allowed), file, allowed);
}

/**
 * The text that comes over the standard input.
 *
 * @throws {@link UsageError}
 */
export async function readStandardInput(allowed: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Uint8Array);
  return decoded(Buffer.concat(pieces), 'standard input', allowed);
}

function decoded(bytes: Uint8Array, name: string, allowed: string): string {
  const form = formOf(bytes);
  if (form !== null) throw new UsageError(`${name}: is ${form}; allowed ${allowed}`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${name}: is not UTF-8 text; allowed ${allowed}`);
  }
}

/**
 * The bytes of such a file.
 *
 * @throws {@link UsageError}
 */
export function readNamed(files: FileUses, by: string, file: string, allowed: string): Uint8Array {
  files.read(by, file);
  try {
    return readBytes(file);
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}; allowed ${allowed}`);
  }
}

/**
 * The bytes of a file that {@link FileUses} know of.
 *
 * @throws Error whose message says why there are none.
 */
export function readBytes(path: string): Uint8Array {
  try {
    const status = statSync(path);
    // A device such as /dev/zero has no end; a pipe has one.
    if (status.isFile() || status.isFIFO() || status.isDirectory()) return readFileSync(path);
  } catch (error) {
    throw new Error(reasonOf(error as NodeJS.ErrnoException));
  }
  throw new Error('is no regular file');
}

/** Why a file cannot be used, without the path, which the reader of the error knows by another name. */
export function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EISDIR') return 'is a directory';
  if (code === 'ENOTDIR') return 'a part of its path is no directory';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return code ?? message;
}

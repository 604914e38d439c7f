import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The fields of each packet as tshark tells them. @param options further ones of its command line. */
export function tshark(
  file: Uint8Array,
  fields: readonly string[],
  options: readonly string[] = [],
): string[][] {
  const wanted = fields.flatMap((field) => ['-e', field]);
  const text = tsharkText(file, [...options, '-T', 'fields', '-E', 'separator=;', ...wanted]);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(';'));
}

/** What tshark prints of a capture. */
export function tsharkText(file: Uint8Array, options: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  try {
    writeFileSync(join(folder, 'capture.pcapng'), file);
    const args = ['-r', join(folder, 'capture.pcapng'), ...options];
    return execFileSync('tshark', args, { encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 28 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Why tshark cannot be asked, or undefined. */
export function whyNoTshark(): string | undefined {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'skipped: there is no tshark to read the capture; install the package tshark';
  }
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The fields of each packet as tshark tells them. */
export function tshark(file: Uint8Array, fields: readonly string[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'sriovsim-'));
  try {
    writeFileSync(join(folder, 'capture.pcapng'), file);
    const args = ['-r', join(folder, 'capture.pcapng'), '-T', 'fields', '-E', 'separator=;'];
    const wanted = fields.flatMap((field) => ['-e', field]);
    const text = execFileSync('tshark', [...args, ...wanted], { encoding: 'utf8', stdio: 'pipe' });
    return text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(';'));
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

/**
 * Runs every example, one after the other: what it prints, and how long it took. The first that fails ends the run.
 *
 *     npm run examples
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const LIMIT_MS = 60_000;

for (const file of readdirSync(`${root}/examples`).filter((name) => name.endsWith('.ts'))) {
  const script = `.build/examples/${file.replace(/\.ts$/, '.js')}`;
  console.log(`---- ${script}`);
  const begin = performance.now();
  const { status } = spawnSync(process.execPath, [script], { cwd: root, stdio: 'inherit', timeout: LIMIT_MS });
  console.log(`---- ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
  if (status !== 0) {
    console.error(`${script} ended with status ${status ?? `none: not done after ${LIMIT_MS / 1000} s`}`);
    process.exit(1);
  }
}

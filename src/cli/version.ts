import { readFileSync } from 'node:fs';

/** Version of the package that this file belongs to; it lies as deep in `dist` as in `src`. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

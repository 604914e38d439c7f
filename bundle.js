/**
 * The second half of `npm run build`: puts what the package exports into a few files. Node takes longer to find and read two
 * hundred small files than to run them. Common parts are chunks of their own, so that a class is one class, whichever
 * exported path it is imported from. The declarations stay as tsc has made them, a file for each source.
 */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

const { exports, bin, dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));

const packages = Object.keys({ ...dependencies, ...peerDependencies });

const { output } = await build({
  // ./dist/pcie/index.js is made of src/pcie/index.ts.
  input: Object.fromEntries(
    [...Object.values(exports), ...Object.values(bin)]
      .map((target) => (target.default ?? target).match(/^\.\/dist\/(.+)\.js$/)?.[1])
      .filter((name) => name !== undefined)
      .map((name) => [name, `src/${name}.ts`]),
  ),
  platform: 'neutral',
  tsconfig: 'tsconfig.json',
  external: (id) => id.startsWith('node:') || packages.some((name) => id.startsWith(name)),
  // An exported constant is loaded and checked at each use; a number in the code is not.
  optimization: { inlineConst: { mode: 'all', pass: 2 } },
  output: { dir: 'dist', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
});

// `npx sriovsim` in this folder runs it as a program. npm makes it one when it first links it, not after a new build.
for (const program of Object.values(bin)) chmodSync(program, 0o755);

// What earlier builds have left.
const made = new Set(output.map(({ fileName }) => fileName));
for (const name of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  const path = name.replaceAll('\\', '/');
  const source = join('src', path.replace(/\.d\.ts$/, '.ts'));
  if (path.endsWith('.js') ? !made.has(path) : path.endsWith('.d.ts') && !existsSync(source)) {
    rmSync(join('dist', path));
  }
}

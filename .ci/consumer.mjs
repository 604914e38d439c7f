/**
 * Uses the package as a stranger would: packs it, installs the tarball into an empty project, imports every exported
 * sub-path from plain JavaScript, and type-checks a TypeScript consumer under both ways of resolving modules.
 *
 *     node .ci/consumer.mjs EMPTY_FOLDER
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
if (process.argv[2] === undefined) {
  console.error('consumer.mjs: the folder to work in is missing');
  process.exit(2);
}
const folder = resolve(process.argv[2]);
mkdirSync(folder, { recursive: true });

const run = (cwd, command, ...args) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [packed] = JSON.parse(run(root, 'npm', 'pack', '--json', '--pack-destination', folder));
console.log(`${packed.filename}: ${packed.files.length} files, ${Math.round(packed.size / 1000)} kB packed`);

writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
run(folder, 'npm', 'install', '--no-audit', '--no-fund', join(folder, packed.filename));

const subPaths = Object.keys(manifest.exports).map((path) => manifest.name + path.slice(1));
const modules = subPaths.filter((path) => !path.endsWith('.json'));
const data = subPaths.filter((path) => path.endsWith('.json'));

writeFileSync(
  join(folder, 'plain.js'),
  [
    ...modules.map((path, i) => `import * as m${i} from '${path}';`),
    ...data.map((path, i) => `import d${i} from '${path}' with { type: 'json' };`),
    ...modules.map((path, i) => `console.log('${path}', Object.keys(m${i}).length, 'exports');`),
    ...data.map((path, i) => `console.log('${path}', Object.keys(d${i}).length, 'keys');`),
  ].join('\n'),
);
process.stdout.write(run(folder, process.execPath, 'plain.js'));

writeFileSync(
  join(folder, 'typed.ts'),
  [
    ...modules.map((path, i) => `import * as m${i} from '${path}';`),
    // An import that did not resolve would be `any`, which a number literal type refuses.
    'type IsAny<T> = 0 extends 1 & T ? true : false;',
    ...modules.map((_, i) => `export const any${i}: IsAny<typeof m${i}> = false;`),
  ].join('\n'),
);
const tsc = join(root, 'node_modules/typescript/bin/tsc');
for (const [module, moduleResolution] of [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
]) {
  // The package's own declarations are checked too: no skipLibCheck.
  const options = { module, moduleResolution, strict: true, noEmit: true, target: 'es2023', types: [] };
  const project = join(folder, `tsconfig.${moduleResolution}.json`);
  writeFileSync(project, JSON.stringify({ compilerOptions: options, files: ['typed.ts'] }));
  try {
    run(folder, process.execPath, tsc, '-p', project);
  } catch (error) {
    console.error(error.stdout);
    process.exit(1);
  }
  console.log(`types resolve under moduleResolution ${moduleResolution}`);
}

if (manifest.bin !== undefined) {
  const help = run(folder, 'npx', '--no-install', manifest.name, '--help');
  console.log(help.split('\n')[0]);
}

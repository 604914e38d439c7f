import { describe, expect, it } from 'vitest';
import { checkDependencies, checkLockFile } from './manifest.ts';
import { readProject, report } from './project.ts';

const [manifest] = readProject(['package.json'], ['.json']);
const [lock] = readProject(['package-lock.json'], ['.json']);

describe('the runtime dependencies', () => {
  it('are those agreed on, each pinned to one version', () => {
    expect(report(checkDependencies(manifest))).toEqual([]);
  });

  it('are caught when new or loose', () => {
    const dependencies = { zod: '^4.0.0', denque: '2.1.0', lodash: '4.17.21' };
    const text = JSON.stringify({ dependencies }, null, 1);
    expect(report(checkDependencies({ path: 'package.json', text }))).toEqual([
      'package.json:3: zod is not pinned to one version: ^4.0.0',
      'package.json:5: lodash is not among the runtime dependencies agreed on',
    ]);
  });
});

describe('the lock file', () => {
  it('names no registry', () => {
    expect(report(checkLockFile(lock))).toEqual([]);
  });

  it('is caught when it does', () => {
    const text = '{\n  "resolved": "https://registry.example/x.tgz"\n}';
    expect(report(checkLockFile({ path: 'package-lock.json', text }))).toEqual([
      'package-lock.json:2: names the registry a package came from',
    ]);
  });
});

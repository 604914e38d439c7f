import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../tidy/project.ts';

/** What `npm pack` would put into the tarball. */
function packedFiles(): string[] {
  const printed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [tarball] = JSON.parse(printed) as { files: { path: string }[] }[];
  return tarball.files.map(({ path }) => path);
}

describe('the tarball', () => {
  const files = packedFiles();

  it('holds the licence, the read-me, the change log and the command', () => {
    for (const path of [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'package.json',
      'dist/cli/main.js',
      'wireshark/sriovsim-tlp.lua',
    ]) {
      expect(files).toContain(path);
    }
  });

  it('holds nothing but what is built, scenarios, their schema, documentation, examples and the dissector', () => {
    const known =
      /^(dist\/.+\.(js|d\.ts)|scenarios\/.+|schema\/.+\.json|docs\/.+|examples\/.+\.ts|wireshark\/.+\.lua|[A-Z]+(\.md)?|package\.json)$/;
    expect(files.filter((path) => !known.test(path))).toEqual([]);
  });
});

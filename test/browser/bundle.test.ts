import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from './chromium.ts';

/** What a page may pay before anything can run. */
const GOAL_GZIP_BYTES = 120_000;
/**
 * What it pays now, since the switch, the port, scenarios and faults have all their rules, errors are reported as AER has it,
 * each field of a register says in words what it is, and links lose DLLPs and have six generations: it must not grow unseen.
 */
const MAX_GZIP_BYTES = 166_000;

describe('the bundle for a browser', () => {
  let bytes: number;

  beforeAll(async () => {
    // All exports are kept, as if a page used every one of them.
    const script = await bundle("import * as all from './src/index.ts'; globalThis.sriovsim = all;");
    bytes = gzipSync(script).byteLength;
  });

  it.fails('is below 120 kB, minified and compressed: known to fall short', () => {
    expect(bytes).toBeLessThan(GOAL_GZIP_BYTES);
  });

  it('is below 166 kB, minified and compressed', () => {
    expect(bytes).toBeLessThan(MAX_GZIP_BYTES);
  });

  it('cannot be made of a module that needs Node', async () => {
    await expect(bundle("import 'node:fs';")).rejects.toThrow(/node:fs/);
  });
});

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bundle } from './chromium.ts';

/**
 * What a page pays before anything can run. The goal is 120 kB, which the package kept until the switch and
 * the port had all their rules: it is 16 kB over. This bound is there so that it does not grow unseen.
 */
const MAX_GZIP_BYTES = 140_000;

describe('the bundle for a browser', () => {
  it('is below 140 kB, minified and compressed', async () => {
    // All exports are kept, as if a page used every one of them.
    const script = await bundle("import * as all from './src/index.ts'; globalThis.sriovsim = all;");
    expect(gzipSync(script).byteLength).toBeLessThan(MAX_GZIP_BYTES);
  });

  it('cannot be made of a module that needs Node', async () => {
    await expect(bundle("import 'node:fs';")).rejects.toThrow(/node:fs/);
  });
});

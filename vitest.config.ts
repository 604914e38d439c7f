import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^sriovsim$/, replacement: source('index.ts') },
      { find: /^sriovsim\/scenario$/, replacement: source('sim/scenario.ts') },
      { find: /^sriovsim\/snapshot$/, replacement: source('sim/snapshot/index.ts') },
      { find: /^sriovsim\/([a-z-]+)$/, replacement: source('$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Files that one worker runs share the modules of src, which keep no state: a third of all time went into loading
    // and compiling them for each file anew.
    isolate: false,
    // One worker a processor: by itself vitest leaves one out, which of two is half of all.
    maxWorkers: '100%',
    // Long runs of properties take minutes.
    testTimeout: process.env['SRIOVSIM_LONG'] === '1' ? 600_000 : 30_000,
  },
});

import { existsSync } from 'node:fs';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { ROOT } from '../tidy/project.ts';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Why the tests in a browser cannot run here; undefined when they can. */
export const noBrowser = existsSync(EXECUTABLE)
  ? undefined
  : `skipped: there is no ${EXECUTABLE}; install chromium or set CHROMIUM to its path`;

/** A browser without a window, and without traffic of its own. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Bundles the module `entry` (source text, its imports from the project's root) for a browser, minified. */
export async function bundle(entry: string): Promise<string> {
  const result = await build({
    stdin: { contents: entry, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    // Anything that only Node has fails here, before a browser sees it.
    logLevel: 'silent',
  });
  return result.outputFiles[0].text;
}

/** What `await expression` is in an empty page, after `imports` (lines of import statements); JSON passes through. */
export async function evaluateInPage(
  browser: Browser,
  imports: string,
  expression: string,
): Promise<unknown> {
  const script = await bundle(`${imports}\nglobalThis.answer = (async () => ${expression})();`);
  const page = await browser.newPage();
  try {
    await page.setContent('<!doctype html><title>sriovsim</title>');
    await page.addScriptTag({ content: script });
    return await page.evaluate('globalThis.answer');
  } finally {
    await page.close();
  }
}

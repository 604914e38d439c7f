import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateInPage, launch, noBrowser } from './chromium.ts';
import { baseCourse, machineCourse } from './course.ts';

describe.skipIf(noBrowser !== undefined)(`a run in a browser ${noBrowser ?? ''}`.trim(), () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(() => browser?.close());

  it('draws the same numbers and takes the same course as in Node', async () => {
    const imports = "import { baseCourse } from './test/browser/course.ts';";
    expect(await evaluateInPage(browser, imports, 'baseCourse()')).toEqual(baseCourse());
  });

  it('of a whole machine ends with the digest, and the report, that it has in Node', async () => {
    const imports = "import { machineCourse } from './test/browser/course.ts';";
    const here = machineCourse();
    expect(here['digest']).toMatch(/^[0-9a-f]{16}$/);
    expect(JSON.parse(here['report'])).toMatchObject({ conservation: { balanced: true } });
    expect(await evaluateInPage(browser, imports, 'machineCourse()')).toEqual(here);
  });
});

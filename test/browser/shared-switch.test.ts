import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, launch, noBrowser } from './chromium.ts';

const ADDRESS = 'https://switch.test/';

/** A worker of the page: sends a hundred frames from VPort 1 to VPort 0, and closes when it has got as many. */
const WORKER = `
  import { attachSwitchPort } from './src/nicswitch/index.ts';
  import { buildTestFrame } from './src/wire/index.ts';
  onmessage = ({ data }) => {
    const port = attachSwitchPort(data, 1);
    const frame = { destination: 0x020000000000, source: 0x020000000001, flow: 1, frameBytes: 64 };
    for (let sent = 0; sent < 100; sent++) {
      port.waitForSlot(1000);
      port.commit(buildTestFrame(frame, port.u8, port.reserve()));
    }
    let received = 0;
    while (received < 100 && port.waitForFrame(1000)) {
      port.receive();
      port.release();
      received++;
    }
    postMessage(received);
  };`;

/** The page itself: the switch, and VPort 0, which sends everything back. It may not sleep, so it polls. */
const PAGE = `
  import { attachSwitchPort, SharedSwitch } from './src/nicswitch/index.ts';
  import { buildTestFrame } from './src/wire/index.ts';
  globalThis.run = (script) => new Promise((resolve) => {
    const shared = new SharedSwitch({ vports: 2, sendEntries: 8 });
    for (const vport of [0, 1]) {
      shared.nicSwitch.setVPortEnabled(vport, true, true);
      shared.nicSwitch.addMac(vport, 0x020000000000 + vport);
    }
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
    const port = attachSwitchPort(shared.descriptor, 0);
    const frame = { destination: 0x020000000001, source: 0x020000000000, flow: 0, frameBytes: 64 };
    const poll = setInterval(() => {
      shared.forward();
      while (port.reserve() >= 0 && port.receive() >= 0) {
        port.release();
        port.commit(buildTestFrame(frame, port.u8, port.reserve()));
      }
    }, 0);
    worker.onmessage = ({ data }) => {
      clearInterval(poll);
      shared.forward();
      resolve({ received: data, ...shared.nicSwitch.balance(), ...shared.slots() });
    };
    worker.postMessage(shared.descriptor);
  });`;

describe.skipIf(noBrowser !== undefined)(`a shared switch in a browser ${noBrowser ?? ''}`.trim(), () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(() => browser?.close());

  it('exchanges frames with a worker of a page that is cross-origin isolated, and loses no slot', async () => {
    const page = await browser.newPage();
    await page.route(ADDRESS, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: '<!doctype html><title>switch</title>',
        headers: {
          'Cross-Origin-Opener-Policy': 'same-origin',
          'Cross-Origin-Embedder-Policy': 'require-corp',
        },
      }),
    );
    await page.goto(ADDRESS);
    await page.addScriptTag({ content: await bundle(PAGE) });
    const script = JSON.stringify(await bundle(WORKER));
    const result = (await page.evaluate(`run(${script})`)) as Record<string, number>;
    expect(result).toMatchObject({ received: 100, framesIn: 200, delivered: 200, dropped: 0, senders: 24 });
    expect(result['free'] + result['senders']).toBe(3 * (8 + 128 + 128));
    await page.close();
  }, 60_000);
});

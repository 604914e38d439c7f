import { describe, expect, it } from 'vitest';
import { FlowClass } from '../../../src/pcie/tlp.ts';
import { DmaRig, ForeseeingTranslator, memoryRequest, PagedTranslator } from './dma-rig.ts';

const rootCredits = {
  postedHeaders: 8,
  postedData: 64,
  nonPostedHeaders: 8,
  nonPostedData: 8,
  completionHeaders: 0,
  completionData: 0,
};

describe.each([true, false])(
  'a reset of the link, addresses looked up when requests leave: %s',
  (foresees) => {
    // On the link; at the root port while pages are walked for; after the first walk has ended.
    it.each([60_000, 250_000, 350_000, 500_000])(
      'ends what had left before it, and takes and gives no credit twice: at %d ps',
      (resetPs) => {
        const Translator = foresees ? ForeseeingTranslator : PagedTranslator;
        const rig = new DmaRig({
          translator: (scheduler) => new Translator(scheduler, () => 300_000),
          link: { rootCredits },
        });
        const credits = () =>
          [FlowClass.POSTED, FlowClass.NON_POSTED].map((each) => rig.link.upstream.headerCredits(each));
        rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 1));
        rig.requester.read(memoryRequest(1, 0x10000, 64, 128, rig.client, 2));
        rig.requester.write(memoryRequest(1, 0x30000, 64, 0, rig.client, 3));
        rig.scheduler.runUntil(resetPs);
        const before = [[...rig.reads], [...rig.writes], [...rig.committed]];
        rig.link.reset();
        rig.requester.reset();
        rig.scheduler.runUntilIdle();
        expect([rig.reads, rig.writes, rig.committed]).toEqual(before);
        expect(rig.isIdle).toBe(true);
        expect(credits()).toEqual([8, 8]);
        // What comes later waits for nothing of that.
        rig.requester.write(memoryRequest(1, 0x20000, 64, 0, rig.client, 4));
        rig.requester.read(memoryRequest(1, 0x10000, 64, 128, rig.client, 5));
        rig.scheduler.runUntilIdle();
        expect(rig.writes.at(-1)).toBe(4);
        expect(rig.reads.at(-1)?.cookie).toBe(5);
        expect(rig.isIdle).toBe(true);
        expect(credits()).toEqual([8, 8]);
      },
    );
  },
);

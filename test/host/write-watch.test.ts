import { describe, expect, it } from 'vitest';
import { WriteWatch } from '../../src/host/index.ts';

describe('a watch on writes', () => {
  it('calls back once for the next device write to the page, wherever in it', () => {
    const watch = new WriteWatch();
    let calls = 0;
    const watcher = watch.add(() => calls++);
    watch.written(0x5000);
    watch.arm(watcher, 5);
    watch.written(0x4fff);
    watch.written(0x6000);
    expect(calls).toBe(0);
    watch.written(0x5ff0);
    watch.written(0x5ff0);
    expect(calls).toBe(1);
  });

  it('is armed once, however often it is asked for', () => {
    const watch = new WriteWatch();
    let calls = 0;
    const watcher = watch.add(() => calls++);
    watch.arm(watcher, 5);
    watch.arm(watcher, 5);
    watch.written(0x5000);
    expect(calls).toBe(1);
  });

  it('knows a page by its number, however large', () => {
    const watch = new WriteWatch();
    let calls = 0;
    const watcher = watch.add(() => calls++);
    watch.arm(watcher, 2 ** 33);
    watch.written(2 ** 45);
    expect(calls).toBe(1);
  });

  it('keeps the watchers of other pages of a chain, in their order, whichever page is written', () => {
    const watch = new WriteWatch();
    const calls: number[] = [];
    const watchers = [0, 1, 2, 3, 4].map((i) => watch.add(() => calls.push(i)));
    const chained = [7, 7 + 4096, 7, 7 + 2 * 4096, 7 + 4096];
    for (const [i, watcher] of watchers.entries()) watch.arm(watcher, chained[i]);
    watch.written(7 * 4096);
    watch.written((7 + 4096) * 4096);
    watch.written((7 + 4096) * 4096);
    watch.written((7 + 2 * 4096) * 4096);
    expect(calls).toEqual([0, 2, 1, 4, 3]);
  });

  it('calls every watcher of a page, and can be armed again meanwhile', () => {
    const watch = new WriteWatch();
    const calls: string[] = [];
    const first = watch.add(() => {
      calls.push('first');
      watch.arm(first, 5);
    });
    const second = watch.add(() => calls.push('second'));
    watch.arm(first, 5);
    watch.arm(second, 5);
    watch.written(0x5000);
    watch.written(0x5000);
    expect(calls).toEqual(['first', 'second', 'first']);
  });

  it('tells pages apart whose numbers share a chain, above 4 GiB too', () => {
    const watch = new WriteWatch();
    const calls: number[] = [];
    const pages = [7, 7 + 4096, 7 + 2 ** 22];
    for (const [i, page] of pages.entries())
      watch.arm(
        watch.add(() => calls.push(i)),
        page,
      );
    watch.written(pages[2] * 4096);
    watch.written(pages[0] * 4096);
    watch.written((pages[0] + 2 * 4096) * 4096);
    expect(calls).toEqual([2, 0]);
    watch.written(pages[1] * 4096);
    expect(calls).toEqual([2, 0, 1]);
  });
});

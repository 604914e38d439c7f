import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostMemory, MMIO_HIGH, MMIO_LOW } from '../../src/host/index.ts';

const GIB = 2 ** 30;
const HUGE = 2 ** 21;

describe('the memory of a host', () => {
  it('lies below 2 GiB and from 4 GiB on, with the windows for BARs between and above', () => {
    const host = new HostMemory({ memoryBytes: 6 * GIB });
    expect(host.isMemory(0, 4)).toBe(true);
    expect(host.isMemory(2 * GIB - 4, 4)).toBe(true);
    expect(host.isMemory(2 * GIB - 4, 8)).toBe(false);
    expect(host.isMemory(MMIO_LOW.base, 4)).toBe(false);
    expect(host.isMemory(4 * GIB, 4)).toBe(true);
    expect(host.isMemory(8 * GIB - 4, 4)).toBe(true);
    expect(host.isMemory(8 * GIB, 4)).toBe(false);
    expect(host.isMemory(MMIO_HIGH.base, 4)).toBe(false);
    expect(host.isMemory(-4, 4)).toBe(false);
  });

  it('gives nothing out twice, nothing that is no memory, and nothing below 1 MiB', () => {
    const wish = fc.oneof(
      fc.constant({ kind: 'page' as const, count: 30_000 }),
      fc.constant({ kind: 'huge' as const, count: 50 }),
      fc.integer({ min: 1, max: 400 }).map((mib) => ({ kind: 'range' as const, count: mib })),
    );
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3), fc.array(wish, { maxLength: 30 }), (gib, wishes) => {
        const host = new HostMemory({ memoryBytes: gib * GIB });
        const given: [number, number][] = [];
        try {
          for (const { kind, count } of wishes) {
            if (kind === 'range') given.push([host.allocateRange(count * 2 ** 20), count * 2 ** 20]);
            else {
              const bytes = kind === 'huge' ? HUGE : 4096;
              for (let i = 0; i < count; i++) given.push([host.allocatePage(kind === 'huge'), bytes]);
            }
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
        given.sort(([a], [b]) => a - b);
        let end = 2 ** 20;
        for (const [address, bytes] of given) {
          if (address < end || address % Math.min(bytes, 4096) !== 0 || !host.isMemory(address, bytes)) {
            expect.fail(`${bytes} bytes at ${address}, free from ${end}`);
          }
          end = address + bytes;
        }
      }),
      { numRuns: 20 },
    );
  });

  it('is used up to the last huge page, whatever was asked for first', () => {
    const host = new HostMemory({ memoryBytes: 3 * GIB });
    let pages = 0;
    expect(() => {
      for (;;) {
        host.allocatePage(pages % 3 === 0);
        pages += 1;
      }
    }).toThrow(/^the host's 3 GiB of memory have no 2097152 bytes left$/);
    // Every third request is for 2 MiB, the others for 8 KiB together: 1,530 times.
    expect(pages).toBeGreaterThan(3 * 1525);
    expect(() => {
      for (;;) host.allocatePage();
    }).toThrow(RangeError);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  completionCount,
  DATA_LINK_OVERHEAD_BYTES,
  FlowClass,
  flowClassOf,
  HEADER_3DW_BYTES,
  HEADER_4DW_BYTES,
  memoryHeaderBytes,
  TlpKind,
} from '../../../src/pcie/tlp.ts';

/** Completions of one read, largest possible: address, bytes, MPS, RCB, and how many; from an independent program. */
const SPLITS = [
  [4096, 64, 256, 64, 1],
  [4096, 512, 256, 64, 2],
  [4112, 512, 256, 64, 3],
  [4156, 512, 256, 64, 3],
  [4100, 300, 128, 64, 3],
  [4096, 512, 128, 64, 4],
  [4097, 256, 256, 64, 2],
  [4096, 4096, 512, 64, 8],
  [4160, 512, 256, 128, 3],
] as const;

describe('completions of a read', () => {
  for (const [address, bytes, payload, boundary, count] of SPLITS) {
    it(`are ${count} for ${bytes} bytes at 0x${address.toString(16)} with MPS ${payload} and RCB ${boundary}`, () => {
      expect(completionCount(address, bytes, payload, boundary)).toBe(count);
    });
  }

  it('are those that cutting the read piece by piece makes, for any read', () => {
    const read = fc.record({
      address: fc.integer({ min: 0, max: 8192 }),
      bytes: fc.integer({ min: 1, max: 4096 }),
      payload: fc.constantFrom(128, 256, 512, 1024, 2048, 4096),
      boundary: fc.constantFrom(64, 128),
    });
    fc.assert(
      fc.property(read, ({ address, bytes, payload, boundary }) => {
        let at = address - (address % 4);
        let pieces = 0;
        while (at < address + bytes) {
          const reach = at + payload;
          at = reach >= address + bytes ? reach : reach - (reach % boundary);
          pieces++;
        }
        expect(completionCount(address, bytes, payload, boundary)).toBe(pieces);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('bytes on the link', () => {
  it('are 20 for a 32-bit and 24 for a 64-bit Memory Read, 84 for a completion with 64 bytes', () => {
    expect(DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(0x1000)).toBe(20);
    expect(DATA_LINK_OVERHEAD_BYTES + memoryHeaderBytes(0x1_2345_6780)).toBe(24);
    expect(DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES + 64).toBe(84);
  });

  it('have four double words of header from 4 GiB up, three below', () => {
    expect(memoryHeaderBytes(2 ** 32 - 4)).toBe(HEADER_3DW_BYTES);
    expect(memoryHeaderBytes(2 ** 32)).toBe(HEADER_4DW_BYTES);
  });
});

describe('flow-control classes', () => {
  it('are posted for Memory Writes, completion for completions, non-posted for all else', () => {
    const { POSTED, NON_POSTED, COMPLETION } = FlowClass;
    expect(flowClassOf(TlpKind.MEMORY_WRITE)).toBe(POSTED);
    expect(flowClassOf(TlpKind.COMPLETION)).toBe(COMPLETION);
    expect(flowClassOf(TlpKind.COMPLETION_DATA)).toBe(COMPLETION);
    for (const kind of [TlpKind.MEMORY_READ, TlpKind.CONFIG_READ, TlpKind.CONFIG_WRITE])
      expect(flowClassOf(kind)).toBe(NON_POSTED);
  });
});

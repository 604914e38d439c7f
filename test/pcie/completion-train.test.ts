import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CompletionTrain,
  completionCount,
  DATA_LINK_OVERHEAD_BYTES,
  HEADER_3DW_BYTES,
  TlpPool,
} from '../../src/pcie/index.ts';

/** Completions of a train, one after the other: the first byte of each behind the train's first, and when it is there. */
function cutSlowly(
  address: number,
  bytes: number,
  request: number,
  mps: number,
  rcb: number,
  psPerByte: number,
) {
  const end = address + bytes;
  const pieces: { from: number; symbols: number }[] = [];
  let requestStart = address - (address % 4);
  for (let at = address; at < end; ) {
    const requestEnd = Math.min(requestStart + request, end);
    const start = at === address ? requestStart : at;
    let stop = requestEnd;
    if (requestEnd - start > mps) {
      stop = start + mps;
      while (stop % rcb !== 0) stop--;
    }
    pieces.push({
      from: at - address,
      symbols: Math.ceil(stop / 4) * 4 - start + HEADER_3DW_BYTES + DATA_LINK_OVERHEAD_BYTES,
    });
    at = stop;
    if (at === requestEnd) requestStart = requestEnd;
  }
  const lastPs = 10_000_000;
  let behind = 0;
  const arrivals: number[] = [];
  for (let i = pieces.length - 1; i >= 0; i--) {
    arrivals[i] = lastPs - Math.floor(behind * psPerByte);
    behind += pieces[i].symbols;
  }
  return { pieces, arrivals, lastPs, behind };
}

describe('a train of completions', () => {
  it('brings each byte with the completion that carries it, at the rate of the link', () => {
    fc.assert(
      fc.property(
        fc.record({
          page: fc.integer({ min: 0, max: 1000 }),
          inPage: fc.integer({ min: 0, max: 4095 }),
          length: fc.integer({ min: 1, max: 4096 }),
          start: fc.integer({ min: 0, max: 9000 }),
          mps: fc.constantFrom(128, 256, 512),
          mrrs: fc.constantFrom(128, 256, 512, 4096),
          rcb: fc.constantFrom(64, 128),
          psPerByte: fc.constantFrom(4000, 31.738_281_25),
        }),
        ({ page, inPage, length, start, mps, mrrs, rcb, psPerByte }) => {
          const address = page * 4096 + inPage;
          const bytes = Math.min(length, 4096 - inPage);
          const slow = cutSlowly(address, bytes, mrrs, mps, rcb, psPerByte);
          const tlp = new TlpPool(1).take();
          Object.assign(tlp, { address, bytes, requestBytes: mrrs, count: slow.pieces.length });
          const train = new CompletionTrain({ maxPayloadBytes: mps, readCompletionBoundary: rcb, psPerByte });
          train.note(tlp, start, slow.lastPs);
          expect([train.start, train.end]).toEqual([start, start + bytes]);
          slow.pieces.forEach(({ from }, i) => {
            const end = i + 1 < slow.pieces.length ? slow.pieces[i + 1].from : bytes;
            for (const at of [from, end - 1]) {
              expect(train.arrivalOf(start + at)).toBe(slow.arrivals[i]);
              expect(train.endOf(start + at)).toBe(start + end);
            }
          });
          // What the completer says it sends, for a single request.
          if (bytes + (address % 4) <= mrrs)
            expect(completionCount(address, bytes, mps, rcb)).toBe(slow.pieces.length);
        },
      ),
    );
  });
});

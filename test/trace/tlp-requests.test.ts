import { describe, expect, it } from 'vitest';
import { TlpKind } from '../../src/pcie/index.ts';
import type { LogTrain } from '../../src/trace/index.ts';
import { OutstandingRequests } from '../../src/trace/tlp-requests.ts';

/** A train of `tlps` reads of the device, or of their completions, in record `index` of the pool. */
function train(timePs: number, index: number, sequence: number, tlps = 1, downstream = false): LogTrain {
  return {
    kind: downstream ? TlpKind.COMPLETION_DATA : TlpKind.MEMORY_READ,
    downstream,
    status: 0,
    configType: 0,
    byteEnables: 0,
    requestBytes: 512,
    carriesWord: false,
    poisoned: false,
    sequence,
    headerCredits: 10,
    dataCredits: 10,
    timePs,
    leftPs: timePs + 10,
    arrivalPs: timePs + 100,
    index,
    tlps,
    linkBytes: 20 * tlps,
    address: 0,
    bytes: 512 * tlps,
    requester: 0x100,
    target: 0,
    word: 0,
    client: 0,
    cookie: 0,
    place: 0,
  };
}

const pieces = (tlps: number) =>
  Array.from({ length: tlps }, (_, request) => ({
    address: 512 * request,
    bytes: 512,
    request,
    byteCount: 512,
  }));

/** Tells of a train, and returns the tags of its requests; null for completions of requests that are not known. */
function tags(outstanding: OutstandingRequests, sent: LogTrain): readonly number[] | null {
  outstanding.note(sent);
  if (sent.downstream) return outstanding.answered(sent)?.tags ?? null;
  return outstanding.asked(sent, pieces(sent.tlps)).tags;
}

describe('the tags of outstanding requests', () => {
  it('are the lowest that are free, and free again when the last completion has arrived', () => {
    const outstanding = new OutstandingRequests(8);
    expect(tags(outstanding, train(0, 5, 0, 3))).toEqual([0, 1, 2]);
    expect(tags(outstanding, train(10, 6, 3))).toEqual([3]);
    expect(tags(outstanding, train(20, 5, 0, 3, true))).toEqual([0, 1, 2]);
    // It arrives at 120.
    expect(tags(outstanding, train(119, 7, 4))).toEqual([4]);
    expect(tags(outstanding, train(120, 8, 5, 2))).toEqual([0, 1]);
  });

  it('are not known of completions whose requests are not', () => {
    const outstanding = new OutstandingRequests(8);
    expect(tags(outstanding, train(0, 5, 17, 1, true))).toBeNull();
  });

  it('are free where the record of a request is used for another one: its completion never came', () => {
    const outstanding = new OutstandingRequests(8);
    expect(tags(outstanding, train(0, 5, 0, 2))).toEqual([0, 1]);
    expect(tags(outstanding, train(10, 5, 2))).toEqual([0]);
    expect(tags(outstanding, train(20, 6, 3))).toEqual([1]);
  });

  it('are those of the oldest requests where there would be more than the device has', () => {
    const outstanding = new OutstandingRequests(4);
    expect(tags(outstanding, train(0, 1, 0, 2))).toEqual([0, 1]);
    expect(tags(outstanding, train(10, 2, 2, 2))).toEqual([2, 3]);
    expect(tags(outstanding, train(20, 3, 4))).toEqual([0]);
    expect(tags(outstanding, train(30, 1, 0, 1, true))).toBeNull();
    expect(tags(outstanding, train(40, 2, 1, 2, true))).toEqual([2, 3]);
  });

  it('are all free behind a reset of the link, which counts sequence numbers anew', () => {
    const outstanding = new OutstandingRequests(4);
    tags(outstanding, train(0, 1, 0, 4));
    expect(tags(outstanding, train(10, 2, 0))).toEqual([0]);
    // What was asked before does not come any more; the other direction starts at 0, too.
    expect(tags(outstanding, train(20, 1, 0, 4, true))).toBeNull();
    expect(tags(outstanding, train(30, 2, 4, 1, true))).toEqual([0]);
  });
});

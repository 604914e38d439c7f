import { describe, expect, it } from 'vitest';
import { ProbeKind } from '../../../src/kernel/index.ts';
import { CompletionStatus } from '../../../src/pcie/tlp.ts';
import { DmaRig, type DmaRigOptions, memoryRequest, splicedRequest } from './dma-rig.ts';
import { INFINITE } from './link-rig.ts';

const FRAME = Array.from({ length: 9000 }, (_, i) => (i * 7 + 1) & 0xff);

function rig(options: DmaRigOptions = {}): DmaRig {
  const made = new DmaRig(options);
  made.store.u8.set(FRAME, 64);
  return made;
}

/** Bytes on the link upstream, header and payload of all TLPs, for one write of a contiguous frame. */
function written(address: number, bytes: number, options?: DmaRigOptions) {
  const made = rig(options);
  made.requester.write(memoryRequest(0x100, address, bytes, 64, made.client, 1));
  made.scheduler.runUntilIdle();
  expect(made.bytes(address, bytes)).toEqual(FRAME.slice(0, bytes));
  const { tlps, tlpBytes, payloadBytes } = made.link.upstream.counters();
  return { tlps, tlpBytes, payloadBytes };
}

/** TLPs and bytes up and down the link for one read. */
function read(address: number, bytes: number, options?: DmaRigOptions) {
  const made = rig(options);
  made.memory.copyIn(address, bytes, Uint8Array.from(FRAME), 0);
  const tags = options?.requester?.tags ?? 32;
  made.probe.sink = { record: () => expect(made.requester.counters().tagsInUse).toBeLessThanOrEqual(tags) };
  const trains = made.requester.read(memoryRequest(0x100, address, bytes, 12_000, made.client, 7));
  made.scheduler.runUntilIdle();
  expect(made.reads.map(({ cookie, status }) => [cookie, status])).toEqual(
    Array.from({ length: trains }, () => [7, CompletionStatus.SUCCESSFUL]),
  );
  expect([...made.store.u8.subarray(12_000, 12_000 + bytes)]).toEqual(FRAME.slice(0, bytes));
  expect(made.isIdle).toBe(true);
  const [up, down] = [made.link.upstream.counters(), made.link.downstream.counters()];
  return {
    requests: up.tlps,
    requestBytes: up.tlpBytes,
    completions: down.tlps,
    completionBytes: down.tlpBytes,
  };
}

describe('writes', () => {
  it('are one TLP up to Max_Payload_Size, with three double words of header below 4 GiB', () => {
    expect(written(0x10000, 4)).toEqual({ tlps: 1, tlpBytes: 24, payloadBytes: 4 });
    expect(written(0x10000, 256)).toEqual({ tlps: 1, tlpBytes: 276, payloadBytes: 256 });
    expect(written(0x10000, 260)).toEqual({ tlps: 2, tlpBytes: 40 + 260, payloadBytes: 260 });
  });

  it('have four double words of header from 4 GiB up', () => {
    const high = { port: { isMemory: () => true } };
    expect(written(0x2_0000_4000, 16, high)).toEqual({ tlps: 1, tlpBytes: 40, payloadBytes: 16 });
    expect(written(0x3_0000_0000, 64, high)).toEqual({ tlps: 1, tlpBytes: 88, payloadBytes: 64 });
  });

  it('take whole double words on the link, however few of their bytes are enabled', () => {
    expect(written(0x10001, 2)).toEqual({ tlps: 1, tlpBytes: 24, payloadBytes: 2 });
    expect(written(0x10003, 2)).toEqual({ tlps: 1, tlpBytes: 28, payloadBytes: 2 });
    expect(written(0x10000, 1514)).toEqual({ tlps: 6, tlpBytes: 6 * 20 + 1516, payloadBytes: 1514 });
    // No TLP carries more than Max_Payload_Size in double words: 257 of them need a second TLP.
    expect(written(0x10002, 256)).toEqual({ tlps: 2, tlpBytes: 40 + 260, payloadBytes: 256 });
  });

  it('take a data credit for every four double words, or part of them, of each TLP', () => {
    const credits = (address: number, bytes: number) => {
      const made = rig();
      let taken = 0;
      made.probe.sink = {
        record: (_time, kind, index) => {
          if (kind === ProbeKind.TLP_SENT) taken += made.tlps.records[index].dataCredits;
        },
      };
      made.requester.write(memoryRequest(0x100, address, bytes, 64, made.client, 1));
      return taken;
    };
    // The first four from an independent program; a TLP's payload counts by itself.
    const sizes = [
      [0x1000, 4],
      [0x1001, 2],
      [0x1000, 16],
      [0x1000, 64],
      [0x1000, 68],
      [0x100f, 2],
      [0x1000, 256 + 4],
      [0x1002, 256 + 16],
    ];
    expect(sizes.map(([address, bytes]) => credits(address, bytes))).toEqual([1, 1, 1, 4, 5, 1, 17, 18]);
  });

  it('never cross a page: each part is a train of its own', () => {
    expect(written(0x10f80, 256)).toEqual({ tlps: 2, tlpBytes: 40 + 256, payloadBytes: 256 });
    const made = rig();
    expect(made.requester.write(memoryRequest(0x100, 0x10ffe, 4096 + 4, 64, made.client, 9))).toBe(3);
    made.scheduler.runUntilIdle();
    expect(made.writes).toEqual([9, 9, 9]);
    expect(made.committed).toEqual([0x10ffe, 0x11000, 0x12000]);
  });

  it('are no larger than the credits that the root port advertises', () => {
    const rootCredits = { ...INFINITE, postedHeaders: 2, postedData: 40 };
    for (const address of [0x10000, 0x10001, 0x10003, 0x10f3e])
      expect(written(address, 4000, { link: { rootCredits } }).payloadBytes).toBe(4000);
    const one = { ...INFINITE, postedHeaders: 1, postedData: 16 };
    expect(written(0x10000, 9000, { link: { rootCredits: one } }).tlps).toBe(36);
  });

  it('refuse a receiver that could not take a single TLP of Max_Payload_Size', () => {
    const rootCredits = { ...INFINITE, postedHeaders: 2, postedData: 8 };
    expect(() => rig({ link: { rootCredits } })).toThrow(
      'posted data credits must be at least 16 for a Max_Payload_Size of 256, got 8',
    );
  });
});

describe('reads', () => {
  it('are one request up to Max_Read_Request_Size', () => {
    expect(read(0x10000, 64)).toEqual({ requests: 1, requestBytes: 20, completions: 1, completionBytes: 84 });
    expect(read(0x10000, 512)).toMatchObject({ requests: 1, completions: 2, completionBytes: 552 });
    expect(read(0x10000, 1514)).toMatchObject({ requests: 3, requestBytes: 60, completions: 6 });
  });

  it('ask for whole double words: an unaligned one of Max_Read_Request_Size takes two requests', () => {
    expect(read(0x10002, 512)).toMatchObject({ requests: 2, requestBytes: 40 });
    expect(read(0x10001, 3)).toMatchObject({ requests: 1, completions: 1, completionBytes: 24 });
    expect(read(0x10003, 2)).toMatchObject({ requests: 1, completions: 1, completionBytes: 28 });
  });

  it('are completed request by request: no completion spans two of them', () => {
    // Each request of 512 bytes at 0x10 past a boundary: 240 + 256 + 16.
    expect(read(0x10010, 1024)).toEqual({
      requests: 2,
      requestBytes: 40,
      completions: 6,
      completionBytes: 6 * 20 + 1024,
    });
    expect(read(0x10010, 1536 + 100)).toMatchObject({ requests: 4, completions: 10 });
  });

  it('bring the same bytes with any limits, at any address', () => {
    for (const maxReadRequestBytes of [128, 256, 4096])
      for (const address of [0x10000, 0x10ffd, 0x10801])
        for (const bytes of [1, 63, 1518, 4096]) {
          const { requests } = read(address, bytes, { requester: { maxReadRequestBytes, tags: 64 } });
          expect(requests).toBeGreaterThanOrEqual(Math.ceil(bytes / maxReadRequestBytes));
        }
  });

  it('of more requests than there are tags wait for tags, part by part', () => {
    expect(read(0x10001, 9000, { requester: { maxReadRequestBytes: 128, tags: 8 } }).requests).toBe(71);
  });

  it('are no larger than the credits that the root port advertises', () => {
    const rootCredits = { ...INFINITE, nonPostedHeaders: 2, nonPostedData: 1 };
    expect(read(0x10001, 9000, { link: { rootCredits } }).requests).toBe(18);
  });
});

describe('tags', () => {
  it('bound the reads under way, and all come back', () => {
    const made = rig({ requester: { tags: 8 } });
    let [issued, most] = [0, 0];
    const issue = () => {
      while (issued < 100 && made.requester.canRead(1500)) {
        made.requester.read(
          memoryRequest(
            0x100,
            0x10000 + (issued % 7) * 1000,
            1500,
            (issued % 16) * 2048,
            made.client,
            issued,
          ),
        );
        issued++;
        most = Math.max(most, made.requester.counters().tagsInUse);
      }
    };
    made.onReady = issue;
    issue();
    expect(issued).toBeLessThan(4);
    made.scheduler.runUntilIdle();
    expect(issued).toBe(100);
    expect(most).toBeLessThanOrEqual(8);
    expect(made.isIdle).toBe(true);
  });

  it('are enough for one read of any size when none is in use', () => {
    for (const tags of [1, 2, 3, 8]) {
      const made = rig({ requester: { tags, maxReadRequestBytes: 128 } });
      expect(made.requester.canRead(9000)).toBe(true);
      expect(made.requester.canFetch(1024)).toBe(true);
    }
  });

  it('go to all clients that wait for them', () => {
    const made = rig({ requester: { tags: 8 } });
    const served = [0, 0, 0];
    let left = 300;
    const clients = served.map((_, i) => {
      const client: number = made.requester.addClient({
        readDone: () => {},
        writeDone: () => {},
        requesterReady: () => issue(i, client),
      });
      return client;
    });
    const issue = (i: number, client: number) => {
      while (left > 0 && made.requester.canFetch(64)) {
        made.requester.read(memoryRequest(0x100, 0x10000, 64, 64 * i, client, 0));
        served[i]++;
        left--;
      }
    };
    clients.forEach((client, i) => {
      issue(i, client);
    });
    made.scheduler.runUntilIdle();
    expect(left).toBe(0);
    for (const count of served) expect(count).toBeGreaterThan(50);
  });

  it('kept for descriptor fetches are not taken by payload', () => {
    const made = rig({ requester: { tags: 32 } });
    let issued = 0;
    while (made.requester.canRead(64))
      made.requester.read(memoryRequest(0x100, 0x10000, 64, 64 * issued, made.client, issued++));
    expect(made.requester.canFetch(512)).toBe(true);
  });
});

describe('spliced writes', () => {
  const HEAD = 12;
  const TAG = 0x6400_0081; // 0x8100, TCI 100, as bytes 81 00 00 64

  /** The frame as it shall lie in memory, with four bytes put in or left out behind the addresses. */
  const spliced = (bytes: number, inserts: boolean) =>
    inserts
      ? [...FRAME.slice(0, HEAD), 0x81, 0x00, 0x00, 0x64, ...FRAME.slice(HEAD, bytes - 4)]
      : [...FRAME.slice(0, HEAD), ...FRAME.slice(HEAD + 4, bytes + 4)];

  for (const inserts of [true, false]) {
    it(`land the frame ${inserts ? 'with a tag put in' : 'without its tag'} at any address`, () => {
      for (const address of [0x10000, 0x10002, 0x10ff0, 0x10fec, 0x10fe9, 0x10d01])
        for (const bytes of [16, 17, 60, 64, 1514, 4090]) {
          const made = rig();
          made.memory.write8(address - 1, 0xee);
          made.memory.write8(address + bytes, 0xee);
          const skip = inserts ? 0 : 4;
          const { client, requester } = made;
          const trains = requester.write(
            splicedRequest(1, address, bytes, 64, HEAD, skip, inserts, inserts ? TAG : 0, client, 5),
          );
          made.scheduler.runUntilIdle();
          expect(made.writes).toEqual(Array.from({ length: trains }, () => 5));
          expect(made.bytes(address - 1, bytes + 2)).toEqual([0xee, ...spliced(bytes, inserts), 0xee]);
        }
    });
  }
});

describe('interrupt messages', () => {
  it('are Memory Writes of one double word', () => {
    const made = rig();
    made.requester.message(0x184, 0xfee0_0000, 0x4041);
    made.scheduler.runUntilIdle();
    expect(made.committed).toEqual(['fee00000=4041']);
    expect(made.link.upstream.counters()).toMatchObject({ tlps: 1, tlpBytes: 24, payloadBytes: 4 });
    expect(made.port.counters()).toMatchObject({ messages: 1, memoryWrites: 0 });
  });

  it('are complete when they leave: whoever watches the link sees their data', () => {
    const made = rig();
    const seen: unknown[][] = [];
    made.probe.sink = {
      record: (_time, kind, index) => {
        if (kind !== ProbeKind.TLP_SENT) return;
        const { store, data, headBytes } = made.tlps.records[index];
        seen.push([store, data, headBytes]);
      },
    };
    made.requester.message(0x184, 0xfee0_0000, 0x4041);
    made.requester.write(splicedRequest(1, 0x10000, 60, 64, 12, 0, true, 0x1234, made.client, 0));
    expect(seen).toEqual([
      [null, 0x4041, 0],
      [made.store, 0x1234, 12],
    ]);
  });
});

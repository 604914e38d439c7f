import { SparseMemory, wordStore } from 'sriovsim/base';
import { DmaRequest } from 'sriovsim/dma';
import { Probe, Scheduler } from 'sriovsim/kernel';
import { PcieLink, Requester, RootPort, TlpPool } from 'sriovsim/pcie';
import { type BenchOptions, type BenchPart, type BenchResult, heapGrowth, interleave } from './harness.ts';

/** Simulated time of a batch, in ps. */
const BATCH_PS = 500_000_000;
const FUNCTION = 0x0100;

/**
 * The PCIe link alone: a requester that reads and writes as much as tags and credits allow, a root port in
 * front of memory, and between them credits, Acks, UpdateFCs, SKIPs and completions. TLPs of both directions
 * a wall second.
 */
export const part: BenchPart = {
  name: 'link',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const mixed = traffic(64, true, true);
    const results = await interleave(options, {
      unit: 'TLPs/s',
      reference: 'reads of 64 B alone',
      contenders: [
        { name: 'reads of 64 B alone', run: traffic(64, true, false) },
        { name: 'writes of 64 B alone', run: traffic(64, false, true) },
        { name: 'reads and writes of 64 B', run: mixed },
        { name: 'reads and writes of 1,024 B', run: traffic(1024, true, true) },
      ],
    });
    const rounds = options.quick ? 4 : 40;
    const samples = Math.min(options.samples, 3);
    const growth = heapGrowth({ ...options, samples }, `heap growth over ${rounds} batches`, () => {
      for (let i = 0; i < rounds; i++) mixed();
    });
    return [...results, growth];
  },
};

function traffic(bytes: number, reads: boolean, writes: boolean): () => number {
  const scheduler = new Scheduler();
  const probe = new Probe(scheduler);
  const tlps = new TlpPool();
  const store = new ArrayBuffer(1 << 20);
  const link = new PcieLink('link', scheduler, probe, tlps, {
    rate: { generation: 3, lanes: 8 },
    flightPs: 150_000,
    maxPayloadBytes: 256,
    deviceCredits: credits(0, 0),
    rootCredits: credits(96, 896),
  });
  const port = new RootPort(
    'root port',
    scheduler,
    link,
    tlps,
    new SparseMemory(2 ** 32),
    { lookup: (_, address) => address, foresee: () => true, walk: () => {} },
    { message: () => {} },
    { memoryReadPs: 220_000, maxPayloadBytes: 256, readCompletionBoundary: 64, isMemory: () => true },
    () => {},
  );
  const device = wordStore(store);
  const requester = new Requester('device', link.upstream, tlps, device, {
    tags: 64,
    maxPayloadBytes: 256,
    maxReadRequestBytes: 512,
  });
  port.connect(requester);
  link.downstream.receiver = { receive: (tlp) => requester.complete(tlp) };
  let at = 0;
  const one = Object.assign(new DmaRequest(), { routingId: FUNCTION, bytes });
  const request = (address: number) => {
    one.address = address;
    return one;
  };
  const issue = () => {
    while (reads && requester.canRead(bytes)) {
      at = (at + bytes) & 0xfffff;
      requester.read(request(0x10_0000 + at));
      if (writes && requester.canWrite()) requester.write(request(0x20_0000 + at));
    }
    while (!reads && requester.canWrite()) {
      at = (at + bytes) & 0xfffff;
      requester.write(request(0x20_0000 + at));
    }
  };
  one.client = requester.addClient({ readDone: () => {}, writeDone: () => {}, requesterReady: issue });
  issue();
  return () => {
    const before = link.upstream.tlpsSent + link.downstream.tlpsSent;
    scheduler.runUntil(scheduler.now + BATCH_PS);
    return link.upstream.tlpsSent + link.downstream.tlpsSent - before;
  };
}

function credits(headers: number, data: number) {
  return {
    postedHeaders: headers,
    postedData: data,
    nonPostedHeaders: headers,
    nonPostedData: headers,
    completionHeaders: 0,
    completionData: 0,
  };
}

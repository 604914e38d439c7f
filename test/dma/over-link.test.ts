import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool, RandomStreams, SparseMemory } from '../../src/base/index.ts';
import { ReceiveEngine, TagOperation, TransmitEngine } from '../../src/dma/index.ts';
import { Probe, Scheduler } from '../../src/kernel/index.ts';
import {
  EndpointPort,
  NOT_CLAIMED,
  PcieLink,
  Requester,
  RootPort,
  TlpPool,
  TRANSLATION_MISS,
  type TranslationClient,
} from '../../src/pcie/index.ts';
import { DATA, DONE, END, REPORT, TestReceiveFormat, TestTransmitFormat, WRITTEN } from './formats.ts';

const [RINGS, BUFFERS, STRIDE] = [0x10_0000, 0x100_0000, 0x40_0000];

interface Load {
  readonly queues: number;
  readonly ringSize: number;
  readonly tags: number;
  readonly headers: number;
  readonly mrrs: number;
  readonly mps: number;
  readonly cacheDescriptors: number;
  readonly slots: number;
  readonly misses: number;
  readonly holdPs: number;
  readonly frames: { queue: number; parts: number[] }[];
  readonly seed: number;
}

/**
 * Transmit rings whose frames all go to the receive ring of the next queue, over a link to memory. Software
 * posts as soon as it sees room, and looks at memory only; what it does not see come back has been lost.
 */
function loopback(load: Load): { events: number; nowPs: number } {
  const { queues, ringSize, frames: work } = load;
  const random = new RandomStreams(load.seed).stream('load');
  const scheduler = new Scheduler();
  const probe = new Probe(scheduler);
  const tlps = new TlpPool(4096);
  const memory = new SparseMemory(2 ** 32);
  const credits = {
    postedHeaders: load.headers,
    postedData: (load.mps / 16) * load.headers,
    nonPostedHeaders: load.headers,
    nonPostedData: load.headers,
    completionHeaders: 0,
    completionData: 0,
  };
  const link = new PcieLink('link', scheduler, probe, tlps, {
    rate: { generation: 3, lanes: 4 },
    flightPs: 100_000,
    maxPayloadBytes: load.mps,
    deviceCredits: credits,
    rootCredits: credits,
  });
  const deliveries = 64;
  const transmitStore = TransmitEngine.storeBytes(queues);
  const frames = new FramePool({
    slots: load.slots,
    slotBytes: 2048,
    extraBytes: transmitStore + ReceiveEngine.storeBytes(queues, deliveries),
  });
  const requester = new Requester('requester', link.upstream, tlps, frames, {
    tags: load.tags,
    maxPayloadBytes: load.mps,
    maxReadRequestBytes: load.mrrs,
  });
  const walked = scheduler.task('walked', (walk) => walks[walk]());
  const walks: (() => void)[] = [];
  const translator = {
    lookup: (_id: number, address: number) =>
      random.integer(100) < load.misses ? TRANSLATION_MISS : address,
    walk: (_id: number, address: number, _isWrite: boolean, client: TranslationClient, cookie: number) => {
      walks.push(() => client.translated(cookie, address));
      scheduler.schedule(random.integer(1_000_000), walked, walks.length - 1, 0);
    },
  };
  const root = new RootPort(
    'root',
    scheduler,
    link,
    tlps,
    memory,
    translator,
    { message: () => {} },
    {
      memoryReadPs: 100_000,
      maxPayloadBytes: load.mps,
      readCompletionBoundary: 64,
      isMemory: () => true,
      written: (address) => address < BUFFERS && look(),
    },
    () => {},
  );
  root.connect(requester);
  const nobody = {
    memoryRead: () => NOT_CLAIMED,
    memoryWrite: () => false,
    configRead: () => NOT_CLAIMED,
    configWrite: () => false,
  };
  new EndpointPort('endpoint', scheduler, link, tlps, nobody, requester, 0);
  const receive: ReceiveEngine = new ReceiveEngine(
    'receive',
    scheduler,
    frames,
    requester,
    new TestReceiveFormat(),
    {
      frameWritten: () => {},
      statusWritten: () => {},
      frameDropped: () => expect.unreachable('rings hold their frames'),
      frameReleased: (_queue, slot) => {
        transmit.releaseBuffer(frames.lengths[slot]);
        transmit.slotFreed();
      },
      ringFailed: () => expect.unreachable('rings can be read'),
    },
    {
      queues,
      cacheDescriptors: load.cacheDescriptors,
      deliveries,
      writeBackHoldPs: load.holdPs,
      storeOffset: frames.extraOffset + transmitStore,
    },
  );
  const transmit = new TransmitEngine(
    'transmit',
    frames,
    requester,
    new TestTransmitFormat(),
    {
      frameFetched: (queue, slot) => receive.deliver((queue + 1) % queues, slot, TagOperation.NONE),
      frameFailed: () => expect.unreachable('every frame is good'),
      statusWritten: () => {},
      ringFailed: () => expect.unreachable('rings can be read'),
    },
    {
      queues,
      cacheDescriptors: load.cacheDescriptors,
      packetBufferBytes: 8192,
      reservedSlots: 2,
      storeOffset: frames.extraOffset,
      maxFrameBytes: 1600,
    },
  );

  // Software: what it has posted and seen of each ring, and the frames that are still to be sent and to
  // arrive.
  const zeros = () => new Array<number>(queues).fill(0);
  const [txPosted, txSeen, rxPosted, rxSeen] = [zeros(), zeros(), zeros(), zeros()];
  const txEnds = Array.from({ length: queues }, (): number[] => []);
  const toSend = Array.from({ length: queues }, (): number[][] => []);
  const toArrive = Array.from({ length: queues }, (): { bytes: number; salt: number }[] => []);
  for (const [i, { queue, parts }] of work.entries()) {
    toSend[queue % queues].push(parts);
    toArrive[(queue + 1) % queues].push({ bytes: parts.reduce((sum, part) => sum + part, 0), salt: i });
  }
  const salts = Array.from({ length: queues }, (_, queue) =>
    work.flatMap(({ queue: q }, i) => (q % queues === queue ? [i] : [])),
  );
  const txAt = (queue: number, number: number) => RINGS + queue * 0x4000 + (number % ringSize) * 16;
  const rxAt = (queue: number, number: number) => txAt(queue, number) + 0x2000;
  const bufferAt = (queue: number, index: number, isRx: boolean) =>
    BUFFERS + queue * STRIDE + (isRx ? STRIDE / 2 : 0) + index * 2112;
  let arrived = 0;

  function look(): void {
    for (let queue = 0; queue < queues; queue++) {
      while (rxSeen[queue] < rxPosted[queue] && memory.read32(rxAt(queue, rxSeen[queue]) + 12) === WRITTEN) {
        const { bytes, salt } = toArrive[queue].shift() as { bytes: number; salt: number };
        const buffer = bufferAt(queue, rxSeen[queue] % ringSize, true);
        if (memory.read32(rxAt(queue, rxSeen[queue])) !== bytes) expect.fail('a frame has the wrong length');
        for (let i = 0; i < bytes; i++)
          if (memory.read8(buffer + i) !== ((salt * 5 + i) & 0xff)) expect.fail('a frame has a wrong byte');
        rxSeen[queue]++;
        arrived++;
      }
      // The last descriptor of a frame has its status: all of them are software's again.
      while (txEnds[queue].length > 0 && memory.read32(txAt(queue, txEnds[queue][0]) + 8) === DONE)
        txSeen[queue] = (txEnds[queue].shift() as number) + 1;
    }
    scheduler.schedule(1000, refill, 0, 0);
  }

  const refill = scheduler.task('software', () => {
    for (let queue = 0; queue < queues; queue++) {
      if (rxPosted[queue] - rxSeen[queue] < ringSize - 1) {
        while (rxPosted[queue] - rxSeen[queue] < ringSize - 1) {
          const number = rxPosted[queue]++;
          memory.write64(rxAt(queue, number), bufferAt(queue, number % ringSize, true), 0);
          memory.write64(rxAt(queue, number) + 8, 0, 0);
        }
        receive.setTail(queue, rxPosted[queue] % ringSize);
      }
      const before = txPosted[queue];
      while (
        toSend[queue].length > 0 &&
        txPosted[queue] - txSeen[queue] + toSend[queue][0].length < ringSize
      ) {
        const parts = toSend[queue].shift() as number[];
        const salt = salts[queue].shift() as number;
        let offset = 0;
        for (const [i, bytes] of parts.entries()) {
          const number = txPosted[queue]++;
          const buffer = bufferAt(queue, number % ringSize, false) + (number % 7);
          for (let k = 0; k < bytes; k++) memory.write8(buffer + k, salt * 5 + offset + k);
          offset += bytes;
          const flags = DATA | bytes | (i === parts.length - 1 ? END | REPORT : 0);
          memory.write64(txAt(queue, number), buffer, 0);
          memory.write64(txAt(queue, number) + 8, flags, 0);
        }
        txEnds[queue].push(txPosted[queue] - 1);
      }
      if (txPosted[queue] !== before) transmit.setTail(queue, txPosted[queue] % ringSize);
    }
  });

  for (let queue = 0; queue < queues; queue++) {
    for (const engine of [transmit, receive]) {
      engine.rings.ring(queue).base = engine === transmit ? txAt(queue, 0) : rxAt(queue, 0);
      engine.rings.ring(queue).size = ringSize;
      engine.rings.ring(queue).routingId = 0x100 + queue;
      engine.rings.ring(queue).prefetchThreshold = 8;
      engine.rings.ring(queue).hostThreshold = 4;
      engine.enable(queue);
    }
  }
  scheduler.schedule(0, refill, 0, 0);
  scheduler.runUntilIdle();
  expect(arrived).toBe(work.length);
  expect(frames.available).toBe(frames.slots);
  expect(requester.counters().tagsInUse).toBe(0);
  expect(tlps.available).toBe(tlps.capacity);
  return { events: scheduler.events, nowPs: scheduler.now };
}

describe('both engines over a link', () => {
  const load: fc.Arbitrary<Load> = fc.record({
    queues: fc.integer({ min: 1, max: 4 }),
    ringSize: fc.constantFrom(8, 16, 64),
    tags: fc.constantFrom(2, 4, 16, 64),
    headers: fc.constantFrom(1, 2, 8, 60),
    mrrs: fc.constantFrom(128, 512),
    mps: fc.constantFrom(128, 256),
    cacheDescriptors: fc.constantFrom(4, 40, 64),
    slots: fc.constantFrom(4, 8, 60),
    misses: fc.constantFrom(0, 0, 10, 60),
    holdPs: fc.constantFrom(0, 200_000),
    frames: fc.array(
      fc.record({
        queue: fc.nat(3),
        parts: fc.oneof(
          fc.tuple(fc.integer({ min: 60, max: 1514 })),
          fc.array(fc.integer({ min: 20, max: 400 }), { minLength: 1, maxLength: 4 }),
        ),
      }),
      { minLength: 1, maxLength: 150 },
    ),
    seed: fc.nat(),
  });

  it('carry every frame from ring to ring, whatever is scarce: tags, credits, slots, buffers, translations', () => {
    fc.assert(
      fc.property(load, (given) => {
        loopback(given);
      }),
      { numRuns: 60 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { FramePool, SparseMemory, wordStore } from '../../src/base/index.ts';
import {
  type DmaClient,
  DmaRequest,
  MemoryDmaPort,
  ReceiveEngine,
  TagOperation,
  TransmitEngine,
} from '../../src/dma/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import {
  AdvancedReceiveFormat,
  AdvancedTransmitFormat,
  DCMD_DEXT,
  DCMD_EOP,
  DCMD_RS,
  DTYP_DATA,
  STATUS_DD,
  STATUS_EOP,
  STATUS_VP,
} from '../../src/nic/advanced-descriptors.ts';

function client(log: string[]): DmaClient {
  return {
    readDone: (cookie, status) => log.push(`read ${cookie} ${status}`),
    writeDone: (cookie) => log.push(`write ${cookie}`),
    requesterReady: () => log.push('ready'),
  };
}

function port() {
  const memory = new SparseMemory(2 ** 30);
  const store = wordStore(new ArrayBuffer(4096));
  return { memory, store, port: new MemoryDmaPort(memory, store) };
}

/** A request in one piece, signed with Routing ID 0. */
function request(address: number, bytes: number, offset: number, client: number, cookie: number): DmaRequest {
  return Object.assign(new DmaRequest(), { address, bytes, offset, client, cookie });
}

describe('MemoryDmaPort', () => {
  it('moves bytes at once and tells its clients in order when it is run', () => {
    const { memory, store, port: dma } = port();
    const log: string[] = [];
    const number = dma.addClient(client(log));
    store.u8.set([1, 2, 3, 4, 5], 100);
    dma.write(request(0x1000, 5, 100, number, 7));
    dma.read(request(0x1001, 4, 200, number, 8));
    expect(log).toEqual([]);
    expect(dma.run()).toBe(2);
    expect(log).toEqual(['write 7', 'read 8 0']);
    expect([...store.u8.subarray(200, 204)]).toEqual([2, 3, 4, 5]);
    expect(memory.read8(0x1004)).toBe(5);
  });

  it('puts a double word in or leaves bytes out', () => {
    const { memory, store, port: dma } = port();
    const number = dma.addClient(client([]));
    store.u8.set([1, 2, 3, 4, 5, 6, 7, 8], 0);
    const put = request(0x1001, 9, 0, number, 0);
    dma.write(Object.assign(put, { headBytes: 3, inserts: 1, insert: 0x0d0c0b0a }));
    const left = request(0x2001, 5, 0, number, 0);
    dma.write(Object.assign(left, { headBytes: 3, skipBytes: 2 }));
    const bytes = (address: number, count: number) =>
      Array.from({ length: count }, (_, i) => memory.read8(address + i));
    expect(bytes(0x1001, 9)).toEqual([1, 2, 3, 0xa, 0xb, 0xc, 0xd, 4, 5]);
    expect(bytes(0x2001, 5)).toEqual([1, 2, 3, 6, 7]);
  });

  it('refuses what it cannot keep, says when there is room again, and loses nothing', () => {
    const { port: dma } = port();
    const log: string[] = [];
    const number = dma.addClient(client(log));
    let issued = 0;
    while (dma.canWrite()) {
      // As much as an engine may write for one question.
      for (let i = 0; i < 8; i++) dma.write(request(0x1000, 4, 0, number, issued++));
    }
    expect(dma.canRead()).toBe(false);
    expect(dma.run()).toBe(issued);
    expect(log.filter((entry) => entry.startsWith('write'))).toHaveLength(issued);
    expect(log).toContain('ready');
    expect(dma.canRead()).toBe(true);
  });

  it('carries both engines with the descriptors of a real card: frames from one ring to another, by the hundred', () => {
    const memory = new SparseMemory(2 ** 30);
    const scheduler = new Scheduler();
    const [SIZE, TX_RING, RX_RING, TX_BUFFERS, RX_BUFFERS] = [64, 0x1000, 0x3000, 0x10_0000, 0x20_0000];
    const transmitStore = TransmitEngine.storeBytes(1);
    const frames = new FramePool({
      slots: 32,
      slotBytes: 2048,
      extraBytes: transmitStore + ReceiveEngine.storeBytes(1, 32),
    });
    const dma = new MemoryDmaPort(memory, frames);
    const receive: ReceiveEngine = new ReceiveEngine(
      'receive',
      scheduler,
      frames,
      dma,
      new AdvancedReceiveFormat(),
      {
        frameWritten: () => {},
        statusWritten: () => {},
        frameDropped: () => expect.unreachable('there are buffers for all'),
        frameReleased: (_queue, slot) => {
          transmit.releaseBuffer(frames.lengths[slot]);
          transmit.slotFreed();
        },
        ringFailed: () => {},
      },
      {
        queues: 1,
        cacheDescriptors: 40,
        deliveries: 32,
        writeBackHoldPs: 0,
        storeOffset: frames.extraOffset + transmitStore,
      },
    );
    const transmit = new TransmitEngine(
      'transmit',
      frames,
      dma,
      new AdvancedTransmitFormat(),
      {
        frameFetched: (_queue, slot) => receive.deliver(0, slot, TagOperation.STRIP),
        frameFailed: () => expect.unreachable('every frame is good'),
        statusWritten: () => {},
        ringFailed: () => {},
      },
      {
        queues: 1,
        cacheDescriptors: 40,
        packetBufferBytes: 8192,
        reservedSlots: 2,
        storeOffset: frames.extraOffset,
        maxFrameBytes: 1600,
      },
    );
    for (const [engine, base] of [
      [transmit, TX_RING],
      [receive, RX_RING],
    ] as const) {
      engine.rings.ring(0).base = base;
      engine.rings.ring(0).size = SIZE;
      engine.enable(0);
    }
    let [sent, received] = [0, 0];
    // Each descriptor has a buffer of its own, posted again when it has been looked at.
    const post = (index: number) => {
      memory.write64(RX_RING + index * 16, RX_BUFFERS + index * 2048, 0);
      memory.write64(RX_RING + index * 16 + 8, 0, 0);
    };
    for (let i = 0; i < SIZE - 1; i++) post(i);
    receive.setTail(0, SIZE - 1);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 50; i++, sent++) {
        const [at, bytes] = [TX_BUFFERS + i * 2048, 64 + ((sent * 37) % 1400)];
        for (let k = 0; k < bytes; k += 4) memory.write32(at + k, sent * 4096 + k);
        memory.write32(at + 12, 0x0500_0081); // a tag with TCI 5
        const descriptor = TX_RING + (sent % SIZE) * 16;
        memory.write64(descriptor, at, 0);
        memory.write64(descriptor + 8, bytes | DTYP_DATA | DCMD_DEXT | DCMD_EOP | DCMD_RS, bytes << 14);
      }
      transmit.setTail(0, sent % SIZE);
      dma.run();
      for (let i = 0; i < 50; i++, received++) {
        expect(memory.read32(TX_RING + (received % SIZE) * 16 + 12)).toBe(STATUS_DD);
        const descriptor = RX_RING + (received % SIZE) * 16;
        const bytes = 64 + ((received * 37) % 1400);
        expect(memory.read32(descriptor + 8)).toBe(STATUS_DD | STATUS_EOP | STATUS_VP);
        expect(memory.read32(descriptor + 12)).toBe((bytes - 4) | (5 << 16));
        const at = RX_BUFFERS + (received % SIZE) * 2048;
        expect(memory.read32(at)).toBe(received * 4096);
        expect(memory.read32(at + 12)).toBe(received * 4096 + 16);
        post((received + SIZE - 1) % SIZE);
      }
      receive.setTail(0, (received + SIZE - 1) % SIZE);
    }
    expect(frames.available).toBe(frames.slots);
    expect([transmit.framesFetched, receive.framesWritten]).toEqual([1000, 1000]);
  });
});

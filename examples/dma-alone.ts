/**
 * The DMA engine alone, over a port straight to memory: a descriptor ring in host memory, as a driver writes it, from which the
 * transmit engine fetches frames, and a ring of empty buffers, which the receive engine fills. No bus, no IOMMU.
 *
 * What to look at: who owns the tail and the head, what a descriptor looks like before and after, and how many
 * requests the engine makes of the memory.
 *
 *     node .build/examples/dma-alone.js
 */
import { FramePool, SparseMemory } from 'sriovsim/base';
import { MemoryDmaPort, ReceiveEngine, TagOperation, TransmitEngine } from 'sriovsim/dma';
import { Scheduler } from 'sriovsim/kernel';
import { AdvancedReceiveFormat, AdvancedTransmitFormat } from 'sriovsim/nic';
import { intel82599 } from 'sriovsim/profiles';

const RING = 16; // descriptors
const TX_RING = 0x1_0000;
const RX_RING = 0x2_0000;
const TX_BUFFERS = 0x10_0000;
const RX_BUFFERS = 0x20_0000;
const FRAME_BYTES = 60;
const DELIVERIES = 16;

const scheduler = new Scheduler();
const memory = new SparseMemory(2 ** 32);
const transmitStore = TransmitEngine.storeBytes(1);
const frames = new FramePool({
  slots: 16,
  extraBytes: transmitStore + ReceiveEngine.storeBytes(1, DELIVERIES),
});
const port = new MemoryDmaPort(memory, frames);

const receive = new ReceiveEngine(
  'receive',
  scheduler,
  frames,
  port,
  new AdvancedReceiveFormat(),
  {
    frameWritten: (_queue, slot, index) => console.log(`  slot ${slot} goes to receive descriptor ${index}`),
    statusWritten: () => {},
    frameDropped: () => console.log('  no descriptor: dropped'),
    frameReleased: () => {},
    ringFailed: () => {},
  },
  {
    queues: 1,
    cacheDescriptors: 32,
    deliveries: DELIVERIES,
    writeBackHoldPs: intel82599.writeBackHoldPs,
    storeOffset: frames.extraOffset + transmitStore,
  },
);
const transmit = new TransmitEngine(
  'transmit',
  frames,
  port,
  new AdvancedTransmitFormat(),
  {
    // A frame has been fetched: here it goes straight back, as if the switch had one receiver.
    frameFetched: (_queue, slot, index) => {
      console.log(`  transmit descriptor ${index} brings ${frames.lengths[slot]} bytes into slot ${slot}`);
      transmit.releaseBuffer(frames.lengths[slot]);
      receive.deliver(0, slot, TagOperation.NONE);
    },
    frameFailed: () => {},
    statusWritten: () => {},
    ringFailed: () => {},
  },
  {
    queues: 1,
    cacheDescriptors: 40,
    packetBufferBytes: 4096,
    reservedSlots: 2,
    storeOffset: frames.extraOffset,
    maxFrameBytes: 1518,
  },
);

/** A descriptor as software sees it. */
const descriptor = (ring: number, index: number) =>
  [0, 4, 8, 12].map((at) => hex(memory.read32(ring + 16 * index + at))).join(' ');
const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0');

// The driver's part: rings and buffers in memory (82599 datasheet 7.1.6 and 7.2.3.2.4).
for (const [engine, base] of [
  [transmit, TX_RING],
  [receive, RX_RING],
] as const) {
  const ring = engine.rings.ring(0);
  ring.base = base;
  ring.size = RING;
  engine.enable(0);
}
for (let i = 0; i < RING; i++) memory.write32(RX_RING + 16 * i, RX_BUFFERS + 2048 * i);
for (let i = 0; i < 5; i++) {
  memory.write32(TX_BUFFERS + 2048 * i + 56, 0xcafe0000 + i);
  memory.write32(TX_RING + 16 * i, TX_BUFFERS + 2048 * i);
  // DTYP 3 (data), EOP, IFCS, DEXT; the last one also asks for its status (RS).
  memory.write32(TX_RING + 16 * i + 8, FRAME_BYTES | 0x2330_0000 | (i === 4 ? 1 << 27 : 0));
  memory.write32(TX_RING + 16 * i + 12, FRAME_BYTES << 14);
}
console.log(`before: transmit descriptor 4 is ${descriptor(TX_RING, 4)}`);
console.log(`        receive descriptor 0 is  ${descriptor(RX_RING, 0)}`);

console.log(
  'receive tail to 15: the card has 15 empty buffers. One stays unused, or full would look like empty',
);
receive.setTail(0, RING - 1);
let requests = port.run();
console.log('transmit tail to 5: five frames to send');
transmit.setTail(0, 5);
requests += port.run();
// Descriptors that do not fill a line of four wait for others, but not for long.
scheduler.runUntilIdle();
requests += port.run();

console.log(`after:  transmit head is ${transmit.rings.ring(0).head}`);
console.log(`        transmit descriptor 4 is ${descriptor(TX_RING, 4)} (done)`);
console.log(`        receive descriptor 0 is  ${descriptor(RX_RING, 0)} (done, end of packet, 60 bytes)`);
console.log(`        last word of receive buffer 4 is ${hex(memory.read32(RX_BUFFERS + 4 * 2048 + 56))}`);
const { descriptorFetches, framesFetched, statusWrites } = transmit.counters();
console.log(
  `${requests} requests to memory: transmit ${descriptorFetches} descriptor fetch, ${framesFetched} frames, ${statusWrites} status;`,
  `receive ${receive.counters().descriptorFetches} fetch, ${receive.framesWritten} frames, ${receive.writeBacks} write-backs`,
);

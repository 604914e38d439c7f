/** The DMA engine: descriptor rings in host memory, transmit and receive halves. It knows no chip and no bus. */
export {
  DESCRIPTOR_BYTES,
  type ReceiveFormat,
  TransmitDescriptor,
  type TransmitFormat,
} from './descriptor-format.ts';
export { DescriptorRings, type DescriptorRingsOptions, fetchQueueOf } from './descriptor-rings.ts';
export { DMA_OK, type DmaClient, type DmaPort, MemoryDmaPort } from './dma-port.ts';
export { DmaRequest } from './dma-request.ts';
export type { EarlyHandOver, EarlySink } from './early-hand-over.ts';
export { type LargeSendOwner, type LargeSendShape, LargeSends } from './large-send.ts';
export { PipelinedPort } from './pipelined-port.ts';
export { ReceiveEngine } from './receive-engine.ts';
export { type ReceiveEngineOptions, type ReceiveSink, TagOperation } from './receive-options.ts';
export type { ReceiveRing } from './receive-ring.ts';
export { ReportPolicy } from './report-policy.ts';
export { CACHE_ENTRIES, Ring } from './ring.ts';
export { ScheduledTurns } from './scheduled-turns.ts';
export { TransmitEngine } from './transmit-engine.ts';
export type { TransmitEngineOptions, TransmitOffload, TransmitSink } from './transmit-options.ts';
export type { TransmitRing } from './transmit-ring.ts';
export { type TransmitShare, TransmitShares } from './transmit-shares.ts';
export type { TransmitReports } from './transmit-status.ts';
export type { Turns } from './transmit-turns.ts';
export { writeBackOf } from './write-backs.ts';

/** The DMA engine: descriptor rings in host memory, transmit and receive halves. It knows no chip and no bus. */
export { DESCRIPTOR_BYTES, type ReceiveFormat, type TransmitFormat } from './descriptor-format.ts';
export { CACHE_ENTRIES, DescriptorRings, type DescriptorRingsOptions } from './descriptor-rings.ts';
export {
  DMA_OK,
  type DmaClient,
  type DmaPort,
  DmaRequest,
  type DmaStore,
  MemoryDmaPort,
} from './dma-port.ts';
export {
  ReceiveEngine,
  type ReceiveEngineOptions,
  type ReceiveSink,
  TagOperation,
} from './receive-engine.ts';
export { TransmitEngine } from './transmit-engine.ts';
export type { TransmitEngineOptions, TransmitSink } from './transmit-options.ts';

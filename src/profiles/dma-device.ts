/** A device whose DMA engine is measured, as frozen data; every time in ps. */
export interface DmaDeviceProfile {
  readonly name: string;
  /** Reads that it keeps under way. They end in order: the next one waits for the oldest. */
  readonly readsUnderWay: number;
  /**
   * Time a byte for which the first completion of a read stays in its receiver, which passes a TLP on when all of it is
   * there and its LCRC is right. Those behind it come in meanwhile.
   */
  readonly receivePsPerByte: number;
  /** Time a byte to move a read's data to where the program finds it, once all of it is there. */
  readonly movePsPerByte: number;
}

/**
 * Netronome NFP-6000 at 1.2 GHz with its DMA engines: the device of the measurements in "Understanding PCIe performance for
 * end host networking" (SIGCOMM '18).
 *
 * - `readsUnderWay`: fitted. 33.6 Gb/s of 64-byte reads at 612 ns each are 40 of them. That they end in order is what the
 *   bandwidth at 128 pages says: one read of twelve misses the IOTLB there, and all are held up by it.
 * - `receivePsPerByte`, `movePsPerByte`: fitted to the latencies by size, which grow by 0.42 ns a byte up to a completion of
 *   256 bytes and by 0.28 behind it, where the link alone would take 0.14.
 */
export const nfp6000: DmaDeviceProfile = Object.freeze({
  name: 'nfp-6000',
  readsUnderWay: 40,
  receivePsPerByte: 127,
  movePsPerByte: 156,
});

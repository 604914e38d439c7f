import { checkInteger, checkOneOf } from '../base/index.ts';
import { linkPsPerByte, SKIP_INTERVAL_SYMBOLS, SKIP_SYMBOLS, updateLatencySymbols } from './link-rate.ts';
import { DATA_LINK_OVERHEAD_BYTES, DLLP_BYTES, HEADER_3DW_BYTES, HEADER_4DW_BYTES } from './tlp.ts';

/** What {@link pcieBandwidth} is asked about. */
export interface BandwidthQuestion {
  /** 1 to 5. */
  readonly generation: number;
  /** 1, 2, 4, 8, 12, 16 or 32. */
  readonly lanes: number;
  /** Max_Payload_Size: a power of two from 128 to 4,096. */
  readonly mps: number;
  /** Max_Read_Request_Size: a power of two from 128 to 4,096. */
  readonly mrrs: number;
  /**
   * Read Completion Boundary, 64 or 128. Of use with `rcbChunks` only, because requests are taken to be
   * aligned. Default 64.
   */
  readonly rcb?: number;
  /**
   * Whether the completer answers in pieces of the Read Completion Boundary, as older root complexes do.
   * Default false.
   */
  readonly rcbChunks?: boolean;
  /** Bytes of each transfer, from 1 on. */
  readonly size: number;
  /** Bits of the addresses: 64 (headers of four double words) or 32. Default 64. */
  readonly addressBits?: number;
}

/** What a link carries, in Gb/s of payload. */
export interface Bandwidth {
  /** Memory Writes in one direction. */
  readonly write: number;
  /** Memory Reads: their completions in one direction, the requests in the other. */
  readonly read: number;
  /** Each direction's payload while as many bytes are read as are written. */
  readonly readWrite: number;
}

/** SKIP ordered sets, for any generation. */
const SKIP_SHARE = SKIP_SYMBOLS / SKIP_INTERVAL_SYMBOLS;

/**
 * The bandwidth of a link in closed form, after the model in "Understanding PCIe performance for end host
 * networking" (SIGCOMM '18): TLPs with their framing and headers, an Ack and an UpdateFC in every so many
 * *bytes* as the specification allows symbol times, and SKIP ordered sets. The paper's figures come out. A
 * link that keeps to the limits in symbol times spends less on DLLPs where it is wide: what {@link PcieLink}
 * measures is then higher.
 *
 * @throws TypeError or RangeError that names the argument.
 * @example
 * pcieBandwidth({ generation: 3, lanes: 8, mps: 256, mrrs: 512, size: 64 });
 * // { write: 42.1, read: 44.1, readWrite: 33.08 }, rounded
 */
export function pcieBandwidth(question: BandwidthQuestion): Bandwidth {
  const { generation, lanes, mps, mrrs, rcb = 64, rcbChunks = false, size, addressBits = 64 } = question;
  const sizes = [128, 256, 512, 1024, 2048, 4096];
  const [numerator, denominator] = linkPsPerByte({ generation, lanes });
  checkOneOf('mps', mps, sizes);
  checkOneOf('mrrs', mrrs, sizes);
  checkOneOf('rcb', rcb, [64, 128]);
  checkInteger('size', size, 1, 2 ** 32);
  const header =
    checkOneOf('addressBits', addressBits, [32, 64]) === 64 ? HEADER_4DW_BYTES : HEADER_3DW_BYTES;

  // The tables of the specification have whole numbers.
  const dllpShare = DLLP_BYTES / Math.floor(updateLatencySymbols({ generation, lanes }, mps));
  const rawGbps = (8000 * denominator) / numerator;
  const tlpGbps = rawGbps * (1 - 2 * dllpShare - SKIP_SHARE);

  const requestBytes = DATA_LINK_OVERHEAD_BYTES + header;
  const completionBytes = DATA_LINK_OVERHEAD_BYTES + HEADER_3DW_BYTES;
  const writes = Math.ceil(size / mps) * requestBytes + size;
  const requests = Math.ceil(size / mrrs) * requestBytes;
  const completions = Math.ceil(size / (rcbChunks ? rcb : mps)) * completionBytes + size;
  const payloadGbps = (linkBytes: number) => (size / linkBytes) * tlpGbps;
  return {
    write: payloadGbps(writes),
    read: payloadGbps(Math.max(requests, completions)),
    readWrite: payloadGbps(Math.max(writes + requests, completions)),
  };
}

import { checkInteger, checkOneOf } from '../base/index.ts';
import { FLIT_TLP_BYTES, FlitClock, flitsBetweenSkips } from './flit.ts';
import { FlitPacker, SHORT_BYTES } from './flit-packer.ts';
import { OHC_BYTES } from './flit-tlp.ts';
import { linkPsPerByte, SKIP_INTERVAL_SYMBOLS, SKIP_SYMBOLS, updateLatencySymbols } from './link-rate.ts';
import { DATA_LINK_OVERHEAD_BYTES, DLLP_BYTES, HEADER_3DW_BYTES, HEADER_4DW_BYTES } from './tlp.ts';

/** What {@link pcieBandwidth} is asked about. */
export interface BandwidthQuestion {
  /** 1 to 6. */
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
 * Generation 6 is in Flit Mode, which that model does not have: TLPs without framing, sequence number and LCRC in 236 of 256
 * bytes of each flit, eight at most in each half of a flit, Acks and UpdateFCs beside them, and SKIP ordered sets. What
 * `PcieLink` measures is the same.
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

  if (generation > 5) return flitBandwidth(question, header, rcbChunks ? rcb : mps);

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

/** Flits that a pattern of short TLPs is put into. */
const PACKED_FLITS = 1000;

/** As {@link pcieBandwidth} for a link in Flit Mode. @param piece bytes of a completion at most. */
function flitBandwidth(question: BandwidthQuestion, header: number, piece: number): Bandwidth {
  const { generation, lanes, mps, mrrs, size } = question;
  const clock = new FlitClock({ generation, lanes });
  // Gb/s of TLP bytes: bits a ps, times 1,000.
  const tlpGbps = (flitsBetweenSkips(lanes) * FLIT_TLP_BYTES * 8000) / clock.periodPs;
  // Bytes at the end of a double word that are not meant are left out by byte enables, in OHC-A1.
  const enables = size % 4 === 0 ? 0 : OHC_BYTES;
  const words = Math.ceil(size / 4) * 4;
  const asked = piecesOf(words, mrrs);
  const writes = longer(piecesOf(words, mps), header, enables);
  const requests = longer(
    asked.map(({ count }) => ({ bytes: 0, count })),
    header,
    enables,
  );
  const split = asked.flatMap((run) =>
    piecesOf(run.bytes, piece).map(({ bytes, count }) => ({ bytes, count: count * run.count })),
  );
  const answers = longer(split, HEADER_3DW_BYTES, 0);
  const rate = (tlps: readonly Run[]) => (size / flitBytes(tlps)) * tlpGbps;
  return {
    write: rate(writes),
    read: Math.min(rate(requests), rate(answers)),
    readWrite: Math.min(rate([...requests, ...writes]), rate(answers)),
  };
}

/** Equal TLPs, or pieces of a transfer, that follow each other: a long transfer has too many for a list. */
interface Run {
  readonly bytes: number;
  readonly count: number;
}

/** The pieces of a transfer: the whole ones and the rest. */
function piecesOf(size: number, piece: number): Run[] {
  const rest = size % piece;
  const runs = [
    { bytes: piece, count: Math.floor(size / piece) },
    { bytes: rest, count: rest > 0 ? 1 : 0 },
  ];
  return runs.filter(({ count }) => count > 0);
}

/** TLPs of these pieces: `header` with each, `more` with the last. */
function longer(pieces: readonly Run[], header: number, more: number): Run[] {
  const tlps = pieces.map(({ bytes, count }) => ({ bytes: header + bytes, count }));
  const { bytes, count } = tlps[tlps.length - 1];
  if (more === 0) return tlps;
  tlps.pop();
  if (count > 1) tlps.push({ bytes, count: count - 1 });
  return [...tlps, { bytes: bytes + more, count: 1 }];
}

/** TLP bytes of flits that these TLPs take, again and again: more than they have where they are short. */
function flitBytes(tlps: readonly Run[]): number {
  if (tlps.every(({ bytes }) => bytes >= SHORT_BYTES)) {
    return tlps.reduce((sum, { bytes, count }) => sum + bytes * count, 0);
  }
  const packer = new FlitPacker();
  let rounds = 0;
  for (; packer.flit < PACKED_FLITS; rounds++)
    for (const { bytes, count } of tlps) packer.placeAll(bytes, count);
  return (packer.flit * FLIT_TLP_BYTES + packer.offset) / rounds;
}

import { checkInteger } from '../base/index.ts';
import { write16 } from './bytes.ts';
import { Ecn } from './ecn.ts';
import { ETHERNET_HEADER_BYTES, EtherType, FCS_BYTES, MIN_FRAME_BYTES, writeEthernet } from './ethernet.ts';
import { IPV4_HEADER_BYTES, IpProtocol, writeIpv4 } from './ipv4.ts';
import { BROADCAST, isMulticast } from './mac.ts';
import { UDP_HEADER_BYTES, writeUdp } from './udp.ts';
import { MAX_VLAN_ID, VLAN_TAG_BYTES, writeVlanTag } from './vlan.ts';

/** The longest test frame: 9,000 bytes of IPv4, Ethernet header and frame check sequence. */
export const MAX_TEST_FRAME_BYTES = 9018;

/** What a traffic generator puts into a frame. */
export interface TestFrame {
  /** MAC addresses, as 48-bit integers. */
  readonly destination: number;
  readonly source: number;
  /** An 802.1Q tag: VLAN 0 to 4,094 and priority 0 to 7 (default 0). Untagged without it. */
  readonly vlan?: { readonly id: number; readonly priority?: number };
  /** Number of the flow, 0 to 2^31 - 1. */
  readonly flow: number;
  /** Number of the frame within its flow, 0 to 2^31 - 1. Default 0. */
  readonly sequence?: number;
  /** ECN bits of its IP header. Default {@link Ecn}.NOT_ECT. */
  readonly ecn?: Ecn;
  /** Bytes with tag and frame check sequence, 64 to 9,018. */
  readonly frameBytes: number;
}

const MAGIC = 0x5e1f;
const HEADERS_BYTES = ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + UDP_HEADER_BYTES;

/** Magic number, flow and sequence number. */
const STAMP_BYTES = 10;

/**
 * Offset of the stamp in a test frame: a 16-bit magic number, then flow and sequence number with 32 bits each, all
 * little-endian. The numbers are word-aligned in a frame that starts at a multiple of four.
 */
export function stampOffset(tagged: boolean): number {
  return tagged ? HEADERS_BYTES + VLAN_TAG_BYTES : HEADERS_BYTES;
}

/**
 * Writes a test frame at `offset` of `target` and returns its bytes in memory: `frameBytes - 4`, because the frame check
 * sequence is not kept. It is an IPv4/UDP frame without UDP checksum, so that flow and sequence number can be changed
 * without work; addresses and ports follow from the MAC addresses and the flow, and the payload from the flow.
 *
 * @throws TypeError or RangeError if a field is out of its range or the frame does not fit into `target`.
 * @example
 * const bytes = buildTestFrame(
 *   { destination: parseMac('02:00:00:00:01:0b'), source: parseMac('02:00:00:00:01:0a'), flow: 7, frameBytes: 64 },
 *   pool.u8,
 *   pool.offsetOf(slot),
 * ); // 60
 */
export function buildTestFrame(frame: TestFrame, target: Uint8Array, offset: number): number {
  const { destination, source, vlan } = frame;
  checkInteger('destination', destination, 0, BROADCAST);
  checkInteger('source', source, 0, BROADCAST);
  const flow = checkInteger('flow', frame.flow, 0, 0x7fff_ffff);
  const sequence = checkInteger('sequence', frame.sequence ?? 0, 0, 0x7fff_ffff);
  const bytes =
    checkInteger('frameBytes', frame.frameBytes, MIN_FRAME_BYTES, MAX_TEST_FRAME_BYTES) - FCS_BYTES;
  checkInteger('offset', offset, 0, target.length - bytes);

  let at = offset;
  at += writeEthernet(target, at, { destination, source, etherType: EtherType.IPV4 });
  if (vlan !== undefined) {
    checkInteger('vlan.id', vlan.id, 0, MAX_VLAN_ID);
    at += writeVlanTag(target, at - 2, vlan);
    write16(target, at - 2, EtherType.IPV4);
  }
  const end = offset + bytes;
  at += writeIpv4(target, at, {
    totalBytes: end - at,
    trafficClass: checkInteger('ecn', frame.ecn ?? Ecn.NOT_ECT, Ecn.NOT_ECT, Ecn.CE),
    dontFragment: true,
    protocol: IpProtocol.UDP,
    source: testAddress(source),
    destination: testAddress(destination),
  });
  // The flow's low 14 bits vary the source port and the next 14 the destination port, so that a hash over addresses
  // and ports spreads flows between the same two stations.
  at += writeUdp(target, at, {
    sourcePort: 0xc000 | (flow & 0x3fff),
    destinationPort: 0x8000 | ((flow >>> 14) & 0x3fff),
    totalBytes: end - at,
  });
  at += writeStamp(target, at, flow, sequence);
  for (let i = 0; at + i < end; i++) target[at + i] = flow + i;
  return bytes;
}

/**
 * Index of the word that holds the flow number in a test frame of `bytes` bytes, or -1 if the frame is none.
 *
 * @param words the buffer that holds the frame, as 32-bit words.
 * @param frameWord index of the frame's first word: its byte offset divided by four.
 */
export function findStamp(words: Int32Array, frameWord: number, bytes: number): number {
  // Whole words at once, as a little-endian machine sees them: EtherType in the lower half of word 3 (and, behind a
  // tag, of word 4), UDP checksum 0 and magic number in the one before the flow number.
  let tagWords = 0;
  let etherType = words[frameWord + 3] & 0xffff;
  if (etherType === VLAN_SWAPPED) {
    tagWords = 1;
    etherType = words[frameWord + 4] & 0xffff;
  }
  const stampWord = frameWord + FLOW_WORD + tagWords;
  const isStamp =
    etherType === IPV4_SWAPPED &&
    words[stampWord - 1] === MAGIC << 16 &&
    bytes >= HEADERS_BYTES + STAMP_BYTES + tagWords * VLAN_TAG_BYTES;
  return isStamp ? stampWord : -1;
}

/** Flow number of the stamp found at `stampWord`. */
export function readStampFlow(words: Int32Array, stampWord: number): number {
  return words[stampWord];
}

/** Sequence number of the stamp found at `stampWord`. */
export function readStampSequence(words: Int32Array, stampWord: number): number {
  return words[stampWord + 1];
}

/** ECN bits of the IP header in front of the stamp found at `stampWord`. */
export function readStampEcn(words: Int32Array, stampWord: number): Ecn {
  return ((words[stampWord - ECN_WORDS] >>> 24) & 3) as Ecn;
}

/** Changes the flow number of the stamp found at `stampWord`; ports and payload stay those of the old flow. */
export function writeStampFlow(words: Int32Array, stampWord: number, flow: number): void {
  words[stampWord] = flow;
}

/** Changes the sequence number of the stamp found at `stampWord`. */
export function writeStampSequence(words: Int32Array, stampWord: number, sequence: number): void {
  words[stampWord + 1] = sequence;
}

/** Word of the flow number in an untagged frame. */
const FLOW_WORD = (HEADERS_BYTES + 2) / 4;
/** From the word whose last byte is the second of the IP header to that of the flow number. */
const ECN_WORDS = FLOW_WORD - (ETHERNET_HEADER_BYTES - 2) / 4;
const IPV4_SWAPPED = swap16(EtherType.IPV4);
const VLAN_SWAPPED = swap16(EtherType.VLAN);

function swap16(value: number): number {
  return ((value << 8) | (value >>> 8)) & 0xffff;
}

function writeStamp(u8: Uint8Array, offset: number, flow: number, sequence: number): number {
  u8[offset] = MAGIC & 0xff;
  u8[offset + 1] = MAGIC >>> 8;
  for (let i = 0; i < 4; i++) {
    u8[offset + 2 + i] = flow >>> (8 * i);
    u8[offset + 6 + i] = sequence >>> (8 * i);
  }
  return STAMP_BYTES;
}

/**
 * IPv4 address of a station: 255.255.255.255 for the broadcast address, 239.0.0.0/9 for groups (whose lower 23 bits
 * are those of the MAC address, as RFC 1112 has it the other way round), 10.0.0.0/8 for the others.
 */
function testAddress(mac: number): number {
  if (mac === BROADCAST) return 0xffff_ffff;
  return isMulticast(mac) ? (0xef00_0000 | (mac & 0x7f_ffff)) >>> 0 : 0x0a00_0000 | (mac & 0xff_ffff);
}

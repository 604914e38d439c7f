import { read16, read32, write16, write32 } from './bytes.ts';
import { internetSum } from './checksum.ts';
import { crc32c } from './crc.ts';
import { IPV4, IpProtocol } from './ipv4.ts';
import { IPV6, IPV6_HEADER_BYTES } from './ipv6.ts';
import { SCTP } from './sctp.ts';
import { TCP } from './tcp.ts';
import { UDP } from './udp.ts';

/** The headers of a packet that a card is to finish, as software says where they are. */
export interface OffloadHeaders {
  /** Bytes of the Ethernet header with its tags. */
  readonly macBytes: number;
  /** Bytes of the IP header, with options or extension headers. */
  readonly networkBytes: number;
  readonly isIpv4: boolean;
  /** `IpProtocol.TCP`, `IpProtocol.UDP` or `IpProtocol.SCTP`. */
  readonly protocol: number;
}

/** Bits of the TCP flags in their word with the data offset: nine, and three that are reserved. */
export const TCP_FLAGS_MASK = 0xfff;

/**
 * Makes the header of segment `index` of a large send of the prototype that stands in front of the frame of `bytes` bytes
 * at `offset`: length and identification of IP, sequence number and flags of TCP, length of UDP. Checksums are not touched.
 *
 * @param segmentBytes payload of all segments but the last.
 * @param flagsMask flags of the prototype that stay, of {@link TCP_FLAGS_MASK}.
 */
export function updateSegmentHeaders(
  u8: Uint8Array,
  offset: number,
  bytes: number,
  headers: OffloadHeaders,
  index: number,
  segmentBytes: number,
  flagsMask: number,
): void {
  const network = offset + headers.macBytes;
  const networkBytes = bytes - headers.macBytes;
  if (headers.isIpv4) {
    write16(u8, network + IPV4.TOTAL_LENGTH, networkBytes);
    write16(u8, network + IPV4.IDENTIFICATION, read16(u8, network + IPV4.IDENTIFICATION) + index);
  } else write16(u8, network + IPV6.PAYLOAD_LENGTH, networkBytes - IPV6_HEADER_BYTES);
  const transport = network + headers.networkBytes;
  if (headers.protocol === IpProtocol.UDP) {
    write16(u8, transport + UDP.LENGTH, networkBytes - headers.networkBytes);
    return;
  }
  write32(u8, transport + TCP.SEQUENCE, read32(u8, transport + TCP.SEQUENCE) + index * segmentBytes);
  const flags = read16(u8, transport + TCP.DATA_OFFSET);
  write16(u8, transport + TCP.DATA_OFFSET, flags & (flagsMask | ~TCP_FLAGS_MASK));
}

/** Puts the checksum into an IPv4 header: over `bytes` bytes at `network`, and over what stands in its place. */
export function insertIpv4Checksum(u8: Uint8Array, network: number, bytes: number): void {
  write16(u8, network + IPV4.CHECKSUM, ~internetSum(u8, network, bytes));
}

/**
 * Puts the checksum into the transport header at `transport`, over all `bytes` bytes from there. What stands in its place is
 * part of the sum: for TCP and UDP the sum of the pseudo header, which software has put there, for SCTP zero.
 *
 * @param lengthSum added to the sum: the length, where the pseudo header is without it.
 */
export function insertTransportChecksum(
  u8: Uint8Array,
  transport: number,
  bytes: number,
  protocol: number,
  lengthSum = 0,
): void {
  if (protocol === IpProtocol.SCTP) {
    const crc = crc32c(u8, transport, bytes);
    for (let i = 0; i < 4; i++) u8[transport + SCTP.CHECKSUM + i] = crc >>> (8 * i);
    return;
  }
  const checksum = ~internetSum(u8, transport, bytes, lengthSum) & 0xffff;
  const isUdp = protocol === IpProtocol.UDP;
  // To UDP zero means that there is none (RFC 768).
  write16(u8, transport + (isUdp ? UDP.CHECKSUM : TCP.CHECKSUM), isUdp && checksum === 0 ? 0xffff : checksum);
}

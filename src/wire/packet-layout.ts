import { read16 } from './bytes.ts';
import { ETHERNET, ETHERNET_HEADER_BYTES, EtherType } from './ethernet.ts';
import { IPV4, IPV4_HEADER_BYTES, IpProtocol, ipv4HeaderBytes } from './ipv4.ts';
import { IPV6, IPV6_HEADER_BYTES } from './ipv6.ts';
import { SCTP_HEADER_BYTES } from './sctp.ts';
import { TCP, TCP_HEADER_BYTES } from './tcp.ts';
import { UDP_HEADER_BYTES } from './udp.ts';
import { VLAN_TAG_BYTES } from './vlan.ts';

/** What a packet is, as a sum: the first ten are in the order of the packet types of an 82599 (datasheet 7.1.6.2). */
export const PacketKind = {
  IPV4: 1 << 0,
  /** Its IPv4 header has options. */
  IPV4_OPTIONS: 1 << 1,
  IPV6: 1 << 2,
  /** Its IPv6 header has extension headers. */
  IPV6_EXTENSIONS: 1 << 3,
  TCP: 1 << 4,
  UDP: 1 << 5,
  SCTP: 1 << 6,
  /** Encapsulating Security Payload: what follows is not known. */
  ESP: 1 << 8,
  /** Authentication Header. */
  AH: 1 << 9,
  /** A part of a packet: it has no transport header, whatever it begins with. */
  FRAGMENT: 1 << 16,
  /** A header changes the addresses that a transport checksum covers: a Routing header or a Home Address option. */
  OTHER_ADDRESSES: 1 << 17,
  /** IPv6 within IPv4 (RFC 4213). */
  TUNNEL: 1 << 18,
  /** An outer VLAN tag in front of the other, or alone. */
  OUTER_TAG: 1 << 19,
} as const;

const { IPV4_OPTIONS, IPV6_EXTENSIONS, FRAGMENT, OTHER_ADDRESSES } = PacketKind;

/** Next Header of extension headers (RFC 8200, RFC 4302, RFC 4303), and IPv6 within IPv4. */
const HOP_BY_HOP = 0;
const ENCAPSULATED_IPV6 = 41;
const ROUTING = 43;
const IPV6_FRAGMENT = 44;
const ENCAPSULATING_SECURITY = 50;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
/** The option in which a mobile node says where it is at home (RFC 6275, section 6.3). */
const HOME_ADDRESS_OPTION = 201;

/** LLC and SNAP header of an IEEE 802.3 frame with a length: DSAP, SSAP, control, organization. */
const SNAP = [0xaa, 0xaa, 0x03, 0, 0, 0] as const;
const SNAP_BYTES = 8;
/** What is below is a length, not an EtherType. */
const FIRST_ETHER_TYPE = 0x600;

/** EtherTypes of the VLAN tags that are skipped; see {@link parsePacket}. */
export interface TagTypes {
  readonly vlan: number;
  /** Of an outer tag, or -1 for none. */
  readonly outer: number;
}

/** Where the headers of a packet are, in bytes from the first of its frame. Filled in by {@link parsePacket}. */
export class PacketLayout {
  /** A sum of {@link PacketKind}. */
  kinds = 0;
  /** EtherType behind the tags, or a length. */
  etherType = 0;
  /** The IP header (of IPv6 within IPv4: the inner one); 0 without one. */
  network = 0;
  /** The first IP header. */
  outerNetwork = 0;
  /** The TCP, UDP or SCTP header; 0 without one that is whole. */
  transport = 0;
  /** Behind the IP packet: what follows is padding. */
  end = 0;
}

/** Tags of IEEE 802.1Q. */
const PLAIN_TAGS: TagTypes = { vlan: EtherType.VLAN, outer: -1 };

/**
 * Finds the headers of the frame of `bytes` bytes at `offset`, which has no frame check sequence: Ethernet II or SNAP,
 * behind up to one tag of each type in `tags`; IPv4 with options; IPv6 with Hop-by-Hop, Destination Options, Routing and
 * Authentication headers; IPv6 within IPv4; TCP, UDP and SCTP. A header that is not whole is not there.
 */
export function parsePacket(
  u8: Uint8Array,
  offset: number,
  bytes: number,
  into: PacketLayout,
  tags: TagTypes = PLAIN_TAGS,
): void {
  into.kinds = into.etherType = into.network = into.outerNetwork = into.transport = 0;
  into.end = bytes;
  let at: number = ETHERNET.TYPE;
  for (const type of [tags.outer, tags.vlan]) {
    if (at + 2 > bytes || read16(u8, offset + at) !== type) continue;
    if (type === tags.outer) into.kinds = PacketKind.OUTER_TAG;
    at += VLAN_TAG_BYTES;
  }
  if (at + 2 > bytes) return;
  into.etherType = read16(u8, offset + at);
  at += ETHERNET_HEADER_BYTES - ETHERNET.TYPE;
  if (into.etherType < FIRST_ETHER_TYPE) {
    if (at + SNAP_BYTES > bytes || SNAP.some((byte, i) => u8[offset + at + i] !== byte)) return;
    at += SNAP_BYTES;
    into.etherType = read16(u8, offset + at - 2);
  }
  if (into.etherType === EtherType.IPV4) parseIpv4Layout(u8, offset, at, into);
  else if (into.etherType === EtherType.IPV6) parseIpv6Layout(u8, offset, at, into);
  into.outerNetwork ||= into.network;
}

function parseIpv4Layout(u8: Uint8Array, offset: number, at: number, into: PacketLayout): void {
  const left = into.end - at;
  if (left < IPV4_HEADER_BYTES || u8[offset + at] >>> 4 !== 4) return;
  const headerBytes = ipv4HeaderBytes(u8, offset + at);
  if (headerBytes < IPV4_HEADER_BYTES || headerBytes > left) return;
  into.network = at;
  into.kinds |= PacketKind.IPV4;
  if (headerBytes > IPV4_HEADER_BYTES) into.kinds |= IPV4_OPTIONS;
  const totalBytes = read16(u8, offset + at + IPV4.TOTAL_LENGTH);
  if (totalBytes < headerBytes || totalBytes > left) return;
  into.end = at + totalBytes;
  // More Fragments, or a place that is not the first.
  if ((read16(u8, offset + at + IPV4.FRAGMENT) & 0x3fff) !== 0) {
    into.kinds |= FRAGMENT;
    return;
  }
  const protocol = u8[offset + at + IPV4.PROTOCOL];
  if (protocol === ENCAPSULATED_IPV6) {
    into.outerNetwork = at;
    parseIpv6Layout(u8, offset, at + headerBytes, into);
    if ((into.kinds & PacketKind.IPV6) !== 0) into.kinds |= PacketKind.TUNNEL;
  } else parseTransport(u8, offset, at + headerBytes, protocol, into);
}

function parseIpv6Layout(u8: Uint8Array, offset: number, at: number, into: PacketLayout): void {
  const left = into.end - at;
  if (left < IPV6_HEADER_BYTES || u8[offset + at] >>> 4 !== 6) return;
  into.network = at;
  into.kinds |= PacketKind.IPV6;
  const payloadBytes = read16(u8, offset + at + IPV6.PAYLOAD_LENGTH);
  if (IPV6_HEADER_BYTES + payloadBytes > left) return;
  into.end = at + IPV6_HEADER_BYTES + payloadBytes;
  parseTransport(u8, offset, at + IPV6_HEADER_BYTES, u8[offset + at + IPV6.NEXT_HEADER], into);
}

/** What `protocol` says is at `at`: extension headers one after another, then the transport header. */
function parseTransport(
  u8: Uint8Array,
  offset: number,
  at: number,
  protocol: number,
  into: PacketLayout,
): void {
  const left = into.end - at;
  const start = offset + at;
  switch (protocol) {
    case IpProtocol.TCP:
      if (left < TCP_HEADER_BYTES) return;
      if ((u8[start + TCP.DATA_OFFSET] >>> 4) * 4 < TCP_HEADER_BYTES) return;
      if ((u8[start + TCP.DATA_OFFSET] >>> 4) * 4 > left) return;
      into.kinds |= PacketKind.TCP;
      into.transport = at;
      return;
    case IpProtocol.UDP:
      if (left < UDP_HEADER_BYTES) return;
      into.kinds |= PacketKind.UDP;
      into.transport = at;
      return;
    case IpProtocol.SCTP:
      if (left < SCTP_HEADER_BYTES) return;
      into.kinds |= PacketKind.SCTP;
      into.transport = at;
      return;
    case ENCAPSULATING_SECURITY:
      into.kinds |= PacketKind.ESP;
      return;
  }
  if (left < 8) return;
  if (protocol === AUTHENTICATION) {
    // Its length counts words, without the first two.
    const headerBytes = (u8[start + 1] + 2) * 4;
    into.kinds |= PacketKind.AH;
    if (headerBytes <= left) parseTransport(u8, offset, at + headerBytes, u8[start], into);
    return;
  }
  if ((into.kinds & PacketKind.IPV6) === 0) return;
  if (protocol === IPV6_FRAGMENT) {
    into.kinds |= IPV6_EXTENSIONS | FRAGMENT;
    return;
  }
  if (protocol !== HOP_BY_HOP && protocol !== ROUTING && protocol !== DESTINATION_OPTIONS) return;
  into.kinds |= IPV6_EXTENSIONS;
  const headerBytes = (u8[start + 1] + 1) * 8;
  if (headerBytes > left) return;
  if (protocol === ROUTING && headerBytes > 8) into.kinds |= OTHER_ADDRESSES;
  if (protocol === DESTINATION_OPTIONS && hasHomeAddress(u8, start + 2, start + headerBytes))
    into.kinds |= OTHER_ADDRESSES;
  parseTransport(u8, offset, at + headerBytes, u8[start], into);
}

/** Whether one of the options from `at` to `end` is a Home Address. */
function hasHomeAddress(u8: Uint8Array, at: number, end: number): boolean {
  let option = at;
  while (option < end) {
    if (u8[option] === HOME_ADDRESS_OPTION) return true;
    // Pad1 is the only one without a length.
    option += u8[option] === 0 ? 1 : 2 + u8[option + 1];
  }
  return false;
}

import {
  EtherType,
  IpProtocol,
  writeEthernet,
  writeIpv4,
  writeIpv6,
  writeSctp,
  writeSctpChecksum,
  writeTcp,
  writeTcpChecksum,
  writeUdp,
  writeUdpChecksum,
} from '../../src/wire/index.ts';

/** A packet to be made. */
export interface PacketSpec {
  readonly ip: 4 | 6;
  /** Extension headers of IPv6, or options of IPv4 (a multiple of four bytes), as they stand there. */
  readonly extra?: Uint8Array;
  /** Next Header of the last of `extra`'s is the transport's; that of the IPv6 header is this one. */
  readonly firstHeader?: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** A multiple of four. */
  readonly tcpOptionBytes?: number;
  readonly payloadBytes: number;
  readonly flags?: number;
  readonly vlan?: number;
  readonly identification?: number;
  readonly sequence?: number;
  /** Bytes of Ethernet padding behind the packet. */
  readonly padding?: number;
}

/** A packet, and where its headers are. */
export interface Packet {
  readonly bytes: Uint8Array;
  readonly macBytes: number;
  readonly networkBytes: number;
  readonly transportBytes: number;
}

const NUMBERS = { tcp: IpProtocol.TCP, udp: IpProtocol.UDP, sctp: IpProtocol.SCTP } as const;

/** Makes a packet with right checksums. */
export function makePacket(spec: PacketSpec): Packet {
  const { protocol, payloadBytes, extra = new Uint8Array(0), tcpOptionBytes = 0 } = spec;
  const macBytes = spec.vlan === undefined ? 14 : 18;
  const networkBytes = (spec.ip === 4 ? 20 : 40) + extra.length;
  const transportBytes = { tcp: 20 + tcpOptionBytes, udp: 8, sctp: 12 }[protocol];
  const end = macBytes + networkBytes + transportBytes + payloadBytes;
  const u8 = new Uint8Array(end + (spec.padding ?? 0)).fill(0x5a, end);
  const etherType = spec.ip === 4 ? EtherType.IPV4 : EtherType.IPV6;
  writeEthernet(u8, 0, { destination: 0x0200_0000_0200, source: 0x0200_0000_0100, etherType });
  if (spec.vlan !== undefined)
    u8.set([0x81, 0, spec.vlan >> 8, spec.vlan & 0xff, etherType >> 8, etherType & 0xff], 12);
  const number = NUMBERS[protocol];
  if (spec.ip === 4) {
    writeIpv4(u8, macBytes, {
      totalBytes: end - macBytes,
      identification: spec.identification ?? 0x1234,
      dontFragment: true,
      protocol: number,
      source: 0x0a00_0001,
      destination: 0x0a00_0002,
    });
    u8.set(extra, macBytes + 20);
    u8[macBytes] = 0x40 | (networkBytes / 4);
    finishIpv4(u8, macBytes, networkBytes);
  } else {
    writeIpv6(u8, macBytes, {
      trafficClass: 0,
      flowLabel: 5,
      payloadBytes: end - macBytes - 40,
      nextHeader: extra.length > 0 ? (spec.firstHeader ?? 0) : number,
      hopLimit: 64,
      source: Uint8Array.from([0x20, 1, 0x0d, 0xb8, ...new Uint8Array(11), 1]),
      destination: Uint8Array.from([0x20, 1, 0x0d, 0xb8, ...new Uint8Array(11), 2]),
    });
    u8.set(extra, macBytes + 40);
  }
  const at = macBytes + networkBytes;
  for (let i = at + transportBytes; i < end; i++) u8[i] = (7 * i) ^ (i >> 3);
  if (protocol === 'tcp') {
    u8.fill(1, at + 20, at + transportBytes);
    const { flags = 0x18, sequence = 0xffff_f000 } = spec;
    const fields = { sourcePort: 40000, destinationPort: 80, sequence, flags, window: 500 };
    writeTcp(u8, at, { ...fields, headerBytes: transportBytes });
    writeTcpChecksum(u8, macBytes, at, end - at);
  } else if (protocol === 'udp') {
    writeUdp(u8, at, { sourcePort: 5000, destinationPort: 5001, totalBytes: end - at });
    writeUdpChecksum(u8, macBytes, at);
  } else {
    writeSctp(u8, at, { sourcePort: 1000, destinationPort: 2000, verificationTag: 0xdead_beef });
    // One DATA chunk over all of the payload.
    if (payloadBytes >= 16) u8.set([0, 3, payloadBytes >> 8, payloadBytes & 0xff], at + 12);
    writeSctpChecksum(u8, at, end - at);
  }
  return { bytes: u8, macBytes, networkBytes, transportBytes };
}

/** Writes the header checksum, by adding up words. */
function finishIpv4(u8: Uint8Array, at: number, bytes: number): void {
  u8.fill(0, at + 10, at + 12);
  let sum = 0;
  for (let i = 0; i < bytes; i += 2) sum += u8[at + i] * 256 + u8[at + i + 1];
  sum = (sum % 0xffff === 0 ? 0xffff : sum % 0xffff) ^ 0xffff;
  u8[at + 10] = sum >> 8;
  u8[at + 11] = sum & 0xff;
}

/** A pcap file of frames. */
export function pcapOf(frames: readonly Uint8Array[]): Uint8Array {
  const records = frames.map((frame) => {
    const header = new Uint32Array([0, 0, frame.length, frame.length]);
    return [...new Uint8Array(header.buffer), ...frame];
  });
  const head = new Uint32Array([0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1]);
  return Uint8Array.from([...new Uint8Array(head.buffer), ...records.flat()]);
}

import { describe, expect, it } from 'vitest';
import {
  IpProtocol,
  insertIpv4Checksum,
  insertTransportChecksum,
  type OffloadHeaders,
  pseudoHeaderSum,
  updateSegmentHeaders,
} from '../../src/wire/index.ts';
import { toHex } from './bytes.ts';
import { makePacket, type Packet, type PacketSpec, pcapOf } from './packets.ts';
import { tshark, whyNoTshark } from './tshark.ts';

const NUMBERS = { tcp: IpProtocol.TCP, udp: IpProtocol.UDP, sctp: IpProtocol.SCTP } as const;

function headersOf(packet: Packet, { ip, protocol }: PacketSpec): OffloadHeaders {
  return { ...packet, isIpv4: ip === 4, protocol: NUMBERS[protocol] };
}

/** Puts into the checksum fields what software puts there for a card: zero, and the sum of the pseudo header. */
function prepare(packet: Packet, spec: PacketSpec, transportBytes: number): void {
  const { bytes, macBytes, networkBytes } = packet;
  const transport = macBytes + networkBytes;
  if (spec.ip === 4) bytes.fill(0, macBytes + 10, macBytes + 12);
  if (spec.protocol === 'sctp') {
    bytes.fill(0, transport + 8, transport + 12);
    return;
  }
  const sum = pseudoHeaderSum(bytes, macBytes, NUMBERS[spec.protocol], transportBytes);
  bytes.set([sum >> 8, sum & 0xff], transport + (spec.protocol === 'tcp' ? 16 : 6));
}

/** The frames of a large send, as a card makes them. */
function segmentsOf(spec: PacketSpec, mss: number): Uint8Array[] {
  const packet = makePacket(spec);
  const { bytes, macBytes, networkBytes, transportBytes } = packet;
  prepare(packet, spec, 0);
  const headers = headersOf(packet, spec);
  const headerBytes = macBytes + networkBytes + transportBytes;
  const count = Math.ceil(spec.payloadBytes / mss);
  return Array.from({ length: count }, (_, i) => {
    const at = headerBytes + i * mss;
    const frame = Uint8Array.from([...bytes.subarray(0, headerBytes), ...bytes.subarray(at, at + mss)]);
    const mask = i < count - 1 ? 0xff6 : 0xf7f;
    updateSegmentHeaders(frame, 0, frame.length, headers, i, mss, mask);
    if (spec.ip === 4) insertIpv4Checksum(frame, macBytes, networkBytes);
    const transport = macBytes + networkBytes;
    const length = frame.length - transport;
    insertTransportChecksum(frame, transport, length, headers.protocol, length);
    return frame;
  });
}

const EXTENSION = Uint8Array.from([6, 0, 1, 4, 0, 0, 0, 0]);
const SPECS: readonly PacketSpec[] = [
  { ip: 4, protocol: 'tcp', payloadBytes: 3000 },
  { ip: 4, protocol: 'udp', payloadBytes: 333 },
  { ip: 4, protocol: 'sctp', payloadBytes: 64, vlan: 3 },
  { ip: 6, protocol: 'tcp', payloadBytes: 1, tcpOptionBytes: 12 },
  { ip: 6, protocol: 'udp', payloadBytes: 0 },
  { ip: 6, protocol: 'tcp', payloadBytes: 77, extra: EXTENSION, firstHeader: 60 },
  { ip: 4, protocol: 'tcp', payloadBytes: 5, extra: new Uint8Array(8).fill(1) },
];

describe('a checksum that a card inserts', () => {
  it.each(SPECS)('is that which software computes: %o', (spec) => {
    const whole = makePacket(spec);
    const packet = makePacket(spec);
    const { bytes, macBytes, networkBytes } = packet;
    const transport = macBytes + networkBytes;
    prepare(packet, spec, bytes.length - transport);
    expect(toHex(bytes)).not.toBe(toHex(whole.bytes));
    if (spec.ip === 4) insertIpv4Checksum(bytes, macBytes, networkBytes);
    insertTransportChecksum(bytes, transport, bytes.length - transport, NUMBERS[spec.protocol]);
    expect(toHex(bytes)).toBe(toHex(whole.bytes));
  });

  it('of UDP is never zero, which would mean that there is none', () => {
    // 0xffff in all, so that its complement is zero.
    const u8 = Uint8Array.from([0xff, 0xff, 0, 0, 0, 0, 0, 0]);
    insertTransportChecksum(u8, 0, 8, IpProtocol.UDP);
    expect(toHex(u8)).toBe('ffff00000000ffff');
  });
});

describe('the segments of a large send', () => {
  const tcp: PacketSpec = { ip: 4, protocol: 'tcp', payloadBytes: 3500, identification: 0xffff, flags: 0x99 };

  it('have lengths, identifications and sequence numbers of their own', () => {
    const frames = segmentsOf(tcp, 1000);
    const words = (at: number) => frames.map((frame) => frame[at] * 256 + frame[at + 1]);
    expect(words(16)).toEqual([1040, 1040, 1040, 540]);
    expect(words(18)).toEqual([0xffff, 0, 1, 2]);
    expect(frames.map((frame) => toHex(frame.subarray(38, 42)))).toEqual([
      'fffff000',
      'fffff3e8',
      'fffff7d0',
      'fffffbb8',
    ]);
  });

  it('have the flags that the mask of each lets through', () => {
    expect(segmentsOf(tcp, 1000).map((frame) => frame[47])).toEqual([0x90, 0x90, 0x90, 0x19]);
    expect(segmentsOf(tcp, 1000).map((frame) => frame[46])).toEqual([0x50, 0x50, 0x50, 0x50]);
  });

  it('have the length of IPv6 without its header, and that of UDP', () => {
    const frames = segmentsOf({ ip: 6, protocol: 'udp', payloadBytes: 250, extra: EXTENSION }, 100);
    const words = (at: number) => frames.map((frame) => frame[at] * 256 + frame[at + 1]);
    expect(words(18)).toEqual([116, 116, 66]);
    expect(words(14 + 48 + 4)).toEqual([108, 108, 58]);
  });

  const missing = whyNoTshark();
  it.skipIf(missing !== undefined)('are right to tshark, and their data are those that were sent', () => {
    for (const spec of [tcp, { ...tcp, ip: 6, vlan: 5, tcpOptionBytes: 12 } as const]) {
      const frames = segmentsOf(spec, 1448);
      const rows = tshark(
        pcapOf(frames),
        ['tcp.checksum.status', 'ip.checksum.status', 'tcp.payload', 'tcp.nxtseq', 'tcp.seq'],
        [
          '-o',
          'tcp.check_checksum:TRUE',
          '-o',
          'ip.check_checksum:TRUE',
          '-o',
          'tcp.relative_sequence_numbers:FALSE',
        ],
      );
      for (const [tcpStatus, ipStatus] of rows)
        expect([tcpStatus, ipStatus]).toEqual(['1', spec.ip === 4 ? '1' : '']);
      const { bytes, macBytes, networkBytes, transportBytes } = makePacket(spec);
      const payload = bytes.subarray(macBytes + networkBytes + transportBytes);
      expect(rows.map(([, , data]) => data).join('')).toBe(toHex(payload));
      expect(rows.slice(1).map((row) => row[4])).toEqual(rows.slice(0, -1).map((row) => row[3]));
    }
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketKind, PacketLayout, parsePacket } from '../../src/wire/index.ts';
import { fromHex } from './bytes.ts';
import { makePacket, type PacketSpec, pcapOf } from './packets.ts';
import { tshark, whyNoTshark } from './tshark.ts';

const {
  IPV4,
  IPV4_OPTIONS,
  IPV6,
  IPV6_EXTENSIONS,
  TCP,
  UDP,
  SCTP,
  ESP,
  AH,
  FRAGMENT,
  OTHER_ADDRESSES,
  TUNNEL,
} = PacketKind;

function layoutOf(frame: Uint8Array, tags?: { vlan: number; outer: number }): PacketLayout {
  const layout = new PacketLayout();
  // Garbage in front and behind, which must not matter.
  const u8 = new Uint8Array(frame.length + 9).fill(0xa5);
  u8.set(frame, 4);
  parsePacket(u8, 4, frame.length, layout, tags);
  return layout;
}

const kindsOf = (spec: PacketSpec): number => layoutOf(makePacket(spec).bytes).kinds;
const base = { ip: 6, protocol: 'tcp', payloadBytes: 10 } as const;
/** Extension headers whose Next Header is TCP. */
const HOP_BY_HOP = fromHex('0600010400000000');
const DESTINATION = fromHex('0600010400000000');
const HOME_ADDRESS = fromHex('0602 01020000 c910 20010db8000000000000000000000009');
const EMPTY_ROUTING = fromHex('0600000000000000');
const ROUTING = fromHex('0602020100000000 20010db8000000000000000000000003');
const AUTHENTICATION = fromHex('0601000000000001 00000001');

describe('the headers of a packet', () => {
  it.each([
    [4, 'tcp', IPV4 | TCP],
    [4, 'udp', IPV4 | UDP],
    [4, 'sctp', IPV4 | SCTP],
    [6, 'tcp', IPV6 | TCP],
    [6, 'udp', IPV6 | UDP],
    [6, 'sctp', IPV6 | SCTP],
  ] as const)('are found for IPv%i with %s', (ip, protocol, kinds) => {
    const packet = makePacket({ ip, protocol, payloadBytes: 16, padding: 5 });
    const layout = layoutOf(packet.bytes);
    expect(layout.kinds).toBe(kinds);
    expect(layout.network).toBe(14);
    expect(layout.transport).toBe(14 + packet.networkBytes);
    expect(layout.end).toBe(packet.bytes.length - 5);
  });

  it('are found behind a tag, behind two, and behind LLC and SNAP', () => {
    const { bytes } = makePacket({ ...base, ip: 4, vlan: 7 });
    expect(layoutOf(bytes)).toMatchObject({ kinds: IPV4 | TCP, network: 18 });
    const double = Uint8Array.from([...bytes.subarray(0, 12), 0x88, 0xa8, 0, 9, ...bytes.subarray(12)]);
    expect(layoutOf(double)).toMatchObject({ kinds: 0, etherType: 0x88a8 });
    const tags = { vlan: 0x8100, outer: 0x88a8 };
    expect(layoutOf(double, tags)).toMatchObject({ kinds: IPV4 | TCP | PacketKind.OUTER_TAG, network: 22 });
    const plain = makePacket({ ...base, ip: 4 }).bytes;
    const snap = [...plain.subarray(0, 12), 0, 90, 0xaa, 0xaa, 3, 0, 0, 0, ...plain.subarray(12)];
    expect(layoutOf(Uint8Array.from(snap))).toMatchObject({ kinds: IPV4 | TCP, network: 22 });
  });

  it('has options of IPv4 and extension headers of IPv6 as kinds of their own', () => {
    expect(kindsOf({ ...base, ip: 4, extra: new Uint8Array(8).fill(1) })).toBe(IPV4 | IPV4_OPTIONS | TCP);
    const extended = IPV6 | IPV6_EXTENSIONS | TCP;
    expect(kindsOf({ ...base, extra: HOP_BY_HOP, firstHeader: 0 })).toBe(extended);
    expect(kindsOf({ ...base, extra: DESTINATION, firstHeader: 60 })).toBe(extended);
    expect(kindsOf({ ...base, extra: EMPTY_ROUTING, firstHeader: 43 })).toBe(extended);
    expect(kindsOf({ ...base, extra: ROUTING, firstHeader: 43 })).toBe(extended | OTHER_ADDRESSES);
    expect(kindsOf({ ...base, extra: HOME_ADDRESS, firstHeader: 60 })).toBe(extended | OTHER_ADDRESSES);
    expect(kindsOf({ ...base, extra: AUTHENTICATION, firstHeader: 51 })).toBe(IPV6 | TCP | AH);
  });

  it('ends with ESP', () => {
    const { bytes } = makePacket({ ...base, ip: 4 });
    bytes[14 + 9] = 50;
    expect(layoutOf(bytes)).toMatchObject({ kinds: IPV4 | ESP, transport: 0 });
  });

  it('of a fragment has no transport header, be it the first or a later one, of IPv4 or IPv6', () => {
    for (const word of [0x2000, 0x0001, 0x2010]) {
      const { bytes } = makePacket({ ...base, ip: 4 });
      bytes.set([word >> 8, word & 0xff], 14 + 6);
      expect(layoutOf(bytes)).toMatchObject({ kinds: IPV4 | FRAGMENT, transport: 0 });
    }
    const extra = fromHex('0600000000000001');
    expect(kindsOf({ ...base, extra, firstHeader: 44 })).toBe(IPV6 | IPV6_EXTENSIONS | FRAGMENT);
  });

  it('are found for IPv6 within IPv4', () => {
    const inner = makePacket(base).bytes.subarray(14);
    const outer = makePacket({ ...base, ip: 4, payloadBytes: inner.length - 20 }).bytes;
    outer.set(inner, 34);
    outer[14 + 9] = 41;
    const layout = layoutOf(outer);
    expect(layout).toMatchObject({ kinds: IPV4 | IPV6 | TCP | TUNNEL, outerNetwork: 14, network: 34 });
    expect(layout.transport).toBe(74);
  });

  it('are not found where lengths contradict the frame', () => {
    const { bytes } = makePacket({ ...base, ip: 4 });
    expect(layoutOf(bytes.subarray(0, 33)).kinds).toBe(0);
    expect(layoutOf(bytes.subarray(0, 40))).toMatchObject({ kinds: IPV4, transport: 0, end: 40 });
    expect(layoutOf(bytes.subarray(0, 12)).kinds).toBe(0);
    expect(layoutOf(makePacket(base).bytes.subarray(0, 60))).toMatchObject({ kinds: IPV6, transport: 0 });
    const short = bytes.slice();
    short[34 + 12] = 0x40;
    expect(layoutOf(short)).toMatchObject({ kinds: IPV4, transport: 0 });
  });

  it('are none for anything: what random bytes look like lies within them', () => {
    const { bytes } = makePacket({ ...base, extra: HOME_ADDRESS, firstHeader: 60 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 12 }),
        fc.nat(bytes.length),
        (changes, length) => {
          const frame = bytes.slice(0, length);
          for (const [at, value] of changes) if (at < length) frame[at] = value;
          const { network, transport, end, kinds } = layoutOf(frame);
          expect(end).toBeLessThanOrEqual(length);
          if ((kinds & (TCP | UDP | SCTP)) === 0) expect(transport).toBe(0);
          else {
            expect(transport).toBeGreaterThanOrEqual(network + 20);
            expect(transport + 8).toBeLessThanOrEqual(end);
          }
        },
      ),
    );
  });

  const missing = whyNoTshark();
  it.skipIf(missing !== undefined)('are those that tshark finds', () => {
    const specs: PacketSpec[] = [
      { ...base, ip: 4, extra: new Uint8Array(12).fill(1) },
      { ...base, ip: 4, protocol: 'sctp', payloadBytes: 16, vlan: 9 },
      { ...base, extra: HOP_BY_HOP, firstHeader: 0, padding: 3 },
      { ...base, extra: HOME_ADDRESS, firstHeader: 60 },
      { ...base, extra: ROUTING, firstHeader: 43, vlan: 2 },
      { ...base, protocol: 'udp' },
      { ...base, extra: AUTHENTICATION, firstHeader: 51 },
    ];
    const packets = specs.map((spec) => makePacket(spec).bytes);
    const fields = ['tcp.srcport', 'udp.srcport', 'sctp.srcport'];
    const found = tshark(pcapOf(packets), fields, ['-o', 'tcp.relative_sequence_numbers:FALSE']);
    packets.forEach((bytes, i) => {
      const { kinds, transport } = layoutOf(bytes);
      const port = String(bytes[transport] * 256 + bytes[transport + 1]);
      expect(found[i]).toEqual([TCP, UDP, SCTP].map((kind) => ((kinds & kind) !== 0 ? port : '')));
    });
  });
});

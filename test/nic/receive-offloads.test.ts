import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../wire/bytes.ts';
import { makePacket, type PacketSpec } from '../wire/packets.ts';
import { OffloadRig, type Received } from './offload-rig.ts';

// Bits of a written-back descriptor, as drivers know them.
const [DD, EOP, VP, UDPCS, L4CS, IPCS] = [1, 2, 8, 0x10, 0x20, 0x40];
const [L4E, IPE] = [0x4000_0000, 0x8000_0000];
const TYPES = { ipv4: 0x10, ipv4e: 0x20, ipv6: 0x40, ipv6e: 0x80, tcp: 0x100, udp: 0x200, sctp: 0x400 };
const [RXCSUM, MRQC, PSRTYPE, RETA, RSSRK, ETQF] = [0x5000, 0xec80, 0xea00, 0xeb00, 0xeb80, 0x5128];
const VFPSRTYPE = 0x300;
const POOL_B = 1;
const RSS_64_POOLS = 0xb;
const ALL_FUNCTIONS = 0x00f3_0000;

const tcp: PacketSpec = { ip: 4, protocol: 'tcp', payloadBytes: 100 };

/** What VF b gets of frames that VF a sends. */
function receive(rig: OffloadRig, frames: readonly Uint8Array[]): Received[] {
  for (const frame of frames) rig.postFrame(frame);
  rig.run();
  return rig.takeReceived();
}

const stateOf = ({ type, status }: Received) => [type, status >>> 0];

describe('the packet type and checksum status of a receive descriptor (datasheet 7.1.6.2, 7.1.11)', () => {
  const both = DD | EOP | IPCS | L4CS;
  it.each([
    ['TCP', tcp, TYPES.ipv4 | TYPES.tcp, both],
    ['UDP', { ...tcp, protocol: 'udp' }, TYPES.ipv4 | TYPES.udp, both | UDPCS],
    ['SCTP', { ...tcp, protocol: 'sctp' }, TYPES.ipv4 | TYPES.sctp, both],
    ['IPv6 with TCP', { ...tcp, ip: 6 }, TYPES.ipv6 | TYPES.tcp, DD | EOP | L4CS],
    ['IPv6 with UDP', { ...tcp, ip: 6, protocol: 'udp' }, TYPES.ipv6 | TYPES.udp, DD | EOP | L4CS | UDPCS],
    [
      'IPv4 with options',
      { ...tcp, extra: new Uint8Array(4).fill(1) },
      TYPES.ipv4 | TYPES.ipv4e | TYPES.tcp,
      both,
    ],
    [
      'IPv6 with an extension header',
      { ...tcp, ip: 6, extra: fromHex('0600010400000000') },
      TYPES.ipv6 | TYPES.ipv6e | TYPES.tcp,
      DD | EOP | L4CS,
    ],
    [
      'IPv6 with a Routing header, whose TCP is not looked at',
      { ...tcp, ip: 6, firstHeader: 43, extra: fromHex('0602020100000000 20010db8000000000000000000000003') },
      TYPES.ipv6 | TYPES.ipv6e | TYPES.tcp,
      DD | EOP,
    ],
  ] as [string, PacketSpec, number, number][])('of %s', (_, spec, type, status) => {
    const rig = new OffloadRig();
    const { bytes } = makePacket(spec);
    const [frame] = receive(rig, [bytes]);
    expect(stateOf(frame)).toEqual([type, status]);
    expect(toHex(frame.bytes)).toBe(toHex(bytes));
  });

  it('says which checksum is wrong', () => {
    const rig = new OffloadRig();
    const changed = (spec: PacketSpec, at: number) => {
      const { bytes } = makePacket(spec);
      bytes[at] ^= 0x10;
      return bytes;
    };
    const frames = receive(rig, [
      changed(tcp, 14 + 8),
      changed(tcp, 60),
      changed({ ...tcp, protocol: 'udp' }, 60),
      changed({ ...tcp, protocol: 'sctp' }, 60),
      changed({ ...tcp, ip: 6 }, 80),
    ]);
    const errors = frames.map(({ status }) => (status & (IPE | L4E)) >>> 0);
    expect(errors).toEqual([IPE, L4E, L4E, L4E, L4E]);
    expect(frames.every(({ status }) => (status & L4CS) !== 0)).toBe(true);
  });

  it('looks at what the IP header covers, not at the padding behind', () => {
    const rig = new OffloadRig();
    const [frame] = receive(rig, [makePacket({ ...tcp, payloadBytes: 1, padding: 20 }).bytes]);
    expect(stateOf(frame)).toEqual([TYPES.ipv4 | TYPES.tcp, DD | EOP | IPCS | L4CS]);
  });

  it('has no L4 status of a UDP datagram without checksum over IPv4; over IPv6 that is an error', () => {
    const rig = new OffloadRig();
    const without = (ip: 4 | 6) => {
      const { bytes } = makePacket({ ...tcp, ip, protocol: 'udp' });
      bytes.fill(0, ip === 4 ? 40 : 60, ip === 4 ? 42 : 62);
      return bytes;
    };
    const frames = receive(rig, [without(4), without(6)]);
    expect(frames.map(({ status }) => status >>> 0)).toEqual([
      DD | EOP | IPCS,
      (DD | EOP | L4CS | UDPCS | L4E) >>> 0,
    ]);
  });

  it('has neither type nor status of L4 for fragments', () => {
    const rig = new OffloadRig();
    const { bytes } = makePacket(tcp);
    bytes[20] = 0x20;
    // Subtracted from the checksum what has been added: 0x2000 instead of 0x4000.
    bytes[24] = (bytes[24] + 0x20) & 0xff;
    const [frame] = receive(rig, [bytes]);
    expect(frame.type).toBe(TYPES.ipv4);
    expect(frame.status & (IPCS | L4CS | L4E)).toBe(IPCS);
  });

  it('is that of the EtherType filter that a packet matches; of others there is none', () => {
    const rig = new OffloadRig();
    rig.writePf(ETQF + 12, 0x8000_88cc);
    const lldp = makePacket(tcp).bytes;
    lldp.set([0x88, 0xcc], 12);
    const other = lldp.slice();
    other[13] = 0xcd;
    const frames = receive(rig, [lldp, other]);
    expect(frames.map(stateOf)).toEqual([
      [0x8030, DD | EOP],
      [0, DD | EOP],
    ]);
  });

  it('stands in the last descriptor of a frame in several buffers, which has EOP', () => {
    const rig = new OffloadRig(1024);
    const { bytes } = makePacket({ ...tcp, payloadBytes: 1400 });
    const [frame] = receive(rig, [bytes]);
    expect(frame.buffers).toBe(2);
    expect(toHex(frame.bytes)).toBe(toHex(bytes));
    expect(stateOf(frame)).toEqual([TYPES.ipv4 | TYPES.tcp, DD | EOP | IPCS | L4CS]);
    const { ring } = rig.receive[0];
    expect([0, 1, 2, 3].map((word) => ring.read(word))).toEqual([0, 0, DD, 1024]);
  });

  it('is that of the packet behind its tag, which the card takes out (RXDCTL.VME) and reports', () => {
    const rig = new OffloadRig();
    // Everybody is in VLAN 5, and tags are not checked.
    rig.writePf(0x8200, 0);
    rig.writePf(0xa000, 1 << 5);
    rig.writePf(0xf100 + 40, 0x8000_0005);
    rig.writePf(0xf200 + 80, 3);
    const { registers, handle } = rig.receive[0];
    const control = handle.bar(0).read32(registers + 0x28);
    const tagged = makePacket({ ...tcp, vlan: 0x6005 }).bytes;
    const [kept] = receive(rig, [tagged]);
    handle.bar(0).write32(registers + 0x28, (control | (1 << 30)) >>> 0);
    const [stripped] = receive(rig, [tagged]);
    expect(stateOf(kept)).toEqual([TYPES.ipv4 | TYPES.tcp, DD | EOP | IPCS | L4CS]);
    expect(toHex(kept.bytes)).toBe(toHex(tagged));
    expect(stateOf(stripped)).toEqual([TYPES.ipv4 | TYPES.tcp, DD | EOP | VP | IPCS | L4CS]);
    expect(stripped.vlan).toBe(0x6005);
    expect(toHex(stripped.bytes)).toBe(
      toHex(Uint8Array.from([...tagged.subarray(0, 12), ...tagged.subarray(16)])),
    );
  });
});

describe('receive-side scaling (datasheet 7.1.2.8)', () => {
  const KEY = fromHex(`6d5a56da255b0ec24167253d43a38fb0 d0ca2bcbae7b30b477cb2da38030f20c 6a42b73bbeac01fa`);

  function scaled(functions: number, entries: (i: number) => number): OffloadRig {
    const rig = new OffloadRig(2048, 2);
    for (let i = 0; i < 10; i++) rig.writePf(RSSRK + 4 * i, new DataView(KEY.buffer).getUint32(4 * i, true));
    for (let i = 0; i < 32; i++) {
      const word = [0, 1, 2, 3].reduce((sum, j) => sum + entries(4 * i + j) * 2 ** (8 * j), 0);
      rig.writePf(RETA + 4 * i, word);
    }
    rig.writePf(MRQC, (functions | RSS_64_POOLS) >>> 0);
    rig.writePf(RXCSUM, 1 << 13);
    rig.writeVf(VFPSRTYPE, 1 << 29);
    return rig;
  }

  /** A packet of the verification suite: 66.9.149.187:2794 to 161.142.100.80:1766. */
  function suitePacket(protocol: 'tcp' | 'udp'): Uint8Array {
    const { bytes } = makePacket({ ...tcp, protocol });
    bytes.set([66, 9, 149, 187, 161, 142, 100, 80], 26);
    bytes.set([2794 >> 8, 2794 & 0xff, 1766 >> 8, 1766 & 0xff], 34);
    return bytes;
  }

  it('puts the hash of the verification suite and its type into the descriptor', () => {
    const rig = scaled(ALL_FUNCTIONS, () => 0);
    const frames = receive(rig, [suitePacket('tcp'), suitePacket('udp')]);
    rig.writePf(MRQC, (0x0002_0000 | RSS_64_POOLS) >>> 0);
    frames.push(...receive(rig, [suitePacket('tcp')]));
    expect(frames.map(({ hash, type }) => [hash, type & 0xf])).toEqual([
      [0x51cc_c178, 1],
      [0x51cc_c178, 7],
      [0x323e_8fc2, 2],
    ]);
  });

  it('does so for IPv6, too', () => {
    const rig = scaled(ALL_FUNCTIONS, () => 0);
    const { bytes } = makePacket({ ...tcp, ip: 6 });
    bytes.set(fromHex('3ffe250102001fff0000000000000007 3ffe2501020000030000000000000001'), 22);
    bytes.set([2794 >> 8, 2794 & 0xff, 1766 >> 8, 1766 & 0xff], 54);
    const sctp = makePacket({ ...tcp, ip: 6, protocol: 'sctp' }).bytes;
    sctp.set(bytes.subarray(22, 54), 22);
    const frames = receive(rig, [bytes, sctp]);
    expect(frames.map(({ hash, type }) => [hash, type & 0xf])).toEqual([
      [0x4020_7d3d, 3],
      [0x2cc1_8cd5, 5],
    ]);
  });

  it('has no hash of what is not IP, of functions that are off, without PCSD, and without RSS', () => {
    const rig = scaled(1 << 17, () => 1);
    const arp = makePacket(tcp).bytes;
    arp.set([8, 6], 12);
    const frames = receive(rig, [arp, makePacket({ ...tcp, ip: 6 }).bytes]);
    rig.writePf(RXCSUM, 0);
    frames.push(...receive(rig, [suitePacket('tcp')]));
    rig.writePf(RXCSUM, 1 << 13);
    rig.writePf(MRQC, (ALL_FUNCTIONS | 8) >>> 0);
    frames.push(...receive(rig, [suitePacket('tcp')]));
    expect(frames.map(({ hash, type, queue }) => [hash, type & 0xf, queue])).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      // It is not told, but it counts.
      [0, 0, 1],
      [0, 0, 0],
    ]);
  });

  it('chooses the queue by the entry of RETA that the seven lowest bits of the hash name', () => {
    // 0x51ccc178: entry 0x78; 0x323e8fc2: entry 0x42.
    const rig = scaled(1 << 16, (i) => (i === 0x78 ? 1 : 0));
    expect(receive(rig, [suitePacket('tcp')]).map(({ queue }) => queue)).toEqual([1]);
    rig.writePf(MRQC, ((1 << 17) | RSS_64_POOLS) >>> 0);
    expect(receive(rig, [suitePacket('tcp')]).map(({ queue }) => queue)).toEqual([0]);
    // The same table by the addresses that it had in the 82598.
    rig.writePf(0x5c00 + 0x40, 1 << 16);
    expect(rig.readPf(RETA + 0x40)).toBe(1 << 16);
    expect(receive(rig, [suitePacket('tcp')]).map(({ queue }) => queue)).toEqual([1]);
  });

  it('counts the bits of PSRTYPE.RQPL of its pool: without one all goes to the first queue', () => {
    const rig = scaled(ALL_FUNCTIONS, () => 1);
    expect(receive(rig, [suitePacket('tcp')])[0].queue).toBe(1);
    expect(rig.readPf(PSRTYPE + 4 * POOL_B)).toBe(0x2000_0000);
    rig.writeVf(VFPSRTYPE, 0);
    expect(receive(rig, [suitePacket('tcp')])[0].queue).toBe(0);
  });

  it('spreads flows over both queues, and keeps the packets of a flow in order', () => {
    const rig = scaled(ALL_FUNCTIONS, (i) => i & 1);
    const flows = Array.from({ length: 20 }, (_, i) => {
      const packet = makePacket({ ...tcp, protocol: 'udp', identification: i });
      packet.bytes[35] = i % 5;
      return packet.bytes;
    });
    const frames = receive(rig, flows);
    expect(frames).toHaveLength(20);
    for (let flow = 0; flow < 5; flow++) {
      const own = frames.filter(({ bytes }) => bytes[35] === flow);
      expect(new Set(own.map(({ queue }) => queue)).size).toBe(1);
      expect(own.map(({ bytes }) => bytes[19])).toEqual([flow, flow + 5, flow + 10, flow + 15]);
    }
    expect(new Set(frames.map(({ queue }) => queue)).size).toBe(2);
  });

  it('has sixteen queues where there are no pools (MRQE 0001b)', () => {
    const rig = scaled(ALL_FUNCTIONS, (i) => (i === 0x78 ? 13 : 0));
    rig.writePf(MRQC, (ALL_FUNCTIONS | 1) >>> 0);
    const { data } = rig.machine.nic;
    const slot = data.frames.take();
    const bytes = suitePacket('tcp');
    data.frames.u8.set(bytes, data.frames.offsetOf(slot));
    data.frames.lengths[slot] = bytes.length;
    expect(data.spread?.queueFor(0, slot)).toBe(13);
    expect(data.spread?.queueFor(3, slot)).toBe(6);
  });
});

import { describe, expect, it } from 'vitest';
import { pseudoHeaderSum } from '../../src/wire/index.ts';
import { toHex } from '../wire/bytes.ts';
import { makePacket, type Packet, type PacketSpec } from '../wire/packets.ts';
import { EOP, IFCS, IXSM, OffloadRig, RS, TSE, TXSM, toWire, VLE, WHOLE } from './offload-rig.ts';

const NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;

/** A packet as software gives it to a card: without checksums, but for the sum of the pseudo header. */
function unfinished(spec: PacketSpec, large = false): Packet {
  const packet = makePacket(spec);
  const bytes = toWire(packet.bytes);
  const { macBytes, networkBytes } = packet;
  const transport = macBytes + networkBytes;
  if (spec.ip === 4) bytes.fill(0, macBytes + 10, macBytes + 12);
  if (spec.protocol === 'sctp') bytes.fill(0, transport + 8, transport + 12);
  else {
    const length = large ? 0 : bytes.length - transport;
    const sum = pseudoHeaderSum(bytes, macBytes, NUMBERS[spec.protocol], length);
    bytes.set([sum >> 8, sum & 0xff], transport + (spec.protocol === 'tcp' ? 16 : 6));
  }
  return { ...packet, bytes };
}

const finished = (spec: PacketSpec) => toHex(toWire(makePacket(spec).bytes));
const sent = (rig: OffloadRig) => rig.wire.map(({ bytes }) => toHex(bytes));
const headerBytes = (packet: Packet) => packet.macBytes + packet.networkBytes + packet.transportBytes;

const SPECS: readonly PacketSpec[] = [
  { ip: 4, protocol: 'tcp', payloadBytes: 100 },
  { ip: 4, protocol: 'udp', payloadBytes: 101 },
  { ip: 4, protocol: 'sctp', payloadBytes: 64 },
  { ip: 6, protocol: 'tcp', payloadBytes: 1200, tcpOptionBytes: 12 },
  { ip: 6, protocol: 'udp', payloadBytes: 3 },
  { ip: 6, protocol: 'sctp', payloadBytes: 32 },
  { ip: 4, protocol: 'tcp', payloadBytes: 9, extra: new Uint8Array(12).fill(1) },
];

describe('checksum offload (datasheet 7.2.5)', () => {
  it('puts in what POPTS asks for, by the context of its descriptor', () => {
    const rig = new OffloadRig();
    for (const spec of SPECS) {
      const packet = unfinished(spec);
      rig.context(packet, spec);
      rig.postFrame(packet.bytes, spec.ip === 4 ? IXSM | TXSM : TXSM);
    }
    rig.run();
    expect(sent(rig)).toEqual(SPECS.map(finished));
  });

  it('does each only where its own bit is set, and none without', () => {
    const rig = new OffloadRig();
    const spec = SPECS[0];
    const packet = unfinished(spec);
    rig.context(packet, spec);
    for (const options of [0, IXSM, TXSM]) rig.postFrame(packet.bytes, options);
    rig.run();
    const whole = toWire(makePacket(spec).bytes);
    const withBytes = (from: number) => {
      const bytes = packet.bytes.slice();
      bytes.set(whole.subarray(from, from + 2), from);
      return toHex(bytes);
    };
    expect(sent(rig)).toEqual([toHex(packet.bytes), withBytes(24), withBytes(50)]);
  });

  it('has two contexts a queue, which stay until they are written again', () => {
    const rig = new OffloadRig();
    const [tcp, , , , udp] = SPECS;
    rig.context(unfinished(tcp), tcp, { idx: 0 });
    rig.context(unfinished(udp), udp, { idx: 1 });
    const order = [tcp, udp, udp, tcp];
    for (const spec of order) rig.postFrame(unfinished(spec).bytes, (spec === tcp ? IXSM : 1 << 4) | TXSM);
    // The first one again, while frames of before may still be on their way.
    rig.context(unfinished(SPECS[6]), SPECS[6], { idx: 0 });
    rig.postFrame(unfinished(SPECS[6]).bytes, IXSM | TXSM);
    rig.run();
    expect(sent(rig)).toEqual([...order, SPECS[6]].map(finished));
  });

  it('is that of the first descriptor of a frame in several', () => {
    const rig = new OffloadRig();
    const spec = SPECS[3];
    const packet = unfinished(spec);
    const at = rig.put(packet.bytes);
    rig.context(packet, spec);
    rig.post(
      { at, bytes: 20, command: IFCS, options: TXSM },
      { at: at + 20, bytes: 700, command: 0 },
      { at: at + 720, bytes: packet.bytes.length - 720, command: EOP | RS },
    );
    rig.run();
    expect(sent(rig)).toEqual([finished(spec)]);
    expect(rig.head()).toEqual({ head: 4, done: true });
  });

  it.each([
    ['the queue', (rig) => rig.transmit.handle.bar(0).write32(0x2028, 0)],
    ['its VF, by VFCTRL', (rig) => rig.transmit.handle.bar(0).write32(0, 1 << 26)],
    ['its VF, by Function Level Reset', (rig) => rig.machine.nic.pf.sriov?.vf(0).functionLevelReset()],
    ['the card, by CTRL.RST', (rig) => rig.writePf(0, 1 << 26)],
    ['the data plane of the card, as by the bus', (rig) => rig.machine.nic.data.reset()],
  ] as [string, (rig: OffloadRig) => void][])('is gone with a reset of %s', (_, reset) => {
    const rig = new OffloadRig();
    const spec = SPECS[0];
    const packet = unfinished(spec);
    rig.context(packet, spec);
    rig.postFrame(packet.bytes, IXSM | TXSM);
    rig.run();
    expect(sent(rig)).toEqual([finished(spec)]);
    const { transmit } = rig.machine.nic.data;
    const { base, size } = transmit.rings.all[0];
    reset(rig);
    rig.machine.scheduler.runUntil(rig.machine.scheduler.now + 100_000_000_000);
    // The ring of before, whatever has become of its registers; the context is not written again.
    const ring = transmit.rings.all[0];
    Object.assign(ring, { base, size });
    rig.transmit.next = 0;
    rig.postFrame(packet.bytes, IXSM | TXSM);
    transmit.setMaster(0, true);
    transmit.enable(0);
    transmit.setTail(0, rig.transmit.next);
    rig.machine.scheduler.runUntil(rig.machine.scheduler.now + 200_000_000);
    expect(sent(rig).slice(1)).toEqual([toHex(packet.bytes)]);
  });

  it('leaves a frame alone that is shorter than its context says', () => {
    const rig = new OffloadRig();
    const spec = SPECS[0];
    const short = unfinished(spec).bytes.slice(0, 60);
    rig.context({ macBytes: 14, networkBytes: 60, transportBytes: 20 }, spec);
    rig.postFrame(short, IXSM | TXSM);
    rig.run();
    expect(sent(rig)).toEqual([toHex(short)]);
  });
});

describe('what stands beside checksums', () => {
  it('VLE: the tag of the context goes in front, with its priority', () => {
    const rig = new OffloadRig();
    const spec = SPECS[0];
    const packet = unfinished(spec);
    // Sent from a pool that may use tags itself.
    rig.writePf(0x8200, 0);
    rig.context(packet, spec, { vlan: 0x6064 });
    rig.postFrame(packet.bytes, IXSM | TXSM, WHOLE | VLE);
    rig.postFrame(packet.bytes, IXSM | TXSM);
    rig.run();
    expect(rig.wire.map(({ tci }) => tci)).toEqual([0x6064, -1]);
    expect(sent(rig)).toEqual([finished(spec), finished(spec)]);
  });

  it('HLREG0.TXPADEN: short frames have zeros behind them up to 64 bytes with frame check sequence', () => {
    const rig = new OffloadRig();
    const short = toWire(makePacket({ ip: 4, protocol: 'udp', payloadBytes: 0 }).bytes);
    rig.postFrame(short);
    rig.run();
    rig.writePf(0x4240, rig.readPf(0x4240) & ~(1 << 10));
    rig.postFrame(short);
    rig.run();
    expect(sent(rig)).toEqual([toHex(short).padEnd(120, '0'), toHex(short)]);
    expect(rig.machine.nic.data.transmit.bufferFree).toBe(rig.machine.nic.profile.transmitBufferBytes);
  });

  it('without IFCS the last four bytes are the frame check sequence, and a wrong one loses the frame', () => {
    const rig = new OffloadRig();
    const bytes = toWire(makePacket(SPECS[1]).bytes);
    // CRC-32 bit by bit.
    let crc = ~0;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0xedb8_8320);
    }
    const fcs = [0, 8, 16, 24].map((shift) => (~crc >>> shift) & 0xff);
    rig.postFrame(Uint8Array.from([...bytes, ...fcs]), 0, EOP | RS);
    rig.postFrame(Uint8Array.from([...bytes, fcs[0] ^ 1, ...fcs.slice(1)]), 0, EOP | RS);
    rig.postFrame(bytes);
    rig.run();
    expect(sent(rig)).toEqual([toHex(bytes), toHex(bytes)]);
    expect(rig.machine.nic.data.drops.byReason(0).badFcs).toBe(1);
    expect(rig.head()).toEqual({ head: 3, done: true });
    expect(rig.machine.nic.data.transmit.bufferFree).toBe(rig.machine.nic.profile.transmitBufferBytes);
  });
});

describe('legacy descriptors (datasheet 7.2.3.2.2)', () => {
  const LEGACY = { EOP, IFCS, RS, IC: 1 << 26, VLE };
  /** The card without virtualization: a frame goes where it goes, which is to the wire. */
  function plainCard(rig: OffloadRig): void {
    rig.writePf(0x51b0, 0);
    rig.writePf(0x8120, 0);
  }
  function postLegacy(
    rig: OffloadRig,
    at: number,
    bytes: number,
    command: number,
    cso = 0,
    css = 0,
    vlan = 0,
  ) {
    rig.transmit.write([
      ...rig.transmit.address(at),
      bytes | (cso << 16) | command,
      (css << 8) | (vlan << 16),
    ]);
  }

  it('have a checksum put in at CSO, of all from CSS on, and a tag', () => {
    const rig = new OffloadRig();
    plainCard(rig);
    const spec = SPECS[0];
    const { bytes } = unfinished({ ...spec, ip: 6 });
    const at = rig.put(bytes);
    postLegacy(rig, at, bytes.length, LEGACY.EOP | LEGACY.IFCS | LEGACY.RS | LEGACY.IC, 54 + 16, 54);
    postLegacy(rig, at, 60, LEGACY.IFCS | LEGACY.IC | LEGACY.VLE, 54 + 16, 54, 0x2005);
    postLegacy(rig, at + 60, bytes.length - 60, LEGACY.EOP | LEGACY.RS);
    postLegacy(rig, at, bytes.length, LEGACY.EOP | LEGACY.IFCS | LEGACY.RS);
    rig.run();
    const whole = finished({ ...spec, ip: 6 });
    expect(sent(rig)).toEqual([whole, whole, toHex(bytes)]);
    expect(rig.wire.map(({ tci }) => tci)).toEqual([-1, 0x2005, -1]);
    expect(rig.head()).toEqual({ head: 4, done: true });
  });

  it('are one frame, however many fetches bring them: the tail in two writes, or the end of the ring', () => {
    const rig = new OffloadRig();
    plainCard(rig);
    const spec = { ...SPECS[0], ip: 6 } as const;
    const { bytes } = unfinished(spec);
    const at = rig.put(bytes);
    const first = () => postLegacy(rig, at, 60, LEGACY.IFCS | LEGACY.IC | LEGACY.VLE, 54 + 16, 54, 0x2005);
    const second = () => postLegacy(rig, at + 60, bytes.length - 60, LEGACY.EOP | LEGACY.RS);
    first();
    rig.run();
    expect(sent(rig)).toEqual([]);
    second();
    rig.run();
    expect(sent(rig)).toEqual([finished(spec)]);
    expect(rig.head()).toEqual({ head: 2, done: true });
    for (let i = 2; i < 127; i++) {
      postLegacy(rig, at, bytes.length, LEGACY.EOP | LEGACY.IFCS | LEGACY.RS);
      if (i % 20 === 0) rig.run();
    }
    rig.run();
    first();
    second();
    rig.run();
    expect(sent(rig).slice(1)).toEqual([...Array.from({ length: 125 }, () => toHex(bytes)), finished(spec)]);
    expect(rig.wire.at(-1)?.tci).toBe(0x2005);
    expect(rig.head()).toEqual({ head: 1, done: true });
  });

  it('are those without DEXT, whatever is in reserved bits of others', () => {
    const rig = new OffloadRig();
    const spec = SPECS[0];
    const packet = unfinished(spec);
    rig.context(packet, spec);
    rig.postFrame(packet.bytes, IXSM | TXSM, WHOLE | (1 << 28));
    rig.run();
    expect(sent(rig)).toEqual([finished(spec)]);
  });

  it('are passed over while there are pools', () => {
    const rig = new OffloadRig();
    const { bytes } = unfinished(SPECS[0]);
    postLegacy(rig, rig.put(bytes), bytes.length, LEGACY.EOP | LEGACY.IFCS | LEGACY.RS);
    rig.run();
    expect(rig.wire).toEqual([]);
    expect(rig.head()).toEqual({ head: 1, done: true });
  });
});

describe('TCP segmentation (datasheet 7.2.4)', () => {
  /** What a stack would have sent: packets of their own, made one by one. */
  function expected(spec: PacketSpec, mss: number): string[] {
    const whole = makePacket(spec);
    const data = whole.bytes.subarray(headerBytes(whole));
    const count = Math.ceil(data.length / mss);
    return Array.from({ length: count }, (_, i) => {
      const isLast = i === count - 1;
      const flags = (spec.flags ?? 0x18) & (count === 1 ? 0xff : isLast ? 0x7f : 0xf6);
      const part = data.subarray(i * mss, (i + 1) * mss);
      const identification = ((spec.identification ?? 0x1234) + i) & 0xffff;
      const sequence = (0xffff_f000 + i * mss) >>> 0;
      const packet = makePacket({ ...spec, flags, identification, sequence, payloadBytes: part.length });
      const own = headerBytes(packet);
      packet.bytes.set(part, own);
      // Again with the right data: its checksum by adding up.
      const { macBytes, networkBytes, bytes } = packet;
      const at = macBytes + networkBytes;
      const field = at + (spec.protocol === 'tcp' ? 16 : 6);
      bytes.fill(0, field, field + 2);
      let sum = pseudoHeaderSum(bytes, macBytes, NUMBERS[spec.protocol], bytes.length - at);
      for (let j = at; j < bytes.length; j++) sum += bytes[j] << ((j - at) % 2 === 0 ? 8 : 0);
      sum = (sum % 0xffff === 0 ? 0xffff : sum % 0xffff) ^ 0xffff;
      bytes.set([sum >> 8, sum & 0xff], field);
      // Padded, if it is that short.
      return toHex(toWire(bytes)).padEnd(120, '0');
    });
  }

  function sendLarge(rig: OffloadRig, spec: PacketSpec, mss: number, cuts: readonly number[]): void {
    const packet = unfinished(spec, true);
    const at = rig.put(packet.bytes);
    rig.context(packet, spec, { mss });
    const places = [0, ...cuts, packet.bytes.length];
    const options = (spec.ip === 4 ? IXSM | TXSM : TXSM) | (spec.payloadBytes << 14);
    const parts = places.slice(1).map((end, i) => ({
      at: at + places[i],
      bytes: end - places[i],
      command: (i === 0 ? TSE | IFCS : 0) | (i === places.length - 2 ? EOP | RS : 0),
      options: i === 0 ? options : 0,
    }));
    rig.post(...parts);
  }

  const tcp: PacketSpec = {
    ip: 4,
    protocol: 'tcp',
    payloadBytes: 10_000,
    identification: 0xfffd,
    flags: 0x99,
  };
  it.each([
    ['over IPv4, in one descriptor', tcp, 1448, []],
    ['with its header apart', tcp, 1448, [54]],
    ['with header and data spread over many', tcp, 1000, [14, 34, 54, 60, 1054, 3000, 3001, 9999]],
    ['over IPv6 with options', { ...tcp, ip: 6, tcpOptionBytes: 12 }, 536, [100]],
    ['of what fits into one frame', { ...tcp, payloadBytes: 700 }, 1448, [54]],
    ['of what fills its frames', { ...tcp, payloadBytes: 5000 }, 1000, []],
    ['of UDP', { ...tcp, protocol: 'udp' }, 1400, [42, 5000]],
  ] as [string, PacketSpec, number, number[]][])('sends the frames that a stack would: %s', (...row) => {
    const [, spec, mss, cuts] = row;
    const rig = new OffloadRig();
    sendLarge(rig, spec, mss, cuts);
    rig.run();
    expect(sent(rig)).toEqual(expected(spec, mss));
    expect(rig.head()).toEqual({ head: cuts.length + 2, done: true });
    expect(rig.machine.nic.data.transmit.bufferFree).toBe(rig.machine.nic.profile.transmitBufferBytes);
  });

  it('takes the flags of segments from DTXTCPFLGL and DTXTCPFLGH', () => {
    const rig = new OffloadRig();
    expect([rig.readPf(0x4a88), rig.readPf(0x4a8c)]).toEqual([0x0ff6_0ff6, 0xf7f]);
    rig.writePf(0x4a88, 0x0010_0080);
    rig.writePf(0x4a8c, 0x019);
    sendLarge(rig, { ...tcp, payloadBytes: 3000, flags: 0xff }, 1000, []);
    rig.run();
    expect(rig.wire.map(({ bytes }) => bytes[47])).toEqual([0x80, 0x10, 0x19]);
    rig.writePf(0, 1 << 26);
    expect([rig.readPf(0x4a88), rig.readPf(0x4a8c)]).toEqual([0x0ff6_0ff6, 0xf7f]);
  });

  it('goes on behind a large send, and in front of it, in the order of the ring', () => {
    const rig = new OffloadRig();
    const small = toWire(makePacket({ ...tcp, payloadBytes: 30 }).bytes);
    rig.postFrame(small);
    sendLarge(rig, { ...tcp, payloadBytes: 3000 }, 1448, [54]);
    sendLarge(rig, { ...tcp, payloadBytes: 2000 }, 999, []);
    rig.postFrame(small);
    rig.run();
    const large = (payloadBytes: number, mss: number) => expected({ ...tcp, payloadBytes }, mss);
    expect(sent(rig)).toEqual([toHex(small), ...large(3000, 1448), ...large(2000, 999), toHex(small)]);
  });

  it('sends as much as PAYLEN can say: 256 KiB less a byte, ring after ring of frames', () => {
    const rig = new OffloadRig();
    const spec = { ...tcp, payloadBytes: 0x3fff };
    const packet = unfinished(spec, true);
    const at = rig.put(packet.bytes);
    const header = headerBytes(packet);
    rig.context(packet, spec, { mss: 1460 });
    const payload = 0x3_ffff;
    const options = IXSM | TXSM | (payload << 14);
    // The same data again and again.
    const sizes = [...Array.from({ length: 16 }, () => 0x3fff), payload - 16 * 0x3fff];
    rig.post(
      { at, bytes: header, command: TSE | IFCS, options },
      ...sizes.map((bytes, i) => ({ at: at + header, bytes, command: i === 16 ? EOP | RS : 0 })),
    );
    rig.run(2_000_000_000);
    expect(rig.wire).toHaveLength(Math.ceil(payload / 1460));
    const data = rig.wire.flatMap(({ bytes }) => [...bytes.subarray(54)]);
    expect(data).toHaveLength(payload);
    expect(data.every((byte, i) => byte === packet.bytes[header + (i % 0x3fff)])).toBe(true);
    expect(rig.head()).toEqual({ head: 19, done: true });
  });

  it('loses what contradicts itself as one frame, and goes on', () => {
    const rig = new OffloadRig();
    const small = toWire(makePacket({ ...tcp, payloadBytes: 30 }).bytes);
    const spec = { ...tcp, payloadBytes: 3000 };
    const packet = unfinished(spec, true);
    const at = rig.put(packet.bytes);
    const wrong: [mss: number, paylen: number, pieces: number][] = [
      [0, 3000, 1],
      [1448, 2999, 1],
      [1448, 0, 1],
      [9000, 3000, 1],
      [1448, 3000, 6],
    ];
    for (const [mss, paylen, pieces] of wrong) {
      rig.context(packet, spec, { mss });
      // The header in more pieces than the chip keeps.
      const cuts = Array.from({ length: pieces - 1 }, (_, i) => 9 * (i + 1));
      const places = [0, ...cuts, packet.bytes.length];
      rig.post(
        ...places.slice(1).map((end, i) => ({
          at: at + places[i],
          bytes: end - places[i],
          command: TSE | IFCS | (end === packet.bytes.length ? EOP | RS : 0),
          options: IXSM | TXSM | (paylen << 14),
        })),
      );
    }
    rig.postFrame(small);
    rig.run();
    expect(sent(rig)).toEqual([toHex(small)]);
    expect(rig.machine.nic.data.drops.byReason(0).dmaFailed).toBe(wrong.length);
    expect(rig.machine.nic.data.transmit.bufferFree).toBe(rig.machine.nic.profile.transmitBufferBytes);
  });

  it('ends when its queue is disabled in the middle, and the queue begins anew', () => {
    const rig = new OffloadRig();
    sendLarge(rig, { ...tcp, payloadBytes: 60_000 }, 1448, [54]);
    rig.run(5_000_000);
    const before = rig.wire.length;
    expect(before).toBeLessThan(41);
    const ring = rig.transmit;
    const bar = ring.handle.bar(0);
    bar.write32(0x2028, 0);
    rig.machine.scheduler.runUntil(rig.machine.scheduler.now + 200_000_000);
    const inFlight = rig.wire.length;
    ring.next = 0;
    bar.write32(0x2018, 0);
    bar.write32(0x2028, 1 << 25);
    const small = toWire(makePacket({ ...tcp, payloadBytes: 30 }).bytes);
    rig.postFrame(small);
    rig.run();
    expect(sent(rig).slice(inFlight)).toEqual([toHex(small)]);
    expect(inFlight).toBeLessThan(42);
    const { data, profile } = rig.machine.nic;
    expect(data.transmit.bufferFree).toBe(profile.transmitBufferBytes);
    expect(data.frames.slots - data.frames.available).toBe(0);
  });
});

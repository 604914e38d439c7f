import { beforeEach, describe, expect, it } from 'vitest';
import { isFcsValid } from '../../src/wire/index.ts';
import { makePacket } from '../wire/packets.ts';
import { ADVANCED, broadcast, DROP_EN, LEGACY, type RawRing, RingRig } from './chip-ring-rig.ts';

const [HLREG0, MAXFRS, RXDCTL, RDRXCTL] = [0x4240, 0x4268, 0x28, 0x2f00];
const [RXCRCSTRP, JUMBOEN, RXLNGTHERREN] = [1 << 1, 1 << 2, 1 << 27];
const [RLEC, GPRC, GORCL, RUC, ROC, TORL, TPR, PRC64] = [
  0x4040, 0x4074, 0x4088, 0x40a4, 0x40ac, 0x40c0, 0x40d0, 0x405c,
];
const [DD, EOP, VP, L4CS, IPCS] = [1, 2, 8, 1 << 5, 1 << 6];
const VLAN = [0x81, 0x00, 0x60, 0x05, 0x88, 0xb5];
const FCS = 4;

const rig = new RingRig();
beforeEach(() => {
  rig.restart();
});

const change = (offset: number, set: number, clear = 0) =>
  rig.write(offset, (rig.read(offset) & ~clear) | set);

/** Whether frames of so many bytes, check sequence included, come to memory. */
function pass(ring: RawRing, sizes: readonly number[], header?: readonly number[]): boolean[] {
  let next = ring.head;
  return sizes.map((bytes) => {
    rig.arrive(broadcast(bytes - FCS, bytes, header));
    rig.wait(20);
    const head = ring.head;
    const came = head !== next;
    next = head;
    return came;
  });
}

function bigRing(): RawRing {
  const ring = rig.receiveRing(64, ADVANCED | 4 | DROP_EN);
  ring.tail = 63;
  return ring;
}

describe('the longest frame', () => {
  it('has 1,518 bytes without HLREG0.JUMBOEN, and four more with a VLAN tag', () => {
    const ring = bigRing();
    rig.write(MAXFRS, 9018 << 16);
    change(HLREG0, 0, JUMBOEN);
    expect(pass(ring, [64, 1518, 1519, 9018])).toEqual([true, true, false, false]);
    expect(pass(ring, [1522, 1523], VLAN)).toEqual([true, false]);
  });

  it('has MAXFRS.MFS bytes with it, and four more with a VLAN tag', () => {
    const ring = bigRing();
    rig.write(MAXFRS, 9018 << 16);
    change(HLREG0, JUMBOEN);
    expect(pass(ring, [1519, 9018, 9019])).toEqual([true, true, false]);
    expect(pass(ring, [9022, 9023], VLAN)).toEqual([true, false]);
    rig.write(MAXFRS, 1000 << 16);
    expect(pass(ring, [1000, 1001])).toEqual([true, false]);
  });

  it('is counted by ROC if it is longer, and not as good', () => {
    const ring = bigRing();
    for (const at of [ROC, GPRC, TPR]) rig.read(at);
    change(HLREG0, 0, JUMBOEN);
    pass(ring, [1518, 1519, 4000]);
    expect([ROC, GPRC, TPR, ROC].map((at) => rig.read(at))).toEqual([2, 1, 3, 0]);
  });

  it('may have 15.5 KB, in as many buffers as it takes, of which the last has EOP', () => {
    const ring = bigRing();
    rig.write(MAXFRS, 15_872 << 16);
    change(HLREG0, JUMBOEN);
    const frame = broadcast(15_868, 3);
    rig.arrive(frame);
    rig.wait(40);
    const written = [0, 1, 2, 3].map((i) => ring.descriptor(i));
    expect(written.map(([, , status]) => status & 3)).toEqual([DD, DD, DD, DD | EOP]);
    const lengths = written.map(([, , , last]) => last & 0xffff);
    expect(lengths).toEqual([4096, 4096, 4096, 15_868 - 3 * 4096]);
    const bytes = lengths.flatMap((length, i) => [...ring.bytesAt(i, length)]);
    expect(Uint8Array.from(bytes)).toEqual(frame);
  });
});

describe('a frame that is', () => {
  it('shorter than 64 bytes is dropped and counted by RUC', () => {
    const ring = bigRing();
    rig.read(RUC);
    expect(pass(ring, [63, 64, 20])).toEqual([false, true, false]);
    expect(rig.read(RUC)).toBe(2);
  });

  it('as long as its length field does not say is counted by RLEC, with HLREG0.RXLNGTHERREN', () => {
    const ring = bigRing();
    rig.read(RLEC);
    // Length fields; a short one stands in front of padding.
    const lengths = [
      [0, 100],
      [0, 99],
      [0, 20],
      [5, 0xdd],
      [6, 0],
    ] as const;
    const sizes = [118, 118, 64, 118, 118];
    const send = () => {
      for (const [i, size] of sizes.entries()) rig.arrive(broadcast(size - FCS, i, lengths[i]));
    };
    send();
    rig.wait(20);
    expect(rig.read(RLEC)).toBe(0);
    change(HLREG0, RXLNGTHERREN);
    send();
    rig.wait(20);
    expect(rig.read(RLEC)).toBe(1);
    expect(ring.head).toBe(10);
  });
});

describe('the check sequence of a received frame', () => {
  it('comes to memory without HLREG0.RXCRCSTRP, and is right', () => {
    const ring = bigRing();
    change(HLREG0, 0, RXCRCSTRP);
    change(RDRXCTL, 0, 2);
    for (const at of [GORCL, TORL, PRC64]) rig.read(at);
    rig.arrive(broadcast(60, 1));
    rig.wait(20);
    const length = ring.descriptor(0)[3] & 0xffff;
    expect(length).toBe(64);
    const bytes = ring.bytesAt(0, 64);
    expect(bytes.subarray(0, 60)).toEqual(broadcast(60, 1));
    expect(isFcsValid(bytes, 0, 64)).toBe(true);
    // Counters have it in any case, once.
    expect([GORCL, TORL, PRC64].map((at) => rig.read(at))).toEqual([64, 64, 1]);
  });

  it('is taken off with it', () => {
    const ring = bigRing();
    for (const at of [GORCL]) rig.read(at);
    rig.arrive(broadcast(60, 1));
    rig.wait(20);
    expect(ring.descriptor(0)[3] & 0xffff).toBe(60);
    expect(rig.read(GORCL)).toBe(64);
  });
});

describe('a legacy receive descriptor (SRRCTL.DESCTYPE 000b, without pools)', () => {
  it('keeps its address, and says length, status, errors and VLAN tag in its upper half', () => {
    const ring = rig.receiveRing(8, LEGACY | 2);
    ring.tail = 7;
    const { bytes } = makePacket({ ip: 4, protocol: 'tcp', payloadBytes: 40 });
    const wrong = makePacket({ ip: 4, protocol: 'tcp', payloadBytes: 40 }).bytes;
    wrong[60] ^= 1;
    rig.arrive(bytes);
    rig.arrive(wrong);
    rig.wait(20);
    const [first, second] = [ring.descriptor(0), ring.descriptor(1)];
    expect(first).toEqual([
      ring.addressOf(0) % 2 ** 32,
      Math.floor(ring.addressOf(0) / 2 ** 32),
      94,
      DD | EOP | L4CS | IPCS,
    ]);
    expect(second[3]).toBe(DD | EOP | L4CS | IPCS | (0x40 << 8));
    expect(ring.bytesAt(0, 94)).toEqual(bytes);
  });

  it('has the tag that the card takes out', () => {
    const ring = rig.receiveRing(8, LEGACY | 2);
    rig.write(ring.at + RXDCTL, (1 << 25) | (1 << 30));
    ring.tail = 7;
    rig.arrive(broadcast(80, 0, VLAN));
    rig.wait(20);
    const [, , length, last] = ring.descriptor(0);
    expect([length, last >>> 16, last & 0xff]).toEqual([76, 0x6005, DD | EOP | VP]);
  });

  it('is that of its own queue: one beside it is advanced', () => {
    const legacy = rig.receiveRing(8, LEGACY | 2, 5);
    const advanced = rig.receiveRing(8, ADVANCED | 2, 6);
    legacy.tail = advanced.tail = 7;
    rig.write(0x5128, (1 << 31) | 0x88b5);
    for (const queue of [5, 6]) {
      rig.write(0xec00, (1 << 31) | (queue << 16));
      rig.arrive(broadcast(60));
      rig.wait(20);
    }
    expect(legacy.descriptor(0).slice(2)).toEqual([60, DD | EOP]);
    expect(advanced.descriptor(0)).toEqual([0x8000, 0, DD | EOP, 60]);
  });
});

describe('header split and receive side coalescing', () => {
  it('are stored and left alone: whole packets come to the packet buffers', () => {
    const ring = rig.receiveRing(8, (2 << 25) | (4 << 8) | 2);
    rig.write(0x102c, 0xd);
    expect(rig.read(0x102c)).toBe(0xd);
    rig.write(0xea00, 1 << 4);
    ring.tail = 7;
    const { bytes } = makePacket({ ip: 4, protocol: 'tcp', payloadBytes: 400 });
    rig.arrive(bytes);
    rig.arrive(bytes);
    rig.wait(20);
    for (const i of [0, 1]) {
      const [type, , , length] = ring.descriptor(i);
      // Neither SPH nor HDR_LEN nor RSCCNT.
      expect([type >>> 17, (type >>> 21) & 0x7ff, length]).toEqual([0, 0, bytes.length]);
      expect(ring.bytesAt(i, bytes.length)).toEqual(bytes);
    }
  });
});

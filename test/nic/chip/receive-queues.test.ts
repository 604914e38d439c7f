import { beforeEach, describe, expect, it } from 'vitest';
import { makePacket, type PacketSpec } from '../../wire/packets.ts';
import {
  DAQF,
  ETQF,
  ETQS,
  FTQF,
  GCR_EXT,
  L34TIMIR,
  MRQC,
  MTQC,
  PFVTCTL,
  PSRTYPE,
  QueueCard,
  RETA,
  RQTC,
  RTRUP2TC,
  SAQF,
  SDPQF,
  SYNQF,
  TO,
} from './queue-rig.ts';

const FUNCTIONS = 0x00f3_0000;
const VALID = 1 << 31;
const RPL_EN = 1 << 30;
const tcp: PacketSpec = { ip: 4, protocol: 'tcp', payloadBytes: 40 };
const SYN = { ...tcp, flags: 2 };
/** 0x51ccc178: entry 0x78 of RETA. */
const HASHED = suitePacket();
const ENTRY = 0x78;
/** Priority p is of class 7 - p. */
const BACKWARDS = [0, 1, 2, 3, 4, 5, 6, 7].reduce((word, p) => word | ((7 - p) << (3 * p)), 0);

function suitePacket(priority?: number): Uint8Array {
  const vlan = priority === undefined ? {} : { vlan: priority << 13 };
  const { bytes, macBytes } = makePacket({ ...tcp, ...vlan });
  bytes.set([66, 9, 149, 187, 161, 142, 100, 80], macBytes + 12);
  bytes.set([2794 >> 8, 2794 & 0xff, 1766 >> 8, 1766 & 0xff], macBytes + 20);
  return bytes;
}

const card = new QueueCard();
beforeEach(() => {
  card.restart();
  card.takes(0, TO, 0);
});

/** A card whose pool `pool` takes the frames. */
function withPools(mode: number, pool: number, functions = 0): void {
  card.write(PFVTCTL, 1 | RPL_EN);
  card.write(MRQC, functions | mode);
  card.takes(pool, TO, 0);
}

describe('without pools a packet goes to', () => {
  it('queue 0 without RSS and classes (MRQE 0000b)', () => {
    expect(card.queuesOf(HASHED)).toEqual([0]);
  });

  it('one of sixteen queues by RSS (0001b): the entry of RETA, or 0 without a hash', () => {
    card.scale((i) => (i === ENTRY ? 13 : 2));
    card.write(MRQC, FUNCTIONS | 1);
    const arp = makePacket(tcp).bytes;
    arp.set([8, 6], 12);
    expect([card.queuesOf(HASHED), card.queuesOf(arp)]).toEqual([[13], [0]]);
  });

  it.each([
    [2, 16, 'eight', 0b0010],
    [2, 32, 'four', 0b0011],
  ])('the first queue of the class of its priority: RTRUP2TC (%#)', (_, step, _count, mode) => {
    card.write(RTRUP2TC, BACKWARDS);
    card.write(MRQC, mode);
    const classes = 128 / step;
    for (const priority of [0, 3, 7])
      expect(card.queuesOf(suitePacket(priority))).toEqual([((7 - priority) % classes) * step]);
    // Without a tag the priority is 0.
    expect(card.queuesOf(HASHED)).toEqual([(7 % classes) * step]);
  });

  it.each([
    [0b0100, 16],
    [0b0101, 32],
  ])('with RSS too (MRQE %d) to one behind it, by as many bits as RQTC has of the class', (mode, step) => {
    card.scale(() => 0xd);
    card.write(MRQC, FUNCTIONS | mode);
    card.write(RTRUP2TC, 2 << 15);
    expect(card.read(RQTC)).toBe(0x4444_4444);
    expect(card.queuesOf(suitePacket(5))).toEqual([2 * step + 13]);
    card.write(RQTC, 0x4444_4244);
    expect([card.queuesOf(suitePacket(5)), card.queuesOf(HASHED)]).toEqual([[2 * step + 1], [13]]);
    card.write(RQTC, 0);
    expect(card.queuesOf(suitePacket(5))).toEqual([2 * step]);
  });
});

describe('with pools a packet goes to', () => {
  it('the first queue of 64 x 2 (MRQE 1000b)', () => {
    withPools(0b1000, 63, FUNCTIONS);
    card.scale(() => 15);
    card.write(PSRTYPE + 4 * 63, 7 << 29);
    expect(card.queuesOf(HASHED)).toEqual([126]);
  });

  it.each([
    [0b1010, 31, 4],
    [0b1011, 63, 2],
  ])(
    'one of the queues of its pool by RSS (MRQE %d): the bits of RETA that PSRTYPE has',
    (mode, pool, queues) => {
      withPools(mode, pool, FUNCTIONS);
      card.write(GCR_EXT, queues === 4 ? 2 : 3);
      card.scale(() => 15);
      const seen = [0, 1, 2, 7].map((bits) => {
        card.write(PSRTYPE + 4 * pool, bits << 29);
        return card.queuesOf(HASHED)[0] - pool * queues;
      });
      expect(seen).toEqual(queues === 4 ? [0, 1, 3, 3] : [0, 1, 1, 1]);
    },
  );

  it.each([
    [0b1100, 15, 8, 1],
    [0b1101, 31, 4, 2],
  ])('the queue of its class in its pool (MRQE %d)', (mode, pool, classes, vtMode) => {
    withPools(mode, pool, FUNCTIONS);
    card.write(GCR_EXT, vtMode);
    card.write(RTRUP2TC, BACKWARDS);
    card.scale(() => 1);
    for (const priority of [0, 2, 5, 7])
      expect(card.queuesOf(suitePacket(priority))).toEqual([pool * classes + ((7 - priority) % classes)]);
  });

  it('each of its pools, in each by that pool', () => {
    withPools(0b1010, 3, FUNCTIONS);
    card.takes(9, 0x0200_0000_0300, 1);
    card.scale(() => 3);
    card.write(PSRTYPE + 4 * 9, 2 << 29);
    const all = suitePacket();
    all.fill(0xff, 0, 6);
    expect(card.queuesOf(all).toSorted((a, b) => a - b)).toEqual([0, 12, 39]);
  });

  it('nobody, if the pool is beyond those that have queues', () => {
    withPools(0b1010, 40);
    card.write(GCR_EXT, 2);
    expect(card.queuesOf(HASHED)).toEqual([]);
    card.write(GCR_EXT, 3);
    card.write(MRQC, 0b1000);
    expect(card.queuesOf(HASHED)).toEqual([80]);
  });
});

describe('the queues of a VF', () => {
  it.each([
    [3, 2],
    [2, 4],
    [1, 8],
  ])('follow VT_Mode of GCR_EXT (%d): its pool has %d', (vtMode, queues) => {
    card.enableVfs(5);
    card.write(GCR_EXT, vtMode);
    const pool = 4;
    for (const [own, first] of [
      [0x1000, 0x1000],
      [0x2000, 0x6000],
    ]) {
      for (let queue = 0; queue < 8; queue++) {
        card.writeVf(pool, own + 64 * queue, 0x8_0000 + 128 * queue);
        const seen = card.read(first + 64 * (pool * queues + queue));
        expect(seen).toBe(queue < queues ? 0x8_0000 + 128 * queue : 0);
      }
    }
    const { all } = card.nic.data.transmit.rings;
    const owned = all.filter(({ routingId }) => routingId === card.vf(pool).routingId);
    expect(owned.map(({ queue }) => queue)).toEqual(
      Array.from({ length: queues }, (_, i) => pool * queues + i),
    );
  });

  it.each([
    [1, 2],
    [2, 4],
    [3, 8],
  ])('follow NUM_TC_OR_Q of MTQC (%d) while VT_Mode says nothing', (code, queues) => {
    card.enableVfs(3);
    card.write(MTQC, (code << 2) | 2);
    card.writeVf(2, 0x1000, 0x1280);
    expect(card.read(0x1000 + 64 * 2 * queues)).toBe(0x1280);
  });

  it('are reset with it, and none of another VF', () => {
    card.enableVfs(3);
    card.write(GCR_EXT, 2);
    for (let queue = 0; queue < 16; queue++) card.write(0x1000 + 64 * queue, 0x80 * (queue + 1));
    card.writeVf(1, 0, 1 << 26);
    const bases = Array.from({ length: 16 }, (_, queue) => card.read(0x1000 + 64 * queue) / 0x80);
    expect(bases).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 9, 10, 11, 12, 13, 14, 15, 16]);
  });

  it('are two again after a reset of the device, but for VT_Mode, which only one of the bus clears', () => {
    card.write(MTQC, 0xf);
    expect(card.nic.data.queuesPerPool).toBe(8);
    card.write(0, 1 << 26);
    expect(card.nic.data.queuesPerPool).toBe(2);
    card.write(GCR_EXT, 2);
    card.write(0, 1 << 26);
    expect(card.nic.data.queuesPerPool).toBe(4);
    card.nic.hotReset();
    expect(card.nic.data.queuesPerPool).toBe(2);
  });
});

describe('a filter of EtherTypes (ETQF, ETQS)', () => {
  const queue = (n: number) => VALID | (n << 16);

  it('gives its packets to its queue, before RSS', () => {
    card.scale(() => 5);
    card.write(MRQC, FUNCTIONS | 1);
    card.write(ETQF + 8, VALID | 0x0800);
    expect(card.queuesOf(HASHED)).toEqual([5]);
    card.write(ETQS + 8, queue(99));
    expect(card.queuesOf(HASHED)).toEqual([99]);
    card.write(ETQF + 8, 0x0800);
    expect(card.queuesOf(HASHED)).toEqual([5]);
  });

  it('looks at the priority where UP Enable is set', () => {
    card.write(ETQF, VALID | (1 << 19) | (6 << 16) | 0x0800);
    card.write(ETQS, queue(7));
    expect([5, 6].map((priority) => card.queuesOf(suitePacket(priority))[0])).toEqual([0, 7]);
    expect(card.queuesOf(HASHED)).toEqual([0]);
  });

  it('has a packet come to a queue of its own pool only', () => {
    withPools(0b1000, 3);
    card.write(ETQF, VALID | 0x0800);
    card.write(ETQS, queue(7));
    expect(card.queuesOf(HASHED)).toEqual([7]);
    card.write(ETQS, queue(9));
    expect(card.queuesOf(HASHED)).toEqual([6]);
  });

  it('ends with a reset', () => {
    card.write(ETQF, VALID | 0x0800);
    card.write(ETQS, queue(7));
    card.queuesOf(HASHED);
    card.write(0, 1 << 26);
    card.write(0x3000, 1);
    card.takes(0, TO, 0);
    expect(card.queuesOf(HASHED)).toEqual([0]);
  });
});

describe('the SYN filter (SYNQF)', () => {
  it('gives its queue the TCP packets that begin a connection', () => {
    card.write(SYNQF, (77 << 1) | 1);
    const synAck = makePacket({ ...tcp, flags: 0x12 }).bytes;
    const udp = makePacket({ ...tcp, protocol: 'udp' }).bytes;
    const seen = [makePacket(SYN).bytes, synAck, makePacket(tcp).bytes, udp];
    expect(seen.flatMap((bytes) => card.queuesOf(bytes))).toEqual([77, 0, 0, 0]);
  });

  it('comes before the 5-tuple filters with SYNQFP, and behind them without', () => {
    card.write(FTQF, VALID | (0x3f << 25));
    card.write(L34TIMIR, 20 << 21);
    card.write(SYNQF, (77 << 1) | 1);
    const { bytes } = makePacket(SYN);
    expect(card.queuesOf(bytes)).toEqual([20]);
    card.write(SYNQF, VALID | (77 << 1) | 1);
    expect(card.queuesOf(bytes)).toEqual([77]);
  });
});

describe('a 5-tuple filter (FTQF)', () => {
  const [SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, PROTOCOL, POOL] = [25, 26, 27, 28, 29, 30].map(
    (bit) => 1 << bit,
  );
  const ALL = SOURCE | DESTINATION | SOURCE_PORT | DESTINATION_PORT | PROTOCOL | POOL;
  const filter = (i: number, compared: number, queue: number, more = 0) => {
    card.write(FTQF + 4 * i, VALID | (ALL & ~compared) | more);
    card.write(L34TIMIR + 4 * i, queue << 21);
  };
  // Registers have bytes in the order of the wire, the first one lowest.
  const ADDRESSES = [0xbb95_0942, 0x5064_8ea1];
  const PORTS = 0xe606_ea0a;

  it('compares what its mask bits leave: addresses, ports, protocol', () => {
    card.write(SAQF, ADDRESSES[0]);
    card.write(DAQF, ADDRESSES[1]);
    card.write(SDPQF, PORTS);
    filter(0, SOURCE | DESTINATION | SOURCE_PORT | DESTINATION_PORT | PROTOCOL, 9);
    expect(card.queuesOf(HASHED)).toEqual([9]);
    for (const at of [26, 30, 34, 36]) {
      const other = suitePacket();
      other[at] ^= 1;
      expect(card.queuesOf(other)).toEqual([0]);
    }
    card.write(FTQF, VALID | (ALL & ~PROTOCOL) | 1);
    expect(card.queuesOf(HASHED)).toEqual([0]);
    filter(0, 0, 9);
    expect(card.queuesOf(makePacket({ ...tcp, protocol: 'sctp' }).bytes)).toEqual([9]);
  });

  it.each([
    ['tcp', 0],
    ['udp', 1],
    ['sctp', 2],
  ] as const)('knows %s as %d', (protocol, code) => {
    filter(127, PROTOCOL, 33, code);
    expect(card.queuesOf(makePacket({ ...tcp, protocol }).bytes)).toEqual([33]);
    filter(127, PROTOCOL, 33, 3);
    expect(card.queuesOf(makePacket({ ...tcp, protocol }).bytes)).toEqual([0]);
  });

  it('counts by its priority where several match, then by its number', () => {
    filter(2, 0, 12, 1 << 2);
    filter(5, 0, 15, 3 << 2);
    filter(9, 0, 19, 3 << 2);
    expect(card.queuesOf(HASHED)).toEqual([15]);
    filter(9, 0, 19, 4 << 2);
    expect(card.queuesOf(HASHED)).toEqual([19]);
  });

  it('is of one pool where the pool is compared', () => {
    withPools(0b1000, 3);
    filter(0, POOL, 7, 3 << 8);
    expect(card.queuesOf(HASHED)).toEqual([7]);
    filter(0, POOL, 7, 4 << 8);
    expect(card.queuesOf(HASHED)).toEqual([6]);
  });

  it('sees neither fragments nor IPv6', () => {
    filter(0, 0, 9);
    const fragment = makePacket(tcp).bytes;
    fragment[20] = 0x20;
    expect(card.queuesOf(fragment)).toEqual([0]);
    expect(card.queuesOf(makePacket({ ...tcp, ip: 6 }).bytes)).toEqual([0]);
  });
});

describe('the redirection table', () => {
  it('has four bits an entry', () => {
    card.write(RETA, 0xffff_ffff);
    expect(card.read(0x5c00)).toBe(card.read(RETA));
  });
});

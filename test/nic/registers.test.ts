import { describe, expect, it } from 'vitest';
import { INTEL_82599_REGISTERS } from '../../src/profiles/intel-82599-registers.ts';
import { compileTable } from '../../src/registers/index.ts';
import { tableProblems } from '../../src/registers/problems.ts';
import { Card, PF } from './card.ts';

const STATUS = 0x08;
const NUMVFS_SHIFT = 10;
const IOV_ACTIVE = 1 << 18;
const LINKS = 0x42a4;
const LINK_UP = 1 << 30;
const VFSTATUS = 0x08;
const VFLINKS = 0x10;
const RXDCTL = (queue: number) => (queue < 64 ? 0x1028 + 0x40 * queue : 0xd028 + 0x40 * (queue - 64));
const RDBAL = (queue: number) => RXDCTL(queue) - 0x28;
const RDLEN = (queue: number) => RDBAL(queue) + 0x08;
const RDH = (queue: number) => RDBAL(queue) + 0x10;
const SRRCTL = (queue: number) => RDBAL(queue) + 0x14;
const RDT = (queue: number) => RDBAL(queue) + 0x18;
const TDBAL = (queue: number) => 0x6000 + 0x40 * queue;
const TDLEN = (queue: number) => TDBAL(queue) + 0x08;
const TXDCTL = (queue: number) => TDBAL(queue) + 0x28;
const ENABLE = 1 << 25;
const SRRCTL_DROP_EN = 1 << 28;
const PFQDE = 0x2f04;

describe("the table of the PF's registers", () => {
  it('has no two registers in one place, and a section for each', () => {
    expect(tableProblems(INTEL_82599_REGISTERS)).toEqual([]);
  });

  it('is the register file of the card: every row reads as its reset value, but for those that say what is', () => {
    const card = new Card();
    const compiled = compileTable(INTEL_82599_REGISTERS);
    const live = ['STATUS', 'LINKS', 'RXPBSIZE', 'TXPBSIZE', 'TXPBTHRESH', 'PFMAILBOX'];
    for (const { name, offset, reset } of compiled.table.rows) {
      if (!live.includes(name)) expect([name, card.read(offset)]).toEqual([name, (reset ?? 0) >>> 0]);
    }
  });
});

describe('a register that has two offsets', () => {
  it.each([
    ['RAL 0', 0x5400, 0xa200, 0x1234_5678],
    ['RAH 0', 0x5404, 0xa204, 0x8000_9abc],
    ['RAL 15', 0x5478, 0xa278, 0xffff_ffff],
    ['RAH 15', 0x547c, 0xa27c, 0x8000_0001],
  ])('is one: %s', (_, old, present, value) => {
    const card = new Card();
    card.write(old, value);
    expect(card.read(present)).toBe(value);
    card.write(present, value ^ 1);
    expect(card.read(old)).toBe((value ^ 1) >>> 0);
  });
});

describe('STATUS', () => {
  it('shows NumVFs and whether VFs are enabled', () => {
    const card = new Card();
    expect(card.read(STATUS) & ((0xff << NUMVFS_SHIFT) | IOV_ACTIVE)).toBe(0);
    card.enableVfs(9);
    expect((card.read(STATUS) >> NUMVFS_SHIFT) & 0xff).toBe(9);
    expect(card.read(STATUS) & IOV_ACTIVE).toBe(IOV_ACTIVE);
  });
});

describe('the link status', () => {
  it.each([
    [10, 3],
    [1, 2],
  ])('of a port at %d Gb/s is up with speed %d, for PF and VFs', (linkGbps, speed) => {
    const card = new Card(linkGbps);
    card.enableVfs(1);
    expect(card.read(LINKS)).toBe(LINK_UP | (speed << 28));
    expect(card.readVf(0, VFLINKS)).toBe(LINK_UP | (speed << 28));
    expect(card.readVf(0, VFSTATUS)).toBe(0x80);
    card.write(0x0, 1 << 26);
    expect(card.read(LINKS)).toBe(LINK_UP | (speed << 28));
  });
});

describe('the registers of a queue', () => {
  it('are there 128 times for both directions, apart from each other', () => {
    const card = new Card();
    for (let queue = 0; queue < 128; queue++) {
      card.write(RDBAL(queue), 0x1000 * (queue + 1));
      card.write(TDBAL(queue), 0x100_0000 + 0x1000 * queue);
    }
    for (let queue = 0; queue < 128; queue++) {
      expect(card.read(RDBAL(queue))).toBe(0x1000 * (queue + 1));
      expect(card.read(TDBAL(queue))).toBe(0x100_0000 + 0x1000 * queue);
    }
  });

  it('give the engine base and length when ENABLE is set, the base on a multiple of 128 bytes', () => {
    const card = new Card();
    const { rings } = card.nic.data.receive;
    card.write(RDBAL(5), 0x8000_10ff);
    card.write(RDBAL(5) + 4, 0x12);
    card.write(RDLEN(5), 256 * 16);
    expect(rings.ring(5).size).toBe(0);
    card.write(RXDCTL(5), ENABLE);
    expect(card.read(RXDCTL(5)) & ENABLE).toBe(ENABLE);
    expect([rings.ring(5).base, rings.ring(5).size, rings.ring(5).enabled]).toEqual([0x12_8000_1080, 256, 1]);
    card.write(RXDCTL(5), 0);
    expect(rings.ring(5).enabled).toBe(0);
    expect(card.read(RDH(5))).toBe(0);
  });

  it('do not enable a ring without a descriptor: ENABLE reads back as 0', () => {
    const card = new Card();
    card.write(RXDCTL(5), ENABLE);
    expect(card.read(RXDCTL(5)) & ENABLE).toBe(0);
    card.write(TDLEN(5), 64);
    card.write(TXDCTL(5), ENABLE);
    expect(card.read(TXDCTL(5)) & ENABLE).toBe(0);
  });

  it('take a tail within the ring, and no other', () => {
    const card = new Card();
    card.configWrite(PF, 0x04, 2, 0x0002);
    card.write(RDLEN(0), 64 * 16);
    card.write(RXDCTL(0), ENABLE);
    card.write(RDT(0), 63);
    expect(card.read(RDT(0))).toBe(63);
    card.write(RDT(0), 64);
    expect(card.read(RDT(0))).toBe(63);
  });

  it('set the buffer size in KiB, and let a queue drop where SRRCTL or PFQDE says so', () => {
    const card = new Card();
    const ring = card.nic.data.receive.rings.ring(7);
    const next = card.nic.data.receive.rings.ring(8);
    card.write(SRRCTL(7), 4);
    expect([ring.bufferBytes, ring.dropEnable]).toEqual([4096, 0]);
    card.write(SRRCTL(7), 2 | SRRCTL_DROP_EN);
    expect([ring.bufferBytes, ring.dropEnable]).toEqual([2048, 1]);
    card.write(SRRCTL(7), 2);
    expect(ring.dropEnable).toBe(0);
    card.write(PFQDE, (1 << 16) | (7 << 8) | 1);
    expect(ring.dropEnable).toBe(1);
    expect(next.dropEnable).toBe(0);
    // What the VF sets does not undo what the PF has set.
    card.write(SRRCTL(7), 2);
    expect(ring.dropEnable).toBe(1);
    card.write(PFQDE, (1 << 16) | (7 << 8));
    expect(ring.dropEnable).toBe(0);
  });

  it('are those of its pool in a VF: receive at 0x1000, transmit at 0x2000', () => {
    const card = new Card();
    card.enableVfs(40);
    for (const vf of [0, 1, 39]) {
      for (const q of [0, 1]) {
        card.writeVf(vf, 0x1000 + 0x40 * q, 0x1_0000 * (vf + 1) + 0x80 * q);
        card.writeVf(vf, 0x2000 + 0x40 * q, 0x2_0000 * (vf + 1) + 0x80 * q);
        expect(card.read(RDBAL(2 * vf + q))).toBe(0x1_0000 * (vf + 1) + 0x80 * q);
        expect(card.read(TDBAL(2 * vf + q))).toBe(0x2_0000 * (vf + 1) + 0x80 * q);
      }
      // A pool has two queues: the third is nobody's.
      card.writeVf(vf, 0x1080, 0xffff_ff80);
    }
    expect(card.read(RDBAL(2))).toBe(0x2_0000);
    expect(card.read(RDBAL(4))).toBe(0);
    expect(card.nic.unknownVfRegisters.get(0x1080)).toBe(3);
    expect(card.nic.counters()).toMatchObject({ unknownRegisterAccesses: 3 });
  });

  it('are cleared by a reset of the VF that has the queue, and of no other', () => {
    const card = new Card();
    card.enableVfs(3);
    for (const vf of [1, 2]) {
      card.writeVf(vf, 0x1008, 64 * 16);
      card.writeVf(vf, 0x1028, ENABLE);
    }
    card.writeVf(1, 0x0, 1 << 26);
    expect(card.readVf(1, 0x1028)).toBe(0);
    expect(card.readVf(1, 0x1008)).toBe(0);
    expect(card.readVf(2, 0x1028) & ENABLE).toBe(ENABLE);
  });

  it('and everything else are cleared by CTRL.RST, which clears itself', () => {
    const card = new Card();
    card.write(RDLEN(0), 64 * 16);
    card.write(RXDCTL(0), ENABLE);
    card.write(0x51b0, 1);
    card.write(0x0, 1 << 26);
    expect(card.read(0x0)).toBe(0);
    expect(card.read(RXDCTL(0))).toBe(0);
    expect(card.read(0x51b0)).toBe(0);
  });
});

describe('the functions that own the queues', () => {
  it('are the VFs for their pools and the PF for the others', () => {
    const card = new Card();
    const { all } = card.nic.data.receive.rings;
    expect([...new Set(all.map(({ routingId }) => routingId))]).toEqual([PF]);
    card.enableVfs(2);
    expect([0, 1, 2, 3, 4, 127].map((queue) => all[queue].routingId)).toEqual([
      card.vf(0).routingId,
      card.vf(0).routingId,
      card.vf(1).routingId,
      card.vf(1).routingId,
      PF,
      PF,
    ]);
  });

  it('send requests only while their Bus Master Enable is set', () => {
    const card = new Card();
    card.enableVfs(1);
    const { all } = card.nic.data.transmit.rings;
    const masters = () => [all[0].master, all[2].master];
    expect(masters()).toEqual([0, 1]);
    card.configWrite(card.vf(0).routingId, 0x04, 2, 0x0004);
    expect(masters()).toEqual([1, 1]);
    card.configWrite(PF, 0x04, 2, 0x0002);
    expect(masters()).toEqual([1, 0]);
  });
});

describe('the MSI-X capabilities', () => {
  it('say where the card has its tables and pending bits', () => {
    const card = new Card();
    card.enableVfs(1);
    for (const [fn, bar, vectors] of [
      [card.nic.pf, 4, 64],
      [card.vf(0), 3, 3],
    ] as const) {
      const at = fn.findCapability(0x11);
      expect(fn.config.read16(at + 2) & 0x7ff).toBe(vectors - 1);
      expect([fn.config.read32(at + 4), fn.config.read32(at + 8)]).toEqual([bar, 0x2000 + bar]);
    }
  });
});

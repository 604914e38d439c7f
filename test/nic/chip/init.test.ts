import { beforeEach, describe, expect, it } from 'vitest';
import { olderPlaceOf } from '../../../src/nic/offload-registers.ts';
import { INTEL_82599_CHIP_REGISTERS, INTEL_82599_VF_CHIP_REGISTERS } from '../../../src/profiles/index.ts';
import { compileTable } from '../../../src/registers/index.ts';
import { tableProblems } from '../../../src/registers/problems.ts';
import { PF } from '../card.ts';
import { ChipCard, poll } from './driver.ts';
import {
  acquire,
  EepromWires,
  eepromChecksum,
  enableReceive,
  identifyModule,
  initAsSmallDriver,
  readModule,
  readWord,
  receiveAddress,
  release,
  resetHardware,
  resetVf,
  setUpModule,
  startHardware,
  waitForLink,
} from './ixgbe-init.ts';

const CTRL = 0x0;
const STATUS = 0x8;
const RST = 1 << 26;
const LRST = 1 << 3;
const SWSM = 0x10140;
const SW_FW_SYNC = 0x10160;
const AUTOC = 0x42a0;
const LINKS = 0x42a4;
const LINK_UP = 1 << 30;
const MASTER_ENABLE = 1 << 19;
const MAC = [0x90, 0xe2, 0xba, 0, 0, 1];

let card: ChipCard;
beforeEach(() => {
  card = new ChipCard({ strict: true });
});

describe("the tables of the chip's registers", () => {
  it('have no two registers in one place, and a section for each', () => {
    expect(tableProblems(INTEL_82599_CHIP_REGISTERS)).toEqual([]);
    expect(tableProblems(INTEL_82599_VF_CHIP_REGISTERS)).toEqual([]);
  });
});

describe('a driver of others', () => {
  it('that is small and polls finds address, EEPROM, DMA and link as the data sheet has them', () => {
    expect(initAsSmallDriver(card)).toEqual(MAC);
  });

  it('of an operating system comes through reset, module, filters, firmware and link without a time-out', () => {
    expect(resetHardware(card)).toEqual(MAC);
    startHardware(card);
    enableReceive(card);
    expect(waitForLink(card)).toBe(3);
    // Once more, as when an interface is taken down: the link is up now.
    expect(resetHardware(card)).toEqual(MAC);
    expect(card.read(LINKS) & LINK_UP).toBe(LINK_UP);
    expect(card.nic.counters()).toMatchObject({ unknownRegisterAccesses: 0 });
  });

  it('of a VF writes the registers of eight queues, whatever its pool has', () => {
    card.enableVfs(2);
    card.write(0x18, 1 << 14);
    resetVf(card.asVf(1));
    expect(card.nic.counters()).toMatchObject({ unknownRegisterAccesses: 0 });
  });
});

describe('a register that is not known', () => {
  it('is an error for a strict card', () => {
    expect(() => card.read(0x1_fff0)).toThrow(/^pf\.0x1fff0: software reads/);
    expect(() => card.write(0x1_fff0, 1)).toThrow(/^pf\.0x1fff0: software writes/);
    card.enableVfs(1);
    expect(() => card.readVf(0, 0x3ffc)).toThrow(/^vf0\.0x03ffc: /);
  });

  it('reads as zero otherwise, and is counted by function, offset and access', () => {
    const lenient = new ChipCard();
    lenient.enableVfs(2);
    lenient.write(0x1_fff0, 5);
    expect([lenient.read(0x1_fff0), lenient.read(0x1_fff0)]).toEqual([0, 0]);
    expect(lenient.readVf(1, 0x3ffc)).toBe(0);
    expect(lenient.nic.components.at(-1)?.counters()).toEqual({
      resets: 0,
      'unknown.pf.0x1fff0.writes': 1,
      'unknown.pf.0x1fff0.reads': 2,
      'unknown.vf1.0x03ffc.reads': 1,
    });
    expect(lenient.nic.counters()).toMatchObject({ unknownRegisterAccesses: 4 });
  });
});

describe('a reset', () => {
  it.each([RST, LRST])('by CTRL clears its bit (%d) within ten microseconds', (bit) => {
    card.write(CTRL, bit);
    expect(card.read(CTRL) & bit).toBe(bit);
    card.delay(10);
    expect(card.read(CTRL)).toBe(0);
  });

  it('brings back the address of the EEPROM, the link settings, and what was not yet read', () => {
    card.delay(10_000);
    card.write(0x5400, 0);
    card.write(0x5404, 0);
    card.write(AUTOC, 0);
    card.write(CTRL, RST);
    expect(receiveAddress(card)).toEqual(MAC);
    expect(card.read(AUTOC)).toBe(0xc09c_6004);
    expect(card.read(0x10010) & (1 << 9)).toBe(0);
    expect(card.read(0x2f00) & (1 << 3)).toBe(0);
    card.delay(10_000);
    expect(card.read(0x10010) & (1 << 9)).toBe(1 << 9);
    expect(card.read(0x2f00) & (1 << 3)).toBe(1 << 3);
  });

  it('by RST keeps the link, one by LRST begins it anew', () => {
    card.delay(1_000_000);
    expect(card.read(LINKS) & LINK_UP).toBe(LINK_UP);
    card.write(CTRL, RST);
    expect(card.read(LINKS) & LINK_UP).toBe(LINK_UP);
    card.write(CTRL, LRST);
    expect(card.read(LINKS) & LINK_UP).toBe(0);
    poll(card, LINKS, LINK_UP, true, 1000, 1000);
  });

  it('by software keeps semaphores, pins and what belongs to the bus; one of the bus does not', () => {
    acquire(card, 4);
    card.write(0x20, 0x0808);
    card.write(0x11050, 3);
    for (const [bits, expected] of [
      [RST, [4, 0x080c, 3]],
      [LRST, [4, 0x080c, 3]],
    ] as const) {
      card.write(CTRL, bits);
      expect([card.read(SW_FW_SYNC), card.read(0x20), card.read(0x11050)]).toEqual(expected);
    }
    card.nic.hotReset();
    expect([card.read(SW_FW_SYNC), card.read(0x20), card.read(0x11050)]).toEqual([0, 4, 0]);
  });
});

describe('a register with an older place', () => {
  it('is known to one part: what stands in front takes it to where it is, and nobody behind has it', () => {
    const { slotAt } = compileTable(INTEL_82599_CHIP_REGISTERS);
    const known = Array.from(slotAt, (slot, dword) => (slot >= 0 ? 4 * dword : 0)).filter((at) => at > 0);
    expect(known.length).toBeGreaterThan(500);
    expect(known.filter((at) => olderPlaceOf(at) !== at)).toEqual([]);
    expect([0x2100, 0x213c, 0x2140, 0x5818, 0x581c].map(olderPlaceOf)).toEqual([
      0x1014, 0x13d4, 0x2140, 0xec80, 0x581c,
    ]);
  });

  it.each([
    ['SRRCTL 0', 0x2100, 0x1014, 0x1000_0004],
    ['SRRCTL 15', 0x213c, 0x13d4, 0x1000_0004],
    ['DCA_RXCTRL 3', 0x220c, 0x10cc, 0xa200],
    ['MRQC', 0x5818, 0xec80, 0x8],
    ['PFVTCTL', 0x581c, 0x51b0, 0x4000_0081],
  ])('is one with it: %s', (_, older, present, value) => {
    card.write(older, value);
    expect([card.read(present), card.read(older)]).toEqual([value, value]);
    card.write(present, 0);
    expect(card.read(older)).toBe(0);
  });

  it('acts as it does: buffers of four KiB, and queues that drop', () => {
    card.write(0x2104, 4 | (1 << 28));
    const { bufferBytes, dropEnable } = card.nic.data.receive.rings.ring(1);
    expect([bufferBytes, dropEnable]).toEqual([4096, 1]);
  });
});

describe('PCIe Master Disable', () => {
  it("stops the PF's queues and no VF's, until the next reset", () => {
    card.enableVfs(1);
    const { all } = card.nic.data.transmit.rings;
    const masters = () => [all[0].master, all[2].master];
    card.configWrite(card.vf(0).routingId, 0x04, 2, 0x0004);
    expect(masters()).toEqual([1, 1]);
    card.write(CTRL, 1 << 2);
    expect(masters()).toEqual([1, 0]);
    expect(card.read(STATUS) & MASTER_ENABLE).toBe(0);
    // Bus Master Enable does not undo it.
    card.configWrite(PF, 0x04, 2, 0x0002);
    card.configWrite(PF, 0x04, 2, 0x0006);
    expect(masters()).toEqual([1, 0]);
    card.write(CTRL, RST);
    expect(masters()).toEqual([1, 1]);
    expect(card.read(STATUS) & MASTER_ENABLE).toBe(MASTER_ENABLE);
  });

  it('leaves the status set while a request is on its way', () => {
    const ring = 0x6000;
    card.write(ring, 0x1_0000);
    card.write(ring + 0x08, 1024);
    card.write(ring + 0x28, (1 << 25) | 1);
    card.write(ring + 0x18, 8);
    expect(card.nic.requester.counters()['tagsInUse']).toBeGreaterThan(0);
    card.write(CTRL, 1 << 2);
    expect(card.read(STATUS) & MASTER_ENABLE).toBe(MASTER_ENABLE);
  });
});

describe('the semaphores', () => {
  it('SMBI is taken by the read that finds it clear, and given back by a write', () => {
    expect(card.read(SWSM) & 1).toBe(0);
    expect(card.read(SWSM) & 1).toBe(1);
    card.write(SWSM, 0);
    expect(card.read(SWSM) & 1).toBe(0);
  });

  it('SW_FW_SYNC holds what software has taken, and nothing for the firmware', () => {
    acquire(card, 1);
    acquire(card, 2);
    expect(card.read(SW_FW_SYNC)).toBe(3);
    expect(() => acquire(card, 2)).toThrow('somebody else');
    card.write(SWSM, 0);
    release(card, 1);
    card.write(SW_FW_SYNC, 0xffff_ffff);
    expect(card.read(SW_FW_SYNC)).toBe(0x41f);
  });
});

describe('the EEPROM', () => {
  it('has a checksum that makes all sum up to BABAh', () => {
    card.delay(10_000);
    expect(readWord(card, 0x3f)).toBe(eepromChecksum(card));
  });

  it('has the number of the board, the capabilities and the address', () => {
    const other = new ChipCard({ strict: true, mac: '02:11:22:33:44:55', pba: 'A1B2C3-012' });
    expect(readWord(other, 0x15)).toBe(0xfafa);
    const at = readWord(other, 0x16);
    const length = readWord(other, at);
    const words = Array.from({ length: length - 1 }, (_, i) => readWord(other, at + 1 + i));
    expect(words.map((word) => String.fromCharCode(word >> 8, word & 0xff)).join('')).toBe('A1B2C3-012');
    expect(readWord(other, 0x2c)).toBe(0x80);
    expect(receiveAddress(other)).toEqual([2, 0x11, 0x22, 0x33, 0x44, 0x55]);
    expect(readWord(other, 0x3f)).toBe(eepromChecksum(other));
  });

  it('is busy for a while with each word that EERD asks for', () => {
    card.write(0x10014, (0x15 << 2) | 1);
    expect(card.read(0x10014) & 2).toBe(0);
    card.delay(100);
    expect(card.read(0x10014)).toBe(0xfafa_0000 + (0x15 << 2) + 2);
  });

  it('gives by its wires the same words as by EERD', () => {
    card.delay(10_000);
    const words = new EepromWires(card).readWords(0x3c, 12);
    expect(words).toEqual(Array.from({ length: 12 }, (_, i) => readWord(card, 0x3c + i)));
  });

  it('grants its wires when the card has read it, and no sooner', () => {
    card.write(0x10010, 1 << 6);
    expect(card.read(0x10010) & (1 << 7)).toBe(0);
    card.delay(10_000);
    expect(card.read(0x10010) & (1 << 7)).toBe(1 << 7);
    card.write(0x10010, 0);
    expect(card.read(0x10010) & (1 << 7)).toBe(0);
  });

  it('is written by its wires, once writes are enabled', () => {
    card.delay(10_000);
    const wires = new EepromWires(card);
    const write = (word: number) =>
      wires.with(() => {
        wires.standby();
        wires.out(0x02, 8);
        wires.out(2 * 0x1000, 16);
        wires.out(((word & 0xff) << 8) | (word >> 8), 16);
      });
    write(0x1234);
    expect(readWord(card, 0x1000)).toBe(0xffff);
    const status = wires.with(() => {
      wires.standby();
      wires.out(0x06, 8);
      wires.standby();
      wires.out(0x05, 8);
      return wires.in(8);
    });
    expect(status).toBe(2);
    write(0x1234);
    expect(readWord(card, 0x1000)).toBe(0x1234);
    write(0x5678);
    expect(readWord(card, 0x1000)).toBe(0x1234);
  });
});

describe('the SFP+ module', () => {
  it('tells by its bus what it is, with sums that are right', () => {
    const bytes = Array.from({ length: 96 }, (_, i) => readModule(card, i));
    expect(bytes[0]).toBe(3);
    const sum = (from: number, to: number) =>
      bytes.slice(from, to).reduce((total, byte) => (total + byte) & 0xff, 0);
    expect(bytes[63]).toBe(sum(0, 63));
    expect(bytes[95]).toBe(sum(64, 95));
    expect(String.fromCharCode(...bytes.slice(20, 36)).trim()).toBe('Intel Corp');
    expect(identifyModule(card)).toBe(5);
    expect(setUpModule(card, 5)).toBe(1);
  });

  it('answers to its own address only', () => {
    expect(readModule(card, 0, 0xa2)).toBe(-1);
    expect(readModule(card, 0)).toBe(3);
  });

  it('may be missing: nobody answers, the pin says so, and the link stays down', () => {
    const empty = new ChipCard({ strict: true, module: null });
    expect(readModule(empty, 0)).toBe(-1);
    expect(empty.read(0x20) & 4).toBe(0);
    empty.delay(5_000_000);
    expect(empty.read(LINKS) & LINK_UP).toBe(0);
    expect(card.read(0x20) & 4).toBe(4);
  });
});

describe('the management interface', () => {
  const MSCA = 0x425c;
  const MSRWD = 0x4260;
  const command = (target: ChipCard, opcode: number, phy: number, device: number, address = 0) => {
    target.write(MSCA, ((1 << 30) | (opcode << 26) | (phy << 21) | (device << 16) | address) >>> 0);
    expect(target.read(MSCA) >>> 30).toBe(1);
    poll(target, MSCA, 1 << 30, false, 10, 100);
  };

  it('reads all ones where no PHY is', () => {
    command(card, 0, 0, 1, 2);
    command(card, 3, 0, 1);
    expect(card.read(MSRWD) >>> 16).toBe(0xffff);
  });

  it('reads and writes the registers of a PHY by the address that was set last', () => {
    const copper = new ChipCard({ strict: true, phys: { 5: { 65538: 0x00a1, 65539: 0x9410 } } });
    command(copper, 0, 5, 1, 2);
    command(copper, 2, 5, 1);
    expect(copper.read(MSRWD) >>> 16).toBe(0x00a1);
    command(copper, 3, 5, 1);
    expect(copper.read(MSRWD) >>> 16).toBe(0x9410);
    command(copper, 0, 5, 1, 0x10);
    copper.write(MSRWD, 0xbeef);
    command(copper, 1, 5, 1);
    command(copper, 3, 5, 1);
    expect(copper.read(MSRWD) >>> 16).toBe(0xbeef);
  });
});

describe('the link', () => {
  it('comes up some time after the card has its power, and says so by an interrupt', () => {
    expect(card.read(LINKS) & LINK_UP).toBe(0);
    expect(card.read(0x800) & (1 << 20)).toBe(0);
    poll(card, LINKS, LINK_UP, true, 1000, 1000);
    expect((card.read(LINKS) >>> 28) & 3).toBe(3);
    expect(card.read(0x800) & (1 << 20)).toBe(1 << 20);
  });

  it('tells once that it has been down since LINKS was read last', () => {
    card.delay(1_000_000);
    expect(card.read(LINKS) & (1 << 7)).toBe(0);
    expect(card.read(LINKS) & (1 << 7)).toBe(1 << 7);
  });

  it('negotiates on a backplane, and is up when that is complete', () => {
    const backplane = new ChipCard({ strict: true, port: 'kx4' });
    expect(backplane.nic.pf.config.read16(2)).toBe(0x10f7);
    poll(backplane, LINKS, LINK_UP, true, 10_000, 100);
    expect(backplane.read(LINKS) >>> 31).toBe(1);
    expect((backplane.read(0x42b0) >> 16) & 0xf).toBe(9);
  });

  it('has the speed of the other end, and stays down with settings for another', () => {
    const gigabit = new ChipCard({ strict: true }, 1);
    gigabit.delay(1_000_000);
    expect(gigabit.read(LINKS) & LINK_UP).toBe(0);
    gigabit.write(AUTOC, ((gigabit.read(AUTOC) & ~(7 << 13)) | (2 << 13) | (1 << 12)) >>> 0);
    poll(gigabit, LINKS, LINK_UP, true, 1000, 1000);
    expect((gigabit.read(LINKS) >>> 28) & 3).toBe(2);
  });

  it('goes down when AUTOC2 disables it, for VFs too', () => {
    card.enableVfs(1);
    card.delay(1_000_000);
    expect(card.readVf(0, 0x10) & LINK_UP).toBe(LINK_UP);
    expect(card.readVf(0, 0x8) & 0x80).toBe(0x80);
    card.write(0x42a8, card.read(0x42a8) | (1 << 30));
    card.delay(1_000_000);
    expect(card.readVf(0, 0x10) & LINK_UP).toBe(0);
    expect(card.readVf(0, 0x8) & 0x80).toBe(0);
    expect(card.read(STATUS) & 0x80).toBe(0);
  });
});

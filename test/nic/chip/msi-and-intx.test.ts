import { beforeEach, describe, expect, it } from 'vitest';
import { PF } from '../card.ts';
import { ChipCard } from './driver.ts';

const EICR = 0x800;
const EICS = 0x808;
const EIMS = 0x880;
const EIMC = 0x888;
const EIAM = 0x890;
const EITR0 = 0x820;
const UNIT = 2_048_000;
const SOON = 1_000_000;

/** Configuration space: Command, Status, and the MSI capability at 50h. */
const COMMAND = 0x04;
const STATUS = 0x06;
const INTERRUPT_STATUS = 1 << 3;
const MEMORY_AND_MASTER = 0x0006;
const INTERRUPT_DISABLE = 0x0400;
const MSI = 0x50;
const MSIX_CONTROL = 0x72;
const ASSERT_INTA = 0x20;
const DEASSERT_INTA = 0x24;
const ERR_COR = 0x30;

let card: ChipCard;
beforeEach(() => {
  card = new ChipCard({ strict: true });
  card.write(EIMS, 0x10_0003);
});

function fire(bits = 1): void {
  card.write(EICS, bits);
  card.wait(SOON);
}

const isPending = () => (card.nic.pf.config.read16(STATUS) & INTERRUPT_STATUS) !== 0;

describe('INTx', () => {
  it('is asserted when a cause that is enabled comes up, and Interrupt Status says so', () => {
    expect(isPending()).toBe(false);
    fire();
    expect([card.codes, isPending()]).toEqual([[ASSERT_INTA], true]);
    expect(card.messages).toEqual([]);
  });

  it('is asserted once, whatever else comes up', () => {
    fire(0b01);
    fire(0b10);
    fire(0x10_0000);
    expect(card.codes).toEqual([ASSERT_INTA]);
  });

  it('is deasserted when no cause is up any more', () => {
    fire(0b11);
    card.write(EICR, 0b01);
    card.wait(SOON);
    expect(card.codes).toEqual([ASSERT_INTA]);
    card.write(EICR, 0b10);
    card.wait(SOON);
    expect([card.codes, isPending()]).toEqual([[ASSERT_INTA, DEASSERT_INTA], false]);
  });

  it('is deasserted by reading EICR, and by masking', () => {
    fire();
    expect(card.read(EICR)).toBe(1);
    card.wait(SOON);
    fire();
    card.write(EIMC, 0xffff_ffff);
    card.wait(SOON);
    expect(card.codes).toEqual([ASSERT_INTA, DEASSERT_INTA, ASSERT_INTA, DEASSERT_INTA]);
  });

  it('is not asserted by a cause that is masked, until it is enabled', () => {
    fire(0b100);
    expect([card.codes, isPending()]).toEqual([[], false]);
    card.write(EIMS, 0b100);
    card.wait(SOON);
    expect([card.codes, isPending()]).toEqual([[ASSERT_INTA], true]);
  });

  it('waits for EITR 0', () => {
    card.write(EITR0, 10 << 3);
    fire();
    card.read(EICR);
    card.wait(SOON);
    fire();
    expect(card.codes).toEqual([ASSERT_INTA, DEASSERT_INTA]);
    card.wait(10 * UNIT);
    expect(card.codes).toEqual([ASSERT_INTA, DEASSERT_INTA, ASSERT_INTA]);
  });

  it('sends no message with Interrupt Disable, but shows Interrupt Status', () => {
    card.configWrite(PF, COMMAND, 2, MEMORY_AND_MASTER | INTERRUPT_DISABLE);
    fire();
    expect([card.codes, isPending()]).toEqual([[], true]);
    card.configWrite(PF, COMMAND, 2, MEMORY_AND_MASTER);
    card.wait(SOON);
    expect(card.codes).toEqual([ASSERT_INTA]);
    card.configWrite(PF, COMMAND, 2, MEMORY_AND_MASTER | INTERRUPT_DISABLE);
    card.wait(SOON);
    expect([card.codes, isPending()]).toEqual([[ASSERT_INTA, DEASSERT_INTA], true]);
  });

  it('needs no Bus Master Enable: it is no memory write', () => {
    card.configWrite(PF, COMMAND, 2, 0x0002);
    fire();
    expect(card.codes).toEqual([ASSERT_INTA]);
  });

  it('is deasserted when MSI is enabled, and the interrupt goes out as that', () => {
    fire();
    enableMsi();
    card.wait(SOON);
    expect([card.codes, isPending()]).toEqual([[ASSERT_INTA, DEASSERT_INTA], false]);
    expect(card.messages).toHaveLength(1);
  });

  it('is deasserted by a reset of the card', () => {
    fire();
    card.write(0x0, 1 << 26);
    card.wait(SOON);
    expect([card.codes, isPending()]).toEqual([[ASSERT_INTA, DEASSERT_INTA], false]);
  });

  it('comes through a handler of Linux: masked, read, unmasked', () => {
    card.write(EIAM, 0xffff);
    for (let i = 0; i < 3; i++) {
      fire();
      card.write(EIMC, 0x7fff_ffff);
      expect(card.read(EICR)).toBe(1);
      card.write(EIMS, 0x10_0003);
      card.wait(SOON);
    }
    // Once more: nothing is up.
    card.write(EIMS, 0x10_0003);
    card.wait(SOON);
    expect(card.codes).toEqual(Array.from({ length: 3 }, () => [ASSERT_INTA, DEASSERT_INTA]).flat());
  });

  it('is told as it is in the end, however many messages of errors wait for credits', () => {
    const { requester, pf } = card.nic;
    for (let i = 0; i < 2000; i++) requester.errorMessage(pf.routingId, ERR_COR);
    card.write(EICS, 1);
    card.wait(20 * SOON);
    expect(isPending()).toBe(true);
    card.write(EICR, 1);
    for (let i = 0; i < 2000; i++) requester.errorMessage(pf.routingId, ERR_COR);
    card.wait(20 * SOON);
    expect(card.codes.filter((code) => code !== ERR_COR)).toEqual([ASSERT_INTA, DEASSERT_INTA]);
  });
});

function enableMsi(): void {
  card.nic.configWrite(PF, MSI + 4, 4, 0xfee0_1000, 0);
  card.nic.configWrite(PF, MSI + 8, 4, 0, 0);
  card.configWrite(PF, MSI + 12, 2, 0x4321);
  card.configWrite(PF, MSI + 2, 2, 1);
}

describe('MSI', () => {
  beforeEach(enableMsi);

  it('is one message for all causes, with the address and data of its capability', () => {
    fire(0b01);
    fire(0b10);
    fire(0x10_0000);
    expect(card.messages.map(({ address, data }) => [address, data])).toEqual(
      Array.from({ length: 3 }, () => [0xfee0_1000, 0x4321]),
    );
    expect(card.codes).toEqual([]);
  });

  it('is moderated by EITR 0', () => {
    card.write(EITR0, 7 << 3);
    fire(0b01);
    fire(0b10);
    card.wait(8 * UNIT);
    const [first, second] = card.messages;
    expect(second.timePs - first.timePs).toBe(7 * UNIT);
  });

  it('waits in Pending Bits while its vector is masked', () => {
    card.nic.configWrite(PF, MSI + 0x10, 4, 1, 0);
    fire();
    expect([card.messages.length, card.nic.pf.config.read32(MSI + 0x14)]).toEqual([0, 1]);
    card.nic.configWrite(PF, MSI + 0x10, 4, 0, 0);
    card.wait(SOON);
    expect([card.messages.length, card.nic.pf.config.read32(MSI + 0x14)]).toEqual([1, 0]);
  });

  it('goes out when Bus Master Enable is set', () => {
    card.configWrite(PF, COMMAND, 2, 0x0002);
    fire();
    expect(card.messages).toEqual([]);
    card.configWrite(PF, COMMAND, 2, MEMORY_AND_MASTER);
    card.wait(SOON);
    expect(card.messages).toHaveLength(1);
  });

  it('leaves Interrupt Status alone', () => {
    fire();
    expect(isPending()).toBe(false);
  });
});

describe('MSI-X without GPIE.Multiple_MSIX', () => {
  it('sends vector 0 for all causes', () => {
    card.connect(card.nic.pf, 0, 0x40);
    card.connect(card.nic.pf, 1, 0x41);
    fire(0b10);
    fire(0x10_0000);
    expect(card.messages.map(({ data }) => data)).toEqual([0x40, 0x40]);
    expect(card.nic.pf.config.read16(MSIX_CONTROL) & 0x8000).toBe(0x8000);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Interrupt,
  InterruptFaultReason,
  type IommuOptions,
  type VtdUnitOptions,
} from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { CFI, FSTS, GSTS, IRE, SIRTP } from './vtd-driver.ts';
import {
  ALL_INTERRUPTS,
  IRTA,
  interruptFlush,
  message,
  QueueDriver,
  type Words,
} from './vtd-queue-driver.ts';
import { setUp, VF } from './vtd-setup.ts';

const AREA = 0x4000_0000;
const ACCESS_PS = 1000;

/** An entry: vector and destination for a function. */
function entry(vector: number, destination: number, sourceId: number, rest: Partial<Fields> = {}): Words {
  const { flags = 0, qualifier = 0, verify = 1 } = rest;
  return [1 | flags | (vector << 16), destination, sourceId | (qualifier << 16) | (verify << 18), 0];
}
interface Fields {
  flags: number;
  qualifier: number;
  verify: number;
}

function setUpInterrupts(
  options: Partial<VtdUnitOptions> & { size?: number; isExtended?: boolean } = {},
  iommuOptions: Partial<IommuOptions> = {},
) {
  const { size = 7, isExtended = true, ...rest } = options;
  const delivered: Interrupt[] = [];
  const world = setUp({ interrupts: (interrupt) => delivered.push(interrupt), ...rest }, iommuOptions);
  const driver = new QueueDriver(world.unit, world.tables.memory, AREA);
  driver.enableQueue();
  driver.enableInterrupts(size, isExtended);
  /** What a function's message becomes. */
  const send = (sourceId: number, index: number, subhandle: number | null = null) => {
    const { address, data } = message(index, subhandle);
    return world.unit.remapInterrupt(sourceId, address, data);
  };
  /** The reason, the source and the index of the only fault. */
  const fault = () => {
    const faults = driver.handleFaults();
    expect(faults.length).toBe(1);
    const [{ reason, sourceId, high }] = faults;
    return { reason, sourceId, index: high >>> 16 };
  };
  return { ...world, driver, delivered, send, fault };
}

describe('interrupt remapping', () => {
  it('delivers the vector and the destination of the entry that the handle leads to', () => {
    const { driver, send } = setUpInterrupts({ size: 15 });
    driver.setEntry(5, entry(0x41, 0x1234_5678, VF));
    driver.setEntry(0x8001, entry(0x42, 3, VF, { flags: (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5) }));
    expect(send(VF, 5)).toEqual({
      sourceId: VF,
      vector: 0x41,
      destination: 0x1234_5678,
      isLogical: false,
      isRedirected: false,
      deliveryMode: 0,
      isLevel: false,
    });
    expect(send(VF, 0x8001)).toMatchObject({
      vector: 0x42,
      destination: 3,
      isLogical: true,
      isRedirected: true,
      deliveryMode: 1,
      isLevel: true,
    });
  });

  it('adds the data to the handle with SHV, and leaves the data alone without', () => {
    const { driver, send, unit } = setUpInterrupts();
    for (let i = 0; i < 4; i++) driver.setEntry(8 + i, entry(0x50 + i, 1, VF));
    expect([0, 1, 2, 3].map((i) => send(VF, 8, i)?.vector)).toEqual([0x50, 0x51, 0x52, 0x53]);
    expect(unit.remapInterrupt(VF, message(9).address, 0xffff_ffff)?.vector).toBe(0x51);
  });

  it('has destinations of eight bits, in 47:40, without EIME', () => {
    const { driver, send } = setUpInterrupts({ isExtended: false });
    driver.setEntry(0, entry(0x41, 0x1700, VF));
    expect(send(VF, 0)?.destination).toBe(0x17);
  });

  it('cannot be extended where EIM is not announced', () => {
    const { unit } = setUpInterrupts({ extendedInterrupts: false, isExtended: false });
    unit.write32(IRTA, 1 << 11);
    expect(unit.read32(IRTA)).toBe(0);
  });

  it('takes the table over with SIRTP, not when its address is written', () => {
    const { driver, send, unit } = setUpInterrupts();
    driver.setEntry(0, entry(0x41, 1, VF));
    const low = unit.read32(IRTA);
    unit.write64(IRTA, 0x1000, 0);
    expect(send(VF, 0)?.vector).toBe(0x41);
    expect(unit.read32(GSTS) & SIRTP).toBe(SIRTP);
    unit.write64(IRTA, low, 0);
  });

  it('passes everything in compatibility format while it is off', () => {
    const { driver, unit } = setUpInterrupts();
    driver.command(IRE, false);
    expect(unit.remapInterrupt(VF, 0xfee1_200c, 0xc131)).toEqual({
      sourceId: VF,
      vector: 0x31,
      destination: 0x12,
      isLogical: true,
      isRedirected: true,
      deliveryMode: 1,
      isLevel: true,
    });
  });
});

describe('the source of an interrupt', () => {
  it.each([
    ['not at all', 0, 0, [VF, VF + 1, 0x4321], []],
    ['by all 16 bits', 1, 0, [VF], [VF + 1, VF + 4, VF + 2]],
    ['but for bit 2', 1, 1, [VF, VF + 4], [VF + 1, VF + 2, VF + 8]],
    ['but for bits 2:1', 1, 2, [VF, VF + 2, VF + 4, VF + 6], [VF + 1, VF + 8]],
    ['but for bits 2:0', 1, 3, [VF, VF + 7], [VF + 8]],
  ])('is verified %s', (_, verify, qualifier, good, bad) => {
    const { driver, send, fault } = setUpInterrupts();
    driver.setEntry(3, entry(0x41, 1, VF, { verify, qualifier }));
    for (const sourceId of good) expect(send(sourceId, 3)?.vector).toBe(0x41);
    for (const sourceId of bad) {
      expect(send(sourceId, 3)).toBeNull();
      expect(fault()).toEqual({ reason: 0x26, sourceId, index: 3 });
    }
  });

  it('is verified by bus numbers from SID 15:8 to SID 7:0', () => {
    const { driver, send } = setUpInterrupts();
    driver.setEntry(3, entry(0x41, 1, 0x0305, { verify: 2 }));
    const passes = [0x02ff, 0x0300, 0x04ab, 0x05ff, 0x0600].map((sourceId) => send(sourceId, 3) !== null);
    expect(passes).toEqual([false, true, true, true, false]);
  });
});

describe('an interrupt is refused', () => {
  const R = InterruptFaultReason;

  it.each<[string, number, Words]>([
    ['if the entry is not present', R.NOT_PRESENT, [0, 0, 0, 0]],
    ['if bits 14:12 are set', R.ENTRY_RESERVED, entry(0x41, 1, VF, { flags: 1 << 12 })],
    ['if bits 31:24 are set', R.ENTRY_RESERVED, entry(0x41, 1, VF, { flags: 1 << 24 })],
    ['if bits 127:84 are set', R.ENTRY_RESERVED, [1, 0, 1 << 20, 0]],
    ['if bits 127:96 are set', R.ENTRY_RESERVED, [1, 0, 0, 1]],
    ['if SVT is 3', R.ENTRY_RESERVED, entry(0x41, 1, VF, { verify: 3 })],
    ['if the delivery mode is 3', R.ENTRY_RESERVED, entry(0x41, 1, VF, { flags: 3 << 5 })],
    ['if another function asks', R.SOURCE_NOT_VERIFIED, entry(0x41, 1, VF + 1)],
  ])('%s', (_, reason, words) => {
    const { driver, send, fault, unit } = setUpInterrupts();
    driver.setEntry(9, words);
    expect(send(VF, 9)).toBeNull();
    expect(fault()).toEqual({ reason, sourceId: VF, index: 9 });
    // FPD keeps the refusal from being recorded, not from being one.
    driver.setEntry(9, [words[0] | 2, words[1], words[2], words[3]]);
    expect(send(VF, 9)).toBeNull();
    expect(unit.read32(FSTS)).toBe(0);
    expect(unit.counters().interruptsRefused).toBe(2);
  });

  it('if its data set bits above the subhandle', () => {
    const { unit, fault } = setUpInterrupts();
    expect(unit.remapInterrupt(VF, message(4, 0).address, 0x1_0000)).toBeNull();
    expect(fault()).toEqual({ reason: R.REQUEST_RESERVED, sourceId: VF, index: 4 });
  });

  it('if its index is beyond the table: two to the power of S plus one entries', () => {
    const { send, fault } = setUpInterrupts({ size: 3 });
    expect(send(VF, 15)).toBeNull();
    expect(fault().reason).toBe(R.NOT_PRESENT);
    expect(send(VF, 16)).toBeNull();
    expect(fault()).toEqual({ reason: R.INDEX_TOO_LARGE, sourceId: VF, index: 16 });
    expect(send(VF, 15, 1)).toBeNull();
    expect(fault().reason).toBe(R.INDEX_TOO_LARGE);
  });

  it('if the table cannot be read', () => {
    const { unit, driver, send, fault } = setUpInterrupts({}, { memoryLimit: 2 ** 40 });
    unit.write64(IRTA, 7, 1 << 10);
    driver.command(SIRTP);
    expect(send(VF, 0)).toBeNull();
    expect(fault().reason).toBe(R.TABLE_INACCESSIBLE);
  });

  it('if destinations have bits that APIC IDs of eight bits leave, without EIME', () => {
    const { driver, send, fault } = setUpInterrupts({ isExtended: false });
    driver.setEntry(0, entry(0x41, 0x1_0000, VF));
    expect(send(VF, 0)).toBeNull();
    expect(fault().reason).toBe(R.ENTRY_RESERVED);
  });

  it('in compatibility format, unless CFIS is set, and with EIME in any case', () => {
    const { unit, driver, fault } = setUpInterrupts({ isExtended: false });
    expect(unit.remapInterrupt(VF, 0xfee1_2000, 0x31)).toBeNull();
    expect(fault()).toMatchObject({ reason: R.COMPATIBILITY_BLOCKED, sourceId: VF });
    driver.command(CFI);
    expect(unit.remapInterrupt(VF, 0xfee1_2000, 0x31)).toMatchObject({ vector: 0x31, destination: 0x12 });
    const extended = setUpInterrupts();
    extended.driver.command(CFI);
    expect(extended.unit.remapInterrupt(VF, 0xfee1_2000, 0x31)).toBeNull();
  });

  it('by the library for an address that is none of interrupts', () => {
    const { unit } = setUpInterrupts();
    expect(() => unit.sendInterrupt(VF, 0xfed0_0000, 0)).toThrow(RangeError);
    expect(() => unit.remapInterrupt(0x1_0000, 0xfee0_0000, 0)).toThrow(RangeError);
  });
});

describe('the interrupt entry cache', () => {
  it('keeps an entry in use until it is invalidated, by index with a mask or altogether', () => {
    const { driver, send, unit } = setUpInterrupts();
    const vectors = () => [0, 1, 2, 3].map((i) => send(VF, i)!.vector);
    const rewrite = (first: number) => {
      for (let i = 0; i < 4; i++) driver.writeEntry(i, entry(first + i, 1, VF));
    };
    rewrite(0x40);
    expect(vectors()).toEqual([0x40, 0x41, 0x42, 0x43]);
    rewrite(0x50);
    expect(vectors()).toEqual([0x40, 0x41, 0x42, 0x43]);
    driver.submitSync(interruptFlush(3, 1));
    expect(vectors()).toEqual([0x40, 0x41, 0x52, 0x53]);
    driver.submitSync(ALL_INTERRUPTS);
    expect(vectors()).toEqual([0x50, 0x51, 0x52, 0x53]);
    expect(unit.counters()).toMatchObject({ interrupts: 16, interruptMisses: 10, interruptHits: 6 });
  });

  it('keeps no entry that refuses everybody', () => {
    const { driver, send } = setUpInterrupts();
    expect(send(VF, 0)).toBeNull();
    driver.writeEntry(0, entry(0x41, 1, VF));
    expect(send(VF, 0)?.vector).toBe(0x41);
  });

  it('gives up the entry that was used longest ago', () => {
    const { driver, send, unit } = setUpInterrupts({ interruptEntries: 2 });
    for (let i = 0; i < 3; i++) driver.setEntry(i, entry(0x40 + i, 1, VF));
    for (const i of [0, 1, 0, 2, 0, 1]) send(VF, i);
    expect(unit.counters()).toMatchObject({ interruptHits: 2, interruptMisses: 4 });
  });
});

describe('interrupts in simulated time', () => {
  it('wait for their entry, and none overtakes another', () => {
    const scheduler = new Scheduler();
    const arrivals: [number, number][] = [];
    const world = setUp({
      scheduler,
      commandPs: 0,
      memoryAccessPs: ACCESS_PS,
      interrupts: ({ vector }) => arrivals.push([vector, (scheduler.now - begin) / ACCESS_PS]),
    });
    const driver = new QueueDriver(world.unit, world.tables.memory, AREA, () => scheduler.step());
    driver.enableQueue();
    driver.enableInterrupts(7, true);
    for (let i = 0; i < 3; i++) driver.setEntry(i, entry(0x40 + i, 1, VF));
    const begin = scheduler.now;
    for (const i of [0, 1, 0, 2, 9, 1]) world.unit.sendInterrupt(VF, message(i).address, 0);
    expect(arrivals).toEqual([]);
    scheduler.runUntilIdle();
    // Entry 9 is read too, and refuses.
    expect(arrivals).toEqual([
      [0x40, 1],
      [0x41, 2],
      [0x40, 2],
      [0x42, 3],
      [0x41, 4],
    ]);
    world.unit.sendInterrupt(VF, message(2).address, 0);
    expect(arrivals.at(-1)).toEqual([0x42, 4]);
  });
});

describe('an interrupt that somebody sends on being told of a fault', () => {
  it.each([
    ['at once', {}],
    ['in simulated time', { scheduler: new Scheduler() }],
  ])('is served behind those that wait, and each of them once: %s', (_, clock: { scheduler?: Scheduler }) => {
    const { scheduler } = clock;
    const vectors: number[] = [];
    const send = (index: number) => world.unit.sendInterrupt(VF, message(index).address, 0);
    const world = setUp(
      {
        ...clock,
        interrupts: ({ vector }) => vectors.push(vector),
        events: () => send(2),
      },
      clock,
    );
    const driver = new QueueDriver(world.unit, world.tables.memory, AREA, () => scheduler?.step() ?? false);
    driver.enableQueue();
    driver.enableInterrupts(7, true);
    driver.setFaultInterrupt(0xfee0_0000, 0);
    // Entry 9 refuses.
    for (let i = 0; i < 3; i++) driver.setEntry(i, entry(0x40 + i, 1, VF));
    for (const i of [0, 9, 1, 0]) send(i);
    scheduler?.runUntilIdle();
    // Without time the fault is known before the next one is sent.
    expect(vectors).toEqual(scheduler === undefined ? [0x40, 0x42, 0x41, 0x40] : [0x40, 0x41, 0x40, 0x42]);
    expect(world.unit.counters()).toMatchObject({ interrupts: 5, interruptsRefused: 1 });
  });
});

describe('isolation', () => {
  /** Three guests with eight functions and sixteen vectors each; entries as a hypervisor writes them, some for four functions. */
  const entries = fc.array(fc.tuple(fc.nat(31), fc.nat(2), fc.nat(7), fc.boolean()), {
    minLength: 4,
    maxLength: 20,
  });
  const requests = fc.array(
    fc.tuple(
      fc.oneof(fc.nat(23), fc.nat(0xffff)),
      fc.oneof(
        fc.nat(40).map((index) => message(index)),
        fc.tuple(fc.nat(40), fc.nat(40)).map(([index, sub]) => message(index, sub)),
        fc.record({ address: fc.integer({ min: 0xfee0_0000, max: 0xfeef_ffff }), data: fc.integer() }),
      ),
    ),
    { minLength: 10, maxLength: 40 },
  );
  const sourceOf = (guest: number, vf: number) => 0x0100 + guest * 8 + vf;

  it('no interrupt reaches a vector of a destination that the guest of its source does not own', () => {
    const { driver, unit } = setUpInterrupts({ size: 4, interruptEntries: 4 });
    fc.assert(
      fc.property(entries, requests, (table, messages) => {
        for (let index = 0; index < 32; index++) driver.writeEntry(index, [0, 0, 0, 0]);
        for (const [index, guest, vf, isGroup] of table) {
          const rest = isGroup ? { qualifier: 2 } : {};
          driver.writeEntry(
            index,
            entry(0x40 + guest * 16 + vf, guest, sourceOf(guest, vf & (isGroup ? 1 : 7)), rest),
          );
        }
        driver.submitSync(ALL_INTERRUPTS);
        for (const [which, { address, data }] of messages) {
          const sourceId = which < 24 ? 0x0100 + which : which;
          const interrupt = unit.remapInterrupt(sourceId, address, data);
          if (interrupt === null) continue;
          const guest = (sourceId - 0x0100) >> 3;
          expect(sourceId >= 0x0100 && sourceId < 0x0118).toBe(true);
          expect(interrupt.destination).toBe(guest);
          expect(interrupt.vector >> 4).toBe(4 + guest);
        }
        driver.handleFaults();
      }),
      { numRuns: process.env['SRIOVSIM_LONG'] ? 40_000 : 150 },
    );
    expect(unit.counters().interruptsRefused).toBeGreaterThan(0);
    expect(unit.counters().interrupts).toBeGreaterThan(unit.counters().interruptsRefused);
  });
});

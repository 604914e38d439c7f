import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SparseMemory } from '../../src/base/index.ts';
import { Iommu, VtdUnit } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { FSTS, IQE, ITE } from './vtd-driver.ts';
import { IQT, message, QueueDriver, type Words } from './vtd-queue-driver.ts';
import { VF } from './vtd-setup.ts';

const AREA = 0x4000_0000;
/** Posted interrupt descriptors. */
const DESCRIPTORS = 0x5000_0000;
const [ON, SN] = [1 << 0, 1 << 1];

/** A unit in a small memory. In time, devices of which some never answer; without time nobody would notice. */
function setUpSmall(isTimed: boolean) {
  const memory = new SparseMemory(2 ** 32);
  const scheduler = new Scheduler();
  const clock = isTimed ? { scheduler } : {};
  const iommu = new Iommu({ memory, deviceTlbs: true, ...clock });
  const unit: VtdUnit = new VtdUnit({
    iommu,
    memory,
    deviceTlbTimeoutPs: 1_000_000,
    deviceTlbs: {
      invalidate: (sourceId, _, __, tag) => {
        if (!isTimed || (sourceId & 1) === 0) unit.deviceTlbAnswered(sourceId, tag);
      },
    },
    ...clock,
  });
  const driver = new QueueDriver(unit, memory, AREA, () => isTimed && scheduler.step());
  return { memory, scheduler, iommu, unit, driver };
}

const word = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, 1, -1),
  fc.nat(31).map((bit) => 1 << bit),
);
/** Any four words; most of a type that there is, with few bits set. */
const words = fc
  .tuple(fc.nat(7), fc.tuple(word, word, word, word), fc.tuple(word, word, word, word))
  .map(([type, a, b]) => [(a[0] & b[0] & ~0xf) | type, a[1] & b[1], a[2] & b[2], a[3] & b[3]] as const);

describe('whatever lies in memory', () => {
  const worlds = [setUpSmall(false), setUpSmall(true)];

  it('the queue carries it out or stops at it, and goes on when it is corrected', () => {
    let errors = 0;
    let carriedOut = 0;
    fc.assert(
      fc.property(fc.nat(1), fc.array(words, { minLength: 5, maxLength: 20 }), (which, list) => {
        const { unit, driver, scheduler } = worlds[which];
        unit.reset();
        driver.enableQueue();
        driver.submit(...list);
        // Each descriptor can stop it once for what it is, and once for a device that does not answer.
        for (let stops = 0; stops <= 2 * list.length; stops++) {
          scheduler.runUntilIdle();
          const status = unit.read32(FSTS);
          if ((status & IQE) !== 0) driver.put(unit.read32(0x80) >>> 4, [5, 0, 0, 0]);
          unit.write32(FSTS, status & (IQE | ITE));
        }
        expect(unit.read32(0x80)).toBe(unit.read32(IQT));
        expect(unit.read32(FSTS) & IQE).toBe(0);
        const { queueErrors, queuedContext, queuedIotlb, queuedDeviceTlb, queuedInterrupt, queuedWaits } =
          unit.counters();
        const done = queuedContext + queuedIotlb + queuedDeviceTlb + queuedInterrupt + queuedWaits;
        expect(done).toBe(list.length);
        errors += queueErrors;
        carriedOut += done;
      }),
      { numRuns: process.env['SRIOVSIM_LONG'] ? 20_000 : 200 },
    );
    expect(errors).toBeGreaterThan(0);
    expect(carriedOut).toBeGreaterThan(errors);
  });

  it('an interrupt is delivered, posted or refused under one reason, and all are counted', () => {
    const [{ unit, driver, memory }] = worlds;
    const sums = { delivered: 0, posted: 0, spared: 0, suppressed: 0, refused: 0 };
    const sizes = fc.tuple(fc.nat(15), fc.boolean());
    // Some post into one of eight descriptors, half of them with more bits set.
    const posting = fc
      .tuple(fc.nat(7), fc.nat(255), fc.oneof(fc.constant([0, 0, 0, 0] as const), words))
      .map(([descriptor, vector, noise]) => [
        (1 << 15) | (vector << 16) | (noise[0] & ~0xf),
        DESCRIPTORS + 64 * descriptor,
        noise[2],
        noise[3],
      ]);
    const entries = fc.array(fc.tuple(fc.nat(31), fc.oneof(words, posting)), {
      minLength: 4,
      maxLength: 16,
    });
    const controls = fc.array(fc.oneof(word, fc.constantFrom(0, ON, SN)), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(
        sizes,
        entries,
        fc.array(fc.nat(40), { minLength: 5 }),
        controls,
        ([size, isExtended], table, indexes, controlled) => {
          unit.reset();
          driver.enableQueue();
          driver.enableInterrupts(size, isExtended);
          for (const [index, entry] of table)
            driver.setEntry(index, [entry[0] | 1, ...entry.slice(1)] as unknown as Words);
          // ON, SN and NV of each descriptor.
          controlled.forEach((control, i) => {
            memory.write32(DESCRIPTORS + 64 * i + 32, control);
          });
          let delivered = 0;
          for (const any of indexes) {
            // Half of them name an entry that has been written.
            const index = any < 20 ? table[any % table.length][0] : any;
            const { address, data } = message(index);
            if (unit.remapInterrupt(VF, address, data) !== null) delivered++;
            driver.handleFaults();
          }
          const counted = unit.counters();
          expect(counted.posted).toBe(counted.notifications + counted.spared + counted.suppressed);
          expect(counted.interrupts).toBe(
            delivered + counted.interruptsRefused + counted.spared + counted.suppressed,
          );
          sums.delivered += delivered;
          sums.posted += counted.posted;
          sums.spared += counted.spared;
          sums.suppressed += counted.suppressed;
          sums.refused += counted.interruptsRefused;
          for (let at = 0; at < 4096; at += 4) memory.write32(driver.table + at, 0);
        },
      ),
      { numRuns: process.env['SRIOVSIM_LONG'] ? 20_000 : 150 },
    );
    for (const sum of Object.values(sums)) expect(sum).toBeGreaterThan(0);
  });
});

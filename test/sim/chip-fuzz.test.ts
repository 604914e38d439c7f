import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';
import { FuzzedMachine } from './fuzz-rig.ts';
import { FuzzingDriver, pfTargets, vfTargets } from './fuzzing-driver.ts';

// Short: a second or two. `SRIOVSIM_LONG` makes it ten million operations of each kind.
const long = process.env['SRIOVSIM_LONG'] === '1';
const OPERATIONS = Number(process.env['FUZZ_OPERATIONS'] ?? (long ? 10_000_000 : 6_000));
const RUNS = long ? 20 : 1;
const timeout = 6 * 3_600_000;

describe('a driver that writes anything to any register and into its rings', { timeout }, () => {
  it('of a VF neither stops the machine nor reaches memory but its own, and the VF beside it loses no frame', () => {
    const run = (seed: number) => {
      const machine = new FuzzedMachine(
        createMachine({ nic: intel82599Chip(), guests: FuzzedMachine.GUESTS }),
      );
      const driver = new FuzzingDriver(machine, vfTargets(machine), seed);
      machine.startTraffic();
      driver.run(OPERATIONS / RUNS);
      machine.settle();
      expect(machine.watch.strays).toEqual([]);
      expect(machine.changedPatterns()).toEqual([]);
      // The driver came as far as the rings: frames went both ways.
      expect(driver.framesSeen()).toBeGreaterThan(0);
      expect(machine.lostByNeighbours()).toEqual({ toPort: 0, fromPort: 0 });
    };
    fc.assert(fc.property(fc.nat(), run), { numRuns: RUNS, endOnFailure: true });
  });

  it('of the PF breaks its VFs at most: no function reaches memory that is not its own', () => {
    const run = (seed: number) => {
      const machine = new FuzzedMachine(
        createMachine({ nic: intel82599Chip(), guests: FuzzedMachine.GUESTS }),
      );
      const driver = new FuzzingDriver(machine, pfTargets(machine), seed);
      machine.startTraffic();
      driver.run(OPERATIONS / RUNS);
      machine.settle();
      expect(machine.watch.strays).toEqual([]);
      // Queues of VFs are the PF's to set up: what they reach is their own guest's.
      expect(machine.changedPatterns().filter((owner) => owner === 'host' || owner === 'idle')).toEqual([]);
      expect(driver.framesSeen()).toBeGreaterThan(0);
    };
    fc.assert(fc.property(fc.nat(), run), { numRuns: RUNS, endOnFailure: true });
  });
});

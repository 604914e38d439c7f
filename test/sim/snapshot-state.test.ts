import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine, type Simulation } from '../../src/index.ts';
import { RoundEntry } from '../../src/kernel/weighted-round.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';
import { ByteWriter } from '../../src/sim/snapshot/byte-writer.ts';
import { GraphWriter } from '../../src/sim/snapshot/graph-writer.ts';
import { snapshotSimulation } from '../../src/sim/snapshot/index.ts';
import { STATE_TABLE } from '../../src/sim/snapshot/state-table.ts';
import { boot } from './rig.ts';
import { firstDifference } from './snapshot-rig.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';

type Fields = Record<string, unknown>;

/** A machine with most of what a machine can have. */
const machine = () =>
  boot({
    nic: { profile: 'generic', port: { pfc: [3], xoffKiB: 16, xonKiB: 8 } },
    guests: [
      { name: 'a', vfs: [{ maxTxMbps: 500, class: 3 }] },
      { name: 'b', driver: 'interrupt' },
    ],
    traffic: [
      { from: 'a', to: 'b', saturate: true },
      { from: 'b', to: 'port', ratePps: 1e6, arrivals: 'poisson', frameBytes: { imix: true } },
      { from: 'port', to: 'a', ratePps: 1e6 },
    ],
    faults: [{ kind: 'iommu-fault', probability: 0.01, target: 'b' }],
    warmUpMs: 0.02,
    durationMs: 0.1,
  });

/** Every object that a snapshot finds, in its order. */
const found = (simulation: Simulation) => new GraphWriter(new ByteWriter(), STATE_TABLE).write(simulation);

/** What an object holds by fields that are state: links last. */
function held(object: object): [string, unknown][] {
  if (object instanceof Map) return [...object].map(([key, value]) => [String(key), value]);
  if (object instanceof Set) return [...object].map((value, i) => [String(i), value]);
  if (ArrayBuffer.isView(object) || Object.isFrozen(object) || typeof object === 'function') return [];
  const { apart = [] } = STATE_TABLE.rules.get(object.constructor) ?? {};
  return Object.entries(object).filter(([field]) => !apart.includes(field));
}

/** Where each object is found first: its owner, and the name there. */
function places(simulation: Simulation): Map<object, { owner: object; name: string }> {
  const at = new Map<object, { owner: object; name: string }>();
  const objects = found(simulation);
  for (const links of [false, true]) {
    for (const owner of objects) {
      const rule = STATE_TABLE.rules.get(owner.constructor)?.links ?? [];
      for (const [name, value] of held(owner)) {
        if (rule.includes(name) !== links) continue;
        const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
        if (isObject && !at.has(value)) at.set(value, { owner, name });
      }
    }
  }
  return at;
}

describe('the state of a machine', { timeout: LONG ? 3_600_000 : 120_000 }, () => {
  it('has every field that the table of its classes names', () => {
    const { simulation } = createMachine({ nic: intel82599Chip(), guests: [{ name: 'a' }] });
    const objects = [...found(machine()), ...found(simulation)];
    for (const [type, { links = [], apart = [] }] of STATE_TABLE.rules) {
      const one = objects.find((object) => object.constructor === type);
      expect(one, (type as { name: string }).name).toBeDefined();
      for (const field of [...links, ...apart]) expect(Object.keys(one as object)).toContain(field);
    }
  });

  it('is told apart by every number in it: one of each field of each class', () => {
    const simulation = machine();
    simulation.advance(simulation.startPs + 30_000_000);
    const bytes = snapshotSimulation(simulation);
    const numbers = new Map<string, [Fields, string]>();
    for (const object of found(simulation)) {
      if (Array.isArray(object) || object instanceof Map || object instanceof Set) continue;
      for (const [field, value] of held(object)) {
        if (typeof value !== 'number') continue;
        const isPlain = object.constructor === Object || object.constructor === undefined;
        numbers.set(`${isPlain ? Object.keys(object).join() : object.constructor.name}.${field}`, [
          object as Fields,
          field,
        ]);
      }
    }
    expect(numbers.size).toBeGreaterThan(300);
    const check = (name: string) => {
      const [object, field] = numbers.get(name) as [Fields, string];
      const value = object[field] as number;
      object[field] = value === 1 ? 2 : 1;
      expect(firstDifference(snapshotSimulation(simulation), bytes), name).not.toBe(-1);
      object[field] = value;
    };
    const names = [...numbers.keys()];
    if (LONG) for (const name of names) check(name);
    else fc.assert(fc.property(fc.constantFrom(...names), check), { numRuns: 20, endOnFailure: true });
    expect(firstDifference(snapshotSimulation(simulation), bytes)).toBe(-1);
  });

  it('has each function, and what was there after the boot and cannot be made again, always at one place', () => {
    // The heads of a round take turns, and are alike.
    const makers = new Set<unknown>([
      RoundEntry,
      ...Object.values(STATE_TABLE.madeLater).map(({ type }) => type),
    ]);
    const simulation = machine();
    const before = places(simulation);
    for (const share of [0.1, 0.35, 0.9]) {
      const { startPs, endPs } = simulation;
      simulation.advance(startPs + Math.floor(share * (endPs - startPs)));
      const now = places(simulation);
      for (const [object, { owner, name }] of before) {
        const there = now.get(object);
        const isOwn = object.constructor !== Object && object.constructor !== Array;
        const mayMove =
          makers.has(object.constructor) || ArrayBuffer.isView(object) || object instanceof ArrayBuffer;
        if (!isOwn || mayMove || there === undefined) continue;
        const what = `${object.constructor?.name} of ${owner.constructor?.name}.${name}`;
        expect(
          there.owner === owner && there.name === name,
          `${what}, now ${there.owner.constructor?.name}.${there.name}`,
        ).toBe(true);
      }
    }
  });
});

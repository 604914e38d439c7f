import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Endpoint, type PcieFunction, restoreEndpoint, saveEndpoint } from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { machine, SRIOV } from './fixture.ts';

type Access = readonly [routingId: number, offset: number, bytes: number, value: number];

/** Accesses to where something happens more often than to anywhere. */
const offsets = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(4, 0x10, 0x14, 0x44, 0x72, 0xa8, 0xe2) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      SRIOV + 8,
      SRIOV + 0x10,
      SRIOV + 0x20,
      SRIOV + 0x24,
      SRIOV + 0x28,
      SRIOV + 0x30,
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4095 }) },
);
const accesses = fc.array(
  fc.tuple(
    fc.constantFrom(0x0100, 0x0101, 0x0102, 0x0180, 0x0181, 0x0182, 0x01fe, 0x0280, 0x0281),
    offsets,
    fc.constantFrom(1, 2, 4),
    fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 4, 8, 9, 0x18, 0x19, 0xffffffff)),
  ),
  { maxLength: 60 },
);

function apply(endpoint: Endpoint, list: readonly Access[]): void {
  for (const [routingId, offset, bytes, value] of list) {
    const at = offset - (offset % bytes);
    endpoint.configWrite(routingId, at, bytes, value);
    const read = endpoint.configRead(routingId, at, bytes);
    expect(read).toBeGreaterThanOrEqual(-1);
    expect(read).toBeLessThan(2 ** (8 * bytes));
  }
}

function checkFunction(endpoint: Endpoint, fn: PcieFunction): void {
  const { config } = fn;
  const { layout } = config;
  const volatile = new Set([SRIOV + 0x14, 0xe0, 0xe4]);
  const changed: number[] = [];
  for (let dword = 0; dword < 1024; dword++) {
    if (volatile.has(dword * 4)) continue;
    const changeable = layout.writeMask[dword] | layout.w1cMask[dword] | layout.w1sMask[dword];
    if (((config.read32(dword * 4) ^ layout.reset[dword]) & ~changeable) !== 0) changed.push(dword * 4);
  }
  expect(changed).toEqual([]);
  expect(endpoint.functionAt(fn.routingId)).toBe(fn);
  const awake = (config.read16(0x44) & 3) === 0 || fn.isVirtual;
  expect(fn.busMaster).toBe(awake && (config.read16(4) & 4) !== 0);
  expect(fn.msixEnabled).toBe((config.read16(0x72) & 0x8000) !== 0);
  expect(fn.msixMasked).toBe((config.read16(0x72) & 0x4000) !== 0);
}

describe('any sequence of configuration accesses', () => {
  it('throws nothing and changes no bit that is not writable', () => {
    fc.assert(
      fc.property(accesses, (list) => {
        const endpoint = new Endpoint({ functions: intel82599Config({ ports: 2 }), bus: 1 });
        apply(endpoint, list);
        for (const fn of endpoint.allFunctions()) checkFunction(endpoint, fn);
      }),
    );
  });

  it('leaves NumVFs, VF Enable and the VFs in agreement', () => {
    fc.assert(
      fc.property(accesses, (list) => {
        const endpoint = new Endpoint({ functions: intel82599Config({ ports: 2 }), bus: 1 });
        apply(endpoint, list);
        for (const pf of endpoint.functions) {
          const enabled = (pf.config.read16(SRIOV + 8) & 1) !== 0;
          const numVfs = pf.config.read16(SRIOV + 0x10);
          expect(pf.sriov!.enabled).toBe(enabled);
          expect(pf.sriov!.count).toBe(enabled && numVfs <= 64 ? numVfs : 0);
          expect(pf.sriov!.firstVfOffset).toBe(pf.config.read16(SRIOV + 0x14));
          const indices = Array.from({ length: pf.sriov!.count }, (_, i) => i);
          expect(indices.map((i) => pf.sriov!.indexOf(pf.sriov!.routingIdOf(i)))).toEqual(indices);
        }
      }),
    );
  });

  it('comes out the same from the same accesses, and from a saved state', () => {
    fc.assert(
      fc.property(accesses, accesses, (first, second) => {
        const make = () => new Endpoint({ functions: intel82599Config({ ports: 2 }), bus: 1 });
        const whole = make();
        apply(whole, first);
        const resumed = make();
        restoreEndpoint(resumed, saveEndpoint(whole));
        expect(saveEndpoint(resumed)).toEqual(saveEndpoint(whole));
        apply(whole, second);
        apply(resumed, second);
        expect(saveEndpoint(resumed)).toEqual(saveEndpoint(whole));
        for (const fn of whole.allFunctions()) {
          const other = resumed.functionAt(fn.routingId)!;
          expect([other.busMaster, other.memoryEnabled]).toEqual([fn.busMaster, fn.memoryEnabled]);
        }
      }),
    );
  });
});

describe('any memory address', () => {
  it('is claimed by exactly the function whose BAR holds it', () => {
    const { endpoint, nics, root } = machine(intel82599Config({ ports: 2 }));
    for (const nic of nics) {
      root.write(nic.routingId, SRIOV + 0x10, 2, 40);
      root.write(nic.routingId, SRIOV + 0x08, 2, nic.routingId === 0x0100 ? 0x19 : 9);
    }
    const all = endpoint.allFunctions();
    const near = fc.oneof(
      fc.integer({ min: 0xe000_0000, max: 0xe080_0000 }),
      fc.integer({ min: 0x40_0000_0000 - 16, max: 0x40_0008_0000 }),
    );
    fc.assert(
      fc.property(near, (address) => {
        const holders = all.flatMap((fn) =>
          fn.bars
            .filter((bar) => bar.kind !== 'io')
            .map((bar) => ({
              fn,
              bar: bar.index,
              offset: address - fn.barBase(bar.index),
              bytes: fn.barBytes(bar.index),
            }))
            .filter(({ offset, bytes }) => offset >= 0 && offset < bytes),
        );
        expect(holders.length).toBeLessThanOrEqual(1);
        expect(endpoint.claim(address)).toBe(holders.length === 1);
        if (holders.length === 0) return;
        const [{ fn, bar, offset }] = holders;
        expect([endpoint.hitFunction, endpoint.hitBar, endpoint.hitOffset]).toEqual([fn, bar, offset]);
      }),
      { numRuns: 500 },
    );
  });
});

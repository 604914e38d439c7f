import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConfigType,
  ECAP_SRIOV,
  Endpoint,
  type PcieFunction,
  saveConfig,
} from '../../../src/pcie/index.ts';
import { CARD_CONFIGS, genericConfig } from '../../../src/profiles/index.ts';

const RUNS = process.env['SRIOVSIM_LONG'] === undefined ? 25 : 2000;

const CARDS = CARD_CONFIGS.map(({ name, functions, ports }) => ({
  name,
  functions: name === 'generic' ? genericConfig({ pfs: 3, totalVfs: 300 }) : functions(ports[0], false),
}));

/** Registers that the hardware changes behind the masks, by their names. */
const BY_HARDWARE = /^(VPD VPD |SR-IOV First VF Offset|SR-IOV VF Stride|PRI Page Request Status)/;

/** Who is accessed: a function that there is, by its place in the list, or who is beside it, or any Routing ID. */
type Target = { readonly place: number; readonly beside?: number } | { readonly routingId: number };

interface Access {
  readonly target: Target;
  /** Place of the register in the table of whoever is accessed, and the byte in it; or any offset. */
  readonly at: { readonly row: number; readonly byte: number } | { readonly offset: number };
  readonly bytes: 1 | 2 | 4;
  readonly value: number;
  readonly type: ConfigType | undefined;
}

const accesses: fc.Arbitrary<Access[]> = fc.array(
  fc.record({
    target: fc.oneof(
      { weight: 8, arbitrary: fc.record({ place: fc.nat({ max: 50 }) }) },
      {
        weight: 3,
        arbitrary: fc.record({ place: fc.nat({ max: 50 }), beside: fc.integer({ min: -4, max: 4 }) }),
      },
      { weight: 2, arbitrary: fc.record({ routingId: fc.nat({ max: 0x5ff }) }) },
    ),
    at: fc.oneof(
      { weight: 8, arbitrary: fc.record({ row: fc.nat({ max: 200 }), byte: fc.nat({ max: 3 }) }) },
      { weight: 1, arbitrary: fc.record({ offset: fc.nat({ max: 4095 }) }) },
      // SR-IOV Control and NumVFs.
      { weight: 4, arbitrary: fc.constantFrom({ row: -1, byte: 0 }, { row: -2, byte: 0 }) },
    ),
    bytes: fc.constantFrom(1, 2, 4),
    value: fc.oneof(
      fc.nat({ max: 0xffffffff }),
      fc.constantFrom(0, 1, 3, 4, 8, 9, 0x18, 0x19, 0x8000, 0xffff, 0xffffffff),
      fc.nat({ max: 20 }),
    ),
    type: fc.constantFrom<ConfigType | undefined>(undefined, undefined, undefined, 0, 1),
  }),
  { maxLength: 40 },
);

/** The functions, of many VFs the first and the last ones. */
function someFunctions(endpoint: Endpoint): PcieFunction[] {
  const all = [...endpoint.functions];
  for (const { sriov } of endpoint.functions) {
    const count = sriov?.count ?? 0;
    for (const i of new Set([0, 1, count - 2, count - 1])) if (i >= 0 && i < count) all.push(sriov!.vf(i));
  }
  return all;
}

function routingIdOf(endpoint: Endpoint, target: Target): number {
  if ('routingId' in target) return target.routingId;
  const all = someFunctions(endpoint);
  return (all[target.place % all.length].routingId + (target.beside ?? 0)) & 0xffff;
}

function offsetOf(endpoint: Endpoint, routingId: number, at: Access['at'], bytes: number): number {
  const align = (offset: number) => offset - (offset % bytes);
  if ('offset' in at) return align(at.offset);
  const fn = endpoint.functionAt(routingId) ?? endpoint.functions[0];
  const sriov = fn.findExtendedCapability(ECAP_SRIOV);
  if (at.row < 0 && sriov !== 0) return align(sriov + (at.row === -1 ? 0x08 : 0x10));
  const { rows } = fn.config.layout.table;
  return align(rows[Math.abs(at.row) % rows.length].offset + at.byte);
}

/** What every function holds, by function number, and of VFs those that somebody has touched. */
function stateOf(endpoint: Endpoint): Map<PcieFunction, string> {
  const state = new Map<PcieFunction, string>();
  for (const fn of endpoint.functions) {
    state.set(fn, saveConfig(fn.config).join());
    for (const vf of fn.sriov?.made() ?? []) state.set(vf, saveConfig(vf.config).join());
  }
  return state;
}

/** Does the access and checks that nobody but the function that is accessed, its VFs, and at ARI its siblings changed. */
function access(endpoint: Endpoint, { target, at, bytes, value, type }: Access): void {
  const routingId = routingIdOf(endpoint, target);
  const offset = offsetOf(endpoint, routingId, at, bytes);
  const read = endpoint.configRead(routingId, offset, bytes, type);
  expect(read === -1 || (Number.isInteger(read) && read >= 0 && read < 2 ** (8 * bytes))).toBe(true);
  const addressee = addressed(endpoint, routingId, type);
  const before = stateOf(endpoint);
  expect(read === -1).toBe(addressee === null);
  if (addressee !== null) expect(read).toBe(addressee.config.read(offset, bytes));
  const answered = endpoint.configWrite(routingId, offset, bytes, value, type);
  expect(answered).toBe(addressee !== null);
  const firstVfOffset = (fn: PcieFunction) => fn.findExtendedCapability(ECAP_SRIOV) + 0x14;
  for (const [fn, held] of stateOf(endpoint)) {
    if (fn === addressee || before.get(fn) === undefined || fn.physical === addressee) continue;
    const strip = (text: string) => withoutDword(text, firstVfOffset(fn) / 4);
    expect(strip(held), `${fn.name} after an access to ${routingId.toString(16)}`).toBe(
      strip(before.get(fn)!),
    );
  }
}

/** Who has to answer: by the bus number for type 1, by the function number for type 0. */
function addressed(endpoint: Endpoint, routingId: number, type: ConfigType | undefined): PcieFunction | null {
  if (type === 1) return routingId >> 8 === endpoint.bus ? null : holderOf(endpoint, routingId);
  const own = holderOf(endpoint, (endpoint.bus << 8) | (routingId & 0xff));
  return type === 0 ? own : (holderOf(endpoint, routingId) ?? own);
}

/** Who has a Routing ID, by the registers of the PFs alone. */
function holderOf(endpoint: Endpoint, routingId: number): PcieFunction | null {
  for (const pf of endpoint.functions) if (pf.routingId === routingId) return pf;
  for (const pf of endpoint.functions) {
    const at = pf.findExtendedCapability(ECAP_SRIOV);
    const read16 = (offset: number) => pf.config.read16(at + offset);
    const numVfs = read16(0x10);
    if (at === 0 || (read16(0x08) & 1) === 0 || numVfs > read16(0x0e)) continue;
    for (let i = 0; i < numVfs; i++) {
      if (((pf.routingId + read16(0x14) + read16(0x16) * i) & 0xffff) === routingId) return pf.sriov!.vf(i);
    }
  }
  return null;
}

function withoutDword(saved: string, dword: number): string {
  const numbers = saved === '' ? [] : saved.split(',');
  return numbers.filter((_, i) => numbers[i - (i % 2)] !== `${dword}`).join();
}

function checkInvariants(endpoint: Endpoint): void {
  const routingIds = new Set<number>();
  for (const fn of someFunctions(endpoint)) {
    const { config } = fn;
    // Each answers to its own Routing ID, and no two have the same.
    expect(endpoint.functionAt(fn.routingId)).toBe(fn);
    expect(routingIds.has(fn.routingId)).toBe(false);
    routingIds.add(fn.routingId);
    // Bits that cannot be written are as after reset.
    const byHardware = new Set(
      config.layout.table.rows.filter(({ name }) => BY_HARDWARE.test(name)).map(({ offset }) => offset >> 2),
    );
    for (let dword = 0; dword < 1024; dword++) {
      if (byHardware.has(dword)) continue;
      const changeable = config.layout.writeMask[dword] | config.layout.w1cMask[dword];
      if (((config.read32(dword * 4) ^ config.layout.reset[dword]) & ~changeable) !== 0) {
        expect.unreachable(`${fn.name} has changed at ${(dword * 4).toString(16)}`);
      }
    }
    // What is decoded agrees with the registers.
    const awake = fn.powerState === 0 && (fn.physical ?? fn).powerState === 0;
    expect(fn.busMaster).toBe(awake && (config.read16(4) & 4) !== 0);
    expect(fn.present).toBe(true);
    if (fn.isVirtual) expect(config.read32(0)).toBe(0xffffffff);
    if (fn.sriov === null) continue;
    const at = fn.findExtendedCapability(ECAP_SRIOV);
    const [enabled, numVfs] = [(config.read16(at + 8) & 1) === 1, config.read16(at + 0x10)];
    expect(fn.sriov.enabled).toBe(enabled);
    expect(fn.sriov.count).toBe(enabled && numVfs <= fn.sriov.totalVfs ? numVfs : 0);
    expect([config.read16(at + 0x14), config.read16(at + 0x16)]).toEqual([
      fn.sriov.firstVfOffset,
      fn.sriov.vfStride,
    ]);
    expect(config.read32(at + 0x20) & ~config.read32(at + 0x1c)).toBe(0);
  }
}

describe('any sequence of configuration accesses', () => {
  it.each(CARDS)(
    'to $name, its VFs and functions that are not there, throws nothing, breaks no invariant and changes nobody else',
    ({ functions }) => {
      fc.assert(
        fc.property(accesses, (list) => {
          const endpoint = new Endpoint({ functions, bus: 1 });
          for (const each of list) access(endpoint, each);
          checkInvariants(endpoint);
        }),
        { numRuns: RUNS },
      );
    },
  );
});

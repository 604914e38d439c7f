import { describe, expect, it } from 'vitest';
import {
  currentVfs,
  disableVfs,
  enableVfs,
  enablingVfs,
  formatRoutingId,
  SriovError,
  type SriovErrorCode,
  setNumVfs,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { genericProfile, type Machine, machine, SRIOV } from './fixture.ts';

function refusal(action: () => unknown): [SriovErrorCode, string] {
  try {
    action();
  } catch (error) {
    if (error instanceof SriovError) return [error.code, error.message];
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Configuration writes to the SR-IOV capability, and waits, in order. */
function record(of: Machine) {
  const log: string[] = [];
  const access = {
    read: (routingId: number, offset: number, bytes: number) => of.root.read(routingId, offset, bytes),
    write(routingId: number, offset: number, bytes: number, value: number) {
      log.push(`${(offset - SRIOV).toString(16)}=${value.toString(16)}`);
      of.root.write(routingId, offset, bytes, value);
    },
  };
  return { log, access, wait: (ms: number) => void log.push(`wait ${ms}`) };
}

const wait = () => {};

describe('enableVfs', () => {
  it('writes NumVFs, then VF Enable with VF MSE, then waits 100 ms', () => {
    const of = machine();
    const { log, access, wait } = record(of);
    enableVfs(access, of.nics[0], 4, { wait });
    expect(log).toEqual(['10=4', '8=19', 'wait 100']);
  });

  it('returns the Routing IDs of the VFs', () => {
    const { root, nics, endpoint } = machine(intel82599Config({ ports: 2 }));
    const routingIds = enableVfs(root, nics[1], 3, { wait });
    expect(routingIds.map(formatRoutingId)).toEqual(['01:10.1', '01:10.3', '01:10.5']);
    for (const routingId of routingIds)
      expect(endpoint.functionAt(routingId)?.physical).toBe(endpoint.functions[1]);
    expect(currentVfs(root, nics[1])).toEqual(routingIds);
    expect(currentVfs(root, nics[0])).toEqual([]);
  });

  it('reaches every VF through the bridges, with ARI and without', () => {
    for (const ari of [true, false]) {
      const { root, nics } = machine(intel82599Config(), { ari });
      for (const routingId of enableVfs(root, nics[0], 64, { wait })) {
        expect(root.read(routingId, 0x70, 1)).toBe(0x11);
      }
    }
  });

  it('does nothing for 0', () => {
    const of = machine();
    const { log, access, wait } = record(of);
    expect(enableVfs(access, of.nics[0], 0, { wait })).toEqual([]);
    expect(log).toEqual([]);
  });

  it('says EINVAL when VFs are enabled already', () => {
    const { root, nics } = machine();
    enableVfs(root, nics[0], 2, { wait });
    expect(refusal(() => enableVfs(root, nics[0], 2, { wait }))).toEqual([
      'EINVAL',
      '01:00.0: 2 VFs are enabled already',
    ]);
  });

  it('says EINVAL for more than TotalVFs, for no integer, and for a function without SR-IOV', () => {
    const { root, nics, tree } = machine();
    expect(refusal(() => enableVfs(root, nics[0], 65, { wait }))).toEqual([
      'EINVAL',
      '01:00.0: 65 VFs requested, TotalVFs is 64',
    ]);
    expect(refusal(() => enableVfs(root, nics[0], 1.5, { wait }))[0]).toBe('EINVAL');
    expect(refusal(() => enableVfs(root, nics[0], -1, { wait }))[0]).toBe('EINVAL');
    expect(refusal(() => enableVfs(root, tree.functions[0], 1, { wait }))).toEqual([
      'EINVAL',
      '00:01.0 has no SR-IOV',
    ]);
  });

  it('says ERANGE for more than the driver allows', () => {
    const { root, nics } = machine();
    expect(refusal(() => enableVfs(root, nics[0], 64, { wait, maximum: 63 }))).toEqual([
      'ERANGE',
      '01:00.0: 64 VFs requested, the driver allows 63',
    ]);
  });

  it('says ENOMEM when a VF BAR has no address', () => {
    const { root, nics } = machine(intel82599Config(), { memory32: { base: 0xe000_0000, bytes: 0 } });
    expect(refusal(() => enableVfs(root, nics[0], 1, { wait }))).toEqual([
      'ENOMEM',
      '01:00.0: VF BAR 0 has no address',
    ]);
  });

  it('says ENOMEM when a VF would be on a bus out of reach, and leaves NumVFs 0', () => {
    const { root, nics, endpoint } = machine(intel82599Config(), {
      ari: false,
      rootBus: 0x82,
      lastBus: 0x83,
    });
    expect(refusal(() => enableVfs(root, nics[0], 1, { wait }))).toEqual([
      'ENOMEM',
      "83:00.0: can't enable 1 VFs (bus 84 out of range of [bus 83])",
    ]);
    expect(endpoint.functions[0].config.read16(SRIOV + 0x10)).toBe(0);
    expect(endpoint.allFunctions()).toHaveLength(1);
  });

  it('says EIO when InitialVFs and TotalVFs contradict each other', () => {
    const { root, nics, endpoint } = machine();
    endpoint.functions[0].config.poke16(SRIOV + 0x0c, 32);
    expect(refusal(() => enableVfs(root, nics[0], 1, { wait }))).toEqual([
      'EIO',
      '01:00.0: InitialVFs is 32 and TotalVFs is 64',
    ]);
  });

  it('says ENODEV when the PF that it depends on is missing, and ENOSYS when that is no PF', () => {
    const dependent = genericProfile({ totalVfs: 4, functionDependencyLink: 1 });
    const alone = machine([dependent]);
    expect(refusal(() => enableVfs(alone.root, alone.nics[0], 1, { wait }))).toEqual([
      'ENODEV',
      '01:00.0 depends on 01:00.1, which is not there',
    ]);
    const plain = { ...dependent, capabilities: dependent.capabilities.slice(0, 2) };
    const both = machine([dependent, plain]);
    expect(refusal(() => enableVfs(both.root, both.nics[0], 1, { wait }))).toEqual([
      'ENOSYS',
      '01:00.0 depends on 01:00.1, which has no SR-IOV',
    ]);
    const linked = machine([dependent, genericProfile({ totalVfs: 4 })]);
    expect(enableVfs(linked.root, linked.nics[0], 1, { wait })).toEqual([0x0200]);
  });

  it('can be run step by step by who cannot block', () => {
    const { root, nics } = machine();
    const steps = enablingVfs(root, nics[0], 1);
    expect(steps.next()).toEqual({ value: 100, done: false });
    expect(steps.next()).toEqual({ value: [0x0180], done: true });
  });
});

describe('disableVfs', () => {
  it('clears VF Enable and VF MSE, waits a second, then clears NumVFs', () => {
    const of = machine();
    enableVfs(of.root, of.nics[0], 4, { wait });
    const { log, access, wait: waits } = record(of);
    disableVfs(access, of.nics[0], { wait: waits });
    expect(log).toEqual(['8=10', 'wait 1000', '10=0']);
    expect(of.endpoint.allFunctions()).toHaveLength(1);
    disableVfs(access, of.nics[0], { wait: waits });
    expect(log).toHaveLength(3);
  });
});

describe('setNumVfs', () => {
  it('brings VFs, takes them away, and does nothing for the number that is set', () => {
    const of = machine();
    const { log, access, wait } = record(of);
    expect(setNumVfs(access, of.nics[0], 2, { wait })).toEqual([0x0180, 0x0182]);
    const writes = log.length;
    expect(setNumVfs(access, of.nics[0], 2, { wait })).toEqual([0x0180, 0x0182]);
    expect(log).toHaveLength(writes);
    expect(setNumVfs(access, of.nics[0], 0, { wait })).toEqual([]);
    expect(of.endpoint.allFunctions()).toHaveLength(1);
    expect(setNumVfs(access, of.nics[0], 0, { wait })).toEqual([]);
  });

  it('says EBUSY for another number while there are VFs', () => {
    const { root, nics } = machine();
    setNumVfs(root, nics[0], 2, { wait });
    expect(refusal(() => setNumVfs(root, nics[0], 3, { wait }))).toEqual([
      'EBUSY',
      '01:00.0: 2 VFs are enabled: disable them before 3',
    ]);
  });

  it('says ERANGE first', () => {
    const { root, nics } = machine();
    setNumVfs(root, nics[0], 2, { wait });
    expect(refusal(() => setNumVfs(root, nics[0], 65, { wait }))).toEqual([
      'ERANGE',
      '01:00.0: 65 VFs requested, 64 are allowed',
    ]);
  });
});

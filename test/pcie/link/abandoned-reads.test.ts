import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CompletionStatus,
  CompletionTimeouts,
  Endpoint,
  followFunctions,
  lspciDump,
  type PcieFunction,
  ReadOutcome,
  restoreConfig,
  saveConfig,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/index.ts';
import { DmaRig, memoryRequest } from './dma-rig.ts';

const SRIOV = 0x160;
const DEVICE_CONTROL = 0xa8;
const DEVICE_STATUS = 0xaa;
const PENDING = 1 << 5;
const FLR = 0x8000;
/** In which no read of the rig has ended, and all have. */
const SOON = 1000;
const LATER = 10_000_000;

/** A card with a PF and three VFs, whose requests the rig's requester issues. */
function withCard(options: ConstructorParameters<typeof DmaRig>[0] = {}) {
  const rig = new DmaRig(options);
  const endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
  const [pf] = endpoint.functions;
  pf.config.write16(SRIOV + 0x10, 3);
  pf.config.write16(SRIOV + 0x08, 0x19);
  followFunctions(endpoint, rig.requester, { listener: null });
  const vfs = [0, 1, 2].map((i) => pf.sriov!.vf(i));
  const read = (fn: PcieFunction, cookie: number, bytes = 64, address = 0x10000) =>
    rig.requester.read(memoryRequest(fn.routingId, address, bytes, 0, rig.client, cookie));
  const wait = (ps: number) => rig.scheduler.runUntil(rig.scheduler.now + ps);
  return { rig, endpoint, pf, vfs, read, wait };
}

const isPending = (fn: PcieFunction) => (fn.config.read16(DEVICE_STATUS) & PENDING) !== 0;

describe('Transactions Pending', () => {
  it('is set when a function has issued non-posted requests that have not completed: in that function alone', () => {
    const { pf, vfs, read, wait } = withCard();
    const all = [pf, ...vfs];
    expect(all.map(isPending)).toEqual([false, false, false, false]);
    read(vfs[1], 1);
    expect(all.map(isPending)).toEqual([false, false, true, false]);
    read(pf, 2);
    expect(all.map(isPending)).toEqual([true, false, true, false]);
    wait(LATER);
    expect(all.map(isPending)).toEqual([false, false, false, false]);
  });

  it('is not set for posted requests', () => {
    const { rig, pf } = withCard();
    rig.requester.write(memoryRequest(pf.routingId, 0x10000, 64, 0, rig.client, 1));
    expect(isPending(pf)).toBe(false);
  });

  it('is cleared only when all have completed', () => {
    const { rig, vfs, read } = withCard();
    read(vfs[0], 1);
    read(vfs[0], 2, 4000);
    const seen: [number, boolean][] = [];
    rig.onRead = (cookie) => seen.push([cookie, isPending(vfs[0])]);
    rig.scheduler.runUntilIdle();
    expect(seen).toEqual([
      [1, true],
      [2, false],
    ]);
  });

  it('is cleared when they are terminated by the Completion Timeout mechanism', () => {
    const { rig, vfs, pf, read, wait } = withCard();
    const timeouts = new CompletionTimeouts('requester', rig.scheduler, rig.tlps, rig.requester);
    rig.port.foreseen = rig.scheduler.task('lose', (index) => timeouts.lose(rig.tlps.records[index], vfs[0]));
    read(vfs[0], 1);
    wait(9e9);
    expect(isPending(vfs[0])).toBe(true);
    wait(2e9);
    expect(isPending(vfs[0])).toBe(false);
    expect(rig.reads).toMatchObject([{ cookie: 1, status: ReadOutcome.TIMEOUT }]);
    expect(isPending(pf)).toBe(false);
  });

  it('is read-only, and what is written beside it does not keep it', () => {
    const { vfs, read, wait } = withCard();
    const [vf] = vfs;
    read(vf, 1);
    vf.config.write16(DEVICE_STATUS, 0xffff);
    vf.config.poke16(DEVICE_STATUS, vf.config.read16(DEVICE_STATUS) | 1);
    expect(vf.config.read16(DEVICE_STATUS)).toBe(PENDING | 1);
    const saved = saveConfig(vf.config);
    wait(LATER);
    expect(vf.config.read16(DEVICE_STATUS)).toBe(1);
    restoreConfig(vf.config, saved);
    expect(vf.config.read16(DEVICE_STATUS)).toBe(1);
  });

  it('is in the dump that lspci reads', () => {
    const { vfs, read } = withCard();
    const before = lspciDump([vfs[0]], 'raw');
    read(vfs[0], 1);
    const at = (text: string) =>
      text
        .split('\n')
        .find((line) => line.startsWith('a0:'))
        ?.split(' ')[11];
    expect([at(before), at(lspciDump([vfs[0]], 'raw'))]).toEqual(['00', '20']);
  });
});

describe('a Function Level Reset with requests outstanding', () => {
  it('clears Transactions Pending, and its completions are silently discarded (6.6.2)', () => {
    const { rig, vfs, pf, read, wait } = withCard();
    read(vfs[0], 1);
    read(vfs[1], 2);
    wait(SOON);
    vfs[0].config.write16(DEVICE_CONTROL, FLR);
    expect([vfs[0], vfs[1]].map(isPending)).toEqual([false, true]);
    rig.scheduler.runUntilIdle();
    expect(rig.reads).toMatchObject([
      { cookie: 1, status: ReadOutcome.ABANDONED },
      { cookie: 2, status: CompletionStatus.SUCCESSFUL },
    ]);
    for (const fn of [pf, vfs[0]]) {
      expect(fn.config.read16(DEVICE_STATUS)).toBe(0);
      expect(fn.config.read32(0x104)).toBe(0);
    }
  });

  it('keeps their tags until the completions have come, so that none is mistaken for another', () => {
    const { rig, vfs, read, wait } = withCard({ requester: { tags: 2 } });
    read(vfs[0], 1);
    read(vfs[0], 2);
    wait(SOON);
    vfs[0].config.write16(DEVICE_CONTROL, FLR);
    expect(rig.requester.counters()).toMatchObject({ tagsInUse: 2 });
    expect(rig.requester.canRead(64)).toBe(false);
    read(vfs[0], 3);
    expect(isPending(vfs[0])).toBe(true);
    rig.scheduler.runUntilIdle();
    expect(rig.reads.map(({ cookie, status }) => [cookie, status])).toEqual([
      [1, ReadOutcome.ABANDONED],
      [2, ReadOutcome.ABANDONED],
      [3, CompletionStatus.SUCCESSFUL],
    ]);
    expect(rig.isIdle).toBe(true);
  });

  it('has those that wait for tags never leave', () => {
    const { rig, vfs, read, wait } = withCard({ requester: { tags: 2 } });
    read(vfs[1], 1, 1000);
    // Three trains of two requests each.
    expect(read(vfs[0], 2, 3000)).toBe(3);
    read(vfs[1], 3);
    wait(SOON);
    vfs[0].config.write16(DEVICE_CONTROL, FLR);
    expect(rig.reads.map(({ cookie, status }) => [cookie, status])).toEqual(
      Array(3).fill([2, ReadOutcome.ABANDONED]),
    );
    rig.scheduler.runUntilIdle();
    expect(rig.reads.slice(3).map(({ cookie, status }) => [cookie, status])).toEqual([
      [1, CompletionStatus.SUCCESSFUL],
      [3, CompletionStatus.SUCCESSFUL],
    ]);
    expect(rig.port.memoryReads).toBe(2);
    expect(rig.isIdle).toBe(true);
  });

  it('notes no error of them in the function that is new', () => {
    const { rig, vfs, read, wait } = withCard();
    // No memory stands behind that address: Unsupported Request.
    read(vfs[0], 1, 64, 0x9000_0000);
    wait(SOON);
    vfs[0].config.write16(DEVICE_CONTROL, FLR);
    rig.scheduler.runUntilIdle();
    expect(rig.reads).toMatchObject([{ cookie: 1, status: ReadOutcome.ABANDONED }]);
    expect(vfs[0].config.read16(6) & 0xf900).toBe(0);
    read(vfs[0], 2, 64, 0x9000_0000);
    rig.scheduler.runUntilIdle();
    expect(vfs[0].config.read16(6) & 0x2000).toBe(0x2000);
  });

  it('of the PF, or the clearing of VF Enable, has nothing come of the requests of its VFs', () => {
    for (const clear of [
      (pf: PcieFunction) => pf.config.write16(DEVICE_CONTROL, FLR),
      (pf: PcieFunction) => pf.config.write16(SRIOV + 8, 0x10),
      (pf: PcieFunction) => {
        pf.config.write16(0x44, 3);
        pf.config.write16(0x44, 0);
      },
    ]) {
      const { rig, pf, vfs, read, wait } = withCard();
      for (const vf of vfs) read(vf, vf.vfIndex);
      wait(SOON);
      clear(pf);
      // The same Routing IDs are there again before the completions come.
      pf.config.write16(SRIOV + 0x10, 3);
      pf.config.write16(SRIOV + 0x08, 0x19);
      expect(pf.sriov!.routingIdOf(0)).toBe(vfs[0].routingId);
      expect(isPending(pf.sriov!.vf(0))).toBe(false);
      rig.scheduler.runUntilIdle();
      expect(rig.reads.map(({ status }) => status)).toEqual(Array(3).fill(ReadOutcome.ABANDONED));
      expect(rig.isIdle).toBe(true);
    }
  });
});

describe('whatever functions are reset while they read', () => {
  const step = fc.record({
    fn: fc.nat(3),
    what: fc.constantFrom('read', 'read', 'read', 'reset', 'vf enable'),
    bytes: fc.integer({ min: 1, max: 3000 }),
    waitPs: fc.integer({ min: 0, max: 300_000 }),
  });

  it('each read ends as often as it has trains, successful if its function was not reset, and all tags come back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { rig, pf, read, wait } = withCard({ requester: { tags: 8 } });
        const issued: { fn: number; trains: number; gone: boolean }[] = [];
        const ended: number[] = [];
        rig.onRead = (cookie, status) => {
          ended[cookie] = (ended[cookie] ?? 0) + 1;
          const { gone } = issued[cookie];
          // What has ended before the reset has ended well.
          if (status === ReadOutcome.ABANDONED) expect(gone).toBe(true);
          else expect([status, gone]).toEqual([CompletionStatus.SUCCESSFUL, false]);
        };
        const open = (fn: number) =>
          issued.filter((each, i) => each.fn === fn && (ended[i] ?? 0) < each.trains);
        for (const { fn, what, bytes, waitPs } of steps) {
          const target = fn === 0 ? pf : pf.sriov!.vf(fn - 1);
          if (what === 'read' && rig.requester.canRead(bytes)) {
            issued.push({ fn, trains: 0, gone: false });
            issued[issued.length - 1].trains = read(target, issued.length - 1, bytes);
          } else if (what === 'reset') {
            for (const each of fn === 0 ? [0, 1, 2, 3].flatMap(open) : open(fn)) each.gone = true;
            target.config.write16(DEVICE_CONTROL, FLR);
          } else if (what === 'vf enable') {
            for (const each of [1, 2, 3].flatMap(open)) each.gone = true;
            pf.config.write16(SRIOV + 0x08, 0);
          }
          pf.config.write16(SRIOV + 0x10, 3);
          pf.config.write16(SRIOV + 0x08, 0x19);
          const functions = [pf, 0, 1, 2].map((each) =>
            typeof each === 'number' ? pf.sriov!.vf(each) : each,
          );
          expect(functions.map(isPending)).toEqual(
            [0, 1, 2, 3].map((each) => open(each).some(({ gone }) => !gone)),
          );
          wait(waitPs);
        }
        rig.scheduler.runUntilIdle();
        expect(issued.map((_, i) => ended[i])).toEqual(issued.map(({ trains }) => trains));
        expect(rig.isIdle).toBe(true);
      }),
      { numRuns: process.env['SRIOVSIM_LONG'] ? 3000 : 40 },
    );
  });
});

import fc from 'fast-check';
import { expect } from 'vitest';
import { CompletionStatus } from '../../../src/pcie/tlp.ts';
import { DmaRig, type DmaRigOptions, memoryRequest, PagedTranslator, splicedRequest } from './dma-rig.ts';

/** Where programs read and write: a few pages, from here on. */
const BASE = 0x10_0000;
const PAGES = 6;
const AREA = PAGES * 4096;
/** Store that each step has to itself. */
const STEP_BYTES = 8192;
export const MESSAGES = 0xfee0_0000;

/** What a device does next, `gap` ps after the last step. */
export interface Step {
  readonly kind: 'read' | 'write' | 'insert' | 'strip' | 'message';
  readonly at: number;
  readonly bytes: number;
  readonly skew: number;
  readonly gap: number;
}

/** Programs of up to `length` steps. */
export function programs(length: number): fc.Arbitrary<Step[]> {
  const bytes = fc.oneof(
    fc.integer({ min: 16, max: 128 }),
    fc.integer({ min: 16, max: 1600 }),
    fc.integer({ min: 16, max: 4200 }),
  );
  const at = fc.oneof(
    fc.integer({ min: 0, max: AREA }),
    fc.tuple(fc.nat(PAGES), fc.integer({ min: -40, max: 40 })).map(([page, near]) => page * 4096 + near),
  );
  const kind = fc.constantFrom('read', 'write', 'insert', 'strip', 'message', 'read', 'write');
  const gap = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300_000 }));
  const step = fc.record({ kind: kind as fc.Arbitrary<Step['kind']>, at, bytes, skew: fc.nat(7), gap });
  return fc.array(step, { minLength: 1, maxLength: length });
}

/**
 * Runs a program and checks all of it: every commit and read against memory as the order of issue makes it,
 * tags, records, and what is left at the end. Pages in `refused` (numbers from the area's first) fault.
 */
export function runProgram(
  program: readonly Step[],
  options: DmaRigOptions,
  shift: number,
  refused: number[],
): void {
  const tags = options.requester?.tags ?? 32;
  let opened = false;
  const rig = new DmaRig({ ...options, storeBytes: STEP_BYTES * program.length });
  rig.probe.sink = {
    record: () => {
      if (rig.requester.counters().tagsInUse > tags) expect.fail('more tags in use than there are');
    },
  };
  const isRefused = (offset: number) => refused.includes(Math.floor(offset / 4096));
  // For every byte of the area: the steps that wrote it, in order of issue, and what they wrote.
  const history: ([number, number][] | undefined)[] = new Array(AREA);
  const expected: (number | string)[] = [];
  const pending = new Map<number, { trains: number; failed: boolean }>();
  let next = 0;

  const issueOne = (index: number, { kind, bytes, skew, ...step }: Step) => {
    const { requester, store, client } = rig;
    const at = Math.max(0, Math.min(step.at, AREA - bytes));
    const offset = index * STEP_BYTES + 16 + skew;
    if (kind === 'message') {
      requester.message(1, MESSAGES, index);
      expected.push(`${MESSAGES.toString(16)}=${index.toString(16)}`);
      return;
    }
    if (kind === 'read') {
      store.u8.fill(0xa5, index * STEP_BYTES, (index + 1) * STEP_BYTES);
      const trains = requester.read(memoryRequest(1, BASE + at, bytes, offset, client, index));
      pending.set(index, { trains, failed: false });
      return;
    }
    for (let i = 0; i < bytes + 4; i++) store.u8[offset + i] = (index * 31 + i * 7 + 1) & 0xff;
    const from = [...store.u8.subarray(offset, offset + bytes + 4)];
    let result = from.slice(0, bytes);
    // Head and inserted word lie in the first page, as their issuer has to see to.
    const splices = kind !== 'write' && (at % 4096) + 16 <= 4096;
    if (!splices) requester.write(memoryRequest(1, BASE + at, bytes, offset, client, index));
    else {
      const inserts = kind === 'insert';
      result = inserts
        ? [...from.slice(0, 12), 1, 2, 3, 4, ...from.slice(12, bytes - 4)]
        : [...from.slice(0, 12), ...from.slice(16, bytes + 4)];
      const [skip, word] = inserts ? [0, 0x0403_0201] : [4, 0];
      requester.write(splicedRequest(1, BASE + at, bytes, offset, 12, skip, inserts, word, client, index));
    }
    for (let i = 0; i < bytes; i++) {
      if (isRefused(at + i)) continue;
      history[at + i] ??= [];
      history[at + i]?.push([index, result[i]]);
    }
    pending.set(index, { trains: -1, failed: false });
  };

  const issue = () => {
    while (opened && next < program.length) {
      const step = program[next];
      const fits = step.kind === 'read' ? rig.requester.canRead(step.bytes) : rig.requester.canWrite();
      if (!fits) return;
      opened = false;
      issueOne(next, step);
      next++;
      if (next < program.length) rig.scheduler.schedule(program[next].gap, open, 0, 0);
    }
  };
  const open = rig.scheduler.task('open', () => {
    opened = true;
    issue();
  });
  rig.onReady = issue;

  const checkRead = (index: number) => {
    const { bytes, skew, ...step } = program[index];
    const at = Math.max(0, Math.min(step.at, AREA - bytes));
    const offset = index * STEP_BYTES + 16 + skew;
    const wrong: number[] = [];
    for (let i = 0; i < bytes; i++) {
      const byte = rig.store.u8[offset + i];
      // What was written last before the read, or anything later that has been issued meanwhile.
      const writes = history[at + i];
      const last = writes === undefined ? 0 : writes.findLastIndex(([writer]) => writer < index);
      const allowed = writes?.slice(Math.max(0, last)).map(([, value]) => value) ?? [];
      if (last < 0 || writes === undefined) allowed.push(0);
      if (isRefused(at + i) ? byte !== 0xa5 : !allowed.includes(byte)) wrong.push(at + i);
    }
    expect(wrong).toEqual([]);
    expect(rig.store.u8[offset - 1]).toBe(0xa5);
    expect(rig.store.u8[offset + bytes]).toBe(0xa5);
  };
  rig.onRead = (index, status) => {
    const read = pending.get(index) as { trains: number; failed: boolean };
    if (status !== CompletionStatus.SUCCESSFUL) {
      expect(status).toBe(CompletionStatus.UNSUPPORTED_REQUEST);
      read.failed = true;
    }
    if (--read.trains > 0) return;
    const { bytes, ...step } = program[index];
    const at = Math.max(0, Math.min(step.at, AREA - bytes));
    const touched = refused.some((page) => page * 4096 < at + bytes && (page + 1) * 4096 > at);
    expect(read.failed).toBe(touched);
    checkRead(index);
    pending.delete(index);
  };

  rig.scheduler.schedule(program[0].gap, open, 0, 0);
  rig.scheduler.runUntilIdle();

  expect(next).toBe(program.length);
  for (const index of rig.writes) pending.delete(index);
  expect([...pending.keys()]).toEqual([]);
  expect(rig.isIdle).toBe(true);
  const memory = new Uint8Array(AREA);
  rig.memory.copyOut(BASE + shift, AREA, memory, 0);
  const final = Uint8Array.from(history, (writes) => writes?.at(-1)?.[1] ?? 0);
  expect(memory.every((byte, i) => byte === final[i])).toBe(true);
  expect(rig.committed.filter((commit) => typeof commit === 'string')).toEqual(expected);
  checkOrder(rig, program, shift, isRefused);
}

/** Commits come in the order of issue: each one's address lies in the step's span, steps never go back. */
function checkOrder(
  rig: DmaRig,
  program: readonly Step[],
  shift: number,
  isRefused: (at: number) => boolean,
): void {
  let step = 0;
  let reached = 0;
  for (const commit of rig.committed) {
    const isNext = () => {
      const { kind, bytes, ...rest } = program[step];
      if (kind === 'read') return false;
      if (kind === 'message') return commit === `${MESSAGES.toString(16)}=${step.toString(16)}`;
      if (typeof commit === 'string') return false;
      const at = Math.max(0, Math.min(rest.at, AREA - bytes));
      const from = commit - BASE - shift;
      return from >= at && from < at + bytes && from >= reached && !isRefused(from);
    };
    while (step < program.length && !isNext()) {
      step++;
      reached = 0;
    }
    expect(step).toBeLessThan(program.length);
    if (typeof commit === 'string') step++;
    else reached = commit - BASE - shift + 1;
  }
}

/** First page of the area, as {@link PagedTranslator} counts. */
export const FIRST_PAGE = BASE / 4096;
export { PagedTranslator };

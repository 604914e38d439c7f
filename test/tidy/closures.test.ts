import { describe, expect, it } from 'vitest';
import { checkClosures } from './closures.ts';
import { readSources, report } from './project.ts';

/** Folders that a machine is made of: their objects' state is what a snapshot finds in fields. */
const MODEL = /^src\/(base|kernel|registers|wire|pcie|iommu|dma|nicswitch|nic|host|profiles|drivers|sim)\//;
/** Not of a machine: what is made of its log, what resolves scenarios, what a user attaches, what writes snapshots. */
const BESIDE =
  /^src\/sim\/(experiments|life|snapshot)\/|^src\/sim\/(scenario-|breakpoints)|^src\/wire\/capture/;

/** Helpers within a function that has ended before anything else happens. */
const AT_ONCE = [
  'src/nic/flow-registers.ts',
  'src/nic/nic.ts',
  'src/nic/transmit-division.ts',
  'src/pcie/capabilities/capability.ts',
];

describe('what a machine is made of', () => {
  it('keeps no state in variables that closures capture', () => {
    const files = readSources().filter(({ path }) => MODEL.test(path) && !BESIDE.test(path));
    const found = checkClosures(files);
    expect([...new Set(found.map(({ path }) => path))].sort()).toEqual(AT_ONCE);
    expect(report(found).length).toBe(AT_ONCE.length);
  });

  it.each([
    ['let n = 0; export const f = () => { n++; };', 'n'],
    ['export function f() { let n = 0; return () => { n = 1; }; }', 'n'],
    ['export function f(n: number) { return () => { n += 1; }; }', 'n'],
    ['export function f() { let n = 0; for (const x of [1]) { n = x; } return n; }', null],
    ['export function f() { return () => { let n = 0; n++; return n; }; }', null],
    ['export function f(o: { n: number }) { return () => { o.n++; }; }', null],
  ])('%s', (text, name) => {
    const wanted = name === null ? [] : [`src/a.ts:1: a closure sets ${name}`];
    expect(report(checkClosures([{ path: 'src/a.ts', text }]))).toEqual(wanted);
  });
});

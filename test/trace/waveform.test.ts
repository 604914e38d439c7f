import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  VCD_HIGH_IMPEDANCE,
  VCD_UNKNOWN,
  type VcdVariable,
  VcdWriter,
  Waveform,
} from '../../src/trace/index.ts';
import { readVcd } from './vcd-reader.ts';

const wire = (path: string, width: number): VcdVariable => ({ path, width, type: 'wire' });

function dumped(variables: readonly VcdVariable[], fill: (dump: VcdWriter) => void = (dump) => dump.end(0)) {
  const pieces: string[] = [];
  fill(new VcdWriter((piece) => pieces.push(piece), { version: 'v 1', comment: 'a $comment', variables }));
  return { pieces, text: pieces.join('') };
}

function read(waveform: Waveform, fromPs: number, toPs: number) {
  const pieces: string[] = [];
  const changes = waveform.write((piece) => pieces.push(piece), { version: 'v', fromPs, toPs });
  const dump = readVcd(pieces.join(''));
  expect(dump.changes.length).toBe(changes);
  return dump;
}

describe('a value change dump', () => {
  it('declares variables in their scopes, each scope once', () => {
    const variables = [
      wire('link.up.busy', 1),
      wire('count', 8),
      wire('link.down.busy', 1),
      wire('link.up.type', 3),
    ];
    const { text } = dumped(variables, (dump) => {
      dump.begin(5, [0, 255, VCD_UNKNOWN, VCD_HIGH_IMPEDANCE]);
      dump.end(9);
    });
    const dump = readVcd(text);
    expect(dump).toMatchObject({ version: 'v 1', comment: 'a comment', fromPs: 5, toPs: 9 });
    expect(dump.variables.map(({ path, width }) => [path, width])).toEqual([
      ['count', 8],
      ['link.up.busy', 1],
      ['link.up.type', 3],
      ['link.down.busy', 1],
    ]);
    expect(variables.map(({ path }) => dump.at(path, 5))).toEqual([0, 255, 'x', 'z']);
    expect(text.match(/\$scope module link \$end/g)?.length).toBe(1);
  });

  it('writes values of all widths, events, and times up to the last that there is', () => {
    const variables = [wire('a', 1), wire('b', 32), { path: 'c', width: 1, type: 'event' as const }];
    const latest = Number.MAX_SAFE_INTEGER;
    const { text } = dumped(variables, (dump) => {
      dump.begin(0, [1, 0xffff_ffff, 0]);
      dump.change(7, 1, 0);
      dump.change(7, 2, 1);
      dump.change(8, 2, 1);
      dump.change(latest - 1, 0, VCD_UNKNOWN);
      dump.end(latest);
    });
    const dump = readVcd(text);
    expect([dump.at('a', 0), dump.at('b', 6), dump.at('b', 7), dump.at('a', latest)]).toEqual([
      1,
      0xffff_ffff,
      0,
      'x',
    ]);
    expect(dump.changes.filter(({ path }) => path === 'c').map(({ timePs }) => timePs)).toEqual([7, 8]);
    expect(dump.toPs).toBe(latest);
  });

  it('gives each of many variables a code of its own', () => {
    const variables = Array.from({ length: 20_000 }, (_, i) => wire(`s${i % 7}.v${i}`, 4));
    const { pieces, text } = dumped(variables, (dump) => {
      dump.begin(
        0,
        variables.map((_, i) => i % 16),
      );
      for (let i = 0; i < 20_000; i++) dump.change(i + 1, i, (i + 1) % 16);
      dump.end(20_001);
    });
    const dump = readVcd(text);
    expect(pieces.length).toBeGreaterThan(2);
    for (const i of [0, 93, 94, 8929, 8930, 19_999]) {
      expect(dump.at(`s${i % 7}.v${i}`, 0)).toBe(i % 16);
      expect(dump.at(`s${i % 7}.v${i}`, 20_001)).toBe((i + 1) % 16);
    }
  });

  it.each([
    [[wire('a b', 1)], /path: "a b"/],
    [[wire('', 1)], /path: ""/],
    [[wire('a.', 1)], /path/],
    [[wire('1a', 1)], /path/],
    [[wire('a', 1), wire('a', 2)], /twice/],
    [[wire('a', 0)], /width: 0 of a/],
    [[wire('a', 33)], /width: 33/],
    [[{ path: 'a', width: 2, type: 'event' as const }], /width: 2/],
  ])('refuses %j', (variables, message) => {
    expect(() => dumped(variables)).toThrow(message);
  });

  it('refuses values that are too wide, and times that go back', () => {
    dumped([wire('a', 3)], (dump) => {
      dump.begin(10, [7]);
      expect(() => dump.change(11, 0, 8)).toThrow('value: 8 has more than 3 bits');
      expect(() => dump.change(9, 0, 1)).toThrow(RangeError);
    });
  });
});

describe('a waveform', () => {
  it('has what signals are from one instant to another, and nothing that is over when it begins', () => {
    const waveform = new Waveform();
    const [a, b] = [waveform.signal('a', 8, 'one'), waveform.signal('b', 8, 'other')];
    for (const [timePs, value] of [
      [0, 1],
      [10, 2],
      [10, 3],
      [20, 3],
      [30, 4],
      [30, 3],
      [40, 5],
      [51, 6],
    ])
      waveform.set(a, timePs, value);
    waveform.set(b, 30, 9);
    const dump = read(waveform, 15, 50);
    expect(dump.changes).toEqual([
      { timePs: 30, path: 'b', value: 9 },
      { timePs: 40, path: 'a', value: 5 },
    ]);
    expect([dump.at('a', 15), dump.at('b', 15), dump.at('b', 30)]).toEqual([3, 'x', 9]);
    expect(read(waveform, 10, 10).at('a', 10)).toBe(3);
    expect(() => waveform.set(a, 50, 1)).toThrow(RangeError);
  });

  it('has events when they happen, the first instant included', () => {
    const waveform = new Waveform();
    const event = waveform.signal('e', 1, '', 'event');
    for (const timePs of [5, 5, 10, 20, 21]) waveform.set(event, timePs, 1);
    expect(read(waveform, 10, 20).changes.map(({ timePs }) => timePs)).toEqual([10, 20]);
  });

  it('says of any changes what was set last', () => {
    const change = fc.tuple(fc.nat(2), fc.nat(4), fc.integer({ min: -2, max: 3 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.nat(60), fc.nat(60), (changes, one, other) => {
        const waveform = new Waveform();
        const signals = ['a', 'b', 'c'].map((name) => waveform.signal(name, 2, ''));
        let timePs = 0;
        const set = changes.map(([signal, gap, value]) => {
          timePs += gap;
          waveform.set(signals[signal], timePs, value);
          return { signal, timePs, value };
        });
        const [fromPs, toPs] = [Math.min(one, other), Math.max(one, other)];
        const dump = read(waveform, fromPs, toPs);
        for (let time = fromPs; time <= toPs; time++) {
          ['a', 'b', 'c'].forEach((name, signal) => {
            const last =
              set.findLast((each) => each.signal === signal && each.timePs <= time)?.value ?? VCD_UNKNOWN;
            const expected = last === VCD_UNKNOWN ? 'x' : last === VCD_HIGH_IMPEDANCE ? 'z' : last;
            expect(dump.at(name, time)).toBe(expected);
          });
        }
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { type Experiment, ParameterError, runExperiment } from '../../../src/sim/experiments/index.ts';

/** Gives back what it was given. */
const echo: Experiment = {
  name: 'echo',
  summary: 'Echoes.',
  parameters: {
    lanes: { about: 'Lanes.', default: [8], allowed: [1, 8, 16] },
    kind: { about: 'Kind.', default: ['read'], allowed: ['read', 'write'] },
    sizes: { about: 'Sizes.', default: [64, 128], range: [1, 4096] },
  },
  columns: [{ name: 'size', unit: 'B' }],
  published: [],
  run: ({ sizes }, seed) => sizes.map((size) => [size, seed]),
};

describe('runExperiment', () => {
  it('fills in what is not set, and says what it ran with', () => {
    expect(runExperiment(echo)).toEqual({
      schema: 1,
      experiment: 'echo',
      parameters: { lanes: [8], kind: ['read'], sizes: [64, 128] },
      seed: 1,
      columns: echo.columns,
      rows: [
        [64, 1],
        [128, 1],
      ],
      published: [],
    });
  });

  it('takes lists with commas', () => {
    const { parameters, rows } = runExperiment(echo, ['sizes=2, 3', 'kind=write,read'], 7);
    expect(parameters).toEqual({ lanes: [8], kind: ['write', 'read'], sizes: [2, 3] });
    expect(rows).toEqual([
      [2, 7],
      [3, 7],
    ]);
  });

  it('refuses a parameter that is given twice', () => {
    expect(() => runExperiment(echo, ['sizes=1', 'lanes=8', 'sizes=2'])).toThrow(
      new ParameterError('sizes: is given twice; allowed once, a list with commas'),
    );
  });

  it.each([
    ['lanes', '"lanes": is no setting; allowed KEY=VALUE'],
    ['=5', '"=5": is no setting; allowed KEY=VALUE'],
    ['lane=8', 'lane: echo has no such parameter (did you mean "lanes"?); allowed lanes, kind, sizes'],
    ['lanes=2', 'lanes: "2" does not fit; allowed 1, 8, 16'],
    ['lanes=', 'lanes: "" does not fit; allowed 1, 8, 16'],
    ['kind=READ', 'kind: "READ" does not fit; allowed read, write'],
    ['sizes=0', 'sizes: "0" does not fit; allowed whole numbers from 1 to 4096'],
    ['sizes=64,,65', 'sizes: "" does not fit; allowed whole numbers from 1 to 4096'],
    ['sizes=1.5', 'sizes: "1.5" does not fit; allowed whole numbers from 1 to 4096'],
    ['sizes=-64', 'sizes: "-64" does not fit; allowed whole numbers from 1 to 4096'],
    ['toString=1', 'toString: echo has no such parameter; allowed lanes, kind, sizes'],
  ])('refuses %s', (setting, message) => {
    expect(() => runExperiment(echo, [setting])).toThrow(new ParameterError(message));
  });
});

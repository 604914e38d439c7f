import fc from 'fast-check';
import { describe, it } from 'vitest';
import { RandomStreams } from '../../../src/base/index.ts';
import { FIRST_PAGE, PagedTranslator, programs, runProgram } from './dma-program.ts';
import { type DmaRigOptions, ForeseeingTranslator } from './dma-rig.ts';
import { INFINITE } from './link-rig.ts';

const SHIFT = PagedTranslator.SHIFT;

/** Random limits of the device, of the link and of the root port's credits. */
const limits: fc.Arbitrary<DmaRigOptions> = fc
  .record({
    generation: fc.constantFrom(1, 3, 5),
    lanes: fc.constantFrom(1, 8),
    tags: fc.constantFrom(1, 3, 8, 32, 256),
    maxPayloadBytes: fc.constantFrom(128, 256, 512),
    maxReadRequestBytes: fc.constantFrom(128, 512, 4096),
    headers: fc.constantFrom(0, 1, 2, 5, 64),
    boundary: fc.constantFrom(64, 128),
  })
  .map(({ generation, lanes, tags, maxPayloadBytes, maxReadRequestBytes, headers, boundary }) => ({
    link: {
      rate: { generation, lanes },
      maxPayloadBytes,
      rootCredits: {
        ...INFINITE,
        postedHeaders: headers,
        postedData: headers === 0 ? 0 : (maxPayloadBytes / 16) * Math.ceil(headers / 2),
        nonPostedHeaders: headers,
        nonPostedData: headers,
      },
    },
    requester: { tags, maxPayloadBytes, maxReadRequestBytes },
    port: { maxPayloadBytes, readCompletionBoundary: boundary },
  }));

describe('DMA over a link', () => {
  it('reads and writes the right bytes in the right order, without translation', () => {
    fc.assert(
      fc.property(limits, programs(60), (options, program) => runProgram(program, options, 0, [])),
      { numRuns: 60 },
    );
  });

  it('does so while lookups miss at random and walks end in any order', () => {
    fc.assert(
      fc.property(
        limits,
        programs(60),
        fc.nat(),
        fc.integer({ min: 1, max: 4 }),
        (options, program, seed, often) => {
          const random = new RandomStreams(seed).stream('walks');
          const walkPs = () => (random.integer(often) === 0 ? 1 + random.integer(2_000_000) : 0);
          const translator: DmaRigOptions['translator'] = (s) => new PagedTranslator(s, walkPs);
          runProgram(program, { ...options, translator }, SHIFT, []);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does so where addresses are looked up when a request leaves', () => {
    const pages = fc.uniqueArray(fc.nat(5), { maxLength: 2 });
    const often = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(limits, programs(60), fc.nat(), often, pages, (options, program, seed, often, refused) => {
        const random = new RandomStreams(seed).stream('walks');
        const walkPs = () => (random.integer(often) === 0 ? 1 + random.integer(2_000_000) : 0);
        const numbers = refused.map((page) => FIRST_PAGE + page);
        const translator: DmaRigOptions['translator'] = (s) => new ForeseeingTranslator(s, walkPs, numbers);
        runProgram(program, { ...options, translator }, SHIFT, refused);
      }),
      { numRuns: 60 },
    );
  });

  it('does so while some pages are refused: only what touches them fails', () => {
    const pages = fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(limits, programs(60), fc.nat(), pages, (options, program, seed, refused) => {
        const random = new RandomStreams(seed).stream('walks');
        const walkPs = () => (random.integer(2) === 0 ? 1 + random.integer(2_000_000) : 0);
        const numbers = refused.map((page) => FIRST_PAGE + page);
        const translator: DmaRigOptions['translator'] = (s) => new PagedTranslator(s, walkPs, numbers);
        runProgram(program, { ...options, translator }, SHIFT, refused);
      }),
      { numRuns: 60 },
    );
  });
});
